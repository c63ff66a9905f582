"""Match texts against the regular expressions of Perl."""
from __future__ import annotations

import functools
from typing import Annotated

from opensips_py.module import Between, ConfigError, MIError, Module, Route, first, mi, param, run_blocking, script
from opensips_py.module.kinds import Text
from opensips_py.modules.regex.groups import groups
from opensips_py.modules.regex.patterns import Pcre, flags_of

ANYWHERE = (Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL | Route.STARTUP | Route.TIMER
            | Route.EVENT)
KEPT = 256  # patterns that a worker does not compile again
NOT_ENABLED, FAILED = 403, 500
NO_GROUPS, WRONG = -2, -4


class PcrePattern(Text):
    """A pattern as text; a constant one is checked when the script compiles."""

    name = "pcre_regex"

    def constant(self, value: int | str) -> str:
        """The text, if it is a pattern with or without the option for extended ones."""
        text = str(value)
        try:
            Pcre(text)
        except ValueError:
            Pcre(text, flags_of(False, False, False, True))
        return text


class RegexModule(Module, name="regex"):
    """Match texts against the regular expressions of Perl (PCRE2), alone or in groups that a file holds.

    Patterns work on bytes: a dot is one of them. In the script, $$ stands for the $ of a pattern. A search that takes
    too many steps is given up and logged, and counts as no match.

    In the file, a group begins with a line [0], [1] and so on; its place counts, not its number. Each line below is a
    pattern, but for those that begin with a blank or #."""

    file: str = param("", "File with groups of patterns.")
    max_groups: Annotated[int, Between(1, 1_000_000)] = param(20, "Groups that the file may have.")
    group_max_size: Annotated[int, Between(1, 1 << 16)] = param(
        8192, "Bytes that a group may have, with parentheses around each pattern.")
    pcre_caseless: bool = param(0, "Whether case is ignored; (?i) or (?-i) in a pattern decides for it alone.")
    pcre_multiline: bool = param(0, "Whether ^ and $ also match at the line ends inside a text; (?m) in a pattern.")
    pcre_dotall: bool = param(0, "Whether a dot also matches a line end; (?s) in a pattern.")
    pcre_extended: bool = param(0, "Whether blanks in patterns are ignored, and # begins a comment; (?x).")
    groups: tuple[Pcre, ...] | None = None

    def load(self) -> None:
        """Read the file: with a mistake in it, the server does not start."""
        flags = flags_of(self.pcre_caseless, self.pcre_multiline, self.pcre_dotall, self.pcre_extended)
        self.compiled = functools.lru_cache(KEPT)(functools.partial(Pcre, flags=flags))
        if self.file:
            try:
                self.groups = self.read()
            except (OSError, ValueError) as error:
                raise ConfigError(f"{self.file}: {error}", module=self.name, parameter="file") from None

    @script(ANYWHERE)
    def pcre_match(self, string: str, pcre_regex: Annotated[str, PcrePattern()]) -> int:
        """Whether *pcre_regex* matches anywhere in *string*: 1 or -1; -4 where it is no pattern."""
        try:
            pattern = self.compiled(pcre_regex)
        except ValueError as error:
            self.log.error("pcre_match: %s", error)
            return WRONG
        return self.code(pattern, string)

    @script(ANYWHERE)
    def pcre_match_group(self, string: str, group: int = 0) -> int:
        """Whether one of the patterns of *group* matches anywhere in *string*: 1 or -1; -2 without a file of groups,
        -4 where it has no such group."""
        if self.groups is None:
            self.log.error("pcre_match_group: there are no groups: the parameter file is not set")
            return NO_GROUPS
        if not 0 <= group < len(self.groups):
            self.log.error("pcre_match_group: there is no group %d", group)
            return WRONG
        return self.code(self.groups[group], string)

    @mi("regex_reload", v40="regex:reload", scope="each", merge=first)
    def reload(self) -> None:
        """Read the file again; with a mistake in it, the groups stay as they are."""
        if not self.file:
            raise MIError(NOT_ENABLED, "groups are not enabled: the parameter file is not set")
        try:
            self.groups = run_blocking(self.read)
        except (OSError, ValueError) as error:
            raise MIError(FAILED, f"{self.file}: {error}") from None

    @mi(None, "regex_match", v40="regex:match")
    def match(self, string: str, pcre_regex: str) -> str:
        """Say whether *pcre_regex* matches *string*: Match, or Not Match."""
        try:
            return told(self.compiled(pcre_regex), string)
        except ValueError as error:
            raise MIError(FAILED, str(error)) from None

    @mi(None, "regex_match_group", v40="regex:match_group")
    def match_group(self, string: str, group: int) -> str:
        """Say whether one of the patterns of *group* matches *string*: Match, or Not Match."""
        if self.groups is None:
            raise MIError(FAILED, "groups are disabled: the parameter file is not set")
        if not 0 <= group < len(self.groups):
            raise MIError(FAILED, f"{group} is not the index of a group")
        return told(self.groups[group], string)

    def code(self, pattern: Pcre, text: str) -> int:
        """What a function returns for *text*."""
        try:
            return 1 if pattern.matches(text) else -1
        except TimeoutError as error:
            self.log.error("%s is given up: %s", pattern.text, error)
            return -1

    def read(self) -> tuple[Pcre, ...]:
        """The groups of the file."""
        flags = flags_of(self.pcre_caseless, self.pcre_multiline, self.pcre_dotall, self.pcre_extended)
        with open(self.file, encoding="utf-8", errors="surrogateescape") as lines:
            return tuple(Pcre(each, flags) for each in groups(lines, self.max_groups, self.group_max_size))


def told(pattern: Pcre, text: str) -> str:
    """The answer of a management command."""
    try:
        return "Match" if pattern.matches(text) else "Not Match"
    except TimeoutError as error:
        raise MIError(FAILED, f"{pattern.text} is given up: {error}") from None

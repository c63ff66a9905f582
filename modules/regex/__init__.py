"""Match texts against Perl-compatible regular expressions."""
from __future__ import annotations

import functools
from typing import Annotated, Any

from opensips_py.module import Between, ConfigError, MIError, Module, Route, first, mi, param, run_blocking, script
from opensips_py.module.kinds import Text, shown
from opensips_py.modules.regex.expressions import Options, Search, compiled, pcre2
from opensips_py.modules.regex.groups import groups

ANYWHERE = (Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL | Route.STARTUP | Route.TIMER
            | Route.EVENT)
KEPT = 256  # expressions that a worker does not compile again
BAD = 400


class Expression(Text):
    """A Perl-compatible regular expression as text; a constant one is checked when the script compiles."""

    name = "pcre_regex"

    def constant(self, value: int | str) -> str:
        """The text, if it is one with or without the option for extended ones."""
        text = str(value)
        try:
            compiled(text, Options())
        except ValueError as error:
            try:
                compiled(text, Options(extended=True))
            except ValueError:
                raise ValueError(f"{shown(text)} is not a regular expression: {error}") from None
        return text


class RegexModule(Module, name="regex"):
    """Match texts against Perl-compatible regular expressions, alone or in groups that a file holds.

    The expressions are PCRE2's (`pip install opensips-py[pcre]`), or without that those of Python's regex package,
    which knows nearly all of them. In the script, $$ is a $ in an expression. A search that goes on for too long is
    given up, logged, and counts as no match.

    In the file a group begins with a line [0], [1] and so on; its place counts, not its number. Each line below is an
    expression, except for those that begin with a blank or #."""

    file: str = param("", "File with groups of expressions.")
    max_groups: Annotated[int, Between(1, 1_000_000)] = param(20, "Groups that the file may have.")
    group_max_size: Annotated[int, Between(1, 1 << 16)] = param(
        8192, "Bytes that a group may have, with parentheses around each expression.")
    pcre_caseless: bool = param(0, "Whether case is ignored; (?i) or (?-i) in an expression decides for it alone.")
    pcre_multiline: bool = param(0, "Whether ^ and $ also match at the line ends inside a text; (?m) in an expression.")
    pcre_dotall: bool = param(0, "Whether a dot also matches a line end; (?s) in an expression.")
    pcre_extended: bool = param(0, "Whether blanks in expressions are ignored, and # begins a comment; (?x).")
    groups: tuple[Search, ...] = ()

    def load(self) -> None:
        """Read the file: with a mistake in it, the server does not start."""
        if pcre2 is None:
            self.log.info('regex: works without PCRE2; pip install "opensips-py[pcre]" for all that PCRE knows')
        options = Options(self.pcre_caseless, self.pcre_multiline, self.pcre_dotall, self.pcre_extended)
        self.search = functools.lru_cache(KEPT)(functools.partial(compiled, options=options))
        if self.file:
            try:
                self.groups = self.read()
            except (OSError, ValueError) as error:
                raise ConfigError(f"{self.file}: {error}", module=self.name, parameter="file") from None

    @script(ANYWHERE)
    def pcre_match(self, string: str, pcre_regex: Annotated[str, Expression()]) -> bool:
        """Whether *pcre_regex* matches anywhere in *string*."""
        return self.matches(pcre_regex, string)

    @script(ANYWHERE)
    def pcre_match_group(self, string: str, group: int = 0) -> bool:
        """Whether one of the expressions of *group* matches anywhere in *string*."""
        return self.group_matches(string, group)

    @mi("regex_reload", v40="regex:reload", scope="each", merge=first)
    def reload(self) -> None:
        """Read the file again; with a mistake in it, the groups stay as they are."""
        if not self.file:
            raise MIError(BAD, "the parameter file is not set")
        try:
            self.groups = run_blocking(self.read)
        except (OSError, ValueError) as error:
            raise MIError(BAD, f"{self.file}: {error}") from None

    @mi(None, "regex_match", v40="regex:match")
    def match(self, string: str, pcre_regex: str) -> str:
        """Say whether *pcre_regex* matches *string*: Match, or Not Match."""
        try:
            return told(self.search(pcre_regex)(encoded(string)))
        except ValueError as error:
            raise MIError(BAD, str(error)) from None

    @mi(None, "regex_match_group", v40="regex:match_group")
    def match_group(self, string: str, group: int) -> str:
        """Say whether one of the expressions of *group* matches *string*: Match, or Not Match."""
        if not 0 <= group < len(self.groups):
            raise MIError(BAD, f"there is no group {group}")
        return told(self.group_matches(string, group))

    def matches(self, expression: str, text: str) -> bool:
        """Whether *expression* matches; what is wrong with it is logged."""
        try:
            return self.search(expression)(encoded(text))
        except ValueError as error:
            self.log.error("pcre_match: %s: %s", expression, error)
            return False

    def group_matches(self, text: str, group: int) -> bool:
        """Whether *group* matches; what is wrong with it is logged."""
        if not 0 <= group < len(self.groups):
            self.log.error("pcre_match_group: there is no group %d", group)
            return False
        try:
            return self.groups[group](encoded(text))
        except ValueError as error:
            self.log.error("pcre_match_group: group %d: %s", group, error)
            return False

    def read(self) -> tuple[Search, ...]:
        """The groups of the file."""
        with open(self.file, encoding="utf-8", errors="surrogateescape") as lines:
            texts = groups(lines, self.max_groups, self.group_max_size)
        options: Any = Options(self.pcre_caseless, self.pcre_multiline, self.pcre_dotall, self.pcre_extended)
        found = []
        for number, each in enumerate(texts):
            try:
                found.append(compiled(each, options))
            except ValueError as error:
                raise ValueError(f"group {number}: {error}") from None
        return tuple(found)


def encoded(text: str) -> bytes:
    """The bytes that are searched."""
    return text.encode("utf-8", "surrogateescape")


def told(matches: bool) -> str:
    """The answer of a management command."""
    return "Match" if matches else "Not Match"

"""Files to one stream of tokens: include_file and import_file, #!define, #!ifdef, #!subst."""
from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

from opensips_py.module.registry import read_text as read_text
from opensips_py.module.substitution import Substitution, sliced
from opensips_py.script import external
from opensips_py.script.diagnostics import Diagnostics, Place, nearest
from opensips_py.script.external import Mapped
from opensips_py.script.lexer import Lexer, Token
from opensips_py.script.mapped_lexer import MappedLexer

INCLUDES = ("include_file", "import_file")
MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
CONDITIONS = ("ifdef", "ifndef", "else", "endif")
MOST = 100_000  # words that definitions may become, all in all
DIRECTIVE = re.compile(r"\s*#!\s*(\w+)[ \t]*(.*)", re.DOTALL)


class Preprocessor:
    """Reads a configuration and what it includes; *command* is a shell command that each text is piped through."""

    def __init__(self, diagnostics: Diagnostics, read: Callable[[str], str] = read_text, command: str = "") -> None:
        self.diagnostics, self.read_text, self.command = diagnostics, read, command
        self.definitions: dict[str, tuple[list[Token], Place]] = {}
        diagnostics.defined = self.definitions
        self.substitutions: list[Substitution] = []
        self.cut = False  # whether the rest of a text was swallowed, so that its end says nothing
        self.lost = False  # whether a text is missing, so that it may have held what is missing elsewhere
        self.expansions = 0

    def tokens(self, path: str, text: str | None = None) -> list[Token]:
        """All tokens of the file *path*, of *text* if given instead of what it holds."""
        found: list[Token] = []
        is_given = text is not None
        if text is None:
            text = self.contents(path, Place(path, 0, 0))
        if text is not None:
            if not self.command or is_given:
                found = list(FileReader(self, path, text, ()).tokens())
            elif (piped := self.piped_whole(path, text)) is not None:
                found = list(FileReader(self, path, piped.text, (), piped).tokens())
        return [*found, Token("end", "", self.end(path, found), value="lost" if self.lost else "", broken=self.cut)]

    def end(self, path: str, tokens: list[Token]) -> Place:
        """Where the configuration ends: behind its last token."""
        if not tokens:
            return Place(path, 1, 1)
        return tokens[-1].place.inside(len(tokens[-1].text))

    def contents(self, path: str, place: Place) -> str | None:
        """The text of *path*; None, and an error at *place*, if it cannot be read."""
        try:
            return self.read_text(path)
        except (OSError, ValueError) as error:
            self.unreadable(path, error, place)
            return None

    def piped_whole(self, path: str, text: str) -> Mapped | None:
        """What the external preprocessor makes of the configuration and all that it includes."""
        flattener = external.Flattener(self.read_text, self.diagnostics.add_text)
        flattener.add(path, text)
        output = self.piped(flattener.result.text, Place(path, 0, 0))
        return None if output is None else external.mapped(output, flattener.result, path)

    def unreadable(self, path: str, error: Exception, place: Place) -> None:
        """Report a file that cannot be read."""
        reason = getattr(error, "strerror", None) or str(error)
        self.diagnostics.error(f"cannot read {path}: {reason}", place)
        self.lost = True

    def piped(self, text: str, place: Place) -> str | None:
        """What the external preprocessor makes of *text*."""
        done = subprocess.run(self.command, shell=True, capture_output=True, check=False,
                              input=text.encode("utf-8", "surrogateescape"))
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").strip() or f"status {done.returncode}"
            self.diagnostics.error(f"the preprocessor '{self.command}' failed: {reason}", place)
            self.lost = True
            return None
        return done.stdout.decode("utf-8", "surrogateescape")

    def define(self, name: str, value: str, place: Place) -> None:
        """Make *name* stand for the tokens of *value*."""
        lexer = Lexer(value.replace("\\\n", " ").strip(), place.file, self.diagnostics, place.line)
        self.definitions[name] = (list(lexer), place)

    def substitute(self, specification: str, place: Place, *, defines: bool, quoted: bool = False) -> None:
        """Take a `/pattern/replacement/flags` to be applied to texts; a substdef also defines the pattern, a substdefs
        as a quoted text."""
        text = specification.strip().strip('"\'')
        try:
            self.substitutions.append(Substitution(text))
        except ValueError as error:
            self.diagnostics.error(f"wrong substitution: {error}", place, fix="write /expression/replacement/flags")
            return
        if defines:
            name, value = sliced(text)[:2]
            self.define(name, in_quotes(value) if quoted else value, place)

    def substituted(self, token: Token) -> Token:
        """A text with all substitutions applied."""
        value = token.value
        for substitution in self.substitutions:
            value = substitution(value)
        return token if value == token.value else replace(token, value=value)

    def expanded(self, token: Token, active: tuple[str, ...] = ()) -> Iterator[Token]:
        """*token*, or what it was defined to stand for, as if written in its place."""
        if token.kind == "string" and self.substitutions:
            yield self.substituted(token)
        elif token.kind != "word" or token.text not in self.definitions or token.text in active:
            yield token
        else:
            self.expansions += 1
            if self.expansions > MOST:
                self.diagnostics.error("the definitions become too much text", self.definitions[token.text][1])
                return
            for index, each in enumerate(self.definitions[token.text][0]):
                moved = each.moved(token.place, token.glued if index == 0 else each.glued)
                yield from self.expanded(moved, (*active, token.text))


class FileReader:
    """Reads one file; *chain* are the files that include it."""

    def __init__(self, shared: Preprocessor, path: str, text: str, chain: tuple[str, ...],
                 origins: Mapped | None = None) -> None:
        self.shared, self.path, self.diagnostics = shared, path, shared.diagnostics
        self.chain = (*chain, os.path.realpath(path))
        if external.BEGIN in text and origins is None:
            origins = external.mapped(text, Mapped(), path)
        if origins is not None and origins.is_marked:
            self.lexer: Lexer = MappedLexer(origins, path, self.diagnostics)
        else:
            self.lexer = Lexer(text, path, self.diagnostics)
            self.diagnostics.add_text(path, text)
        self.conditions: list[tuple[Place, bool]] = []  # open #!ifdef: where, and whether its #!else was seen
        self.skipping = False  # the lines of a condition that does not hold, to the end of the file

    def tokens(self) -> Iterator[Token]:
        """The file's tokens, those of included files in their place."""
        include: Token | None = None
        for token in self.lexer:
            if token.kind == "directive":
                yield from self.directive(token)
            elif include is not None:
                yield from self.include(include.text, token)
                include = None
            elif token.kind == "word" and token.text in INCLUDES:
                include = token
            else:
                yield from self.shared.expanded(token)
        if include is not None:
            self.diagnostics.error(f"{include.text} needs a file name in quotes", include.place,
                                   fix=f'write {include.text} "file.cfg"')
        for place, _ in self.conditions:
            self.diagnostics.error("#!ifdef without #!endif", place, "opened here", "add #!endif")
        self.shared.cut |= self.lexer.cut or self.skipping

    def directive(self, token: Token) -> Iterator[Token]:
        """Carry out a line that starts with `#!`; one that names nothing known is a comment."""
        found = DIRECTIVE.match(token.text)
        if found is None:
            return
        name, rest = found.group(1), found.group(2).strip()
        known = DIRECTIVES.get(name)
        if name in INCLUDES:
            yield from self.include(name, replace(token, kind="string", value=rest.strip('"\'')))
        elif known is not None:
            known(self, rest, token.place)
        elif name in ("if", "elif", "elsif", "elseif"):
            self.diagnostics.warning(f"'#!{name}' is taken for a comment", token.place,
                                     fix="write #!ifdef, behind #!else where it goes on another one")
        elif (meant := nearest(name, DIRECTIVES)) and token.text.startswith(f"#!{name}"):
            self.diagnostics.error(f"'#!{name}' is no directive", token.place, fix=f"did you mean '{meant}'?")
            if meant in ("ifdef", "ifndef"):  # what belongs to it is not blamed, too, nor what it may leave out
                self.conditions.append((token.place, False))
            else:
                DIRECTIVES[meant](self, rest, token.place)

    def define(self, rest: str, place: Place) -> None:
        name, value = (*rest.split(None, 1), "", "")[:2]
        if not name.isidentifier():
            self.diagnostics.error("#!define needs a name", place, fix="write #!define NAME value")
        elif name in self.shared.definitions and (value or self.shared.definitions[name][0]):
            self.diagnostics.error(f"{name} is defined already", place, fix="use #!redefine to change it",
                                   related=[("first defined here", self.shared.definitions[name][1])])
        else:
            self.shared.define(name, value, place)

    def redefine(self, rest: str, place: Place) -> None:
        self.shared.definitions.pop(first_word(rest), None)
        self.define(rest, place)

    def define_unless(self, rest: str, place: Place) -> None:
        if first_word(rest) not in self.shared.definitions:
            self.define(rest, place)

    def define_from_environment(self, rest: str, place: Place, *, quoted: bool = False, must: bool = True) -> None:
        """NAME, or NAME=VARIABLE where the variable of the environment has another name."""
        name, equals, variable = first_word(rest).partition("=")
        value = os.environ.get(variable if equals else name)
        if value is not None:
            self.define(f"{name} {in_quotes(value) if quoted else value}", place)
        elif must:
            self.diagnostics.error(f"the environment has no {variable or name}", place,
                                   fix=f"use #!trydefenv{'s' * quoted} where it may be missing")

    def define_text_from_environment(self, rest: str, place: Place) -> None:
        self.define_from_environment(rest, place, quoted=True)

    def try_environment(self, rest: str, place: Place) -> None:
        self.define_from_environment(rest, place, must=False)

    def try_text_from_environment(self, rest: str, place: Place) -> None:
        self.define_from_environment(rest, place, quoted=True, must=False)

    def undefine(self, rest: str, place: Place) -> None:
        self.shared.definitions.pop(first_word(rest), None)

    def if_defined(self, rest: str, place: Place) -> None:
        self.condition(self.named(rest, place) in self.shared.definitions, place)

    def if_not_defined(self, rest: str, place: Place) -> None:
        self.condition(self.named(rest, place) not in self.shared.definitions, place)

    def named(self, rest: str, place: Place) -> str:
        """The name behind a condition, which needs one."""
        name = first_word(rest)
        if not name:
            self.diagnostics.error("#!ifdef needs a name", place, fix="write #!ifdef NAME")
        return name

    def condition(self, holds: bool, place: Place) -> None:
        self.conditions.append((place, False))
        if not holds:
            self.skip(stop_at_else=True)

    def otherwise(self, rest: str, place: Place) -> None:
        if not self.conditions or self.conditions[-1][1]:
            self.diagnostics.error("#!else without #!ifdef", place, fix="remove it")
            return
        self.conditions[-1] = (self.conditions[-1][0], True)
        self.skip(stop_at_else=False)

    def end_condition(self, rest: str, place: Place) -> None:
        if self.conditions:
            self.conditions.pop()
        else:
            self.diagnostics.error("#!endif without #!ifdef", place)

    def skip(self, *, stop_at_else: bool) -> None:
        """Pass over lines up to the #!else or #!endif that belongs to the condition at hand."""
        depth = 0
        self.lexer.skip_line()
        while self.lexer.offset < len(self.lexer.text):
            start = self.lexer.here(1)
            line = self.lexer.skip_line()
            found = DIRECTIVE.match(line)
            name = found.group(1) if found else ""
            if name not in DIRECTIVES and line.startswith(f"#!{name}") and (meant := nearest(name, CONDITIONS)):
                self.diagnostics.error(f"'#!{name}' is no directive", start.inside(0, len(line.rstrip())),
                                       fix=f"did you mean '{meant}'?")
                name = meant
            if name in ("ifdef", "ifndef"):
                depth += 1
            elif name == "endif" and depth:
                depth -= 1
            elif name == "endif":
                self.conditions.pop()
                return
            elif name == "else" and not depth and stop_at_else:
                self.conditions[-1] = (self.conditions[-1][0], True)
                return
            elif name == "else" and not depth:
                self.diagnostics.error("#!else without #!ifdef", start.inside(0, len(line.rstrip())), fix="remove it")
        self.skipping = True

    def substitute(self, rest: str, place: Place) -> None:
        self.shared.substitute(rest, place, defines=False)

    def substitute_and_define(self, rest: str, place: Place) -> None:
        self.shared.substitute(rest, place, defines=True)

    def substitute_and_define_text(self, rest: str, place: Place) -> None:
        self.shared.substitute(rest, place, defines=True, quoted=True)

    def include(self, how: str, token: Token) -> Iterator[Token]:
        """The tokens of another file; one that is missing is an error for include_file alone."""
        if token.kind != "string" or not token.value:
            self.diagnostics.error(f"{how} needs a file name in quotes", token.place, fix=f'write {how} "file.cfg"')
            self.lexer.skip_line()
            return
        found = self.find(token)
        if found is None:
            if how == "include_file":
                self.diagnostics.error(f"cannot find the file {token.value}", token.place,
                                       fix="relative names start from the folder of the file that includes")
                self.shared.lost = True
            return
        path, text = found
        if os.path.realpath(path) in self.chain:
            names = " -> ".join(os.path.basename(each) for each in (*self.chain, path))
            self.diagnostics.error(f"files include each other: {names}", token.place)
            return
        if self.shared.command:
            text = self.shared.piped(text, token.place) or ""
        yield from FileReader(self.shared, path, text, self.chain).tokens()

    def find(self, token: Token) -> tuple[str, str] | None:
        """The path and the text of an included file: beside the including one, else from the working directory."""
        for path in (os.path.join(os.path.dirname(token.place.file), token.value), token.value):
            try:
                return path, self.shared.read_text(path)
            except MISSING:
                continue
            except (OSError, ValueError) as error:
                self.shared.unreadable(path, error, token.place)
                return path, ""
        return None


def first_word(text: str) -> str:
    """The name that a directive is about; a comment may stand behind it."""
    return text.split(None, 1)[0] if text else ""


def in_quotes(text: str) -> str:
    """*text* as a quoted one of the script."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


DIRECTIVES: dict[str, Callable[[FileReader, str, Place], None]] = {
    "define": FileReader.define, "redefine": FileReader.redefine, "trydef": FileReader.define_unless,
    "undef": FileReader.undefine, "ifdef": FileReader.if_defined, "ifndef": FileReader.if_not_defined,
    "else": FileReader.otherwise, "endif": FileReader.end_condition, "subst": FileReader.substitute,
    "substdef": FileReader.substitute_and_define, "substdefs": FileReader.substitute_and_define_text,
    "defenv": FileReader.define_from_environment, "defenvs": FileReader.define_text_from_environment,
    "trydefenv": FileReader.try_environment, "trydefenvs": FileReader.try_text_from_environment,
}

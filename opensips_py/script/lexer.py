"""Text of a configuration to tokens that know their place."""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from opensips_py.script.diagnostics import Diagnostics, Place

NUMBER = r"0[xX][0-9a-fA-F]+|\d+"
IPV4 = r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}"
GROUP = r"[0-9a-fA-F]{1,4}"
IPV6 = (rf"(?:{GROUP}:){{7}}{GROUP}|(?:{GROUP}:){{1,7}}(?::{GROUP}){{1,7}}|:(?::{GROUP}){{1,7}}"
        rf"|(?:{GROUP}:){{1,7}}:|::")
OPERATORS = ("<<=", ">>=", "==", "=~", "!=", "!~", "<=", ">=", "<<", ">>", "&&", "||", ":=", "+=", "-=", "*=", "/=",
             "%=", "&=", "|=", "^=", *"=<>!+-*/%&|^~;,(){}[]:.@?")
TOKEN = re.compile(rf"""
    (?P<space>[ \t\r\b\n]+|\\\r?\n)
  | (?P<directive>\#!(?:\\\n|[^\n])*)
  | (?P<comment>\#[^\n]*|//[^\n]*)
  | (?P<block>/\*)
  | (?P<string>")
  | (?P<raw>')
  | (?P<variable>\$)
  | (?P<net>(?:{IPV4}|{IPV6})/(?:{IPV4}|{IPV6}|\d+)(?![\w.]))
  | (?P<ip>(?:{IPV4}|{IPV6})(?![\w.]))
  | (?P<number>(?:{NUMBER})(?!\w))
  | (?P<word>msg:len|uri:host|uri:port|\w+)
  | (?P<operator>{"|".join(re.escape(each) for each in OPERATORS)})
""", re.VERBOSE | re.ASCII)
VARIABLE_NAME = re.compile(r"[A-Za-z_][\w.]*|\?|(?=\()", re.ASCII)
TRANSFORMATIONS = re.compile(r"[ \t]*((?:\{[a-z]+\.[^{}]*\})+)")
ESCAPE = re.compile(r'\\(?:[nrat"\\]|x[0-9a-fA-F]{1,2}|[0-7]{2,3}|\r?\n)')
PLAIN_ESCAPES = {"n": "\n", "r": "\r", "a": "\a", "t": "\t", '"': '"', "\\": "\\", "\n": "", "\r": ""}


@dataclass(slots=True, frozen=True)
class Token:
    """One token; *glued* says that nothing stands between it and the one before."""

    kind: str  # word number string variable ip net operator transformation directive end
    text: str  # as written
    place: Place
    glued: bool = False
    value: str = ""  # of a string: what it means

    def moved(self, place: Place, glued: bool) -> Token:
        """The same token as if it stood at *place*, where a definition was used."""
        return replace(self, place=place, glued=glued)


class Lexer:
    """Cuts one text into tokens; goes on after every error."""

    def __init__(self, text: str, file: str, diagnostics: Diagnostics, line: int = 1) -> None:
        self.text, self.file, self.diagnostics = text, file, diagnostics
        self.offset = 0
        self.line, self.line_start = line, 0
        self.glued = False
        self.behind_text = False

    def place(self, offset: int, length: int = 1) -> Place:
        """Where *offset* lies; it must be in the line at hand."""
        return Place(self.file, self.line, offset - self.line_start + 1, max(length, 1))

    def __iter__(self) -> Iterator[Token]:
        while (token := self.next()) is not None:
            yield token

    def next(self) -> Token | None:
        """The next token, None at the end of the text."""
        if self.behind_text and (token := self.transformations()) is not None:
            return token
        while self.offset < len(self.text):
            found = TOKEN.match(self.text, self.offset)
            if found is None:
                self.unknown()
                continue
            kind = found.lastgroup or ""
            if kind in ("space", "comment", "block") or (kind == "directive" and not self.at_line_start()):
                self.skip(found.end() if kind != "block" else self.end_of_comment())
                continue
            return self.token(kind, found)
        return None

    def skip(self, end: int) -> None:
        """Go on at *end*; what lies between separates tokens."""
        self.advance(end)
        self.glued = False

    def advance(self, end: int) -> None:
        """Go on at *end*, counting the lines passed."""
        lines = self.text.count("\n", self.offset, end)
        if lines:
            self.line += lines
            self.line_start = self.text.rfind("\n", self.offset, end) + 1
        self.offset = end

    def at_line_start(self) -> bool:
        """Whether only blanks precede on this line."""
        return not self.text[self.line_start:self.offset].strip()

    def unknown(self) -> None:
        char = self.text[self.offset]
        self.diagnostics.error(f"unexpected character {char!r}", self.place(self.offset),
                               fix="put texts in double quotes" if char not in "`" else "")
        self.skip(self.offset + 1)

    def token(self, kind: str, found: re.Match[str]) -> Token:
        if kind in ("string", "raw"):
            return self.string(kind)
        end = self.end_of_variable() if kind == "variable" else found.end()
        return self.emit(kind, end)

    def emit(self, kind: str, end: int, value: str = "") -> Token:
        """The token of *kind* from here to *end*."""
        text = self.text[self.offset:end]
        token = Token(kind, text, self.place(self.offset, len(text.split("\n", 1)[0])), self.glued, value)
        self.advance(end)
        self.glued, self.behind_text = True, kind == "string"
        return token

    def end_of_comment(self) -> int:
        """Where the comment that opens here ends; comments nest."""
        depth, at = 0, self.offset
        for found in re.finditer(r"/\*|\*/", self.text[self.offset:]):
            depth += 1 if found.group() == "/*" else -1
            at = self.offset + found.end()
            if depth == 0:
                return at
        self.diagnostics.error("comment without end", self.place(self.offset, 2), "opened here", "close it with */")
        return len(self.text)

    def end_of_variable(self) -> int:
        """Where the pseudo-variable that starts here ends: $name, $name(...), $(...)."""
        name = VARIABLE_NAME.match(self.text, self.offset + 1)
        if name is None:
            self.diagnostics.error("variable without a name", self.place(self.offset),
                                   fix="write $name or $(name{...})")
            return self.offset + 1
        end = name.end()
        if self.text[end:end + 1] != "(":
            return end - 1 if self.text[end - 1] == "." else end
        return self.closing(end)

    def closing(self, start: int) -> int:
        """Behind the parenthesis that closes the one at *start*."""
        depth = 0
        for found in re.finditer(r"[()]", self.text[start:]):
            depth += 1 if found.group() == "(" else -1
            if depth == 0:
                return start + found.end()
        end = self.text.find("\n", start)
        self.diagnostics.error("parenthesis in a variable is not closed", self.place(start), "opened here",
                               "add the missing ')'")
        return end if end > 0 else len(self.text)

    def string(self, kind: str) -> Token:
        pattern = r'"(?:\\.|[^"\\])*"' if kind == "string" else r"'[^']*'"
        found = re.compile(pattern, re.DOTALL).match(self.text, self.offset)
        if found is None:
            return self.open_string()
        text = found.group()[1:-1]
        return self.emit("string", found.end(), resolve_escapes(text) if kind == "string" else text)

    def open_string(self) -> Token:
        """A text whose closing quote is missing: taken to end with its line."""
        end = self.text.find("\n", self.offset)
        end = len(self.text) if end < 0 else end
        text = self.text[self.offset:end]
        closing = re.search(r"[);,\s]*$", text)
        stop = self.offset + (closing.start() if closing else len(text))
        self.diagnostics.error("text without closing quote", self.place(self.offset, stop - self.offset),
                               "opened here", f"add the missing {self.text[self.offset]}")
        return self.emit("string", max(stop, self.offset + 1), self.text[self.offset + 1:stop])

    def transformations(self) -> Token | None:
        """Transformations behind a text, {class.name,arguments}, if they follow."""
        found = TRANSFORMATIONS.match(self.text, self.offset)
        self.behind_text = False
        if found is None:
            return None
        self.advance(found.start(1))
        return self.emit("transformation", found.end())

    def skip_line(self) -> str:
        """Pass over the rest of the line and return it."""
        end = self.text.find("\n", self.offset)
        end = len(self.text) if end < 0 else end + 1
        line = self.text[self.offset:end]
        self.skip(end)
        return line


def resolve_escapes(text: str) -> str:
    """What a double-quoted text means: C escapes resolved, any other backslash kept."""
    if "\\" not in text:
        return text
    parts: list[bytes] = []
    start = 0
    for found in ESCAPE.finditer(text):
        parts += [encoded(text[start:found.start()]), escaped(found.group()[1:])]
        start = found.end()
    return b"".join([*parts, encoded(text[start:])]).decode("utf-8", "surrogateescape")


def escaped(code: str) -> bytes:
    """The bytes of one escape, without its backslash."""
    if code[0] in PLAIN_ESCAPES:
        return PLAIN_ESCAPES[code[0]].encode()
    return bytes([int(code[1:], 16) if code[0] == "x" else int(code, 8) & 0xFF])


def encoded(text: str) -> bytes:
    """The bytes of a piece of text."""
    return text.encode("utf-8", "surrogateescape")

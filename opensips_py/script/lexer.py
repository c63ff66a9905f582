"""Text of a configuration to tokens that know their place."""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from opensips_py.errors import ScriptError
from opensips_py.script import remedies
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.variables import parse_at

NUMBER = r"0[xX][0-9a-fA-F]+|\d+"
IPV4 = r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}"
GROUP = r"[0-9a-fA-F]{1,4}"
IPV6 = (rf"(?:{GROUP}:){{7}}{GROUP}|(?:{GROUP}:){{1,7}}(?::{GROUP}){{1,7}}|:(?::{GROUP}){{1,7}}"
        rf"|(?:{GROUP}:){{1,7}}:|::")
OPERATORS = ("<<=", ">>=", "==", "=~", "!=", "!~", "<=", ">=", "<<", ">>", "&&", "||", ":=", "+=", "-=", "*=", "/=",
             "%=", "&=", "|=", "^=", *"=<>!+-*/%&|^~;,(){}[]:.@?")
TOKEN = re.compile(rf"""
    (?P<space>[ \t\r\b\n\u00a0\ufeff]+|\\\r?\n)
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
QUOTED = {"string": re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL), "raw": re.compile(r"'[^']*'")}
# What may stand behind a text of several lines; where something else does, a quote further up was forgotten.
BEHIND_TEXT = re.compile(r"""[ \t]*(?:[),;}\]]|\r?\n|\Z|\#|//|/\*|[+*=][ \t\n"'$]|[=!<>&|]|\{[a-z]+\.|:[ \t\r\n]
    |/[a-z:]|[ \t]["']|(?:and|or|as|use_\w+|tag)\b)""", re.VERBOSE)
SETTING = re.compile(r"[ \t]*(?:(?:loadmodule|include_file|import_file)[ \t]*|[a-z_]+[ \t]*=[ \t]*)")  # of one line
BEFORE_ARGUMENT = re.compile(r",\s*[-$\w.]+\s*\)[;\s]*$")  # where a text of which no quote tells the end may end
# A text in quotes of print, and signs that a word processor makes of those that are meant
CURLY = re.compile('[\u201c\u201d\u201e\u00ab]([^\u201c\u201d\u201e\u00ab\u00bb"\\n]*)[\u201c\u201d\u00bb]')
LOOKALIKES = {
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'", "\uff1b": ";", "\uff0c": ",",
    "\uff08": "(", "\uff09": ")", "\uff1d": "=", "\uff1a": ":", "\u2013": "-", "\u2014": "-", "\u2260": "!=",
    "\u2264": "<=", "\u2265": ">=",
}
URL = re.compile(r"([A-Za-z][\w+.-]*)://([^\s,;)\"']+)[\"']?", re.ASCII)
BEFORE_URL = re.compile(r"(?:^\s*([a-z_]+)\s*=|,)\s*$")  # where the value of a parameter begins
BARE_PATTERN = re.compile(r"[=!]~\s*([^\s\"'][^\"']*)$")  # behind the operator, without its quotes
ENDED = re.compile(r"(?<=\S)\s*,\s*$")  # a text that should have ended before the comma at its end
BEFORE_JOINT = re.compile(r"""["'][\w|.:@ -]*(?=\)\s*(?:&&|\|\||==|!=|\)|and\b|or\b))""")  # in a condition
COMMENT_MARK = re.compile(r"/\*|\*/")
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
    broken: bool = False  # its mistake has been reported

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
        self.last_text = Place(file, 0, 0), ""  # where the text read last stands, and what is in it
        self.cut = False  # whether the rest of the text was swallowed by something that never ends

    def place(self, offset: int, length: int = 1) -> Place:
        """Where *offset* lies; it must be in the line at hand."""
        return self.here(offset - self.line_start + 1, max(length, 1))

    def here(self, column: int, length: int = 1) -> Place:
        """A stretch of the line at hand."""
        return Place(self.file, self.line, column, length)

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
                if (token := self.lookalike()) is not None:
                    return token
                self.unknown()
                continue
            kind = found.lastgroup or ""
            if kind == "word" and (token := self.bare_url()) is not None:
                return token
            if kind == "comment" and self.text.startswith("//", self.offset):
                self.diagnostics.misread("'//' begins no comment", self.place(self.offset, 2),
                                         fix="write # instead of //")
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
        """What no token begins with: a sign that only looks like one, or a part of a text without its quote."""
        char = self.text[self.offset]
        if char == "\\" and self.last_text[0].line == self.line and (ended := ENDED.search(self.last_text[1])):
            self.diagnostics.misread("text without closing quote", replace(self.last_text[0], length=ended.start() + 1),
                                     "opened here", 'add the missing "')
        elif char == "\\" and (start := self.unquoted_from()):
            self.diagnostics.misread("text without opening quote", self.place(self.line_start + start,
                                     self.offset - self.line_start - start), "", 'add the missing " before it')
        else:
            self.diagnostics.misread(f"unexpected character {char!r}", self.place(self.offset),
                                     fix="put texts in double quotes" if char not in "`" else "")
        self.skip(self.offset + 1)

    def unquoted_from(self) -> int:
        """Where in its line a text begins that ends with a quote, and holds the backslash at hand; 0 for nowhere."""
        line = self.text[self.line_start:self.end_of_line()]
        if line[self.offset - self.line_start:].count('"') % 2 == 0:
            return 0
        ended = line.rfind('"', 0, self.offset - self.line_start) + 1
        found = re.compile(r"[(,=]\s*").search(line, ended, self.offset - self.line_start)
        return found.end() if found else 0

    def lookalike(self) -> Token | None:
        """The sign that a word processor has made of the one that is meant."""
        found = CURLY.match(self.text, self.offset)
        written = found[0] if found else self.text[self.offset]
        meant = f'"{found[1]}"' if found else LOOKALIKES.get(written, "")
        if not meant:
            return None
        self.diagnostics.misread(f"unexpected character {written[0]!r}", self.place(self.offset, len(written)),
                                 fix=f"write {meant} instead of {written}")
        token = self.emit("string" if found else "operator", self.offset + len(written), meant[1:-1])
        return token if found else replace(token, text=meant)

    def bare_url(self) -> Token | None:
        """scheme://rest where a value begins, without quotes."""
        line = self.text[self.line_start:self.end_of_line()]
        before, found = line[:self.offset - self.line_start], URL.match(line, self.offset - self.line_start)
        name = BEFORE_URL.search(before)
        if found is None or name is None:
            return None
        is_socket = name[1] in ("socket", "listen", "alias")
        meant = f"{found[1]}:{found[2]}" if is_socket else f'"{found[1]}://{found[2]}"'
        message = f"'{found[1]}://' begins no socket" if is_socket else "a URL stands in quotes"
        self.diagnostics.misread(message, self.place(self.offset, len(found[0])),
                                 fix=f"write {meant} instead of {found[0]}")
        return self.emit("string", self.offset + len(found[0]), f"{found[1]}:{found[2]}" if is_socket else meant[1:-1])

    def token(self, kind: str, found: re.Match[str]) -> Token:
        if kind in ("string", "raw"):
            return self.string(kind)
        return self.variable() if kind == "variable" else self.emit(kind, found.end())

    def emit(self, kind: str, end: int, value: str = "", *, broken: bool = False) -> Token:
        """The token of *kind* from here to *end*."""
        text = self.text[self.offset:end]
        token = Token(kind, text, self.place(self.offset, len(text.split("\n", 1)[0])), self.glued, value, broken)
        self.advance(end)
        self.glued, self.behind_text = True, kind == "string"
        return token

    def end_of_comment(self) -> int:
        """Where the comment that opens here ends; comments nest."""
        depth = 0
        for found in COMMENT_MARK.finditer(self.text, self.offset):
            depth += 1 if found.group() == "/*" else -1
            if depth == 0:
                return found.end()
        self.diagnostics.misread("comment without end", self.place(self.offset, 2), "opened here", "close it with */")
        self.cut = True
        return len(self.text)

    def variable(self) -> Token:
        """The pseudo-variable that starts here: $name, $name(...), $(...)."""
        end = self.end_of_line()
        line, start = self.text[self.line_start:end], self.offset - self.line_start
        try:
            _, stop = parse_at(line, start, self.place(self.line_start))
        except ScriptError as error:
            if (found := BARE_PATTERN.search(line[:start + 1])) is not None:
                written = found[1]
                self.diagnostics.misread("a pattern stands in quotes", self.here(found.start(1) + 1, len(written)),
                                         fix=f'write "{written}" instead of {written}')
                return self.emit("variable", self.offset + 1, broken=True)
            self.diagnostics.misread(error.message, self.here(error.column), fix=error.hint)
            return self.emit("variable", end_of_broken_variable(self.text, self.offset, end), broken=True)
        return self.emit("variable", self.line_start + stop)

    def end_of_line(self) -> int:
        """Where the line at hand ends."""
        end = self.text.find("\n", self.offset)
        return len(self.text) if end < 0 else end

    def string(self, kind: str) -> Token:
        found = QUOTED[kind].match(self.text, self.offset)
        if found is None or ("\n" in found.group() and (
                not BEHIND_TEXT.match(self.text, found.end())
                or SETTING.fullmatch(self.text, self.line_start, self.offset))):
            return self.open_string()
        text = found.group()[1:-1]
        self.last_text = self.place(self.offset, len(found.group())), text
        return self.emit("string", found.end(), resolve_escapes(text) if kind == "string" else text)

    def unopened(self) -> Token | None:
        """The quote at hand, if it ends a text rather than begins one: it is glued to a word."""
        before = self.text[self.line_start:self.offset]
        if not re.search(r"[\w.:/@-]$", before):
            return None
        quote, (last, text) = self.text[self.offset], self.last_text
        if last.line == self.line and text.strip() == ",":
            before = before[:last.column - 1]
        if last.line == self.line and (ended := ENDED.search(text)):
            self.diagnostics.misread("text without closing quote", Place(self.file, self.line, last.column,
                                     ended.start() + 1), "opened here", f"add the missing {quote}")
        else:
            start = max(before.rfind("("), before.rfind(","), before.rfind("="), 0)
            start = start or len(before) - len(before.lstrip().partition(" ")[2])
            start += len(before[start:]) - len(before[start:].lstrip(" \t(,="))
            self.diagnostics.misread("text without opening quote", self.place(self.line_start + start,
                                     len(before) - start), "", f"add the missing {quote} before it")
        return self.emit("string", self.offset + 1, broken=True)

    def open_string(self) -> Token:
        """A text whose closing quote is missing: taken to end with its line."""
        if (token := self.unopened()) is not None:
            return token
        text = re.sub(r"[ \t]+(?:#|//).*", "", self.text[self.offset:self.end_of_line()])
        if (token := self.other_quote(text)) is not None:
            return token
        if self.text[self.offset - 1:self.offset] == text[0] and text[1:2] in ("", ")", ";", " ") \
                and text[0] not in text[1:]:
            self.diagnostics.misread("a quote too many", self.place(self.offset), fix="remove it")
            return self.emit("string", self.offset + 1, broken=True)
        closing = BEFORE_ARGUMENT.search(text) or re.search(r"[);,\s{\]]*$", text)
        before = BEFORE_JOINT.match(text)
        stop = self.offset + (before.end() if before else closing.start() if closing else len(text))
        self.diagnostics.misread("text without closing quote", self.place(self.offset, stop - self.offset),
                                 "opened here", f"add the missing {self.text[self.offset]}")
        return self.emit("string", max(stop, self.offset + 1), self.text[self.offset + 1:stop], broken=True)

    def other_quote(self, text: str) -> Token | None:
        """The text at hand, if it ends with the other kind of quote."""
        other = "'" if text[0] == '"' else '"'
        ended = re.match(rf"[^{other}]*{other}(?=[\s,;)]*$)", text)
        if ended is None:
            return None
        self.diagnostics.misread("text without closing quote", self.place(self.offset, ended.end()), "opened here",
                                 f"begin it with {other}, as it ends",
                                 edits=[remedies.at(self.place(self.offset), other)])
        return self.emit("string", self.offset + ended.end(), text[1:ended.end() - 1], broken=True)

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
        end = min(self.end_of_line() + 1, len(self.text))
        line = self.text[self.offset:end]
        self.skip(end)
        return line


def end_of_broken_variable(text: str, start: int, end: int) -> int:
    """Where to go on behind a variable that makes no sense: at a blank, or at the parenthesis that closes another."""
    depth = 0
    for at in range(start, end):
        if text[at].isspace() or text[at] in ";," or (text[at] == ")" and depth == 0):
            return max(at, start + 1)
        depth += (text[at] == "(") - (text[at] == ")")
        if text[at] == ")" and depth == 0:
            return at + 1 + len(re.match(r"[\]}]*", text[at + 1:end])[0])  # type: ignore[index]
    return end


def written_at(raw: str, offset: int) -> int:
    """Where in a double-quoted text as written that character stands which is at *offset* of what it means."""
    at = 1
    while offset > 0 and at < len(raw):
        found = ESCAPE.match(raw, at) if raw[:1] == '"' else None
        at = found.end() if found else at + 1
        offset -= 1
    return at


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

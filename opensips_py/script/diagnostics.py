"""What is wrong with a configuration, where, why, and what to write instead."""
from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from opensips_py.script import codes, remedies, wanted
from opensips_py.script.remedies import Edit

ERROR, WARNING, NOTE = "error", "warning", "note"


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one line of a configuration file; lines and columns count from 1."""

    file: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def inside(self, offset: int, length: int = 1) -> Place:
        """The stretch *offset* characters further on in the same line."""
        return Place(self.file, self.line, self.column + offset, length)


MODULE = re.compile(r'add loadmodule "\S+"(?: before it)?')
NO_ROUTE = re.compile(r"there is no (\w*route\[.+\])$")
AGAIN = "needed here, too"
NOWHERE = Place("", 0, 0)


@dataclass(slots=True)
class Diagnostic:
    """One finding; *label* stands under the caret, *fix* says what to write.

    *edits* do what *fix* says; where none are given, they follow from its words. *is_sure* where no other fix would do.
    """

    severity: str
    message: str
    place: Place
    label: str = ""
    fix: str = ""
    related: list[tuple[str, Place]] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    is_sure: bool = False

    @property
    def code(self) -> str:
        """What kind of finding this is, whatever its words."""
        return codes.find(self.severity, self.message).code

    @property
    def help(self) -> str:
        """What to do about it."""
        return self.fix or codes.find(self.severity, self.message).help

    def again(self, message: str, place: Place) -> None:
        """Tell of a further place that the same mistake has spoilt; the first one counts as its own."""
        if place.file == self.place.file and 0 < place.line < self.place.line:
            self.message, self.place, place = message, place, self.place
        if place != self.place and (AGAIN, place) not in self.related:
            self.related.append((AGAIN, place))

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.message}" + (f" ({self.fix})" if self.fix else "")


class Diagnostics:
    """Everything found in one configuration, and the texts it was found in."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.texts: dict[str, list[str]] = {}
        self.doubted: set[str] = set()  # words of messages that tell of what has been reported already
        self.is_whole = True  # False: parts of the text could not be read, and may have held what is missing
        self.misread_lines: set[tuple[str, int]] = set()
        self.guessed_lines: set[tuple[str, int]] = set()  # lines of which nobody knows what is text and what is not
        self.defined: dict[str, Any] = {}  # what #!define has defined

    def add_text(self, file: str, text: str) -> None:
        """Keep the lines of *file*, to quote them."""
        self.texts[file] = text.split("\n")

    def error(self, message: str, place: Place, label: str = "", fix: str = "",
              related: Iterable[tuple[str, Place]] = ()) -> None:
        """Report what keeps the configuration from starting; a place is blamed once for one thing."""
        if (place.file, place.line) in self.guessed_lines:
            return
        fix = fix or wanted.fix(message)
        if (known := self.cause_of(message, fix)) is not None:
            known.again(message, place)
        elif not any(each in message for each in self.doubted):
            self.add(Diagnostic(ERROR, message, place, label, fix, list(related)))

    def meant(self, word: str) -> str:
        """The fix that proposes the definition that is like *word*, which stands where a value belongs."""
        alike = difflib.get_close_matches(word, self.defined, 1, 0.6)
        return f"did you mean {alike[0]}?" if alike else ""

    def cause_of(self, message: str, fix: str) -> Diagnostic | None:
        """The error that has been reported of what is the reason for this one, too: a module that is not loaded, or a
        route that is not there."""
        lacks_route = NO_ROUTE.search(message)
        return next((each for each in self.errors if (MODULE.fullmatch(fix) and each.fix == fix) or (
            lacks_route and (same := NO_ROUTE.search(each.message)) and same[1] == lacks_route[1])), None)

    def misread(self, message: str, place: Place, label: str = "", fix: str = "",
                related: Iterable[tuple[str, Place]] = (), edits: Iterable[Edit] = ()) -> None:
        """Report a mistake of spelling; further ones in the same line are taken for its consequences. *edits* leave no
        doubt."""
        line = (place.file, place.line)
        if line not in self.misread_lines:
            self.misread_lines.add(line)
            if message.startswith(("text without", "the module of a modparam")):
                self.guessed_lines.add(line)
            edits = list(edits)
            self.add(Diagnostic(ERROR, message, place, label, fix, list(related), edits, bool(edits)))

    def warning(self, message: str, place: Place, label: str = "", fix: str = "",
                related: Iterable[tuple[str, Place]] = (), edits: Iterable[Edit] = (), *,
                is_sure: bool = False) -> None:
        """Report what works, but hardly as meant."""
        self.add(Diagnostic(WARNING, message, place, label, fix, list(related), list(edits), is_sure))

    def note(self, message: str, place: Place, label: str = "", fix: str = "") -> None:
        """Report what is worth knowing, such as a place where the dialect decided."""
        self.add(Diagnostic(NOTE, message, place, label, fix))

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep *diagnostic*, unless the same was said of the same place."""
        if not any(each.place == diagnostic.place and each.message == diagnostic.message for each in self.found):
            self.found.append(diagnostic)

    @property
    def errors(self) -> list[Diagnostic]:
        """The findings that forbid a start."""
        return [each for each in self.found if each.severity == ERROR]

    def in_order(self) -> list[Diagnostic]:
        """All findings as the files were read, line by line."""
        rank = {file: index for index, file in enumerate(self.texts)}
        return sorted(self.found, key=lambda each: (rank.get(each.place.file, len(rank)), each.place.line,
                                                    each.place.column))

    def render(self, *, notes: bool = False) -> str:
        """All findings as text, each with its source line and a caret."""
        shown = [each for each in self.in_order() if notes or each.severity != NOTE]
        blocks = ["\n".join(self.block(each)) for each in shown]
        if count := len(self.errors):
            blocks.append(f"{count} error{'s' if count > 1 else ''} found; nothing was started")
        return "\n\n".join(blocks)

    def block(self, one: Diagnostic) -> list[str]:
        """The lines that show one finding."""
        lines = [f"{one.severity}[{one.code}]: {one.message}"]
        gutter = " " * len(str(max([one.place.line, *(place.line for _, place in one.related)])))
        lines += self.excerpt(one.place, one.label, gutter)
        for text, place in one.related:
            lines += [f"{gutter} = note: {text}", *self.excerpt(place, "", gutter)]
        return [*lines, f"{gutter} = help: {one.help}"] if one.help else lines

    def excerpt(self, place: Place, label: str, gutter: str) -> list[str]:
        """A quoted source line with a caret under *place*."""
        if not place.file:
            return []
        lines = [f"{gutter}--> {place}"]
        text = self.line(place)
        if text is None:
            return lines
        pad = "".join("\t" if char == "\t" else " " for char in text[:place.column - 1]).ljust(place.column - 1)
        caret = "^" * max(1, min(place.length, len(text) - place.column + 1))
        pointer = f"{gutter} | {pad}{caret} {label}".rstrip()
        return [*lines, f"{gutter} |", f"{place.line:>{len(gutter)}} | {text}", pointer]

    def line(self, place: Place) -> str | None:
        """The text of the line that *place* lies in, if it is known."""
        lines = self.texts.get(place.file, [])
        return lines[place.line - 1].rstrip("\r") if 0 < place.line <= len(lines) else None

    def edits_of(self, one: Diagnostic) -> tuple[list[Edit], bool]:
        """The changes of text that follow the fix of *one*, and whether no other fix would do."""
        if one.edits:
            return one.edits, one.is_sure
        edits, is_sure = remedies.found(one.message, one.help, one.place, self.texts)
        for text, place in one.related if edits and not MODULE.fullmatch(one.fix) else ():
            if text == AGAIN:
                edits = [*edits, *remedies.found(one.message, one.help, place, self.texts)[0]]
        return edits, is_sure and bool(one.fix)

    def as_data(self) -> list[dict[str, Any]]:
        """All findings as plain data, for `check --json` and the language server."""
        return [self.data_of(each) for each in self.in_order()]

    def data_of(self, one: Diagnostic) -> dict[str, Any]:
        """One finding as plain data; lines and columns count from 1, the end of a range lies behind it."""
        edits, is_sure = self.edits_of(one)
        return {"code": one.code, "severity": one.severity, "message": one.message, **position(one.place),
                "range": range_of(one.place), "label": one.label, "fix": one.help,
                "related": [{"message": text, **position(place), "range": range_of(place)}
                            for text, place in one.related],
                "edits": [asdict(each) for each in edits], "applicability": "sure" if is_sure else "likely"}


def position(place: Place) -> dict[str, Any]:
    """A place as plain data."""
    return {"file": place.file, "line": place.line, "column": place.column, "length": place.length}


def range_of(place: Place) -> dict[str, dict[str, int]]:
    """A place as a range."""
    return {"start": {"line": place.line, "column": place.column},
            "end": {"line": place.line, "column": place.column + place.length}}


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like *name*, or nothing when none is alike."""
    names = list(known)
    lower = {each.lower(): each for each in names}
    if name.lower() in lower:
        return lower[name.lower()]
    found = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.7)
    return lower[found[0]] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The fix that proposes the nearest known name, or nothing."""
    found = nearest(name, known)
    return f"did you mean '{found}'?" if found else ""

"""The text for an external preprocessor, and what comes back from it: which line of which file each line was.

As in OpenSIPS, the files that a configuration includes are put in their place first, so that definitions reach all of
them, and marks between the lines tell where they come from. Marks of `cpp` and `m4 -s` are understood as well.
"""
from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

LINE, BEGIN, END = "__OSSPP_LINE__", "__OSSPP_FILEBEGIN__", "__OSSPP_FILEEND__"
INCLUDE = re.compile(r'\s*(?:#!)?(include_file|import_file)\s+"([^"\n]+)"\s*;?\s*(?:#.*|//.*)?$')
MARK = re.compile(rf'\s*(?:{LINE}\s+(?P<line>\d+)|{BEGIN}\s+"(?P<begin>[^"]*)"|(?P<end>{END})'
                  r'|\#(?:line)?\s+(?P<at>\d+)(?:\s+"(?P<file>[^"]*)"[\s\d]*)?)\s*$')
# What a line may open that goes on in the next: a text in quotes, a comment.
OPENING = re.compile(r"""/\*|\*/|"(?:\\.|[^"\\])*("|$)|'[^']*'|\#.*|//.*""")
OWN_INPUT = ("<stdin>", "stdin", "-", "")
DEEPEST = 50

Origin = tuple[str, int]  # a file and a line of it


@dataclass(slots=True)
class Mapped:
    """A text, and where each of its lines comes from."""

    lines: list[str] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    is_marked: bool = False  # whether anything told the origins

    @property
    def text(self) -> str:
        """The text."""
        return "".join(self.lines)

    def add(self, line: str, origin: Origin) -> None:
        """One more line."""
        self.lines.append(line)
        self.origins.append(origin)


class Flattener:
    """Puts included files in the place of the lines that include them."""

    def __init__(self, read: Callable[[str], str], told: Callable[[str, str], None]) -> None:
        self.read, self.told = read, told
        self.result = Mapped(is_marked=True)

    def add(self, path: str, text: str, chain: tuple[str, ...] = ()) -> None:
        """A file, with those that it includes."""
        self.told(path, text)
        chain = (*chain, os.path.realpath(path))
        self.result.add(f'{BEGIN} "{path}"\n', (path, 1))
        opened = ""
        for number, line in enumerate(text.splitlines(keepends=True), 1):
            if not opened:
                self.result.add(f"{LINE} {number}\n", (path, number))
            if opened or not self.include(path, line, chain):
                self.result.add(line if line.endswith("\n") else f"{line}\n", (path, number))
            opened = still_open(line, opened)
        self.result.add(f"{END}\n", (path, 1))

    def include(self, path: str, line: str, chain: tuple[str, ...]) -> bool:
        """Put the file in that *line* includes; False where it stays, as it includes none that can be read."""
        found = INCLUDE.match(line)
        if found is None or len(chain) > DEEPEST:
            return False
        for name in (os.path.join(os.path.dirname(path), found.group(2)), found.group(2)):
            if os.path.realpath(name) in chain:
                return False
            try:
                text = self.read(name)
            except (OSError, ValueError):
                continue
            self.add(name, text, chain)
            return True
        return False


def still_open(line: str, opened: str) -> str:
    """What goes on behind *line*: a comment, a text, a line that a backslash continues; *opened* goes on before it."""
    if opened == '"':
        closing = re.search(r'(?<!\\)"', line)
        if closing is None:
            return opened
        line = line[closing.end():]
    elif opened == "/*":
        closing = re.search(r"\*/", line)
        if closing is None:
            return opened
        line = line[closing.end():]
    for found in OPENING.finditer(line):
        if found.group() == "/*" and "*/" not in line[found.end():]:
            return "/*"
        if found.group().startswith('"') and found.group(1) != '"':
            return '"'
    return "\\" if line.rstrip("\r\n").endswith("\\") else ""


def mapped(output: str, given: Mapped, path: str) -> Mapped:
    """What a preprocessor made of *given*, without the marks."""
    found = Mapped()
    files: list[Origin] = [(path, 1)]
    for line in output.splitlines(keepends=True):
        mark = MARK.match(line)
        if mark is None:
            file, number = files[-1]
            found.add(line, (file, number))
            files[-1] = file, number + 1
        elif move(files, mark, given):
            found.is_marked = True
    return found


def move(files: list[Origin], mark: re.Match[str], given: Mapped) -> bool:
    """Go on where a mark says; *files* are those open, the innermost last. Whether it said anything."""
    if mark["line"]:
        files[-1] = files[-1][0], int(mark["line"])
    elif mark["begin"] is not None:
        files.append((mark["begin"], 1))
    elif mark["end"]:
        if len(files) > 1:
            files.pop()
    elif mark["file"] in OWN_INPUT or (mark["file"] is None and len(files) == 1):
        at = int(mark["at"]) - 1  # of the text that the preprocessor was given
        if not 0 <= at < len(given.origins):
            return False
        files[-1] = given.origins[at]
    elif mark["file"] is None or not mark["file"].startswith("<"):
        files[-1] = mark["file"] or files[-1][0], int(mark["at"])
    return True

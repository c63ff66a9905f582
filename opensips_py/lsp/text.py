"""Scripts as text: what is code, what stands under the cursor, which blocks are open."""
from __future__ import annotations

import re
from collections.abc import Iterator

# Comments, quoted texts, and whatever else one character at a time.
PIECES = re.compile(r'/\*.*?(?:\*/|\Z)|#(?![!])[^\n]*|//[^\n]*|"(?:\\.|[^"\\])*"?|\'(?:\\.|[^\'\\])*\'?|.', re.S)
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")
VARIABLE = re.compile(r"\$\(?(?:<\w+>)?([a-zA-Z_.]+)(?:\(([^()]*)\))?")


def without_comments(text: str) -> str:
    """*text* with its comments blanked: every place stays where it is."""
    return "".join(re.sub(r"[^\n]", " ", piece) if is_comment(piece) else piece for piece in pieces(text))


def code_alone(text: str) -> str:
    """*text* with comments and quoted texts blanked."""
    return "".join(re.sub(r"[^\n]", " ", piece) if is_comment(piece) or is_quoted(piece) else piece
                   for piece in pieces(text))


def pieces(text: str) -> Iterator[str]:
    """The comments, quoted texts and single characters of *text*."""
    return (match[0] for match in PIECES.finditer(text))


def is_quoted(piece: str) -> bool:
    """Whether one of the pieces is a quoted text."""
    return len(piece) > 1 and piece[0] in "\"'"


def is_comment(piece: str) -> bool:
    """Whether one of the pieces is a comment."""
    return piece.startswith(("/*", "//")) or (piece[0] == "#" and len(piece) > 1)


def depth(text: str) -> int:
    """How many braces are open at the end of *text*: 0 outside routes."""
    code = code_alone(text)
    return max(code.count("{") - code.count("}"), 0)


def word_at(line: str, column: int) -> tuple[str, int]:
    """The word at *column* (from 0) of *line*, and where it begins; "" where there is none."""
    for match in WORD.finditer(line):
        if match.start() <= column <= match.end():
            return match[0], match.start()
    return "", column


def variable_at(line: str, column: int) -> re.Match[str] | None:
    """The pseudo-variable at *column* of *line*."""
    return next((match for match in VARIABLE.finditer(line) if match.start() <= column <= match.end()), None)


def call_at(before: str) -> tuple[str, int, list[str]] | None:
    """The call that is open at the end of *before*: its name, the number of the argument, and those before it."""
    opened: list[tuple[int, list[int]]] = []  # parentheses: where, and the commas directly in them
    at = 0
    for piece in pieces(before):
        if piece == "(":
            opened.append((at, []))
        elif piece == ")" and opened:
            opened.pop()
        elif piece == "," and opened:
            opened[-1][1].append(at)
        at += len(piece)
    while opened:
        start, commas = opened.pop()
        name = re.search(r"(?<![$\w])([A-Za-z_][\w-]*)\s*$", before[:start])
        if name is not None:
            ends = [start, *commas]
            given = [before[one + 1:other].strip().strip("\"'") for one, other in zip(ends, commas, strict=False)]
            return name[1], len(commas), given
    return None

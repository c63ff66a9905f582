"""JSON as scripts write it in arguments, with pseudo-variables in it: whatever they hold stays a value."""
from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opensips_py.module.kinds import Kind, ScriptLanguage, VariableSpec
from opensips_py.module.run import Run
from opensips_py.module.statements import HELD, note_use, text_of

STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
INSIDE, ALONE = "\ue000", "\ue001"  # signs that stand for a variable within a text, and for one that is a value
PLACE = re.compile(f"[{INSIDE}{ALONE}]([0-9]+){INSIDE}")


class Document:
    """A document; ValueError where it is no JSON."""

    def __init__(self, text: str, language: ScriptLanguage | None = None) -> None:
        pieces = language.pieces(text) if language is not None else (text,)
        self.variables = [each for each in pieces if isinstance(each, VariableSpec)]
        places = iter(range(len(self.variables)))
        marked = "".join(each if isinstance(each, str) else f"{INSIDE}{next(places)}{INSIDE}" for each in pieces)
        try:
            self.tree = json.loads(outside(marked, lambda part: PLACE.sub(rf'"{ALONE}\1{INSIDE}"', part)))
        except ValueError:
            raise ValueError(f"{text} is no JSON") from None

    def value(self, run: Run) -> Any:
        """What it says in *run*."""
        return self.filled(self.tree, run) if self.variables else self.tree

    def filled(self, node: Any, run: Run) -> Any:
        """A part of the document with the values of its variables."""
        if isinstance(node, list):
            return [self.filled(each, run) for each in node]
        if isinstance(node, dict):
            return {str(self.filled(name, run)): self.filled(each, run) for name, each in node.items()}
        if not isinstance(node, str):
            return node
        if node.startswith(ALONE):
            return alone(self.variables[int(node[1:-1])], run)
        return PLACE.sub(lambda found: text_of(self.variables[int(found[1])], run), node)


def outside(text: str, change: Callable[[str], str]) -> str:
    """*text* with what stands outside of its strings changed."""
    parts, end = [], 0
    for found in STRING.finditer(text):
        parts += [change(text[end:found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, change(text[end:])])


def alone(variable: VariableSpec, run: Run) -> Any:
    """The value of a variable outside of strings: what a script has put together may be JSON, all else is a value."""
    value = variable.read(run)
    if not isinstance(value, str) or variable.type not in HELD:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


@dataclass(frozen=True)
class DocumentKind(Kind):
    """A document for a function of module *owner*."""

    name = "JSON"
    script = True
    owner: str = ""

    def compile(self, value: str, language: ScriptLanguage) -> Document:
        note_use(language, self.owner)
        return Document(value, language)

    def convert(self, value: Any) -> Document:
        return Document(str(value))

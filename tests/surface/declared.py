"""The names that our modules declare, by the key under which the recorder notes them."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opensips_py.module import loader
from opensips_py.module.base import Module
from opensips_py.module.declare import Declarations, Dialect
from opensips_py.script import globals, operators, statements
from opensips_py.script.core import Core
from opensips_py.script.expressions import OPERANDS
from opensips_py.script.parser import TOP_WORDS
from opensips_py.script.stream import ROUTE_KINDS
from opensips_py.server.generation import BUILT_IN

CORE: tuple[type[Module], ...] = (Core, *BUILT_IN)
CORE_NAMES = frozenset(each.declarations.name for each in CORE)
SPOKEN = {"&&": "and", "||": "or", "!": "not"}  # two spellings of one operator


@dataclass(frozen=True)
class Name:
    """One declared name: what it is called in either dialect, and its keys; a variable that can be assigned has two,
    for reading and writing."""

    module: str
    kind: str
    v21: str | None
    v40: str | None
    keys: tuple[str, ...]
    help: str

    @property
    def is_idle(self) -> bool:
        """Whether it is accepted without effect, and says so."""
        return "accepted without effect" in self.help.lower()

    def of(self, dialect: Dialect) -> str | None:
        """What it is called in *dialect*; None where it is not there."""
        return self.v21 if dialect == "2.1" else self.v40


def surface_module(name: str) -> str:
    """The module that the surface lists have for a Module class."""
    return "core" if name in CORE_NAMES else name


def key(module: str, kind: str, name: str, dialect: Dialect | None = None) -> str:
    """How the recorder calls a name; *dialect* where another one has the same name."""
    return f"{surface_module(module)}/{kind}/{name}" + (f"@{dialect}" if dialect else "")


def classes() -> list[type[Module]]:
    """All modules there are."""
    return [loader.find(name) for name in loader.available() if name not in CORE_NAMES]


def declared(cls: type[Module]) -> Iterator[Name]:
    """All that one class declares."""
    all_of = cls.declarations
    module = surface_module(all_of.name)
    for each in (*all_of.functions, *all_of.variables):
        kind = "pvars" if each in all_of.variables else "functions"
        own = key(module, kind, each.name, each.dialect)
        keys = (own, own + "=") if getattr(each, "set", None) else (own,)
        yield Name(module, kind, each.name if each.dialect != "4.0" else None,
                   each.name if each.dialect != "2.1" else None, keys, each.help)
    for change in all_of.transformations:
        yield both(module, "transformations", change.name, change.help)
    for parameter in all_of.parameters:
        for name in (parameter.name, *parameter.aliases):
            yield Name(module, "params", name, name, (key(module, "params", parameter.name),), parameter.help)
    for command in all_of.commands:
        yield Name(module, "mi", command.v21, command.v40, (key(module, "mi", command.name),), command.help)
    yield from told(module, all_of)


def told(module: str, all_of: Declarations) -> Iterator[Name]:
    """Statistics and events."""
    for each in all_of.statistics:
        yield Name(module, "statistics", each.name, each.v40 or each.name, (key(module, "statistics", each.name),),
                   each.help)
    for event in all_of.events:
        yield both(module, "events", event.name, event.help)


def both(module: str, kind: str, name: str, help: str = "") -> Name:
    """A name that the dialects share."""
    return Name(module, kind, name, name, (key(module, kind, name),), help)


def of_core() -> Iterator[Name]:
    """What the core has: declarations of its classes, core parameters, and the language itself."""
    for cls in CORE:
        yield from declared(cls)
    for each in globals.TABLE:
        for name in (each.name, *each.aliases):
            yield Name("core", "globals", None if each.v21 is globals.ABSENT else name,
                       None if each.v40 is globals.ABSENT else name, (key("core", "globals", each.kept_as),),
                       each.effect)
    for kind, words in language().items():
        for word in words:
            yield both("core", kind, word, word)


def language() -> dict[str, set[str]]:
    """The words and signs of the language."""
    words = {*statements.COMPOUND, *statements.SIMPLE, *TOP_WORDS, "in", "sync", "mpath"} - set(ROUTE_KINDS)
    signs: set[Any] = {*operators.ARITHMETIC, *operators.UNARY, *operators.BY_DIALECT["4.0"].values,
                       *operators.PATTERN_COMPARISONS, *statements.ASSIGNMENTS, *SPOKEN, *SPOKEN.values()}
    return {"functions": {"route"}, "statements": words, "route_types": set(ROUTE_KINDS),
            "operators": signs, "operands": set(OPERANDS)}

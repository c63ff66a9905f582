"""What the arguments and parameters of acc mean: words with bars between, lists of fields, syslog facilities."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from logging.handlers import SysLogHandler
from typing import Any

from opensips_py.module import Format, Kind, VariableSpec
from opensips_py.module.kinds import ScriptLanguage, Text, meant
from opensips_py.module.statements import note_use

REPLY = "/reply"
PLACES = {"log": "log", "evi": "evi", "db": "db"}
AWAITED = {"aaa": "module aaa_radius"}


@dataclass(frozen=True)
class Words(Kind):
    """One or more of *known*, with bars between, as a set of bits; those of *awaited* wait for another module."""

    name = "string"
    known: tuple[tuple[str, int], ...]
    awaited: tuple[tuple[str, str], ...] = ()

    def convert(self, value: Any) -> int:
        if value is None:
            raise ValueError("a text is needed, and the value is NULL")
        bits = 0
        for word in (each.strip().lower() for each in str(value).split("|")):
            bits |= self.bit(word) if word else 0
        return bits

    def bit(self, word: str) -> int:
        """The bits of one word."""
        other = dict(self.awaited).get(word)
        if other is not None:
            raise ValueError(f'"{word}" waits for {other}, which is not available yet')
        known = dict(self.known)
        if word not in known:
            raise ValueError(f'"{word}" is not one of {", ".join(known)}')
        return known[word]

    def complete(self) -> tuple[str, ...]:
        return tuple(dict(self.known))


@dataclass(frozen=True)
class Noting(Words):
    """The same; the module learns that the script names one of the bits *noted*, which needs a database, or
    module dialog."""

    script = True
    noted: int = 0
    needs: str = "database"

    def compile(self, value: str, language: ScriptLanguage) -> int | Format:
        if "$" in value:
            return language.format(value)
        bits = self.convert(value)
        if bits & self.noted:
            note_use(language, "acc", self.needs)
        return bits


@dataclass(frozen=True, slots=True)
class Extra:
    """A value to account under *name*: that of a variable, read in the request or, with *reply*, in the response."""

    name: str
    variable: VariableSpec
    reply: bool


@dataclass(frozen=True)
class Extras(Kind):
    """``name=$variable;name=$variable/reply``; *avps*: only AVPs, and only of the request."""

    name = "string"
    script = True
    avps: bool = False

    def compile(self, value: str, language: ScriptLanguage) -> tuple[Extra, ...]:
        return tuple(self.extra(each, language) for each in definitions(value))

    def extra(self, text: str, language: ScriptLanguage) -> Extra:
        """One definition."""
        name, equals, variable = (each.strip() for each in text.partition("="))
        if not name or not equals:
            raise ValueError(f'"{text}" should be name=$variable')
        reply = variable.endswith(REPLY)
        spec = language.variable(variable.removesuffix(REPLY).rstrip())
        if self.avps and (reply or spec.type != "avp" or spec.name is None):
            raise ValueError(f"{variable} is no AVP")
        return Extra(name, spec, reply)


def definitions(text: str) -> Iterator[str]:
    """The parts of a text with semicolons between; those inside of parentheses or braces belong to a variable."""
    depth = start = 0
    for at, letter in enumerate(text + ";"):
        depth += (letter in "({") - (letter in ")}")
        if letter == ";" and (depth <= 0 or at == len(text)):
            if part := text[start:at].strip():
                yield part
            start = at + 1


@dataclass(frozen=True, slots=True)
class Fields:
    """Values that scripts assign by tag, and the names that a back end gives them, in order."""

    place: str
    names: tuple[tuple[str, str], ...]  # tag, name


@dataclass(frozen=True)
class FieldsKind(Kind):
    """``log: tag->name; tag``; without a back end it is evi, as the manual's example has it."""

    name = "string"

    def convert(self, value: Any) -> Fields:
        head, colon, rest = str(value).partition(":")
        place = head.strip().lower() if colon else "evi"
        if place in AWAITED:
            raise ValueError(f'"{place}" waits for {AWAITED[place]}, which is not available yet')
        if place not in PLACES:
            raise ValueError(f'"{head.strip()}" is no back end: {", ".join(PLACES)}')
        return Fields(place, tuple(field(each) for each in (rest if colon else head).split(";") if each.strip()))


def field(text: str) -> tuple[str, str]:
    """Tag and name of one field."""
    tag, arrow, name = (each.strip() for each in text.partition("->"))
    if not tag or (arrow and not name):
        raise ValueError(f'"{text.strip()}" should be tag or tag->name')
    return tag, name or tag


@dataclass(frozen=True)
class Tag(Text):
    """The tag of a field that modparam *fields* defines."""

    script = True
    as_written = True
    fields: str = "extra_fields"

    def compile(self, value: str, language: ScriptLanguage) -> str:
        registry: Any = getattr(language, "registry", None)
        module = registry.modules.get("acc") if registry is not None else None
        if module is not None:
            tags = module.tags if self.fields == "extra_fields" else module.leg_tags
            if value not in tags:
                raise ValueError(f'no {self.fields} of module acc define "{value}"{meant(value, tags)}')
        return value


@dataclass(frozen=True)
class Facility(Kind):
    """The name of a syslog facility: LOG_LOCAL0."""

    name = "string"

    def convert(self, value: Any) -> int:
        facility = str(value).upper().removeprefix("LOG_").lower()
        if facility not in SysLogHandler.facility_names:
            known = ", ".join(f"LOG_{each.upper()}" for each in SysLogHandler.facility_names)
            raise ValueError(f'"{value}" is no facility: {known}')
        return SysLogHandler.facility_names[facility]

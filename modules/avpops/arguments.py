"""What the functions are given: AVPs with flags, and operations with a value and flags."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opensips_py.module import Kind, Pattern, Run
from opensips_py.module.avps import Avp, Value, avp_of
from opensips_py.module.kinds import Integer, ScriptLanguage, VariableSpec
from opensips_py.modules.avpops.calculating import CALCULATIONS
from opensips_py.modules.avpops.comparing import OPERATORS

ALL = "all AVPs"


@dataclass(frozen=True)
class Constant:
    """A value that stands in the script."""

    value: Value

    def values(self, run: Run) -> list[Value]:
        """The value."""
        return [self.value]


@dataclass(frozen=True)
class Read:
    """A pseudo-variable that is no AVP."""

    spec: VariableSpec

    def values(self, run: Run) -> list[Value]:
        """Its value; none where it is NULL."""
        value = self.spec.read(run)
        return [] if value is None else [value]


Source = Avp | Constant | Read


@dataclass(frozen=True)
class Named:
    """An AVP, what to put the outcome into, and flags."""

    source: Source
    destination: Avp | None
    flags: str

    @property
    def avp(self) -> Avp:
        """The AVP, where only one may stand."""
        assert isinstance(self.source, Avp)
        return self.source


@dataclass(frozen=True)
class Operation:
    """An operation, the other value, and flags."""

    name: str
    value: Source
    flags: str
    pattern: Pattern | None = None


@dataclass(frozen=True)
class NameKind(Kind):
    """``$avp(name)/flags``; a *second* one may follow, or the first may be *any* variable."""

    name = "string"
    script = True
    letters: str = ""
    second: bool = False
    any: bool = False

    def compile(self, value: str, language: ScriptLanguage) -> Named:
        first, *rest = split(value)
        if not first.startswith("$"):
            raise ValueError(f"a variable is needed, not {first}")
        source = source_of(first, language) if self.any else avp_of(first, language)
        destination = None
        if self.second and rest and rest[0].startswith("$"):
            destination = avp_of(rest.pop(0), language)
        return Named(source, destination, flags_of(rest, self.letters, value))


@dataclass(frozen=True)
class ValueKind(Kind):
    """A variable, or a text with variables in it."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Callable[[Run], Value | None]:
        try:
            return language.variable(value).read
        except ValueError:
            return language.format(value)


@dataclass(frozen=True)
class ChosenKind(Kind):
    """What to delete: an AVP, or by letters all of them."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Named | str:
        first, *rest = split(value)
        if first.startswith("$"):
            return Named(avp_of(first, language), None, flags_of(rest, "g", value))
        flags_of(rest, "g", value)
        if first[:1] not in ("a", "A", "i", "I", "s", "S", "*") or not (first[1:] or "0").isdigit():
            raise ValueError(f'"{value}" is neither an AVP nor a, i, s or *')
        return "" if first[0] in "sS" else ALL  # every AVP has a number inside, as in OpenSIPS: none has a name


@dataclass(frozen=True)
class CheckKind(Kind):
    """``operator/value/flags`` of a comparison."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Operation:
        operation = operation_of(value, language, OPERATORS, "gi")
        if operation.name != "re":
            return operation
        if not isinstance(operation.value, Constant):
            raise ValueError("an expression behind re stands in the script, not in a variable")
        pattern = Pattern(str(operation.value.value), ignore_case=True, newline=True)
        return Operation(operation.name, operation.value, operation.flags, pattern)


@dataclass(frozen=True)
class CalculationKind(Kind):
    """``operator/value/flags`` of a calculation."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Operation:
        operation = operation_of(value, language, tuple(CALCULATIONS), "gd")
        if isinstance(operation.value, Constant):
            return Operation(operation.name, Constant(Integer().convert(operation.value.value)), operation.flags)
        return operation


def operation_of(text: str, language: ScriptLanguage, names: tuple[str, ...], letters: str) -> Operation:
    """``operator/value/flags``; ValueError where it is none."""
    name, value, *rest = [*split(text), ""]
    if name not in names:
        raise ValueError(f'"{name}" is no operator: {", ".join(names)} are')
    return Operation(name, source_of(value, language), flags_of(rest[:-1], letters, text))


def source_of(text: str, language: ScriptLanguage) -> Source:
    """A variable, ``i:number``, ``s:text`` or a text."""
    if text.startswith("$avp("):
        return avp_of(text, language)
    if text.startswith("$"):
        return Read(language.variable(text))
    if text.startswith("i:"):
        return Constant(Integer().convert(text[2:]))
    return Constant(text.removeprefix("s:"))


def flags_of(rest: list[str], letters: str, text: str) -> str:
    """The flags in small letters; ValueError for one that is not among *letters*."""
    flags = "".join(rest).lower()
    if len(rest) > 1 or flags.strip(letters):
        raise ValueError(f'"{text}": of flags, only {", ".join(letters)} may stand here')
    return flags


def split(text: str) -> list[str]:
    """The parts between slashes; one in parentheses belongs to a name."""
    parts = [""]
    depth = 0
    for character in text.strip():
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "/" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts

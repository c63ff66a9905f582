"""Kinds of value: what an annotation of a declared method means for scripts, modparams and MI commands.

Each kind turns a constant (once, when the script compiles) and a run-time value into what the method is given. Both
raise ValueError with a text that says how to write it right.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, Union, get_args, get_origin

from opensips_py import sip
from opensips_py.errors import MalformedMessage
from opensips_py.module.pattern import Pattern

if TYPE_CHECKING:
    from opensips_py.module.run import Route, Run


class Format(Protocol):
    """A text with pseudo-variables in it; called with the run, it gives the text, or None for NULL alone."""

    def __call__(self, run: Run, /) -> str | None: ...


@dataclass(frozen=True, slots=True)
class VariableSpec:
    """A pseudo-variable as it stands in the script: what it is and how to reach it in a run."""

    text: str  # as written: $avp(x), $(hdr(Via)[0]{s.len})
    type: str  # its class: avp, var, hdr ...
    name: str | None  # the inner name where it is a constant
    read: Callable[[Run], Any]
    write: Callable[[Run, Any], None] | None


class ScriptLanguage(Protocol):
    """What modules need of the script compiler; Registry.script holds it."""

    def format(self, text: str) -> Format:
        """Compile a text with pseudo-variables; ValueError where it is wrong."""

    def variable(self, text: str) -> VariableSpec:
        """Compile one pseudo-variable; ValueError where it is none."""

    def pieces(self, text: str) -> tuple[str | VariableSpec, ...]:
        """A text and the pseudo-variables in it, one after the other; ValueError where one is wrong."""

    def complaint(self, what: str, name: str) -> str:
        """Why the configuration has no *what* called *name*; empty where it has."""


class Variable:
    """A variable passed by a script, bound to the run that passes it."""

    __slots__ = ("run", "spec")

    def __init__(self, run: Run, spec: VariableSpec) -> None:
        self.run, self.spec = run, spec

    def get(self) -> Any:
        """Its value now; None for NULL."""
        return self.spec.read(self.run)

    def assigned(self) -> list[Any]:
        """All values of an AVP, in the order in which they were assigned."""
        return self.run.avps.get(self.spec.name or "", [])[::-1]


class Writable(Variable):
    """A variable that the function assigns."""

    __slots__ = ()

    def set(self, value: int | str | None) -> None:
        """Assign *value*."""
        if self.spec.write is None:
            raise ValueError(f"{self.spec.text} cannot be assigned")
        self.spec.write(self.run, value)


@dataclass(frozen=True)
class Kind:
    """Base of all kinds; passes a value on unchanged."""

    name = "any"  # as the reference prints it
    literal = False  # a constant is taken as it stands, `$` has no meaning in it
    variable = False  # wants the variable, not its value
    writable = False
    nullable = False
    script = False  # constants need the script language: compile() instead of constant()
    as_written = False  # of an inner name: compile() sees the variables in it, and not their values
    replacing: ClassVar[Kind | None] = None  # of an assigned value: the kind of one that := assigns, where that differs

    @property
    def bare(self) -> Kind:
        """The kind without its leave to be NULL."""
        return self

    def constant(self, value: int | str) -> Any:
        """What a constant means; asked once, when the script compiles."""
        return self.convert(value)

    def convert(self, value: Any) -> Any:
        """What a run-time value means."""
        return value

    def compile(self, value: str, language: ScriptLanguage) -> Any:
        """constant() for a kind with `script` set."""
        return self.constant(value)

    def complete(self) -> tuple[str, ...]:
        """What an editor may offer."""
        return ()


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number; also as text, as 2.1 scripts quote numbers."""

    name = "int"

    def convert(self, value: Any) -> int:
        if isinstance(value, int):
            return value
        try:
            return int(value, 0) if value.lower().startswith(("0x", "-0x")) else int(value)
        except (ValueError, AttributeError):
            raise ValueError(f"a number is needed, not {shown(value)}") from None


@dataclass(frozen=True)
class Between(Integer):
    """A whole number from *low* to *high*, both included."""

    low: int
    high: int

    def convert(self, value: Any) -> int:
        number = super().convert(value)
        if not self.low <= number <= self.high:
            raise ValueError(f"a number from {self.low} to {self.high} is needed, not {number}")
        return number


@dataclass(frozen=True)
class Truth(Integer):
    """On or off, written 1 or 0."""

    def convert(self, value: Any) -> bool:
        return super().convert(value) != 0


@dataclass(frozen=True)
class Text(Kind):
    """A text, pseudo-variables in it replaced by their values."""

    name = "string"

    def convert(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if value is None:
            raise ValueError("a text is needed, and the value is NULL")
        return str(value)


@dataclass(frozen=True)
class Literal(Text):
    """A text that is taken as it stands: `$` means itself."""

    literal = True


@dataclass(frozen=True, init=False)  # eq counts: typing caches Annotated[…] by the equality of its metadata
class OneOf(Text):
    """One of a few words."""

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)

    def convert(self, value: Any) -> str:
        text = super().convert(value)
        if text in self.words:
            return text
        for word in self.words:
            if word.lower() == text.lower():
                return word
        raise ValueError(f"one of {', '.join(self.words)} is needed, not {shown(value)}{meant(text, self.words)}")

    def complete(self) -> tuple[str, ...]:
        return self.words


@dataclass(frozen=True)
class NumberOrText(Kind):
    """A number or a text; the method sees which."""

    name = "int|string"

    def convert(self, value: Any) -> int | str:
        if value is None:
            raise ValueError("a value is needed, and it is NULL")
        return value if isinstance(value, int) else str(value)


@dataclass(frozen=True)
class Regex(Kind):
    """A POSIX extended regular expression; a constant one compiles once."""

    name = "regex"
    literal = True
    ignore_case: bool = False
    newline: bool = False  # `.` and lists do not match a line end, `^` and `$` also match at one

    def convert(self, value: Any) -> Pattern:
        if not isinstance(value, str):
            raise ValueError(f"a regular expression is needed, not {shown(value)}")
        try:
            return Pattern(value, ignore_case=self.ignore_case, newline=self.newline)
        except ValueError as error:
            raise ValueError(f"{shown(value)} is not a POSIX regular expression: {error}") from None


@dataclass(frozen=True)
class Known(Text):
    """The name of something that the configuration has, of the sort *what*; a constant one must exist. The function
    sees a text, or a Format where it has variables in it."""

    script = True
    what: str = ""

    def compile(self, value: str, language: ScriptLanguage) -> str | Format:
        if "$" in value:
            return language.format(value)
        wrong = language.complaint(self.what, value)
        if wrong:
            raise ValueError(wrong)
        return value


@dataclass(frozen=True)
class TableOf(Text):
    """The name of a table of module *module*, taken as it stands; that module finds all that the script names in its
    `named`."""

    literal = True
    script = True
    module: str = ""

    def compile(self, value: str, language: Any) -> str:
        if value.startswith("$"):
            raise ValueError("the name of a table is needed, not a variable")
        owner = language.registry.modules.get(self.module)
        if owner is not None:
            owner.named.setdefault(value)
        return value


@dataclass(frozen=True)
class SipUri(Kind):
    """A SIP URI, parsed."""

    name = "uri"

    def convert(self, value: Any) -> Any:
        try:
            return sip.Uri.parse(value)
        except (MalformedMessage, TypeError, AttributeError):
            raise ValueError(f"a SIP URI is needed, not {shown(value)}") from None


@dataclass(frozen=True)
class RouteName(Text):
    """The name of a route of kind *route*; a constant one must exist."""

    route: Route


@dataclass(frozen=True)
class Flag(Integer):
    """A flag, by name or 0 to 31, as its bit number; *scope* is message, branch or script."""

    name = "flag"
    scope: str = "message"

    def convert(self, value: Any) -> int:
        number = super().convert(value)
        if not 0 <= number <= 31:
            raise ValueError(f"a flag is a number from 0 to 31, not {number}")
        return number


class Unfit(ValueError):
    """A value that no dialect takes, with other words for what scripts of 4.0 write instead."""

    def __init__(self, message: str, *, v40: str) -> None:
        super().__init__(message)
        self.v40 = v40


@dataclass(frozen=True)
class Bits(Kind):
    """A set of switches as an int: a number, letters, or words with commas, whichever the maps below know."""

    name = "string"
    words: tuple[tuple[str, int], ...] = ()
    letters: tuple[tuple[str, int], ...] = ()
    numbers: bool = True

    def convert(self, value: Any) -> int:
        if isinstance(value, int):
            return value
        text = Text().convert(value).strip()
        if self.numbers and text[:1].isdigit() and "," not in text:
            return Integer().convert(text)
        found = 0
        for word in filter(None, (part.strip() for part in text.split(","))):
            found |= self.bit(word)
        return found

    def bit(self, word: str) -> int:
        """The bits of one word, or of a run of letters."""
        known = dict(self.words)
        if word.lower() in known:
            return known[word.lower()]
        letters = dict(self.letters)
        if letters and all(letter in letters for letter in word):
            return sum({letters[letter] for letter in word})
        known_names = [*known, *letters]
        raise ValueError(f"{shown(word)} is not one of {', '.join(known_names)}{meant(word, known_names)}")

    def complete(self) -> tuple[str, ...]:
        return tuple(dict(self.words)) + tuple(dict(self.letters))


@dataclass(frozen=True)
class VariableKind(Kind):
    """A variable itself; *types* where only some classes will do (avp, var ...)."""

    name = "var"
    variable = True
    types: tuple[str, ...] = ()

    def convert(self, value: Any) -> Any:
        if not isinstance(value, Variable):
            raise ValueError("a variable is needed, not a value")
        return value


@dataclass(frozen=True)
class WritableKind(VariableKind):
    """A variable that the function assigns."""

    writable = True


@dataclass(frozen=True)
class FormatKind(Kind):
    """A text with pseudo-variables, evaluated when the module wants it."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Format:
        return language.format(str(value))


@dataclass(frozen=True)
class VariableSpecKind(Kind):
    """The name of a pseudo-variable, kept for later; *types* where only some classes will do (avp, var ...)."""

    name = "string"
    script = True
    types: tuple[str, ...] = ()

    def compile(self, value: str, language: ScriptLanguage) -> VariableSpec:
        spec = language.variable(value)
        if self.types and spec.type not in self.types:
            raise ValueError(f"{' or '.join(f'${each}(name)' for each in self.types)} is needed, not {value}")
        return spec


AvpSpec = Annotated[VariableSpec | None, VariableSpecKind(types=("avp",))]


@dataclass(frozen=True)
class ListOf(Kind):
    """All remaining values (MI: an array, or the rest of the line)."""

    name = "list"
    item: Kind = field(default_factory=Kind)

    def convert(self, value: Any) -> list[Any]:
        return [self.item.convert(each) for each in (value if isinstance(value, (list, tuple)) else [value])]


@dataclass(frozen=True, init=False)
class Nullable(Kind):
    """Another kind, or NULL, which the method sees as None."""

    inner: Kind
    nullable = True

    def __init__(self, inner: Kind) -> None:
        for attribute in ("name", "literal", "variable", "writable", "script"):
            object.__setattr__(self, attribute, getattr(inner, attribute))
        object.__setattr__(self, "inner", inner)

    @property
    def bare(self) -> Kind:
        return self.inner.bare

    def constant(self, value: int | str) -> Any:
        return self.inner.constant(value)

    def convert(self, value: Any) -> Any:
        return None if value is None else self.inner.convert(value)

    def compile(self, value: str, language: ScriptLanguage) -> Any:
        return self.inner.compile(value, language)

    def complete(self) -> tuple[str, ...]:
        return self.inner.complete()


def meant(word: str, known: Iterable[str]) -> str:
    """The end of an error about *word*: the one of *known* that it may be meant for, if one is alike."""
    names = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), names, 1, 0.75)
    return f", did you mean {names[found[0]]}?" if found else ""


def shown(value: object) -> str:
    """A value as an error prints it."""
    return "NULL" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


PLAIN: dict[object, Kind] = {
    int: Integer(), str: Text(), bool: Truth(), Pattern: Regex(), Writable: WritableKind(),
    Variable: VariableKind(), Format: FormatKind(), VariableSpec: VariableSpecKind(), Any: Kind(), object: Kind(),
}


def kind_of(annotation: Any) -> Kind:
    """The kind that *annotation* stands for; TypeError for one that means nothing here."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return next((each for each in annotation.__metadata__ if isinstance(each, Kind)), None) or kind_of(arguments[0])
    if origin in (Union, UnionType):
        return union(arguments)
    if origin is list:
        return ListOf(kind_of(arguments[0]))
    if getattr(annotation, "__name__", "") == "Uri":
        return SipUri()
    raise TypeError(f"{annotation!r} is no kind of value: "
                    "use int, str, bool, Writable, Pattern, Uri or Annotated[…, Kind]")


def union(members: tuple[Any, ...]) -> Kind:
    """The kind of `X | None`, `int | str` or both."""
    kinds = [each for each in members if each is not NoneType]
    if set(kinds) == {int, str}:
        kind: Kind = NumberOrText()
    elif len(kinds) == 1:
        kind = kind_of(kinds[0])
    else:
        raise TypeError(f"{members!r} is no kind of value: of unions, only int | str and … | None are")
    return Nullable(kind) if NoneType in members else kind

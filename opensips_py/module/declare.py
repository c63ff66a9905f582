"""What a module declares, as data: the registry, the script compiler, MI and the reference read nothing else."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from opensips_py.module.kinds import Kind
from opensips_py.module.run import Route

T = TypeVar("T")
Dialect = Literal["2.1", "4.0"]
MISSING: Any = object()  # the default of an argument that has none


@dataclass(frozen=True)
class ByDialect(Generic[T]):
    """A value that the dialect of the script selects."""

    v21: T
    v40: T

    def of(self, dialect: Dialect) -> T:
        """The value in *dialect*."""
        return self.v21 if dialect == "2.1" else self.v40


def chosen(value: Any, dialect: Dialect) -> Any:
    """*value*, or what it is in *dialect*."""
    return value.of(dialect) if isinstance(value, ByDialect) else value


@dataclass(frozen=True)
class Argument:
    """One argument of a script function or MI command."""

    name: str
    kind: Kind
    optional: bool = False
    default: Any = MISSING
    rest: bool = False  # takes all that remain (*args)


@dataclass(frozen=True)
class ScriptFunction:
    """A function that scripts call; *inject* says what stands before the arguments: "message" or "run"."""

    name: str
    method: str
    arguments: tuple[Argument, ...]
    inject: tuple[Literal["message", "run"], ...]
    routes: Route
    waits: bool
    returns: Literal["bool", "code", "int", "none", "value"]  # value: an int that may carry another, see returned.py
    codes: tuple[tuple[str, int], ...]  # the names of its return codes
    may_stop: bool  # can return 0, which ends the script
    help: str
    dialect: Dialect | None = None  # only in this one

    @property
    def arity(self) -> tuple[int, int | None]:
        """Fewest and most arguments; None: no limit."""
        least = sum(not each.optional and not each.rest for each in self.arguments)
        return least, None if any(each.rest for each in self.arguments) else len(self.arguments)


@dataclass(frozen=True)
class PseudoVariable:
    """A pseudo-variable; get and set are names of methods, *name* comes without `$`."""

    name: str
    get: str
    set: str | None
    inject: tuple[Literal["message", "run"], ...]
    named: Kind | None  # the kind of the inner name, where it takes one
    name_optional: bool
    indexed: bool
    value: Kind | None  # the kind that may be assigned
    help: str
    inline: str | None = None  # the getter as an expression over `run`
    dialect: Dialect | None = None
    waits: bool = False


@dataclass(frozen=True)
class Transformation:
    """`{class.name,argument…}` behind a pseudo-variable; *name* is "class.name"."""

    name: str
    method: str
    arguments: tuple[Argument, ...]
    help: str
    inject: tuple[Literal["message", "run"], ...] = ()  # what stands before the value


@dataclass(frozen=True)
class Parameter:
    """A modparam; *setter* is the method that takes each value of one that may be given several times."""

    name: str
    attribute: str
    kind: Kind
    default: Any
    help: str
    setter: str | None = None
    aliases: tuple[str, ...] = ()
    fixed: str = ""  # why it cannot change while the server runs


@dataclass(frozen=True)
class MICommand:
    """A management command; *scope* says which worker answers, *merge* joins the answers of all."""

    name: str  # of the method's first name: v21, or the short form of v40
    v21: str | None
    v40: str | None
    aliases: tuple[str, ...]
    method: str
    parameters: tuple[Argument, ...]
    scope: Literal["any", "each", "owner"]
    merge: Callable[[list[Any]], Any] | None
    owner: str | None  # method that gives the slot for the same arguments
    help: str
    dialect: Dialect | None = None  # the only one that has it in this form

    def named(self, dialect: Dialect) -> str | None:
        """Its name as `which` lists it in *dialect*."""
        return self.v21 if dialect == "2.1" else self.v40

    @property
    def names(self) -> tuple[str, ...]:
        """All names that it answers to."""
        short = () if self.v40 is None else (self.v40, self.v40.partition(":")[2])
        return tuple(dict.fromkeys(filter(None, (self.v21, *short, *self.aliases))))


@dataclass(frozen=True)
class Statistic:
    """A counter (never falls), a gauge, or a function's value; *method* computes the last."""

    name: str
    v40: str | None
    attribute: str
    kind: Literal["counter", "gauge", "function"]
    help: str
    group: str | None = None
    scope: Literal["each", "any"] = "each"  # a function's value: summed over the workers, or the same in all


@dataclass(frozen=True)
class EventDeclaration:
    """An event that subscribers receive."""

    name: str
    parameters: tuple[tuple[str, Any], ...]  # name and type
    help: str


@dataclass(frozen=True)
class TimerDeclaration:
    """A method called again and again; *interval* is seconds or the name of the parameter that holds them."""

    method: str
    interval: float | str
    scope: Literal["each", "first"]  # in every worker, or in one
    help: str


@dataclass(frozen=True)
class Use:
    """Another module that this one needs."""

    attribute: str
    module: str
    optional: bool
    parameter: str | None  # only when this parameter is set


@dataclass(frozen=True)
class ProcessState:
    """An object made once per process and handed to each new instance."""

    attribute: str
    factory: Callable[[], Any]


@dataclass(frozen=True)
class Declarations:
    """All that one module declares."""

    name: str
    overview: str
    provides: tuple[str, ...]
    functions: tuple[ScriptFunction, ...]
    variables: tuple[PseudoVariable, ...]
    transformations: tuple[Transformation, ...]
    parameters: tuple[Parameter, ...]
    commands: tuple[MICommand, ...]
    statistics: tuple[Statistic, ...]
    events: tuple[EventDeclaration, ...]
    timers: tuple[TimerDeclaration, ...]
    uses: tuple[Use, ...]
    states: tuple[ProcessState, ...]
    hooks: tuple[str, ...] = ()  # the methods that implement some

    @property
    def parameter_names(self) -> dict[str, Parameter]:
        """The parameters by all names that they go by."""
        return {name: each for each in self.parameters for name in (each.name, *each.aliases)}

    def parameter(self, name: str) -> Parameter | None:
        """The parameter that is called *name*."""
        return self.parameter_names.get(name)

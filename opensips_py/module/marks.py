"""The marks a module class carries: decorators and class attributes that Module turns into declarations."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin

from opensips_py.module.declare import (
    MISSING,
    Argument,
    ByDialect,
    Dialect,
    MICommand,
    PseudoVariable,
    ScriptFunction,
    TimerDeclaration,
    Transformation,
)
from opensips_py.module.kinds import Kind, ListOf, kind_of

if TYPE_CHECKING:
    from opensips_py.module.run import Route
    from opensips_py.module.statistic import Counter

F = TypeVar("F", bound=Callable[..., Any])
INJECTED: dict[str, Literal["message", "run"]] = {"Message": "message", "Request": "message", "Response": "message",
                                                  "Run": "run"}
Declaration = ScriptFunction | PseudoVariable | MICommand | TimerDeclaration | Transformation


@dataclass(frozen=True)
class Mark:
    """A decorated method; *build* makes its declarations once the class is complete."""

    build: Callable[[str, Callable[..., Any]], Declaration]


def marks_of(function: object) -> list[Mark]:
    """The marks that a method carries."""
    return list(getattr(function, "__marks__", ()))


def marked(build: Callable[[str, Callable[..., Any]], Declaration]) -> Callable[[F], F]:
    """A decorator that only leaves a mark: the method stays a plain method."""
    def decorate(function: F) -> F:
        function.__marks__ = [*marks_of(function), Mark(build)]  # type: ignore[attr-defined]
        return function
    return decorate


def script(routes: Route, *, name: str = "", waits: bool = False, dialect: Dialect | None = None,
           stops: bool = True) -> Callable[[F], F]:
    """Make a method a script function for *routes*; *waits* where it may switch to other work; without *stops*, the 0
    of one that returns numbers is a number like any other."""
    def build(method: str, function: Callable[..., Any]) -> ScriptFunction:
        inject, arguments, result = signature(function)
        returns, codes = returned(result)
        may_stop = (returns == "int" and stops) or any(code == 0 for _, code in codes)
        return ScriptFunction(name or method, method, arguments, inject, routes, waits, returns, codes, may_stop,
                              text_of(function), dialect)
    return marked(build)


def mi(v21: str | None, *aliases: str, v40: str | None = None, scope: Literal["any", "each", "owner"] = "any",
       merge: Callable[[list[Any]], Any] | None = None, owner: str | None = None,
       dialect: Dialect | None = None) -> Callable[[F], F]:
    """Make a method a management command: its name in 2.1, further names, its name in 4.0 (module:command)."""
    def build(method: str, function: Callable[..., Any]) -> MICommand:
        if v21 is None and v40 is None:
            raise TypeError(f"{method}: a management command needs a name")
        if (scope == "each") != (merge is not None) or (scope == "owner") != (owner is not None):
            raise TypeError(f"{method}: scope each needs merge=, scope owner needs owner=, and only they")
        _, arguments, _ = signature(function)
        short = v21 or (v40 or "").partition(":")[2]
        return MICommand(short, v21, v40, aliases, method, arguments, scope, merge, owner, text_of(function), dialect)
    return marked(build)


def timer(interval: float | str, *, scope: Literal["each", "first"] = "each") -> Callable[[F], F]:
    """Call a method every *interval* seconds (a number, or the attribute that holds it) in each worker, or in one."""
    return marked(lambda method, function: TimerDeclaration(method, interval, scope, text_of(function)))


def transformation(name: str) -> Callable[[F], F]:
    """Make a method the transformation `{class.name}`; it is given the value, then the arguments."""
    def build(method: str, function: Callable[..., Any]) -> Transformation:
        inject, arguments, _ = signature(function)
        return Transformation(name, method, arguments[1:], text_of(function), inject)
    return marked(build)


class pvar:
    """Make a method the getter of pseudo-variable *name*; `@that.setter` gives the method that assigns it.

    A parameter called *name* takes the inner name, one called *index* the index (None without, "*" for all).
    """

    def __init__(self, name: str, *, inline: str | None = None, dialect: Dialect | None = None,
                 waits: bool = False) -> None:
        self.name, self.inline, self.dialect, self.waits = name, inline, dialect, waits
        self.getter: Callable[..., Any] = lambda *_: None
        self.assign: Callable[..., Any] | None = None

    def __call__(self, function: Callable[..., Any]) -> pvar:
        self.getter = function
        return self

    def setter(self, function: F) -> F:
        """Mark the method that assigns: as the getter, and the value last."""
        self.assign = function
        return function

    def __get__(self, instance: object, owner: type) -> Any:
        return self if instance is None else self.getter.__get__(instance, owner)

    def declaration(self, attribute: str) -> PseudoVariable:
        """This pseudo-variable as data."""
        inject, arguments, _ = signature(self.getter)
        inner = next((each for each in arguments if each.name == "name"), None)
        value = None
        if self.assign is not None:
            assign_inject, assigned, _ = signature(self.assign)
            value = assigned[-1].kind
            if assign_inject != inject or [each.name for each in assigned[:-1]] != [each.name for each in arguments]:
                raise TypeError(f"${self.name}: the setter takes what the getter takes, and the value last")
        return PseudoVariable(
            self.name, attribute, None if self.assign is None else self.assign.__name__, inject,
            inner.kind if inner else None, bool(inner and inner.optional),
            any(each.name == "index" for each in arguments), value, text_of(self.getter), self.inline, self.dialect,
            self.waits)


@dataclass
class ParamMark:
    """A class attribute that is a modparam."""

    default: Any
    help: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    fixed: str = ""


def by_dialect(*, v21: Any, v40: Any) -> Any:
    """A default, name or value that differs between the dialects."""
    return ByDialect(v21, v40)


def param(default: Any, help: str, *, name: str = "", aliases: tuple[str, ...] = (), fixed: str = "") -> Any:
    """Declare a modparam: the attribute holds its value; the annotation converts it.

    *fixed* says why it cannot change while the server runs, if that is so; a reload that would change it is refused."""
    return ParamMark(default, help, name, aliases, fixed)


def param_setter(name: str = "", *, aliases: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Make a method a modparam that may be given many times; it is called with each value, in order."""
    def decorate(function: F) -> F:
        function.__setter__ = ParamMark(MISSING, "", name, aliases)  # type: ignore[attr-defined]
        return function
    return decorate


@dataclass
class StatisticMark:
    """A class attribute that is a statistic."""

    kind: Literal["counter", "gauge"]
    help: str
    name: str = ""
    v40: str | None = None
    group: str | None = None


def counter(help: str, *, name: str = "", v40: str | None = None, group: str | None = None) -> Counter:
    """Declare a statistic that only grows."""
    mark: Any = StatisticMark("counter", help, name, v40, group)
    counted: Counter = mark
    return counted


def gauge(help: str, *, name: str = "", v40: str | None = None, group: str | None = None) -> Counter:
    """Declare a statistic that goes up and down; a restarted worker's share starts at zero."""
    mark: Any = StatisticMark("gauge", help, name, v40, group)
    counted: Counter = mark
    return counted


def statistic(name: str = "", *, v40: str | None = None, group: str | None = None,
              scope: Literal["each", "any"] = "each") -> Callable[[F], F]:
    """Make a method a statistic: its value when somebody reads; summed over workers, unless *scope* is any."""
    def decorate(function: F) -> F:
        function.__statistic__ = (name, v40, group, scope)  # type: ignore[attr-defined]
        return function
    return decorate


@dataclass
class UseMark:
    """A class attribute that is another module."""

    module: str
    optional: bool
    parameter: str | None


def uses(module: str, *, optional: bool = False, parameter: str | None = None) -> Any:
    """Declare a module that must be loaded too (*optional*: else None; *parameter*: only when that is set)."""
    return UseMark(module, optional, parameter)


@dataclass
class StateMark:
    """A class attribute that outlives reloads."""

    factory: Callable[[], Any] | None


def process_state(factory: Callable[[], Any] | None = None) -> Any:
    """Declare an object made once per process (by *factory*, or the annotated class) and handed on at reloads."""
    return StateMark(factory)


def text_of(function: Callable[..., Any]) -> str:
    """A docstring without its indentation."""
    return inspect.cleandoc(function.__doc__ or "")


def evaluated(annotation: Any, names: Mapping[str, Any]) -> Any:
    """An annotation as an object; the injected classes may be imported for typing alone, so they stay names."""
    if not isinstance(annotation, str) or annotation in INJECTED:
        return annotation
    try:
        return eval(annotation, dict(names))  # our own source text, not a user's
    except NameError as error:
        raise TypeError(f"annotation {annotation!r}: {error}; import it for real, not only for typing") from None


def injected(annotation: Any) -> Literal["message", "run"] | None:
    """What stands for an annotation without being an argument."""
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return INJECTED.get(name)


def signature(function: Callable[..., Any]) -> tuple[
        tuple[Literal["message", "run"], ...], tuple[Argument, ...], Any]:
    """What a method is given, the arguments that remain for the caller, and the annotation of its result."""
    names: Mapping[str, Any] = getattr(function, "__globals__", {})
    parameters = inspect.signature(function)
    inject: list[Literal["message", "run"]] = []
    arguments: list[Argument] = []
    for parameter in list(parameters.parameters.values())[1:]:
        if parameter.annotation is inspect.Parameter.empty:
            raise TypeError(f"{function.__qualname__}: {parameter.name} has no annotation")
        annotation = evaluated(parameter.annotation, names)
        special = injected(annotation)
        if special and not arguments:
            inject.append(special)
        else:
            arguments.append(argument(parameter, annotation))
    result = parameters.return_annotation
    return tuple(inject), tuple(arguments), evaluated(None if result is inspect.Signature.empty else result, names)


def argument(parameter: inspect.Parameter, annotation: Any) -> Argument:
    """One parameter of a method as an argument."""
    kind: Kind = kind_of(annotation)
    rest = parameter.kind is inspect.Parameter.VAR_POSITIONAL
    optional = parameter.default is not inspect.Parameter.empty or rest or isinstance(kind, ListOf)
    default = MISSING if parameter.default is inspect.Parameter.empty else parameter.default
    return Argument(parameter.name.rstrip("_"), kind, optional, default, rest)


def returned(annotation: Any) -> tuple[Literal["bool", "code", "int", "none"], tuple[tuple[str, int], ...]]:
    """How a script function answers, and the names of its codes."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if annotation is None or annotation is type(None):
        return "none", ()
    if annotation is bool:
        return "bool", ()
    if annotation is int:
        return "int", ()
    if isinstance(annotation, type) and issubclass(annotation, IntEnum):
        return "code", tuple((each.name, int(each)) for each in annotation)
    raise TypeError(f"{annotation!r}: a script function returns bool, a ReturnCode, int or None")

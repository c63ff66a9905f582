"""Module: the base class that reads its subclass's marks into declarations."""
from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from opensips_py.module.declare import (
    MISSING,
    Declarations,
    Dialect,
    MICommand,
    Parameter,
    ProcessState,
    PseudoVariable,
    ScriptFunction,
    Statistic,
    TimerDeclaration,
    Transformation,
    Use,
    chosen,
)
from opensips_py.module.event import Event
from opensips_py.module.kinds import kind_of
from opensips_py.module.marks import (
    ParamMark,
    StateMark,
    StatisticMark,
    UseMark,
    evaluated,
    marks_of,
    pvar,
    signature,
    text_of,
)
from opensips_py.module.statistic import Tally

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry
    from opensips_py.module.services import Services


class Module:
    """One module as one generation of the configuration has it: its parameters are attributes.

    Life: parameters are set, load() runs once the configuration is read, verify() in the process that checks it,
    prepare() and start() in each that works with it, stop() when the process ends or the next generation has taken
    over.
    """

    declarations: ClassVar[Declarations]
    dialect: Dialect
    registry: Registry
    services: Services
    log: logging.Logger

    def __init_subclass__(cls, *, name: str = "", events: list[type[Event]] | None = None,
                          provides: tuple[str, ...] = ()) -> None:
        super().__init_subclass__()
        if not name:
            raise TypeError(f"class {cls.__name__}: say which module this is, class {cls.__name__}(Module, name=…)")
        cls.declarations = collect(cls, name, events or [], provides)

    def __init__(self, dialect: Dialect = "4.0") -> None:
        self.dialect = dialect
        self.log = logging.getLogger(f"opensips_py.{self.declarations.name}")
        for parameter in self.declarations.parameters:
            if parameter.setter is None:
                setattr(self, parameter.attribute, chosen(parameter.default, dialect))
        for each in self.declarations.statistics:
            if each.kind != "function":
                setattr(self, each.attribute, Tally())

    @property
    def name(self) -> str:
        """The name given to loadmodule, without .so."""
        return self.declarations.name

    def load(self) -> None:
        """Check the parameters and prepare what they imply; raise ConfigError where they cannot work."""

    def verify(self) -> None:
        """Look at what the module depends on outside, such as the tables of its database, and raise ConfigError where
        that is not as it must be. Runs once before a start or reload, in a process that serves nothing."""

    def prepare(self) -> None:
        """Get ready in each process that will work with this instance, while the one before it still does: read
        tables. `services` is there; it may wait. ConfigError refuses the reload."""

    def start(self) -> None:
        """Begin to work in this process: nothing is served yet, or until now by the instance before. Does not wait."""

    def stop(self) -> None:
        """End the work in this process."""

    def raise_event(self, event: Event) -> None:
        """Tell *event* to its subscribers."""
        self.services.events.raise_event(event.event_name, event.values())


def collect(cls: type[Module], name: str, events: list[type[Event]], provides: tuple[str, ...]) -> Declarations:
    """The declarations of a module class, those of its base classes first."""
    members = list(attributes(cls))
    built = [mark.build(attribute, value) for attribute, value in members for mark in marks_of(value)]
    return Declarations(
        name, inspect.cleandoc(cls.__doc__ or ""), provides,
        functions=tuple(each for each in built if isinstance(each, ScriptFunction)),
        variables=tuple(variables(members)),
        transformations=tuple(each for each in built if isinstance(each, Transformation)),
        parameters=tuple(parameters(cls, members)),
        commands=tuple(each for each in built if isinstance(each, MICommand)),
        statistics=tuple(statistics(members)),
        events=tuple(each.declaration() for each in events),
        timers=tuple(each for each in built if isinstance(each, TimerDeclaration)),
        uses=tuple(Use(attribute, mark.module, mark.optional, mark.parameter)
                   for attribute, mark in members if isinstance(mark, UseMark)),
        states=tuple(states(cls, members)),
        hooks=tuple(attribute for attribute, value in members if hasattr(value, "opensips_py_impl")))


def attributes(cls: type) -> Iterator[tuple[str, Any]]:
    """Class attributes in the order they were written; an override takes the place of what it overrides."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base is not object and base is not Module:
            found.update(vars(base))
    return iter(found.items())


def annotation_of(cls: type, attribute: str) -> Any:
    """The annotation of a class attribute, as an object."""
    for base in cls.__mro__:
        if attribute in inspect.get_annotations(base):
            return evaluated(inspect.get_annotations(base)[attribute], vars(sys.modules[base.__module__]))
    raise TypeError(f"{cls.__name__}.{attribute} has no annotation")


def variables(members: list[tuple[str, Any]]) -> Iterator[PseudoVariable]:
    """The pseudo-variables among *members*."""
    for attribute, value in members:
        if isinstance(value, pvar):
            yield value.declaration(attribute)


def parameters(cls: type, members: list[tuple[str, Any]]) -> Iterator[Parameter]:
    """The modparams among *members*."""
    for attribute, value in members:
        if isinstance(value, ParamMark):
            kind = kind_of(annotation_of(cls, attribute))
            yield Parameter(value.name or attribute, attribute, kind, value.default, value.help, None, value.aliases,
                            value.fixed)
        elif isinstance(mark := getattr(value, "__setter__", None), ParamMark):
            _, arguments, _ = signature(value)
            yield Parameter(mark.name or attribute, attribute, arguments[0].kind, MISSING, text_of(value), attribute,
                            mark.aliases)


def statistics(members: list[tuple[str, Any]]) -> Iterator[Statistic]:
    """The statistics among *members*."""
    for attribute, value in members:
        if isinstance(value, StatisticMark):
            yield Statistic(value.name or attribute, value.v40, attribute, value.kind, value.help, value.group)
        elif (mark := getattr(value, "__statistic__", None)) is not None:
            name, v40, group, scope = mark
            yield Statistic(name or attribute, v40, attribute, "function", text_of(value), group, scope)


def states(cls: type, members: list[tuple[str, Any]]) -> Iterator[ProcessState]:
    """The process states among *members*."""
    for attribute, value in members:
        if isinstance(value, StateMark):
            factory: Callable[[], Any] = value.factory or annotation_of(cls, attribute)
            yield ProcessState(attribute, factory)

"""Where declared names meet compiled scripts, management and statistics: each meeting is noted."""
from __future__ import annotations

import functools
import os
from dataclasses import replace
from typing import Any, Protocol

import pytest

from opensips_py.events.publisher import Publisher
from opensips_py.module import life
from opensips_py.module.base import Module
from opensips_py.module.declare import Parameter, ScriptFunction, Statistic
from opensips_py.module.registry import BoundCommand, BoundFunction, BoundTransformation, BoundVariable, Registry
from opensips_py.script.binding import Scope
from opensips_py.script.calls import CallCompiler
from opensips_py.state import Words
from opensips_py.statistics import Counter, Statistics
from tests.surface import upstream
from tests.surface.declared import key


class Recorder(Protocol):
    """What the probes tell."""

    mutated: str

    def note(self, key: str) -> bool: ...
    def watch(self, key: str, counter: Counter) -> None: ...
    def probed(self, key: str, call: Any, otherwise: Any) -> Any: ...


def install(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Put all probes in place."""
    functions(recorder, patch)
    variables(recorder, patch)
    transformations(recorder, patch)
    commands(recorder, patch)
    parameters(recorder, patch)
    statistics(recorder, patch)
    events(recorder, patch)


def success(function: ScriptFunction) -> Any:
    """What a script function returns that only succeeds."""
    if function.returns == "code":
        return min((code for _, code in function.codes if code > 0), default=1)
    return {"bool": True, "int": 1, "none": None}[function.returns]


def functions(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Functions, where a route that calls them is compiled."""
    find = CallCompiler.function
    known: dict[int, tuple[BoundFunction, BoundFunction]] = {}  # the first one is kept so that its id stays its own

    def function(self: CallCompiler, node: Any) -> BoundFunction:
        found = find(self, node)
        if id(found) not in known:
            declared = found.declaration
            name = key(found.module.name, "functions", declared.name, declared.dialect)
            late = lambda *given: found.call(*given)  # noqa: E731 - a test may put another one in its place
            call = recorder.probed(name, late, lambda *_: success(declared))
            known[id(found)] = found, replace(found, call=call)
        return known[id(found)][1]

    patch.setattr(CallCompiler, "function", function)


def variables(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Pseudo-variables, where they are bound; they are read by their getters, never inline."""
    bind = Scope.declared

    def declared(self: Scope, reference: Any, found: BoundVariable) -> Any:
        name = key(found.module.name, "pvars", found.declaration.name, found.declaration.dialect)
        get = recorder.probed(name, found.get, lambda *_: None)
        change = None if found.set is None else recorder.probed(name + "=", found.set, lambda *_: None)
        return bind(self, reference, replace(found, declaration=replace(found.declaration, inline=None), get=get,
                                             set=change))

    patch.setattr(Scope, "declared", declared)


def transformations(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Transformations, where the registry takes them in; one that only succeeds leaves the value as it is."""
    enter = Registry.enter

    def entered(self: Registry, table: dict[str, Any], name: str, bound: Any) -> None:
        if isinstance(bound, BoundTransformation):
            place = len(bound.declaration.inject)
            own = key(bound.module.name, "transformations", name)
            bound = replace(bound, call=recorder.probed(own, bound.call, lambda *given: given[place]))
        enter(self, table, name, bound)

    patch.setattr(Registry, "enter", entered)


def commands(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Management commands, where the registry takes them in."""
    bind = Registry.bind

    def probed(bound: BoundCommand) -> BoundCommand:
        own = key(bound.module.name, "mi", bound.declaration.name)
        call = functools.wraps(bound.call)(recorder.probed(own, bound.call, lambda *_, **__: {}))
        return replace(bound, call=call)

    def bound_all(self: Registry, module: Module) -> None:
        before = set(self.commands)
        bind(self, module)
        own = {id(bound): probed(bound) for name, bound in self.commands.items() if name not in before}
        self.commands.update((name, own[id(bound)]) for name, bound in self.commands.items() if name not in before)

    patch.setattr(Registry, "bind", bound_all)


def parameters(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Parameters, where modparam gives them a value; a mutated one keeps its default."""
    give = Registry.assign

    def assign(self: Registry, module: Module, parameter: Parameter, value: Any) -> None:
        if recorder.note(key(module.name, "params", parameter.name)):
            give(self, module, parameter, value)

    patch.setattr(Registry, "assign", assign)


def idle(like: Counter) -> Counter:
    """A counter of its own: compiled code takes nothing but real ones."""
    fd = os.memfd_create("idle")
    os.ftruncate(fd, 8)
    words = Words(fd, 0, 1)
    os.close(fd)
    return Counter(words, 0, 1, 1, 0, like.group, like.name, like.kind, like.help)


class Gauge:
    """A gauge that tells when it is set: at the end of a test it may be what it was before."""

    def __init__(self, recorder: Recorder, name: str, gauge: Counter) -> None:
        self.recorder, self.name, self.gauge = recorder, name, gauge

    def add(self, n: int = 1) -> None:
        """Count *n* more."""
        if self.recorder.note(self.name):
            self.gauge.add(n)

    def set(self, value: int) -> None:
        """Make it *value*."""
        if self.recorder.note(self.name):
            self.gauge.set(value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.gauge, name)


def probed_number(recorder: Recorder, key: str, found: Counter) -> Any:
    """What counts in place of *found*: itself, and its value tells, unless it is the one that is to do nothing."""
    if found.kind == "gauge":
        return Gauge(recorder, key, found)
    counts = idle(found) if key == recorder.mutated else found
    recorder.watch(key, counts)
    return counts


def statistics(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Statistics, where they are registered: declared ones by life.register, others by the module itself."""
    by_life, by_itself = life.register, Statistics.register
    own: list[str] = []  # the key of the declared statistic that is being registered

    def register(module: Module, declared: Statistic, services: Any) -> None:
        own.append(key(module.name, "statistics", declared.name))
        try:
            by_life(module, declared, services)
        finally:
            own.pop()

    def registered(self: Statistics, group: str, name: str, kind: Any = "counter", function: Any = None,
                   help: str = "", shared: bool = False, begin_again: Any = None) -> Any:
        module = group if group in upstream.facts("4.0")["modules"] else "core"
        told = own[-1] if own else key(module, "statistics", upstream.pattern_of(module, "statistics", name))
        probed = function and recorder.probed(told, function, lambda: 0)
        found = by_itself(self, group, name, kind, probed, help, shared, begin_again)
        if not isinstance(found, Counter):
            return found
        known = self.__dict__.setdefault("probed", {})
        if (group, name) not in known:
            known[group, name] = probed_number(recorder, told, found)
        return known[group, name]

    patch.setattr(life, "register", register)
    patch.setattr(Statistics, "register", registered)
    patch.setattr(Statistics, "_number", lambda self, group, name, kind, help: self.register(group, name, kind, None,
                                                                                             help))


def events(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Events, where a module raises them; those of the core, and such as a module raises by name, where they are
    published."""
    tell, publish = Module.raise_event, Publisher.raise_event
    owners = {name: module for dialect in upstream.DIALECTS for module, kinds in upstream.names(dialect).items()
              for name in kinds["events"]}

    def raise_event(self: Module, event: Any) -> None:
        if recorder.note(key(self.name, "events", event.event_name)):
            tell(self, event)

    def published(self: Publisher, event: str, values: Any) -> None:
        if event not in owners or recorder.note(key(owners[event], "events", event)):
            publish(self, event, values)

    patch.setattr(Module, "raise_event", raise_event)
    patch.setattr(Publisher, "raise_event", published)

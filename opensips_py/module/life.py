"""The life of the modules of a generation: linking, loading, starting, stopping."""
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pluggy

from opensips_py.errors import ConfigError
from opensips_py.module.declare import Statistic, TimerDeclaration

if TYPE_CHECKING:
    from opensips_py.module.base import Module
    from opensips_py.module.registry import Registry
    from opensips_py.module.services import Services


def finish(registry: Registry) -> list[ConfigError]:
    """Link, load and check everything; what is wrong, as a list."""
    errors = [*link(registry), *compile_parameters(registry)]
    if errors:
        return errors
    for module in in_order(registry):
        try:
            module.load()
        except ConfigError as error:
            error.module = error.module or module.name
            errors.append(error)
    try:
        registry.hooks.freeze(registry.modules.values())
    except pluggy.PluginValidationError as error:
        errors.append(ConfigError(str(error), module=getattr(error.plugin, "name", "")))
    return errors


def link(registry: Registry) -> list[ConfigError]:
    """Give every module the others that it uses."""
    errors = []
    for module in registry.modules.values():
        given = registry.parameters_set.get(module.name, set())
        for use in module.declarations.uses:
            found = registry.providing(use.module)
            setattr(module, use.attribute, found[0] if found else None)
            needed = not use.optional and (use.parameter is None or use.parameter in given)
            if needed and not found:
                errors.append(ConfigError(needs(module, use.module, use.parameter), module.name, use.parameter or ""))
    return errors


def needs(module: Module, other: str, parameter: str | None) -> str:
    """What to say when *other* is not loaded."""
    who = f"module {module.name}" if parameter is None else f"parameter {parameter} of module {module.name}"
    if other.startswith("class:"):
        return f"{who} needs a module of kind {other.removeprefix('class:')}"
    return f'{who} needs module {other}: add loadmodule "{other}.so"'


def compile_parameters(registry: Registry) -> list[ConfigError]:
    """Parameters that hold pseudo-variables, now that all modules are there."""
    errors = []
    for module, parameter, text in registry.deferred:
        try:
            if registry.script is None:
                raise ValueError("pseudo-variables need the script compiler")
            registry.assign(module, parameter, parameter.kind.compile(text, registry.script))
        except ValueError as error:
            errors.append(ConfigError(f"parameter {parameter.name} of {module.name}: {error}", module.name,
                                      parameter.name))
    registry.deferred.clear()
    return errors


def in_order(registry: Registry) -> list[Module]:
    """Modules so that each comes after those it uses; else as the script loads them."""
    ordered: dict[str, Module] = {}
    for module in registry.modules.values():
        put_in_order(module, (), registry, ordered)
    return list(ordered.values())


def put_in_order(module: Module, above: tuple[str, ...], registry: Registry, ordered: dict[str, Module]) -> None:
    """Put *module* behind those it uses; one that uses itself over others stands where it was met first."""
    # No function inside another: one that calls itself would keep the registry until somebody searches for cycles.
    if module.name in ordered or module.name in above:
        return
    for use in module.declarations.uses:
        for other in registry.providing(use.module):
            put_in_order(other, (*above, module.name), registry, ordered)
    ordered[module.name] = module


def works_here(module: Module, services: Services) -> bool:
    """Whether *module* does its work in this process: carriers of management in its own, all others in the workers."""
    return ("management" in module.declarations.provides) == (services.index < 0)


def verify(registry: Registry) -> list[ConfigError]:
    """Let each module look at what it depends on outside; what is wrong, as a list."""
    errors = []
    for module in registry.modules.values():
        give_states(module, None)
    for module in in_order(registry):
        try:
            module.verify()
        except ConfigError as error:
            error.module = error.module or module.name
            errors.append(error)
    return errors


def prepare(registry: Registry, services: Services, previous: Registry | None) -> None:
    """Hand over services and state, and let each module that works here get ready; ConfigError: one cannot."""
    for module in in_order(registry):
        module.services = services
    here = [module for module in in_order(registry) if works_here(module, services)]
    for module in here:
        give_states(module, previous.modules.get(module.name) if previous is not None else None)
    for module in here:
        module.prepare()
    registry.prepared = True


def give_states(module: Module, before: Module | None) -> None:
    """Hand the states of the process over from the instance before."""
    for state in module.declarations.states:
        kept = getattr(before, state.attribute) if before is not None else state.factory()
        setattr(module, state.attribute, kept)


def start(registry: Registry, services: Services, previous: Registry | None) -> list[str]:
    """Prepare what is not prepared yet, hand over statistics, start each module that works here, run the timers.

    The first generation fails with its first module. Behind *previous* there is no way back: each module that can
    start does, and what went wrong with the others is returned.
    """
    if not registry.prepared:
        prepare(registry, services, previous)
    here = [module for module in in_order(registry) if works_here(module, services)]
    for module in here:
        for each in module.declarations.statistics:
            register(module, each, services)
    failed = []
    for module in here:
        try:
            module.start()
        except Exception as error:
            if previous is None:
                raise
            failed.append(f"module {module.name}: {error}")
        for timer in module.declarations.timers:
            if timer.scope == "each" or services.index <= 0:
                follow_timer(module, timer, services, previous)
    return failed


def stop(registry: Registry, following: Registry | None = None) -> None:
    """Stop every module that works here; one that fails does not keep the others. *following* goes on with the rest:
    the statistics of modules that it does without are no longer there."""
    for timer in registry.timers.values():
        timer.stop()
    registry.timers.clear()
    for module in reversed(in_order(registry)):
        module.__dict__["stopped"] = True
        if "services" not in module.__dict__ or not works_here(module, module.services):
            continue
        try:
            module.stop()
        except Exception:
            module.log.exception("module %s did not stop cleanly", module.name)
        if following is not None and module.name not in following.modules:
            for each in module.declarations.statistics:
                module.services.statistics.forget(*statistic_name(module, each))


def register(module: Module, declared: Statistic, services: Services) -> None:
    """Make a declared statistic real; registering a second time gives the same counter."""
    group, name = statistic_name(module, declared)
    statistics: Any = services.statistics
    if declared.kind == "function":
        statistics.register(group, name, "function", getattr(module, declared.attribute),
                            shared=declared.scope == "any")
    else:
        setattr(module, declared.attribute, statistics.register(group, name, declared.kind))


def statistic_name(module: Module, declared: Statistic) -> tuple[str, str]:
    """Group and name of a statistic in the dialect of *module*."""
    name = declared.v40 if declared.v40 and module.dialect == "4.0" else declared.name
    return declared.group or module.name, name


class ModuleTimer:
    """Calls a timer method of a module again and again; the next generation's module takes over where it stands."""

    def __init__(self, services: Services, module: Module, declared: TimerDeclaration, interval: float) -> None:
        self.services, self.module, self.declared, self.interval = services, module, declared, interval
        self.pending: Any = None  # None while the method runs
        self.is_over = False
        self.begin(interval)

    def begin(self, seconds: float) -> None:
        """Have the method called in *seconds*."""
        self.due = time.monotonic() + seconds
        self.pending = self.services.timers.start(seconds, self.fire)

    def follow(self, module: Module, interval: float) -> None:
        """Call the method of *module* from now on; another interval counts from when the last one began."""
        self.module, before, self.interval = module, self.interval, interval
        if interval != before and self.pending is not None:
            self.pending.stop()
            self.begin(max(0.0, self.due - before + interval - time.monotonic()))

    def fire(self, _: object = None) -> None:
        """Call the method, then wait again."""
        self.pending, module = None, self.module
        try:
            getattr(module, self.declared.method)()
        except Exception:
            module.log.exception("timer %s of module %s failed", self.declared.method, module.name)
        if not self.is_over:
            self.begin(self.interval)

    def stop(self) -> None:
        """Call no more."""
        self.is_over = True
        if self.pending is not None:
            self.pending.stop()


def follow_timer(module: Module, declared: TimerDeclaration, services: Services, previous: Registry | None) -> None:
    """Go on with a timer of the generation before, or begin one; an interval of 0 means none."""
    key = module.name, declared.method
    interval = getattr(module, declared.interval) if isinstance(declared.interval, str) else declared.interval
    going = previous.timers.get(key) if previous is not None else None
    if interval <= 0:
        return
    if going is not None and previous is not None:
        del previous.timers[key]  # what is left there ends with it
        going.follow(module, interval)
    module.registry.timers[key] = going or ModuleTimer(services, module, declared, interval)

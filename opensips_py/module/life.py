"""The life of the modules of a generation: linking, loading, starting, stopping."""
from __future__ import annotations

from collections.abc import Callable
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

    def visit(module: Module, above: tuple[str, ...]) -> None:
        if module.name in ordered or module.name in above:
            return
        for use in module.declarations.uses:
            for other in registry.providing(use.module):
                visit(other, (*above, module.name))
        ordered[module.name] = module

    for module in registry.modules.values():
        visit(module, ())
    return list(ordered.values())


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


def start(registry: Registry, services: Services, previous: Registry | None) -> None:
    """Prepare what is not prepared yet, hand over statistics, start each module that works here, run the timers."""
    if not registry.prepared:
        prepare(registry, services, previous)
    here = [module for module in in_order(registry) if works_here(module, services)]
    for module in here:
        for each in module.declarations.statistics:
            register(module, each, services)
    for module in here:
        module.start()
        for timer in module.declarations.timers:
            if timer.scope == "each" or services.index <= 0:
                run_timer(module, timer, services)


def stop(registry: Registry) -> None:
    """Stop every module that works here; one that fails does not keep the others."""
    for module in reversed(in_order(registry)):
        module.__dict__["stopped"] = True
        if "services" not in module.__dict__ or not works_here(module, module.services):
            continue
        try:
            module.stop()
        except Exception:
            module.log.exception("module %s did not stop cleanly", module.name)


def register(module: Module, declared: Statistic, services: Services) -> None:
    """Make a declared statistic real; registering a second time gives the same counter."""
    group = declared.group or module.name
    name = declared.v40 if declared.v40 and module.dialect == "4.0" else declared.name
    statistics: Any = services.statistics
    if declared.kind == "function":
        statistics.register(group, name, "function", getattr(module, declared.attribute),
                            shared=declared.scope == "any")
    else:
        setattr(module, declared.attribute, statistics.register(group, name, declared.kind))


def run_timer(module: Module, timer: TimerDeclaration, services: Services) -> None:
    """Call a timer method again and again, as long as its module's generation works."""
    method: Callable[[], object] = getattr(module, timer.method)
    interval = getattr(module, timer.interval) if isinstance(timer.interval, str) else timer.interval
    if interval <= 0:
        return

    def fire(_: object = None) -> None:
        if module.__dict__.get("stopped"):
            return
        try:
            method()
        except Exception:
            module.log.exception("timer %s of module %s failed", timer.method, module.name)
        services.timers.start(interval, fire)

    services.timers.start(interval, fire)

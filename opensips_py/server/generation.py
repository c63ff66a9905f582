"""One generation of the configuration as a process of the server works with it."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from opensips_py.errors import ConfigError
from opensips_py.mi import COMMANDS
from opensips_py.module.base import Module
from opensips_py.module.registry import Registry
from opensips_py.module.run import Route
from opensips_py.script import configuration
from opensips_py.script.configuration import Configuration
from opensips_py.script.levels import DBG
from opensips_py.script.runtime import CompiledRoute
from opensips_py.server import sources
from opensips_py.server.boot import Boot
from opensips_py.server.core_figures import CoreFigures
from opensips_py.server.core_statistics import CoreStatistics
from opensips_py.server.memory_commands import MemoryCommands, OwnLoad

# What needs no loadmodule.
BUILT_IN: tuple[type[Module], ...] = (CoreStatistics, CoreFigures, *COMMANDS, MemoryCommands, OwnLoad)


@dataclass(slots=True)
class Generation:
    """Script, parameters and modules that belong together; transactions keep the one they began with."""

    number: int
    configuration: Configuration
    registry: Registry
    globals: dict[str, Any]
    main: CompiledRoute
    on_reply: CompiledRoute | None  # the onreply_route without a name, which sees every response
    on_error: CompiledRoute | None

    def route(self, kind: Route, name: str = "") -> CompiledRoute | None:
        """The route *name* of *kind*, if there is one."""
        return self.configuration.routes.get(kind, name)

    def __del__(self) -> None:
        """Nobody works by it any more: cut what holds its parts together. A worker does not search its old objects for
        such circles, since that takes longer than calls may wait."""
        self.configuration.routes.namespace.clear()
        self.registry.dissolve()

    @property
    def timers(self) -> Iterable[tuple[str, int]]:
        """The timer routes, with their seconds."""
        return self.configuration.timers


def keep_levels(new: Any, before: Any) -> None:
    """Log as the generation *new* says, or as management has said since, where its script says nothing else now."""
    levels = new.registry.modules["core"].levels
    old = before.registry.modules["core"].levels if before is not None else None
    levels.set_log(old.log if old and old.configured_log == levels.configured_log else None)
    levels.set_xlog(old.xlog if old and old.configured_xlog == levels.configured_xlog else None)


def read(path: str, overrides: dict[str, Any], reader: Callable[[str], str]) -> Configuration:
    """The configuration *path* as this server reads it."""
    return configuration.read(path, overrides, reader, BUILT_IN, "proto_udp")


def load(boot: Boot, number: int) -> Generation:
    """The generation *number* out of the texts that the checking process has approved."""
    texts = sources.taken(boot.sources, number)
    made = read(boot.config, boot.overrides, sources.reader(texts))
    if made.diagnostics.errors:
        raise ConfigError("\n\n".join(str(each) for each in made.diagnostics.errors))
    if made.globals["debug_mode"]:
        core: Any = made.registry.modules["core"]
        levels = core.levels
        levels.configured_log = DBG
        levels.configured_xlog = made.globals["xlog_level"] or DBG
    route, main = made.routes.get, made.routes.main
    assert main is not None  # a configuration without one has an error
    return Generation(number, made, made.registry, made.globals, main, route(Route.ONREPLY),
                      route(Route.ERROR))

"""The hooks of one generation, frozen for speed: a tuple of plain functions per hook."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pluggy

from opensips_py.module import hookspecs

if TYPE_CHECKING:
    from opensips_py.module.base import Module

NAMES = tuple(name for name, value in vars(hookspecs).items() if hasattr(value, "opensips_py_spec"))


class Manager(pluggy.PluginManager):
    """Looks at marked functions alone: pluggy's own way to find them takes 0.1 ms a name, half a start in all."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        """The options of an implementation; None for whatever is none."""
        if not hasattr(getattr(type(plugin), name, None), "opensips_py_impl"):
            return None
        found = super().parse_hookimpl_opts(plugin, name)
        if found is None:
            raise TypeError(f"{type(plugin).__name__}.{name} is compiled, so pluggy would not see it: hooks are "
                            "implemented in files without a .pxd")
        return found

    def end(self) -> None:
        """Nobody asks it any more: let go of the modules, or only a search for cycles would find what is left."""
        vars(self.hook).clear()
        vars(self).clear()


class Hooks:
    """One attribute per hook specification: the tuple of those who want it. Empty is the common case and costs nothing.

    Every function takes the arguments of the specification by position, whatever its implementation left out.
    """

    message_read: tuple[Callable[..., None], ...] = ()
    message_refused: tuple[Callable[..., bool], ...] = ()
    request_received: tuple[Callable[..., None], ...] = ()
    response_received: tuple[Callable[..., Any], ...] = ()
    request_route_begins: tuple[Callable[..., bool], ...] = ()
    request_done: tuple[Callable[..., None], ...] = ()
    stateless_reply: tuple[Callable[..., None], ...] = ()
    route_followed: tuple[Callable[..., None], ...] = ()
    transaction_created: tuple[Callable[..., None], ...] = ()
    resolve_target: tuple[Callable[..., Any], ...] = ()

    def freeze(self, modules: Iterable[Module]) -> None:
        """Collect the implementations of *modules*; pluggy refuses one that does not fit its specification."""
        manager = Manager("opensips_py")
        manager.add_hookspecs(hookspecs)
        for module in modules:
            if module.declarations.hooks:
                manager.register(module, module.name)
        manager.check_pending()
        for name in NAMES:
            hook: Any = getattr(manager.hook, name)
            argument_names = hook.spec.argnames
            implementations = reversed(hook.get_hookimpls())  # pluggy calls the last one first
            setattr(self, name, tuple(positional(each.function, each.argnames, argument_names)
                                      for each in implementations))
        manager.end()


def positional(function: Callable[..., Any], wanted: tuple[str, ...], given: tuple[str, ...]) -> Callable[..., Any]:
    """*function* as one that takes all of *given* by position."""
    if tuple(wanted) == tuple(given):
        return function
    places = tuple(given.index(name) for name in wanted)
    return lambda *arguments: function(*(arguments[place] for place in places))

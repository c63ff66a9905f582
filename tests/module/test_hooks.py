"""Hooks: found by their mark, refused where nobody calls them."""
import pluggy
import pytest

from opensips_py.module import Module, hookimpl
from opensips_py.module.hooks import Hooks
from opensips_py.modules.dialog.matching import Matching


class Watching(Module, name="watching"):
    """Watches requests."""

    def request_done(self, request):
        """No mark: not meant."""

    @hookimpl
    def request_received(self, request):
        """Marked."""


class Misspelt(Module, name="misspelt"):
    """Means to."""

    @hookimpl
    def request_recieved(self, request):
        """Nobody calls this."""


def test_marked_functions_are_hooks_and_others_are_not():
    watching, hooks = Watching(), Hooks()
    hooks.freeze([watching])
    assert hooks.request_received == (watching.request_received,)
    assert hooks.request_done == ()


def test_a_hook_that_nobody_calls_is_refused():
    with pytest.raises(pluggy.PluginValidationError, match="request_recieved"):
        Hooks().freeze([Misspelt()])


def test_a_compiled_hook_is_refused_for_nobody_would_call_it():
    function = Matching.match_route
    compiled = type("Compiled", (Module,), {"request_received": hookimpl(function)}, name="compiled")
    try:
        with pytest.raises(TypeError, match=r"request_received is compiled"):
            Hooks().freeze([compiled()])
    finally:
        del function.opensips_py_impl

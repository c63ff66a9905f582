"""Hooks: found by their mark, refused where nobody calls them."""
import pluggy
import pytest

from opensips_py.module import Module, hookimpl
from opensips_py.module.hooks import Hooks


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

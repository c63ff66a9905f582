"""Management of caches, in both dialects."""
import pytest

from opensips_py.errors import MIError
from opensips_py.mi import COMMANDS
from opensips_py.mi.arguments import bind
from opensips_py.mi.caches import CacheCommands
from opensips_py.mi.tree import text, tree_of
from opensips_py.script.core import registry_with_core
from tests.script.caches.cachedb_test import CachedbTest


@pytest.fixture(params=["2.1", "4.0"])
def ask(request):
    """Calls a command by its name in 2.1."""
    registry = registry_with_core(request.param)
    registry.add_class(CacheCommands)
    registry.add_class(CachedbTest).start()

    def call(name, *arguments):
        command = registry.commands[name]
        return command.call(**bind(command.declaration, list(arguments)))
    call.commands, call.dialect, call.store = registry.commands, request.param, registry.modules["cachedb_test"].store
    return call


def test_values_go_in_and_out(ask):
    assert ask("cache_store", "test", "a", "one") is None
    assert ask("cache_store", "test", "b", "two", "20") is None
    assert ask("cache_fetch", "test", "b") == {"key": "b", "value": "two"}
    assert ask.store.limits == {"a": 0, "b": 20}
    ask("cache_remove", "test", "a")
    assert ask.store.values == {"b": "two"}


def test_a_value_that_is_not_there(ask):
    if ask.dialect == "2.1":
        assert ask("cache_fetch", "test", "none") is None
    else:
        with pytest.raises(MIError, match="Value not found"):
            ask("cache_fetch", "test", "none")


def test_2_1_prints_one_line(ask):
    ask("cache_store", "test", "k", "v")
    command = ask.commands["cache_fetch"].call
    assert text(tree_of(ask("cache_fetch", "test", "k"), command)) == "k = [v]\n"
    assert text(tree_of(None, command)) == "Value not found\n"


@pytest.mark.parametrize(("name", "arguments", "message"), [
    ("cache_store", ("none", "a", "b"), "Cache store command failed"),
    ("cache_fetch", ("none", "a"), "Cache fetch command failed"),
    ("cache_remove", ("test:bare", "a"), "Cache remove command failed")])
def test_what_fails_is_told(ask, name, arguments, message):
    with pytest.raises(MIError, match=message) as raised:
        ask(name, *arguments)
    assert raised.value.code == 500


def test_4_0_has_names_of_its_own(ask):
    there = {"cache:store", "cache:fetch", "cache:remove"} <= set(ask.commands)
    assert there
    assert CacheCommands in COMMANDS

"""A generation is made of the texts that were checked, and of nothing else."""
import gc
import logging
import os
import weakref
from collections import Counter
from types import SimpleNamespace

import pytest

from opensips_py.errors import ConfigError
from opensips_py.module.run import Route
from opensips_py.script.levels import Levels
from opensips_py.server import generation, sources
from opensips_py.server.boot import Boot

SCRIPT = """
log_level=4
loadmodule "sl.so"
include_file "more.cfg"
route { route(said); }
onreply_route { $var(x) = 1; }
onreply_route[named] { $var(x) = 1; }
error_route { $var(x) = 1; }
timer_route[beat, 7] { $var(x) = 1; }
"""
PATH = "/nowhere/opensips.cfg"


@pytest.fixture
def boot():
    fds = sources.create()
    yield Boot(PATH, 0, 1, sources=fds)
    for fd in fds:
        os.close(fd)


@pytest.fixture
def levels_restored():
    root = logging.getLogger("opensips_py")
    level = root.level
    yield
    root.setLevel(level)


def test_all_texts_come_from_what_was_checked(boot):
    sources.place(boot.sources, 1, {PATH: SCRIPT, "/nowhere/more.cfg": "route[said] { exit; }"})
    made = generation.load(boot, 1)
    assert (made.number, made.globals["log_level"], list(made.timers)) == (1, 4, [("beat", 7)])
    assert "sl" in made.registry.modules and "core_statistics" in made.registry.modules
    assert made.on_reply is made.route(Route.ONREPLY) is not made.route(Route.ONREPLY, "named")
    assert made.on_error is made.route(Route.ERROR) is not None
    assert made.main is not None and made.route(Route.REQUEST, "said") is not None
    assert made.route(Route.FAILURE, "none") is None


def test_the_command_line_sets_parameters_in_place_of_the_script(boot):
    sources.place(boot.sources, 1, {PATH: "log_level=3\nroute { exit; }"})
    boot.overrides = {"log_level": 4}
    assert generation.load(boot, 1).globals["log_level"] == 4


def test_debug_mode_logs_all_whatever_the_level(boot, levels_restored):
    sources.place(boot.sources, 1, {PATH: "debug_mode=yes\nlog_level=1\nroute { exit; }"})
    made = generation.load(boot, 1)
    generation.keep_levels(made, None)
    assert (levels_of(made).log, levels_of(made).xlog) == (4, 4)


def test_errors_are_all_named(boot):
    sources.place(boot.sources, 1, {PATH: "route { nothing_here(); nor_here(); }"})
    with pytest.raises(ConfigError) as caught:
        generation.load(boot, 1)
    assert "nothing_here" in caught.value.message and "nor_here" in caught.value.message


def test_a_generation_that_is_not_there_is_no_older_one(boot):
    sources.place(boot.sources, 1, {PATH: "route { exit; }"})
    with pytest.raises(ValueError, match="there is no generation 3"):
        generation.load(boot, 3)


def test_a_generation_that_is_over_leaves_nothing_to_be_searched_for(boot):
    """A worker never searches its old objects for cycles."""
    sources.place(boot.sources, 1, {PATH: SCRIPT, "/nowhere/more.cfg": "route[said] { exit; }"})
    gc.collect()
    gc.disable()
    try:
        made = generation.load(boot, 1)
        made.leave = list.clear
        parts = [weakref.ref(each) for each in (made.registry, made.registry.modules["core"], made.main)]
        assert made.configuration.routes.modules == []
        del made
        assert [each() for each in parts] == [None, None, None]
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        assert Counter(type(each).__name__ for each in gc.garbage) == {}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_a_long_script_is_given_back_in_pieces(boot):
    route = "route { " + "$var(x) = 1; " * 250 + "}"
    sources.place(boot.sources, 1, {PATH: route})
    made, turns = generation.load(boot, 1), []
    made.leave = lambda items: generation.give_back(items, lambda *more: turns.append(more))
    items = made.configuration.script.items
    del made
    left = [len(items[0].body)]
    while turns:
        function, *arguments = turns.pop()
        function(*arguments)
        left.append(len(items[0].body) if items else -1)
    assert left == [150, 50, -1]


def with_levels(log, xlog):
    return SimpleNamespace(registry=SimpleNamespace(modules={"core": SimpleNamespace(levels=Levels(log, xlog))}))


def levels_of(made):
    return made.registry.modules["core"].levels


@pytest.mark.usefixtures("levels_restored")
def test_levels_that_management_set_outlive_a_reload_unless_the_script_says_something_new():
    before = with_levels(2, 3)
    levels_of(before).set_log(4)
    levels_of(before).set_xlog(-1)
    same, other = with_levels(2, 3), with_levels(1, 2)
    generation.keep_levels(same, before)
    assert (levels_of(same).log, levels_of(same).xlog) == (4, -1)
    assert levels_of(same).root.level == 10  # debug
    generation.keep_levels(other, same)
    assert (levels_of(other).log, levels_of(other).xlog) == (1, 2)
    assert levels_of(other).root.level == 30  # warning
    generation.keep_levels(with_levels(2, 2), None)
    assert levels_of(other).root.level == 25

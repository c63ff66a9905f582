"""Flags for the whole server."""
from __future__ import annotations

import pytest

from opensips_py.errors import MIError
from opensips_py.mi.tree import text, tree_of
from opensips_py.module.registry import Registry
from tests.modules.bench import Bench, options

TELL = "if (is_gflag(4)) $var(four) = 1; if (is_gflag(0)) $var(zero) = 1;"


def run(bench):
    return bench.run_on(bench.message(options())).variables


def test_script_sets_and_clears():
    assert run(Bench("gflags", f'set_gflag(4); {TELL}')) == {"four": 1}
    texts = Bench("gflags", f'set_gflag("0"); set_gflag("4"); reset_gflag("4"); {TELL}', dialect="2.1")
    assert run(texts) == {"zero": 1}


def test_flags_at_start():
    assert run(Bench("gflags", TELL, 'modparam("gflags", "initial", 17)')) == {"four": 1, "zero": 1}


def test_flags_are_the_same_in_all_processes_and_outlive_a_reload():
    bench = Bench("gflags", "set_gflag(1);", 'modparam("gflags", "initial", 16)')
    run(bench)
    other = Registry.load(["gflags"])
    assert not other.finish()
    other.start(bench, bench.registry)
    assert other.modules["gflags"].flags == 18


@pytest.mark.parametrize(("names", "dialect"), [
    (("set_gflag", "is_gflag", "reset_gflag", "get_gflags"), "2.1"),
    (("gflags:set", "gflags:check", "gflags:reset", "gflags:get"), "4.0"),
    (("gflags:set_gflag", "gflags:is_gflag", "gflags:reset_gflag", "gflags:get_gflags"), "4.0"),
])
def test_management_turns_flags(names, dialect):
    bench = Bench("gflags", TELL, dialect=dialect)
    turn, check, clear, get = names
    bench.mi(turn, "0x11")
    assert bench.mi(check, "17") is True and bench.mi(check, "19") is False and run(bench) == {"four": 1, "zero": 1}
    bench.mi(clear, "1")
    assert bench.mi(get) == {"hex": "0x10", "dec": "16"} and run(bench) == {"four": 1}


def test_management_of_21_prints_bare_lines():
    bench = Bench("gflags", TELL, 'modparam("gflags", "initial", 26)', dialect="2.1")
    shown = {name: text(tree_of(bench.mi(name, *given), bench.registry.commands[name].call))
             for name, given in (("is_gflag", ["2"]), ("get_gflags", []), ("set_gflag", ["1"]))}
    assert shown == {"is_gflag": "TRUE\n", "get_gflags": "0x1A\n26\n", "set_gflag": ""}
    assert text(tree_of(bench.mi("is_gflag", "4"), bench.registry.commands["is_gflag"].call)) == "FALSE\n"


@pytest.mark.parametrize("mask", ["0", "-1", "x", "0x100000000"])
@pytest.mark.parametrize("command", ["set_gflag", "reset_gflag", "is_gflag"])
def test_mask_that_is_none_is_refused(command, mask):
    with pytest.raises(MIError):
        Bench("gflags").mi(command, mask)

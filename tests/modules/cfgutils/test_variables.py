"""Shared variables and the others of the module."""
from __future__ import annotations

import time

import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.module.registry import Registry
from opensips_py.script.core import registry_with_core
from tests.modules.bench import Bench, options, variables

OLD, NEW = ("2.1", ("shv_get", "shv_set")), ("4.0", ("cfgutils:shv_get", "cfgutils:shv_set"))


def shared(body, *params, dialect="4.0"):
    lines = "\n".join(f'modparam("cfgutils", "{name}", {value})' for name, value in params)
    return Bench("cfgutils", body, lines, dialect=dialect)


def run(bench):
    return bench.run_on(bench.message(options())).variables


def test_a_shared_variable_begins_as_0_and_keeps_what_any_message_sets():
    bench = shared('$var(before) = $shv(x); $shv(x) = $shv(x) + 5; $shv(text) = "sip:a@b"; $var(after) = $shv(text);')
    assert run(bench) == {"before": 0, "after": "sip:a@b"}
    assert run(bench)["before"] == 5


def test_a_name_may_come_from_a_variable():
    assert run(shared('$var(n) = "x"; $shv($var(n)) = 7; $var(r) = $shv(x);'))["r"] == 7


def test_null_makes_it_0():
    assert run(shared('$shv(x) = 5; $shv(x) = NULL; $var(r) = $shv(x);')) == {"r": 0}


def test_other_processes_and_generations_see_the_same():
    bench = shared("$shv(x) = 5;")
    run(bench)
    other = registry_with_core("4.0")
    other.add("cfgutils")
    assert not other.finish()
    other.start(bench, None)
    assert other.modules["cfgutils"].shared.get("x") == 5


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_first_values_from_parameters(dialect):
    bench = shared('$var(a) = $shv(debug); $var(b) = $shv(gw); $var(c) = $shv(hex); $shv(debug) = 2;',
                   ("shvset", '"debug=i:1"'), ("shvset", '"gw=s:sip:10.10.10.10;x=y"'), ("shvset", '" hex = i:0x10"'),
                   dialect=dialect)
    assert run(bench) == {"a": 1, "b": "sip:10.10.10.10;x=y", "c": 16}
    assert run(bench)["a"] == 2


def test_a_reload_sets_only_what_nobody_has_set():
    bench = shared("$shv(x) = 5;", ("shvset", '"x=i:1"'))
    run(bench)
    registry = registry_with_core("4.0")
    module = registry.add("cfgutils")
    for value in ("x=i:2", "y=s:new"):
        registry.set_parameter("cfgutils", "shvset", value)
    assert not registry.finish()
    registry.start(bench, bench.registry)
    assert (module.shared.get("x"), module.shared.get("y")) == (5, "new")


def test_each_run_begins_with_what_varset_says():
    bench = shared('$var(a) = $var(init); $var(b) = $var(gw); $var(n) = "init"; $var(c) = $var($var(n)); '
                   '$var(init) = NULL; if ($var(init) == NULL) $var(d) = 1;',
                   ("varset", '"init=i:3"'), ("varset", '"gw=s:sip:11.11.11.11;transport=tcp"'))
    for _ in range(2):
        found = run(bench)
        assert (found["a"], found["b"], found["c"], found["d"]) == (3, "sip:11.11.11.11;transport=tcp", 3, 1)


@pytest.mark.parametrize("parameter", ["shvset", "varset"])
@pytest.mark.parametrize("value", ["x", "x=1", "x=i:one", "x=z:1", "=i:1", "x:i=1"])
def test_malformed_values_are_refused(parameter, value):
    registry = registry_with_core("4.0")
    registry.add("cfgutils")
    with pytest.raises(ConfigError):
        registry.set_parameter("cfgutils", parameter, value)


@pytest.mark.parametrize(("dialect", "names"), [OLD, NEW])
def test_management_gets_and_sets(dialect, names):
    get, put = names
    bench = shared('$var(r) = $shv(debug); $shv(gw) = "a b";', ("shvset", '"debug=i:1"'), dialect=dialect)
    name = {"name": "debug"} if dialect == "2.1" else {}
    assert bench.mi(get, "debug") == {"VAR": {**name, "type": "integer", "value": 1}}
    assert bench.mi(put, "debug", "int", "0x2") == "OK" and run(bench) == {"r": 2}
    assert bench.mi(put, "debug", "str", "on") == "OK" and run(bench) == {"r": "on"}
    known = [{"name": "debug", "type": "string", "value": "on"}, {"name": "gw", "type": "string", "value": "a b"}]
    assert bench.mi(get) == ({"VARS": known} if dialect == "2.1" else [known])


def test_management_knows_what_the_script_mentions_before_it_runs():
    bench = shared("$shv(gw) = 1;")
    assert bench.mi("shv_get", "gw")["VAR"]["value"] == 0
    for command in (("shv_get", "other"), ("shv_set", "other", "int", "1")):
        with pytest.raises(MIError) as refused:
            bench.mi(*command)
        assert refused.value.code == 404


@pytest.mark.parametrize(("kind", "value"), [("int", "one"), ("int", ""), ("float", "1")])
def test_management_refuses_what_is_no_value(kind, value):
    bench = shared("$shv(gw) = 1;")
    with pytest.raises(MIError):
        bench.mi("shv_set", "gw", kind, value)


def test_the_old_tree_of_variables():
    from opensips_py.mi.tree import text, tree_of
    bench = shared("$shv(a) = 1;", dialect="2.1")
    command = bench.registry.commands["shv_get"].call
    assert text(tree_of(bench.mi("shv_get", "a"), command)) == "VAR::  name=a type=integer value=0\n"
    assert text(tree_of(bench.mi("shv_get"), command)) == "VAR::  name=a type=integer value=0\n"


def test_the_table_has_room_for_so_many():
    bench = shared('$var(i) = 0; while ($var(i) < 40) { $shv($var(i)) = 1; $var(i) = $var(i) + 1; }',
                   ("shv_hash_size", 2))
    run(bench)
    assert len(bench.mi("shv_get")[0]) == 32
    larger = Registry.load(["cfgutils"])
    larger.set_parameter("cfgutils", "shv_hash_size", 64)
    larger.start(bench, None)
    assert larger.modules["cfgutils"].shared.capacity == 32  # what is given out stays so while the server runs


def test_environment(monkeypatch):
    monkeypatch.setenv("CFGUTILS_TEST", "a b")
    monkeypatch.delenv("CFGUTILS_NONE", raising=False)
    body = '$var(a) = $env(CFGUTILS_TEST); if ($env(CFGUTILS_NONE) == NULL) $var(b) = 1;'
    assert variables(body, "cfgutils") == {"a": "a b", "b": 1}


def test_random_numbers():
    found = variables("$var(a) = $RANDOM; $var(b) = $RANDOM; $var(c) = $RANDOM;", "cfgutils")
    assert len(set(found.values())) > 1 and all(0 <= each < 2**31 for each in found.values())


def test_parts_of_the_time(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Bucharest")
    time.tzset()
    names = ("sec", "min", "hour", "mday", "mon", "year", "wday", "yday", "isdst")
    body = "".join(f"$var({each}) = $ctime({each});" for each in names)
    try:
        monkeypatch.setattr(time, "localtime", lambda real=time.localtime: real(1591357895))
        found = variables(body, "cfgutils")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert tuple(found.values()) == (35, 51, 14, 5, 6, 2020, 6, 157, 1)


def test_a_part_that_there_is_not_is_refused():
    with pytest.raises(AssertionError, match="sec"):
        variables("$var(x) = $ctime(second);", "cfgutils")

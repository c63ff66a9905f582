"""Decisions by chance."""
from __future__ import annotations

import random

import pytest

from opensips_py.errors import MIError
from opensips_py.script.core import registry_with_core
from tests.modules.bench import Bench, options, variables


@pytest.fixture
def dice(monkeypatch):
    """What random.random() gives next, of 100."""
    thrown = []
    monkeypatch.setattr(random, "random", lambda: thrown.pop(0) / 100)
    return thrown


def run(bench):
    return bench.run_on(bench.message(options())).variables


EVENT = "if (rand_event()) $var(yes) = 1;"


@pytest.mark.parametrize(("throw", "yes"), [(9, True), (10, False), (99, False)])
def test_events_happen_with_ten_percent(dice, throw, yes):
    dice.append(throw)
    assert ("yes" in variables(EVENT, "cfgutils")) is yes


def test_probability_from_parameter_script_and_argument(dice):
    dice += [49, 50, 69, 70, 80, 20]
    bench = Bench("cfgutils", EVENT, 'modparam("cfgutils", "initial_probability", 50)')
    assert [("yes" in run(bench)) for _ in range(2)] == [True, False]
    setting = Bench("cfgutils", f"rand_set_prob(70); {EVENT} $var(p) = rand_get_prob();")
    assert [run(setting) for _ in range(2)] == [{"yes": 1, "p": 70}, {"p": 70}]
    assert run(Bench("cfgutils", EVENT.replace("()", "(81)"))) == {"yes": 1}
    assert run(Bench("cfgutils", EVENT.replace("()", '("20")'), dialect="2.1")) == {}


def test_always_and_never():
    always = Bench("cfgutils", EVENT, 'modparam("cfgutils", "initial_probability", 100)')
    assert all(run(always) for _ in range(50))
    never = Bench("cfgutils", f"rand_set_prob(0); {EVENT} $var(p) = rand_get_prob();")
    assert all(run(never) == {"p": 0} for _ in range(50))  # and 0 does not end the script


def test_reset_goes_back_to_the_parameter():
    bench = Bench("cfgutils", "rand_set_prob(5); rand_reset_prob(); $var(p) = rand_get_prob();",
                  'modparam("cfgutils", "initial_probability", 33)')
    assert run(bench) == {"p": 33}


@pytest.mark.parametrize(("dialect", "prefix"), [("2.1", ""), ("4.0", "cfgutils:")])
def test_management(dialect, prefix):
    bench = Bench("cfgutils", "$var(p) = rand_get_prob();", dialect=dialect)
    assert bench.mi(f"{prefix}rand_get_prob") == "The actual probability is 10 percent."
    assert bench.mi(f"{prefix}rand_set_prob", "50") == "OK" and run(bench) == {"p": 50}
    assert bench.mi(f"{prefix}rand_reset_prob") == "OK" and run(bench) == {"p": 10}
    for wrong in ("100", "-1", "x"):
        with pytest.raises(MIError):
            bench.mi(f"{prefix}rand_set_prob", wrong)


def test_all_processes_share_the_probability():
    bench = Bench("cfgutils", "rand_set_prob(70);")
    run(bench)
    other = registry_with_core("4.0")
    other.add("cfgutils")
    other.start(bench, None)
    assert other.modules["cfgutils"].probability == 70


# Choices


WEIGHTS = '$avp(w) = 10; $avp(w) = "30"; $avp(w) = 0; $var(i) = set_select_weight($avp(w)); $var(after) = 1;'


@pytest.mark.parametrize(("throw", "index"), [(0, 1), (74, 1), (76, 2), (99, 2)])
def test_choice_by_weight(dice, throw, index):
    dice.append(throw)  # the newest value, 0, comes first and is never chosen
    assert variables(WEIGHTS, "cfgutils") == {"i": index, "after": 1}


def test_the_first_index_does_not_end_the_script():
    body = '$avp(w) = 5; set_select_weight($avp(w)); $var(rc) = $rc; $var(i) = set_select_weight($avp(w));'
    assert variables(body, "cfgutils") == {"rc": 0, "i": 0}


@pytest.mark.parametrize("body", ['$avp(w) = 0;', '$avp(w) = "x";', '$avp(w) = -3;', ''])
def test_nothing_to_choose(body):
    found = variables(f'{body} $var(i) = set_select_weight("$avp(w)");', "cfgutils", dialect="2.1")
    assert found == {"i": -1}


@pytest.mark.parametrize(("variable", "count"), [
    ("$avp(x)", 3), ("$(avp(x)[*])", 3), ("$(avp(x))", 3), ("$avp(none)", 0), ("$hdr(X-A)", 2), ("$ru", 1),
    ("$(avp(x)[1])", 1), ("$var(v)", 1), ("$avp($var(v))", 3)])
def test_counting(variable, count):
    body = f'$var(v) = "x"; $avp(x) = 1; $avp(x) = "b"; $avp(x) = 1; set_count({variable}, $var(n));'
    bench = Bench("cfgutils", body)
    assert bench.run_on(bench.message(options("X-A: 1\r\nX-A: 2\r\n"))).variables["n"] == count


def test_counting_as_old_scripts_write_it():
    found = variables('$avp(10) = 1; $avp(10) = 2; set_count("$avp(10)", "$avp(result)"); $var(n) = $avp(result);',
                      "cfgutils", dialect="2.1")
    assert found == {"n": 2}


def test_shuffling(monkeypatch):
    monkeypatch.setattr(random, "shuffle", lambda values: values.reverse())
    found = variables('$avp(x) = "a"; $avp(x) = 2; $avp(x) = "c"; if (shuffle_avps($avp(x))) $var(ok) = 1; '
                      '$var(all) = $(avp(x)[*]); if (!shuffle_avps($avp(none))) $var(none) = 1;', "cfgutils")
    assert found == {"ok": 1, "all": "a, 2, c", "none": 1}


def test_only_avps_are_shuffled():
    with pytest.raises(AssertionError, match="avp"):
        Bench("cfgutils", "shuffle_avps($var(x));")

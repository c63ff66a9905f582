import functools

import pytest

from opensips_py.errors import MIError


@pytest.mark.parametrize("asked", [-1, 0, 1])
def test_an_owner_answers_whoever_is_asked(processes, asked):
    assert processes[asked].call("owned", ["7"]) == [1, 7]
    assert processes[asked].call("owned", {"number": 8}) == [0, 8]


def test_any_worker_answers_in_place_of_management(processes):
    assert processes[-1].call("sample:where") == 0
    assert processes[1].call("where") == 1


@pytest.mark.parametrize("asked", [-1, 0, 1])
def test_the_answers_of_each_worker_are_joined(processes, asked):
    assert processes[asked].call("all") == ["w0", "w1"]
    assert processes[asked].call("all", {"prefix": "x"}) == ["x0", "x1"]


def test_commands_of_management_run_there(processes):
    assert processes[0].call("core:arg") == ["opensips-py", "-f", "a.cfg"]


def test_another_worker_stands_in_for_one_that_died(processes):
    del processes[-1].links.network[0]
    assert processes[-1].call("where") == 1


def test_each_waits_for_the_replacement_of_one_that_died(processes):
    management = processes[-1]
    lost = management.links.network.pop(1)
    management.pause = lambda seconds: management.links.network.update({1: lost})
    assert management.call("all") == ["w0", "w1"]


@pytest.mark.parametrize("name, given, code, words", [
    ("nothing", [], -32601, "Method not found"),
    ("owned", [], -32602, "missing parameter number; usage: owned number"),
    ("owned", ["x"], -32602, "parameter number: a number is needed, not 'x'"),
    ("owned", [1, 2], -32602, "too many parameters"),
    ("owned", {"nr": 1}, -32602, "unknown parameter nr"),
    ("broken", [], 500, "ZeroDivisionError: by nothing"),
    ("refused", ["a", "b", "c"], 481, "no a: b,c"),
    ("refused", ["a", ["b", "c"]], 481, "no a: b,c"),
    ("refused", {"first": "a"}, 481, "no a: "),
    ("refused", ["a", 1 << 63], -32602, "more than 64 bits"),
    ("refused", {"first": ["\ud800"]}, -32602, "half a character"),
    ("refused", ["a", functools.reduce(lambda inner, _: [inner], range(64), "deep")], -32602, "more than 64 lists"),
])
@pytest.mark.parametrize("asked", [-1, 0])
def test_errors_reach_the_caller(processes, asked, name, given, code, words):
    with pytest.raises(MIError) as error:
        processes[asked].call(name, given)
    assert error.value.code == code
    assert words in error.value.message.replace('"x"', "'x'")

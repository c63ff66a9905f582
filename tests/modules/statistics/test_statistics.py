"""Statistics that scripts count and read."""
from __future__ import annotations

import os

import pytest

from opensips_py.errors import ConfigError
from opensips_py.mi import remote
from opensips_py.script.core import registry_with_core
from opensips_py.statistics import Statistics
from tests.modules.bench import Bench, options


def stats(body, *params, dialect="4.0"):
    lines = "\n".join(f'modparam("statistics", "{name}", "{value}")' for name, value in params)
    return Bench("statistics", body, lines, dialect=dialect)


def run(bench):
    return bench.run_on(bench.message(options())).variables


def values(bench, group="dynamic"):
    return {each.name: each.value for each in bench.statistics.of_group(group)}


@pytest.mark.parametrize(("dialect", "body"), [
    ("4.0", 'update_stat("calls", 2); $var(n) = "calls"; update_stat($var(n), -5); update_stat("other", 1);'),
    ("2.1", 'update_stat("calls", "+2"); $var(n) = "calls"; update_stat("$var(n)", "-5"); update_stat("other", "1");')])
def test_counting(dialect, body):
    bench = stats(f"{body} $var(v) = $stat(calls);", ("variable", "calls"), dialect=dialect)
    assert values(bench, "script") == {"calls": 0}
    assert run(bench)["v"] == -3 and run(bench)["v"] == -6
    assert (values(bench, "script"), values(bench)) == ({"calls": -6}, {"other": 2})


def test_groups():
    bench = stats('update_stat("packet:$rm", 1); update_stat("response:x", 2); $var(v) = $stat(packet:OPTIONS);'
                  'if (!update_stat("nowhere:x", 1)) $var(no) = 1; if ($stat(packet:none) == NULL) $var(null) = 1;'
                  'if (!update_stat("packet:", 1)) $var(nameless) = 1;',
                  ("stat_groups", "method, packet"), ("stat_groups", "response"), ("variable", "method:y"))
    assert run(bench) == {"v": 1, "no": 1, "null": 1, "nameless": 1}
    assert [values(bench, each) for each in ("packet", "response", "method")] == [{"OPTIONS": 1}, {"x": 2}, {"y": 0}]
    assert bench.statistics.get("nowhere:x") is None


def test_old_names_may_have_a_colon():
    bench = stats('update_stat("a:b", "1"); $var(v) = $stat(a:b); $var(x) = $stat(other:rcv);', dialect="2.1")
    bench.statistics.counter("other", "rcv").add(7)
    assert run(bench) == {"v": 1, "x": 7} and values(bench) == {"a:b": 1}


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_statistics_of_the_core_and_of_modules_are_read(dialect):
    bench = stats("$var(a) = $stat(rcv); $var(b) = $stat(mod); $var(c) = $stat(tm:mod); $var(d) = $stat(worked_out);",
                  dialect=dialect)
    bench.statistics.counter("dynamic", "rcv").add(1)
    bench.statistics.counter("core", "rcv").add(2)
    bench.statistics.counter("tm", "mod").add(3)
    bench.statistics.register("usrloc", "worked_out", "function", lambda: 4)
    assert run(bench) == {"a": 2, "b": 3, "c": 3, "d": 4}


def test_the_name_of_a_modules_statistic_is_free_for_scripts():
    bench = stats('update_stat("mod", 1); update_stat("tm:mod", 1);')
    bench.statistics.counter("tm", "mod").add(3)
    run(bench)
    assert values(bench) == {"mod": 1} and values(bench, "tm") == {"mod": 4}
    old = stats('update_stat("mod", "1");', dialect="2.1")  # there, names are of no group
    old.statistics.counter("tm", "mod").add(3)
    run(old)
    assert values(old) == {} and values(old, "tm") == {"mod": 4}


def test_what_is_worked_out_cannot_be_counted():
    bench = stats('if (!update_stat("usrloc:users", 1)) $var(no) = 1; if (!reset_stat("usrloc:users")) $var(none) = 1;')
    bench.statistics.register("usrloc", "users", "function", lambda: 4)
    assert run(bench) == {"no": 1, "none": 1}


@pytest.mark.parametrize("reset", ['reset_stat("calls");', '$var(n) = "calls"; reset_stat($var(n));',
                                   "$stat(calls) = 0;", "$var(n) = \"calls\"; $stat($var(n)) = 0;"])
def test_resets(reset):
    bench = stats(f'update_stat("calls", 3); {reset} $var(v) = $stat(calls);')
    assert run(bench)["v"] == 0 and values(bench) == {"calls": 0}


def test_what_may_not_be_reset():
    bench = stats('update_stat("active", 3); if (!reset_stat("active")) $var(no) = 1; $stat(active) = 0; '
                  'reset_stat("new"); $var(new) = $rc; update_stat("calls", 2); $stat(calls) = 5;',
                  ("variable", "active/no_reset"))
    assert run(bench) == {"no": 1, "new": 1}
    assert (values(bench, "script"), values(bench)) == ({"active": 3}, {"new": 0, "calls": 2})
    remote.reset(bench.statistics, ["active", "calls"])
    assert (values(bench, "script"), values(bench)) == ({"active": 3}, {"new": 0, "calls": 0})


@pytest.mark.parametrize(("parameter", "value"), [
    ("variable", ""), ("variable", "x/fixed"), ("variable", "/no_reset"), ("variable", "packet:x"),
    ("variable", "packet:"), ("stat_groups", "a,,b"), ("stat_groups", "a:b"), ("stat_groups", "")])
def test_malformed_parameters_are_refused(parameter, value):
    registry = registry_with_core("4.0")
    registry.add("statistics")
    with pytest.raises(ConfigError):
        registry.set_parameter("statistics", parameter, value)
        raise registry.finish()[0]


ROUND = ('stat_iter_init("packet", "i"); $var(all) = ""; '
         'while (stat_iter_next($var(name), $var(value), "i")) { $var(all) = $var(all) + $var(name) + "="; '
         '$avp(v) = $var(value); } $var(values) = $(avp(v)[*]);')


def test_iterating():
    bench = stats(f'update_stat("packet:b", 2); update_stat("packet:a", 1); update_stat("c", 1); {ROUND}',
                  ("stat_groups", "packet"))
    found = run(bench)
    assert (found["all"], found["values"], found["name"], found["value"]) == ("b=a=", "1, 2", "a", 1)


def test_iterators_are_separate_and_begin_again():
    bench = stats('update_stat("a", 1); update_stat("b", 2); stat_iter_init("dynamic", "x"); '
                  'stat_iter_init("dynamic", "y"); stat_iter_next($var(x1), $var(v), "x"); '
                  'stat_iter_next($var(x2), $var(v), "x"); stat_iter_next($var(y1), $var(v), "y"); '
                  'stat_iter_init("dynamic", "x"); stat_iter_next($var(x3), $var(v), "x"); '
                  'if (!stat_iter_next($var(z), $var(v), "z")) $var(no) = 1; '
                  'if (!stat_iter_init("nowhere", "z")) $var(none) = 1;')
    found = run(bench)
    assert [found[each] for each in ("x1", "x2", "y1", "x3", "no", "none")] == ["a", "b", "a", "a", 1, 1]
    assert "z" not in found


def test_clearing_as_the_manual_shows_it():
    bench = stats('stat_iter_init("packet", "iter"); while (stat_iter_next($var(stat), $var(val), "iter")) '
                  '{ $var(full) = "packet:" + $var(stat); reset_stat($var(full)); }', ("stat_groups", "packet"))
    for name in "ab":
        bench.statistics.counter("packet", name).add(5)
    run(bench)
    assert values(bench, "packet") == {"a": 0, "b": 0}


# Workers and generations


class Workers:
    """Two workers that count in the same memory."""

    def __init__(self, body, *params):
        self.fd = Statistics.create(2)
        self.body, self.params = body, params
        self.memory = {}
        self.all = [self.started(index) for index in range(2)]

    def started(self, index):
        bench = stats(self.body, *self.params)
        bench.statistics = Statistics(self.fd, index, 2)
        bench.index, bench.workers, bench.memory = index, 2, self.memory
        bench.registry.start(bench)
        return bench


def test_workers_count_together():
    first, second = Workers('update_stat("packet:new", 1); update_stat("other", 1);', ("stat_groups", "packet")).all
    run(first)
    run(second)
    assert values(first, "packet") == values(second, "packet") == {"new": 2}


def test_a_worker_finds_what_another_has_made():
    workers = Workers(f"$var(v) = $stat(packet:a); {ROUND}", ("stat_groups", "packet"))
    first, second = workers.all
    assert "v" not in {key: value for key, value in run(second).items() if value is not None}
    for name in "ab":
        first.module("statistics").update_stat(f"packet:{name}", 4)
    found = run(second)
    assert (found["v"], found["all"]) == (4, "a=b=")
    os.close(workers.fd)


def test_a_replaced_worker_goes_on_and_lists_what_there_is():
    workers = Workers('update_stat("calls", 1); update_stat("active", 1);', ("variable", "active/no_reset"))
    run(workers.all[0])
    again = workers.started(0)
    assert (values(again, "script"), values(again)) == ({"active": 1}, {"calls": 1})
    run(again)
    other = workers.all[1]
    assert [other.module("statistics").find(name).value for name in ("active", "calls")] == [2, 2]


def test_a_reload_keeps_what_was_counted():
    bench = stats('update_stat("calls", 1);', ("variable", "old"))
    run(bench)
    registry = registry_with_core("4.0")
    module = registry.add("statistics")
    registry.set_parameter("statistics", "variable", "calls")
    assert not registry.finish()
    registry.start(bench, bench.registry)
    module.update_stat("calls", 1)
    assert (values(bench, "script"), values(bench)) == ({"old": 0}, {"calls": 2})

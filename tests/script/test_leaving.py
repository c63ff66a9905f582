"""Ways out of a route: async with its timeout and code, launch with its report, in the words of both dialects."""
import gevent
import pytest

from opensips_py.module import Module, ReturnCode, Route, script
from opensips_py.module.run import Run
from opensips_py.script import configuration, runtime
from tests.script.script import reader


class Fetched(ReturnCode):
    """Codes."""

    FOUND, NOTHING, TIMEOUT = 2, -2, -3


class Slow(Module, name="slow"):
    """Functions that wait."""

    @script(Route.ANY, waits=True)
    def fetch(self, key: str, default: str = "d", seconds: int = 0) -> Fetched:
        """Wait, then say whether *key* is there."""
        gevent.sleep(60 if seconds else 0)
        return Fetched.FOUND if key == default else Fetched.NOTHING

    @script(Route.ANY, waits=True)
    def pause(self, seconds: int) -> bool:
        """Wait."""
        gevent.sleep(60 if seconds else 0)
        return True

    @script(Route.ANY, waits=True)
    def stop(self) -> int:
        """End the script, were it not called by async()."""
        return 0


class Services:
    """Spawns at once, and counts the runs that park."""

    def __init__(self):
        self.parked = 0
        self.children = []
        self.transactions = self

    def prepare_wait(self, run):
        self.parked += 1

    def spawn(self, function, child, *arguments):
        self.children.append(child)
        function(child, *arguments)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """A second is short here."""
    class Soon(gevent.Timeout):
        def __init__(self, seconds=None):
            super().__init__(None if seconds is None else seconds / 1000)
    monkeypatch.setattr(runtime.gevent, "Timeout", Soon)


def run(body, routes, dialect="4.0"):
    found = configuration.read("test.cfg", {}, reader(f"dialect={dialect}\nroute {{ {body} }}\n{routes}"), [Slow])
    assert not found.diagnostics.errors, found.diagnostics.render()
    done = Run(Services(), found, Route.REQUEST, None)
    assert found.routes.main(done) == 0 or "launch" in body
    return done


RESUME = "route[resume] { $var(rc) = $rc; }"


@pytest.mark.parametrize(("call", "code"), [
    ('fetch("d")', 2), ('fetch("x")', -2), ('fetch("x", "x")', 2), ('fetch("d", , 0)', 2), ("pause(0)", 1),
    ("stop()", 0)])
def test_the_code_is_there_in_the_route_to_resume_in(call, code):
    done = run(f"async({call}, resume); $var(never) = 1;", RESUME)
    assert done.variables == {"rc": code} and done.services.parked == 1


@pytest.mark.parametrize("test", [
    'if (async(fetch("d"), resume)) $var(never) = 1;', 'if (!async(fetch("d"), resume)) { $var(never) = 1; exit; }',
    'if (not async(fetch("d"), resume)) $var(never) = 1; else if ($rc == 7) $var(never) = 2; else exit;',
    'if ($rc == 7) $var(never) = 1; else if (!async(fetch("d"), resume)) $var(never) = 2; $var(never) = 3;'])
def test_a_condition_never_goes_on(test):
    assert run(test, RESUME).variables == {"rc": 2}


def test_what_stands_behind_such_a_condition_is_looked_at():
    (found,) = configuration.read("test.cfg", {}, reader(
        f'dialect=4.0\nroute {{ if (!async(fetch("d"), resume)) nonsense(); }}\n{RESUME}'), [Slow]).diagnostics.errors
    assert found.message == "function nonsense is unknown"


@pytest.mark.parametrize(("call", "code"), [('fetch("d", , 1)', -3), ("pause(1)", -1)])
def test_a_timeout_has_the_code_that_the_function_names(call, code):
    assert run(f"async({call}, resume, 1);", RESUME).variables == {"rc": code}
    assert run(f"local int $s = 1; async({call}, resume, $s);", RESUME).variables == {"rc": code}
    assert run(f"$var(s) = 1; async({call}, resume, $var(s));", RESUME).variables["rc"] == code


def test_a_timeout_that_is_not_reached():
    assert run('async(fetch("d"), resume, 1000);', RESUME).variables == {"rc": 2}


@pytest.mark.parametrize("timeout", ["0", "-1", '"x"', "$text"])
def test_wrong_timeouts(timeout):
    found = configuration.read("test.cfg", {}, reader(
        f'route {{ local str $text = "1"; async(pause(0), resume, {timeout}); }}\n{RESUME}'), [Slow])
    assert [each.message for each in found.diagnostics.errors] == [
        "the timeout of async is a number of seconds from 1"]


@pytest.mark.parametrize("route", ["resume", '"resume"', "$var(where)"])
def test_names_of_the_route_in_both_dialects(route):
    for dialect in ("2.1", "4.0"):
        done = run(f'$var(where) = "resume"; async(pause(0), {route});', RESUME, dialect)
        assert done.variables["rc"] == 1


def test_what_the_run_had_is_there_and_its_parameters_are_gone():
    done = run("$avp(a) = 1; $var(b) = 2; route(sub, 7);",
               "route[sub] { $var(p) = $param(1); async(pause(0), resume); }\n"
               "route[resume] { $var(sum) = $avp(a) + $var(b); $var(q) = $param(1); async(pause(0), again); }\n"
               "route[again] { $var(twice) = $rc; exit; }")
    assert done.variables == {"b": 2, "p": 7, "sum": 3, "q": None, "twice": 1}


@pytest.mark.parametrize(("call", "code"), [('fetch("d")', 2), ('fetch("x", )', -2), ("pause(0)", 1)])
def test_launch_reports(call, code):
    done = run(f'$var(n) = 1; launch({call}, report, "for $var(n)"); $var(n) = 2;',
               "route[report] { $avp(code) = $rc; $avp(said) = $param(1); $var(n) = 9; }")
    (child,) = done.services.children
    assert child.avps == {"said": ["for 1"], "code": [code]}
    assert done.variables == {"n": 2} and done.services.parked == 0


def test_launch_without_a_report_and_with_a_number_for_it():
    done = run("launch(pause(0)); launch(pause(0), report); launch(pause(0), report, 5); $var(n) = 1;",
               "route[report] { $avp(said) = $param(1); }")
    assert [each.avps for each in done.services.children] == [{}, {}, {"said": [5]}] and done.variables == {"n": 1}


def test_what_is_left_out_in_the_middle_has_its_default():
    done = run('fetch("d", , 0); $var(a) = $rc; fetch("x",,); $var(b) = $rc; exit;', "")
    assert done.variables == {"a": 2, "b": -2}

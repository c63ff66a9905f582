import logging

import pytest

from opensips_py.module import Module, ReturnCode, Route, Variable, Writable, script
from opensips_py.module.kinds import Format
from opensips_py.module.run import Run
from opensips_py.script import configuration
from tests.script.script import reader, run_of


class Answer(ReturnCode):
    """Codes."""

    GOOD, LATE, BAD, END = 1, 2, -2, 0


class Probe(Module, name="probe"):
    """Functions that show what they are given."""

    seen: list = []

    @script(Route.ANY)
    @script(Route.ANY, name="show_in_time", waits=True)
    def show(self, number: int, text: str = "none", more: int | str = 7) -> bool:
        """Keep the arguments."""
        self.seen.append((number, text, more))
        return True

    @script(Route.ANY)
    @script(Route.ANY, name="answer_in_time", waits=True)
    def answer(self, number: int) -> Answer:
        """Answer with a code."""
        return Answer(number)

    @script(Route.ANY)
    def fail(self) -> bool:
        """Raise an error."""
        raise RuntimeError("broken")

    @script(Route.ANY)
    def nothing(self) -> None:
        """Do nothing."""

    @script(Route.ANY)
    def swap(self, run: Run, target: Writable, source: Variable) -> bool:
        """Assign the second to the first."""
        target.set(source.get())
        return True

    @script(Route.ANY)
    def later(self, run: Run, text: Format) -> bool:
        """Keep the text as it is now."""
        self.seen.append(text(run))
        return True

    @script(Route.ANY, waits=True)
    def wait(self, number: int) -> Answer:
        """Wait."""
        self.seen.append(f"waited {number}")
        return Answer(number)


class Parking:
    """Services that see which request is about to wait."""

    def __init__(self):
        self.transactions = self

    def prepare_wait(self, run):
        Probe.seen.append("parked")


def read(statements, dialect="4.0", more=""):
    Probe.seen.clear()
    text = f"dialect={dialect}\nroute {{ {statements} }}\n{more}"
    return configuration.read("test.cfg", {}, reader(text), (Probe,))


def run(statements, dialect="4.0", more=""):
    found = read(statements, dialect, more)
    assert not found.diagnostics.errors, found.diagnostics.render()
    return run_of(found, services=Parking())


@pytest.mark.parametrize(("arguments", "seen"), [
    ("1", (1, "none", 7)), ('1, "a"', (1, "a", 7)), ("1, , 3", (1, "none", 3)), ("1,,", (1, "none", 7)),
    ('1, "x$var(n)y"', (1, "x5y", 7)), ("$var(n), $var(t), $var(t)", (5, "text", "text")),
    ('1, "word", "3"', (1, "word", "3")),
    ("$var(n) + 1, \"a\" + \"b\"", (6, "ab", 7)), ('0x10, "10.0.0.1"', (16, "10.0.0.1", 7)),
    ("-1, $var(n)", (-1, "5", 7))])
def test_arguments(arguments, seen):
    run(f'$var(n) = 5; $var(t) = "text"; show({arguments});')
    assert Probe.seen == [seen]


@pytest.mark.parametrize("kept", [
    "$var(x) = answer(-2);", "answer(-2); $var(x) = $rc;", "$avp(x) = answer(-2); $var(x) = $avp(x);",
    "route(sub); $var(x) = $rc;"])
def test_codes_are_numbers_like_others(kept):
    tests = "if ($var(x) < 0) $var(seen) = $var(x) - 1; if ($var(x) <= -2 && $rc > -3) $var(text) = \"\" + $var(x);"
    _, done = run(kept + tests, more="route[sub] { return(answer(-2)); }")
    assert done.variables["seen"] == -3 and done.variables["text"] == "-2" and type(done.variables["x"]) is int


def test_numbers_in_quotes():
    run('$var(n) = 5; show("3"); show("$var(n)");', "2.1")
    assert Probe.seen == [(3, "none", 7), (5, "none", 7)]
    unsaid = configuration.read("test.cfg", {}, reader('route { show("4"); }'), (Probe,))  # it may be 2.1
    assert unsaid.dialect == "2.1" and not unsaid.diagnostics.found
    run_of(unsaid)
    assert Probe.seen[-1] == (4, "none", 7)
    (found,) = read('show("3");', "4.0").diagnostics.errors
    assert (found.message, found.fix) == (
        "show, argument 'number': a number is needed, not the text \"3\"", "write 3 without the quotes")


def test_a_value_that_does_not_fit_counts_as_false(caplog):
    _, done = run('$var(t) = "x"; if (show($var(t))) $var(r) = 1; else $var(r) = 0; $var(code) = $rc;')
    assert (done.variables["r"], Probe.seen) == (0, [])
    assert "test.cfg:2: show: " in caplog.text and "Traceback" not in caplog.text


def test_texts_are_put_together_when_the_function_wants_them():
    run('$var(n) = 5; later("n is $var(n)"); $var(n) = 6; later("n is $var(n)"); later("plain");')
    assert Probe.seen == ["n is 5", "n is 6", "plain"]


def test_variables_as_such():
    _, done = run('$avp(a) = "v"; swap($var(x), $avp(a)); swap("$var(y)", $var(x));')
    assert done.variables == {"x": "v", "y": "v"}


@pytest.mark.parametrize(("call", "code", "branch"), [
    ("answer(1)", 1, 1), ("answer(2)", 2, 1), ("answer(-2)", -2, 0), ("nothing()", 1, 1), ("fail()", -1, 0)])
def test_codes(call, code, branch, caplog):
    caplog.set_level(logging.CRITICAL)
    _, done = run(f"if ({call}) $var(b) = 1; else $var(b) = 0; {call}; $var(code) = $rc; $var(v) = {call};")
    assert (done.variables["b"], done.variables["code"], done.variables["v"]) == (branch, code, code)


def test_codes_inside_the_block_that_they_lead_to():
    _, done = run("if (!answer(-2)) { switch ($rc) { case -2: $var(x) = 1; } }")
    assert done.variables == {"x": 1}


def test_zero_ends_the_script():
    for way in ("answer(0)", "$var(x) = answer(0)", "if (answer(0)) $var(y) = 1", "route(sub)"):
        code, done = run(f"{way}; $var(after) = 1;", more="route[sub] { if (!answer(0)) return(5); return(6); }")
        assert (code, done.variables) == (0, {})


def test_routes_by_variable(caplog):
    _, done = run('$var(n) = 0; $var(r) = "sub"; route($var(r)); $var(a) = $rc; route("$var(r)"); route($var(none)); '
                  '$var(b) = $rc;',
                  more="route[sub] { $var(n) = $var(n) + 1; return(4); }")
    assert (done.variables["n"], done.variables["a"], done.variables["b"]) == (2, 4, -1)
    assert caplog.messages == ["test.cfg:2: there is no route[None]"]



def test_a_function_that_waits_parks_the_run():
    run("wait(1); if (wait(2)) show(3);")
    assert Probe.seen == ["parked", "waited 1", "parked", "waited 2", (3, "none", 7)]


def test_async_goes_on_in_the_other_route_and_nowhere_else():
    code, done = run("route(sub); $var(never) = 1;", more="""
        route[sub] { async(wait(2), resume); $var(nor_here) = 1; }
        route[resume] { $var(code) = $rc; $var(parameter) = $param(1); }""")
    assert (code, done.variables) == (0, {"code": 2, "parameter": None})


def test_launch_runs_beside():
    found = read("$var(n) = 5; launch(show_in_time($var(n)), report, \"for $var(n)\"); $var(n) = 6; "
                 "launch(answer_in_time(-2));",
                 more="route[report] { $var(x) = 1; show($rc, $param(1)); }")
    assert not found.diagnostics.errors, found.diagnostics.render()
    spawned = []

    class Services(Parking):
        def spawn(self, function, *arguments):
            spawned.append((function, arguments))
    done = Run(Services(), found, Route.REQUEST, None)
    found.routes.main(done)
    assert Probe.seen == [] and done.variables == {"n": 6}
    for function, arguments in spawned:
        ended = []
        arguments[0].at_end(lambda ended=ended: ended.append(1))
        function(*arguments)
        assert ended == [1]
    assert Probe.seen == [(5, "none", 7), (1, "for 5", 7)]
    assert done.variables == {"n": 6}


def test_what_is_wrong_with_arguments_is_said_of_all():
    found = read('show("x", $nothing, 5); show(1, "$nothing");')
    assert [each.message.partition(":")[0] for each in found.diagnostics.in_order()] == [
        "show, argument 'number'", "$nothing is unknown", "$nothing is unknown"]


def test_a_constant_that_shows_itself_only_when_it_is_put_together():
    (found,) = read('show("$$");', "2.1").diagnostics.errors
    assert found.message == "show, argument 'number': a number is needed, not \"$\""

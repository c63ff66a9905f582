import logging
import sys

import pytest

SCRIPT = """route {
    $var(a) = 1;
    script_trace(1, "a=$var(a)", "me");
    $var(a) = 2;
    route(X);
    $var(a) = 4;
}
route[X] {
    $var(a) = 3;
}"""


@pytest.fixture
def lines(caplog):
    if sys.gettrace() is not None:
        pytest.skip("something else traces this process, and keeps its place")
    caplog.set_level(logging.DEBUG, "opensips_py.script")
    yield caplog
    assert sys.gettrace() is None, "tracing outlived the run"


def test_every_line_is_logged_with_its_values(world, lines):
    world.execute(SCRIPT)
    assert lines.messages == [
        "[line 4][me][] -> (a=1)", "[line 5][me][] -> (a=2)", "[line 9][me][] -> (a=2)", "[line 6][me][] -> (a=3)"]
    assert {each.levelname for each in lines.records} == {"WARNING"}


def test_it_can_be_stopped(world, lines):
    world.execute(SCRIPT.replace("route(X);", "script_trace();"))
    assert [each.partition("]")[0] for each in lines.messages] == ["[line 4", "[line 5"]


def test_the_text_may_be_left_out(world, lines):
    world.execute("script_trace(3);\n$var(b) = 1;")
    assert lines.messages == ["[line 3][]"] and lines.records[0].levelname == "INFO"


def test_other_runs_are_not_traced(world, lines):
    main = world.compile(SCRIPT).main
    other = world.compile("route {\n    $var(z) = 1;\n}").main
    first = world.run
    world.core.registry.functions["script_trace"].call(first, 1, None, "")
    assert other(world.on_invite().run) == 1 and lines.messages == []
    main(first)
    assert lines.messages

"""Routes that nothing comes to."""
import pytest

from tests.script.analysis.found import warnings


@pytest.mark.parametrize(("more", "count"), [
    ("route[a] { exit; }", 1), ("route[a] { route(b); } route[b] { exit; }", 2), ("failure_route[a] { exit; }", 1),
    ("onreply_route[a] { exit; }", 1), ("branch_route[a] { exit; }", 1), ("onreply_route { exit; }", 0),
    ("timer_route[a, 60] { exit; }", 0), ("event_route[E_X] { exit; }", 0),
    ("timer_route[t, 60] { route(a); } route[a] { exit; }", 0)])
def test_what_nothing_comes_to(more, count):
    assert len(warnings(f"route {{ t_relay(); }} {more}", "W0108")) == count


@pytest.mark.parametrize("text", [
    "route { route(a); t_relay(); } route[a] { return; }",
    'route { t_on_failure("a"); t_relay(); } failure_route[a] { exit; }',
    "route { t_on_reply($var(x)); t_relay(); } onreply_route[a] { exit; }",
    "route { route($var(x)); t_relay(); } route[a] { exit; }",
    "route { async(usleep(1), a); } route[a] { t_relay(); }",
    "route { launch(usleep(1), a); t_relay(); } route[a] { exit; }"])
def test_what_is_used(text):
    assert warnings(text, "W0108") == []

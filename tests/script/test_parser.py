import pytest

from opensips_py.script import tree
from tests.script.script import messages, parsed


def items(text):
    script, diagnostics = parsed(text)
    assert not diagnostics.found, diagnostics.render()
    return script.items


@pytest.mark.parametrize(("text", "name", "value"), [
    ("log_level=3", "log_level", 3), ("log_level = -2", "log_level", -2), ("dns=no", "dns", 0), ("dns=yes", "dns", 1),
    ('server_header="Server: x"', "server_header", "Server: x"),
    ("log_facility=LOG_LOCAL0", "log_facility", "LOG_LOCAL0"),
    ("tos=IPTOS_LOWDELAY", "tos", "IPTOS_LOWDELAY"), ("mpath=/usr/lib/x/", "mpath", "/usr/lib/x/"),
    ("dialect=2.1", "dialect", "2.1"), ("tcp_no_new_conn_bflag=TCP_NO", "tcp_no_new_conn_bflag", "TCP_NO"),
    ('mem-group = "fast": "tm" "sl"', "mem-group", ("fast", "tm", "sl"))])
def test_core_parameters(text, name, value):
    (found,) = items(text)
    assert (found.name, found.value) == (name, value)


def test_modules_and_their_parameters():
    load, number, text = items('loadmodule "tm.so"\nmodparam("tm", "fr_timeout", -5)\nmodparam("a|b", "c", "d")')
    assert (load.name, number.value.value, text.module.value, text.value.value) == ("tm.so", -5, "a|b", "d")


@pytest.mark.parametrize(("text", "kind", "name", "more"), [
    ("route { exit; }", "route", "", (0, "")), ("route[relay] { exit; }", "route", "relay", (0, "")),
    ("route[1] { exit; }", "route", "1", (0, "")), ("route[a-b.c] { exit; }", "route", "a-b.c", (0, "")),
    ("timer_route[t, 30] { exit; }", "timer_route", "t", (30, "")),
    ("event_route[E_X, async] { exit; }", "event_route", "E_X", (0, "async")),
    ("onreply_route { exit; }", "onreply_route", "", (0, "")),
    ("startup_route { exit; }", "startup_route", "", (0, "")),
    ("failure_route[1] { exit; }", "failure_route", "1", (0, ""))])
def test_routes(text, kind, name, more):
    (found,) = items(text)
    assert (found.kind, found.name, (found.interval, found.mode)) == (kind, name, more)


def test_names_of_parameters():
    (found,) = items("route[a](first, second) { exit; }")
    assert [each.name for each in found.parameters] == ["first", "second"]


def test_aliases_of_one_line():
    found = items("alias=udp:a.example.com b.example.com:5080\nalias=c")
    assert [(each.value.host, each.value.port) for each in found] == [
        ("a.example.com", 0), ("b.example.com", 5080), ("c", 0)]


def test_a_route_with_a_wrong_head_is_read_all_the_same():
    script, diagnostics = parsed("route[] { exit; }\nroute { exit; }")
    assert [(each.broken, type(each.body[0])) for each in script.items] == [(True, tree.Exit), (False, tree.Exit)]
    assert messages(diagnostics) == ["route[] needs a name"] and script.whole


def test_what_was_not_read_is_known_to_be_missing():
    assert parsed("route { exit; }")[0].whole
    assert not parsed("rout[x] { exit; }\nroute { exit; }")[0].whole
    assert not parsed("route { exit; /* ")[0].whole
    assert parsed("nonsense\nroute { exit; }")[0].whole

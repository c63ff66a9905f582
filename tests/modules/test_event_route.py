"""event_route: routes that run on events, and their parameters."""
import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import request

HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "event_route.so"
"""
RAISING = """route {
	$avp(names) = "count"; $avp(names) = "ip";
	$avp(values) = 5; $avp(values) = "192.0.2.7";
	raise_event("E_TEST", $avp(names), $avp(values));
	xlog("L_NOTICE", "raised\\n");
	sl_send_reply(200, "OK");
}
"""


def lines(opensips, routes, dialect="4.0", raising=RAISING):
    server = opensips(text=f"dialect={dialect}\n{HEAD}{raising}{routes}")
    server.receive(request("OPTIONS", "sip:x@192.0.2.9"), "192.0.2.1")
    return [line.removeprefix("NOTICE ") for line in server.log if line.startswith("NOTICE ")]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize(("wanted", "shown"), [
    ("ip=$avp(a);count=$avp(b)", "192.0.2.7 5"), ("count=$avp(a)", "5 <null>"), ("$avp(a);$avp(b)", "192.0.2.7 5"),
    ("count=$avp(a);$avp(b)", "5 192.0.2.7"),
    (" count = $avp(a) ; ip=$var(x)", "5 <null>"), ("$avp(a)", "192.0.2.7 <null>")])
def test_parameters_by_name_and_by_place(opensips, dialect, wanted, shown):
    routes = f'event_route[E_TEST] {{ fetch_event_params("{wanted}"); xlog("L_NOTICE", "$avp(a) $avp(b)"); }}'
    assert lines(opensips, routes, dialect) == [shown, "raised"]


@pytest.mark.parametrize(("wanted", "code"), [("nothing=$avp(a);ip=$avp(b)", 1), ("ip=$avp(a);$avp(b)", 2),
                                              ("nothing=$avp(a)", -3), ("$avp(a);$avp(b);$avp(c)", 2)])
def test_the_code_is_how_many_were_found(opensips, wanted, code):
    routes = f'event_route[E_TEST] {{ fetch_event_params("{wanted}"); xlog("L_NOTICE", "$rc"); }}'
    assert lines(opensips, routes) == [str(code), "raised"]


def test_a_variable_whose_parameter_is_lacking_stays_as_it_is(opensips):
    routes = """event_route[E_TEST] { $avp(a) = "old";
        fetch_event_params("nothing=$avp(a);ip=$avp(b)"); xlog("L_NOTICE", "$avp(a) $avp(b)"); }"""
    assert lines(opensips, routes) == ["old 192.0.2.7", "raised"]


def test_an_event_without_parameters(opensips):
    routes = 'event_route[E_TEST] { fetch_event_params("$avp(a)"); xlog("L_NOTICE", "$rc $avp(a)"); }'
    raising = 'route { raise_event("E_TEST"); sl_send_reply(200, "OK"); }'
    assert lines(opensips, routes, raising=raising) == ["-2 <null>"]


def test_a_parameter_that_subscribers_read_as_null_is_an_empty_text(opensips):
    """As is `received` of a contact that registered from its own address, in the events of usrloc."""
    server = opensips(text=f"""{HEAD}loadmodule "signaling.so" loadmodule "usrloc.so" loadmodule "registrar.so"
        route {{ save("location"); }}
        event_route[E_UL_CONTACT_INSERT] {{ xlog("L_NOTICE", "[$param(received)] [$param(path)] $param(qval)"); }}""")
    server.receive(request("REGISTER", "sip:192.0.2.9", contact="<sip:x@192.0.2.1>"), "192.0.2.1")
    assert [line for line in server.log if line.startswith("NOTICE ")] == ["NOTICE [] [] -1"]


def test_a_route_makes_its_event_and_is_among_those_who_hear_of_it(opensips):
    server = opensips(text=f'{HEAD} route {{ exit; }} event_route[E_OWN] {{ xlog("L_NOTICE", "own [$param(1)]"); }}')
    assert "E_OWN" in [each["name"] for each in server.mi("events_list")["Events"]]
    heard = [{"socket": "route:E_OWN", "expire": "never"}]
    assert server.mi("subscribers_list", "E_OWN")["Event"]["Subscribers"] == heard
    server.mi("raise_event", "E_OWN")
    server.mi("raise_event", "E_OWN", ["x"])
    assert [line for line in server.log if "own" in line] == ["NOTICE own [<null>]", "NOTICE own [x]"]


def test_an_async_route_runs_beside_whatever_raised_the_event(opensips):
    routes = 'event_route[E_TEST, async] { fetch_event_params("$var(ip)"); xlog("L_NOTICE", "$var(ip)"); }'
    assert lines(opensips, routes) == ["raised", "192.0.2.7"]


@pytest.mark.parametrize("call", ["route(shown)", "route(shown, 1, 2)"])
def test_a_route_that_an_event_route_calls_fetches_from_the_event_too(opensips, call):
    routes = f"""event_route[E_TEST] {{ {call}; }}
        route[shown] {{ fetch_event_params("count=$avp(n);$avp(first)"); xlog("L_NOTICE", "$avp(n) $avp(first)"); }}"""
    assert lines(opensips, routes) == ["5 192.0.2.7", "raised"]


def test_parameters_of_a_route_are_none_of_an_event(opensips):
    raising = RAISING.replace("route {", "route { route(plain, 1);")
    routes = """route[plain] {
        fetch_event_params("$avp(a)"); xlog("L_NOTICE", "$rc, $param(1)"); }"""
    assert lines(opensips, routes, raising=raising) == ["-1, 1", "raised"]


def test_an_event_within_another(opensips):
    routes = """event_route[E_TEST] {
        $avp(v) = "inner"; raise_event("E_INNER", , $avp(v));
        fetch_event_params("ip=$var(ip)"); xlog("L_NOTICE", "outer $var(ip)"); }
    event_route[E_INNER] { fetch_event_params("$var(x)"); xlog("L_NOTICE", "inner $var(x)"); }"""
    assert lines(opensips, routes) == ["inner inner", "outer 192.0.2.7", "raised"]


def test_a_route_of_another_name_subscribes(opensips):
    raising = RAISING.replace("route {", 'route { subscribe_event("E_TEST", "route:E_OTHER");')
    routes = 'event_route[E_OTHER] { fetch_event_params("count=$var(n)"); xlog("L_NOTICE", "other $var(n)"); }'
    assert lines(opensips, routes, raising=raising) == ["raised", "other 5"]


def test_a_subscription_for_a_while(opensips):
    raising = RAISING.replace("route {", 'route { if ($rm == "INFO") subscribe_event("E_TEST", "route:E_OTHER", 5);')
    server = opensips(text=f'{HEAD}{raising}event_route[E_OTHER] {{ xlog("L_NOTICE", "told"); }}')
    for method, wait in (("INFO", 0), ("OPTIONS", 6), ("OPTIONS", 0)):
        server.receive(request(method, "sip:x@192.0.2.9"), "192.0.2.1")
        server.advance(wait)
    assert server.log.count("NOTICE told") == 2


def test_what_cannot_be_subscribed(opensips):
    raising = RAISING.replace("route {", 'route { if (!subscribe_event("E_TEST", "route:E_NONE")) '
                              'xlog("L_NOTICE", "refused");')
    assert lines(opensips, "", raising=raising)[0] == "refused"


def test_outside_of_events_there_is_nothing_to_fetch(opensips):
    raising = RAISING.replace("route {", 'route { if (!fetch_event_params("$avp(a)")) xlog("L_NOTICE", "nothing");')
    assert lines(opensips, "", raising=raising) == ["nothing", "raised"]


@pytest.mark.parametrize(("wanted", "why"), [
    ("ip", "no variable"), ("ip $avp(a)", "no variable"), ("ip=$nowhere", "nowhere"), ("ip=$ci", "cannot be assigned")])
def test_lists_that_are_none(opensips, wanted, why):
    with pytest.raises(ConfigError, match=why):
        lines(opensips, f'event_route[E_TEST] {{ fetch_event_params("{wanted}"); }}')

"""Requests that bring a route set along (RFC 3261, 16.4 and 16.12.1)."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench, options

US = "sip:192.0.2.9:5060;lr;ftag=a1"
SCRIPT = ('$var(rc) = -1; if (loose_route()) { $var(rc) = 1; } $var(ru) = $ru; $var(du) = $du; '
          '$var(params) = $rr_params; forward();')


def follow(routes, to_tag="b1", uri="sip:bob@192.0.2.2", settings="", body=SCRIPT):
    bench = Bench("rr", body, settings)
    headers = "".join(f"Route: {each}\r\n" for each in ([routes] if isinstance(routes, str) else routes))
    run = bench.run_on(bench.message(options(headers, "BYE", uri, to_tag=to_tag)))
    sent = bench.take()
    return run, sent[0] if sent else None


def test_without_route_the_request_uri_decides():
    run, sent = follow([])
    assert run.variables["rc"] == -1 and run.variables["params"] is None and sent.uri == "sip:bob@192.0.2.2"


def test_own_route_is_taken_off():
    run, sent = follow(f"<{US}>")
    assert run.variables["rc"] == 1 and run.variables["params"] == "lr;ftag=a1"
    assert sent.header("Route") is None and sent.uri == "sip:bob@192.0.2.2" and run.variables["du"] is None


@pytest.mark.parametrize("routes", [
    [f"<{US}>, <sip:192.0.2.50;lr>, <sip:192.0.2.51;lr>"],
    [f"<{US}>", "<sip:192.0.2.50;lr>, <sip:192.0.2.51;lr>"],
    [f"<{US}>,<sip:192.0.2.50;lr>", "<sip:192.0.2.51;lr>"],
])
def test_next_loose_router_is_aimed_at_and_stays(routes):
    run, sent = follow(routes)
    assert run.variables["du"] == "sip:192.0.2.50;lr" and sent.uri == "sip:bob@192.0.2.2"
    assert sent.values("Route") == ["<sip:192.0.2.50;lr>", "<sip:192.0.2.51;lr>"]


def test_next_strict_router_gets_itself_as_request_uri():
    run, sent = follow([f"<{US}>, <sip:192.0.2.50>", "<sip:192.0.2.51;lr>"])
    assert sent.uri == "sip:192.0.2.50" and run.variables["du"] is None
    assert sent.values("Route") == ["<sip:192.0.2.51;lr>", "<sip:bob@192.0.2.2>"]


def test_strict_router_before_us_is_undone():
    run, sent = follow("<sip:192.0.2.50;lr>, <sip:bob@192.0.2.2>", uri=US)
    assert run.variables == {"rc": 1, "ru": "sip:bob@192.0.2.2", "du": "sip:192.0.2.50;lr", "params": "lr;ftag=a1"}
    assert sent.uri == "sip:bob@192.0.2.2" and sent.values("Route") == ["<sip:192.0.2.50;lr>"]


def test_strict_router_before_us_as_the_last_hop():
    run, sent = follow("<sip:bob@192.0.2.2>", uri=US)
    assert run.variables["rc"] == 1 and sent.uri == "sip:bob@192.0.2.2" and sent.header("Route") is None


def test_strict_routers_on_both_sides():
    _, sent = follow("<sip:192.0.2.50>, <sip:192.0.2.51>, <sip:bob@192.0.2.2>", uri=US)
    assert sent.uri == "sip:192.0.2.50" and sent.values("Route") == ["<sip:192.0.2.51>", "<sip:bob@192.0.2.2>"]


def test_a_user_that_is_ours_is_no_strict_route():
    run, sent = follow("<sip:192.0.2.50;lr>", uri="sip:ivr@192.0.2.9")
    assert run.variables["ru"] == "sip:ivr@192.0.2.9" and sent.values("Route") == ["<sip:192.0.2.50;lr>"]


def test_ignored_user_is_never_a_strict_route():
    settings = 'modparam("rr", "ignore_user", "carol")'
    run, _ = follow("<sip:192.0.2.50;lr>", uri="sip:carol@192.0.2.9;lr", settings=settings)
    assert run.variables["ru"] == "sip:carol@192.0.2.9;lr"
    run, _ = follow("<sip:192.0.2.50;lr>", uri="sip:dave@192.0.2.9;lr", settings=settings)
    assert run.variables["ru"] == "sip:192.0.2.50;lr"


def test_both_halves_of_a_double_record_route_go():
    inside, outside = "sip:192.0.2.9:5060;r2=on;lr;ftag=a1", "sip:192.0.2.9:5060;transport=tcp;r2=on;lr;ftag=a1"
    run, sent = follow(f"<{inside}>, <{outside}>")
    assert run.variables["rc"] == 1 and sent.header("Route") is None
    assert run.message.send_socket.protocol == "tcp"
    run, sent = follow([f"<{outside}>", f"<{inside}>", "<sip:192.0.2.50;lr>"])
    assert run.message.send_socket.protocol == "udp" and sent.values("Route") == ["<sip:192.0.2.50;lr>"]


def test_second_half_stays_where_doubles_are_off():
    inside, outside = "sip:192.0.2.9:5060;r2=on;lr", "sip:proxy.example.com;r2=on;lr"
    run, _ = follow(f"<{inside}>, <{outside}>", settings='modparam("rr", "enable_double_rr", 0)', body=(
        "loose_route(); $var(du) = $du;"))
    assert run.variables["du"] == outside


def test_preloaded_route_for_us_alone_leads_only_here():
    run, sent = follow(f"<{US}>", to_tag="")
    assert run.variables["rc"] == -1 and sent.header("Route") is None
    run, _ = follow(f"<{US}>, <sip:192.0.2.50;lr>", to_tag="")
    assert run.variables["rc"] == 1 and run.variables["du"] == "sip:192.0.2.50;lr"


def test_route_of_another_server_is_followed():
    run, sent = follow("<sip:192.0.2.50;lr>")
    assert run.variables["rc"] == 1 and run.variables["params"] is None
    assert sent.values("Route") == ["<sip:192.0.2.50;lr>"] and run.variables["du"] == "sip:192.0.2.50;lr"


def test_route_that_is_no_sip_uri_is_not_followed():
    run, _ = follow("<sip:192.0.2.50:port;lr>", body="$var(rc) = -1; if (loose_route()) $var(rc) = 1;")
    assert run.variables["rc"] == -1


@pytest.mark.parametrize(("ftag", "way"), [("a1", "downstream"), ("b1", "upstream"), (None, "downstream")])
def test_direction_is_told_by_the_from_tag(ftag, way):
    route = "<sip:192.0.2.9;lr>" if ftag is None else f"<sip:192.0.2.9;lr;ftag={ftag}>"
    run, _ = follow(route, body='loose_route(); if (is_direction("downstream")) $var(way) = "downstream"; '
                                'if (is_direction("upstream")) $var(way) = "upstream";')
    assert run.variables["way"] == way


def test_no_direction_before_loose_route():
    run, _ = follow(f"<{US}>", body='$var(no) = 1; if (is_direction("downstream") || is_direction("upstream") '
                                    '|| check_route_param("lr")) $var(no) = 0;')
    assert run.variables["no"] == 1


@pytest.mark.parametrize(("expression", "found"), [("nat=yes", 1), (";nat=yes$", 1), ("^;lr", 1), ("nat=no", 0)])
def test_route_parameters_are_matched(expression, found):
    run, _ = follow("<sip:192.0.2.9;lr;nat=yes>", body=(
        f'loose_route(); $var(found) = 0; if (check_route_param("{expression}")) $var(found) = 1;'))
    assert run.variables["found"] == found

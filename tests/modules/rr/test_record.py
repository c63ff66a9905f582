"""Record-Route as it leaves."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench, options
from tests.transaction.world import request

RELAY = "record_route(); t_relay();"


def leaving(body, settings="", routes="", **more):
    bench = Bench("tm rr", body, settings, routes)
    bench.receive(request(world=bench, **more))
    return bench.take()[-1]


def test_header_stands_above_earlier_ones():
    sent = leaving(RELAY, headers="Record-Route: <sip:192.0.2.77;lr>\r\n")
    assert sent.values("Record-Route") == ["<sip:192.0.2.9;lr;ftag=a1>", "<sip:192.0.2.77;lr>"]


def test_change_of_socket_leaves_two_headers():
    sent = leaving(RELAY, uri="sip:bob@192.0.2.2;transport=tcp")
    assert sent.values("Record-Route") == ["<sip:192.0.2.9;transport=tcp;r2=on;lr;ftag=a1>",
                                           "<sip:192.0.2.9;r2=on;lr;ftag=a1>"]


def test_second_header_can_be_turned_off():
    sent = leaving(RELAY, 'modparam("rr", "enable_double_rr", 0)', uri="sip:bob@192.0.2.2;transport=tcp")
    assert sent.values("Record-Route") == ["<sip:192.0.2.9;transport=tcp;lr;ftag=a1>"]


@pytest.mark.parametrize(("settings", "expected"), [
    ('modparam("rr", "append_fromtag", 0)', "<sip:192.0.2.9;lr>"),
    ('modparam("rr", "add_username", 1)', "<sip:bob@192.0.2.9;lr;ftag=a1>"),
])
def test_parameters_shape_the_uri(settings, expected):
    assert leaving(RELAY, settings).values("Record-Route") == [expected]


def test_uri_parameters_are_added_before_and_after():
    sent = leaving('add_rr_param(";a=1"); record_route(";b=$rm"); add_rr_param(";c=3"); t_relay();')
    assert sent.values("Record-Route") == ["<sip:192.0.2.9;lr;ftag=a1;b=INVITE;a=1;c=3>"]


def test_parameter_of_one_branch_stays_in_it():
    bench = Bench("tm rr", 'record_route(); append_branch("sip:carol@192.0.2.3"); t_on_branch("b"); t_relay();', "",
                  'branch_route[b] { if ($rU == "carol") add_rr_param(";who=carol"); }')
    bench.receive(request(world=bench))
    sent = {each.uri: each.values("Record-Route")[0] for each in bench.take() if each.is_request}
    assert sent == {"sip:bob@192.0.2.2": "<sip:192.0.2.9;lr;ftag=a1>",
                    "sip:carol@192.0.2.3": "<sip:192.0.2.9;lr;ftag=a1;who=carol>"}


def test_branch_route_can_record_route_one_branch():
    bench = Bench("tm rr", 'append_branch("sip:carol@192.0.2.3"); t_on_branch("b"); t_relay();', "",
                  'branch_route[b] { if ($rU == "carol") record_route(); }')
    bench.receive(request(world=bench))
    sent = {each.uri: each.header("Record-Route") for each in bench.take() if each.is_request}
    assert sent == {"sip:bob@192.0.2.2": None, "sip:carol@192.0.2.3": "<sip:192.0.2.9;lr;ftag=a1>"}


@pytest.mark.parametrize("second", ["record_route()", 'record_route_preset("192.0.2.9:5060")'])
def test_second_record_route_is_refused(second):
    sent = leaving(f"record_route(); if (!{second}) add_rr_param(\";once=1\"); t_relay();")
    assert sent.values("Record-Route") == ["<sip:192.0.2.9;lr;ftag=a1;once=1>"]


def test_preset_addresses_stand_as_given():
    sent = leaving('record_route_preset("out.example.com:5090", "in.example.com"); add_rr_param(";p=1"); t_relay();')
    assert sent.values("Record-Route") == ["<sip:out.example.com:5090;r2=on;ftag=a1;p=1;lr>",
                                           "<sip:in.example.com;r2=on;ftag=a1;p=1;lr>"]


@pytest.mark.parametrize(("value", "address", "warned"), [
    (1, "198.51.100.1:5060", True), (0, "198.51.100.1:5060", False), (1, "192.0.2.9:5060", False),
])
def test_preset_of_another_socket_is_warned_about(value, address, warned, caplog):
    sent = leaving(f'record_route_preset("{address}"); t_relay();',
                   f'modparam("rr", "enable_socket_mismatch_warning", {value})')
    assert sent.values("Record-Route") == [f"<sip:{address};ftag=a1;lr>"]
    assert ("is not the address" in caplog.text) == warned


def test_stateless_forwarding_names_the_outgoing_socket_too():
    bench = Bench("rr", 'record_route(); forward("tcp:192.0.2.2:5060");')
    bench.run_on(bench.message(options()))
    assert [each.partition(";lr")[0] for each in bench.only().values("Record-Route")] == [
        "<sip:192.0.2.9;transport=tcp;r2=on", "<sip:192.0.2.9;r2=on"]


@pytest.mark.parametrize("body", ["record_route();", "record_route_preset(\"192.0.2.9\");"])
def test_hidden_headers_do_not_leave(body):
    bench = Bench("tm rr", f"{body} t_relay();")
    message = request(world=bench)
    bench.module("rr").hide(message)
    bench.receive(message)
    assert bench.take()[-1].values("Record-Route") == []

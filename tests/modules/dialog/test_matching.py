"""Requests find their dialogs, through scripts."""
from __future__ import annotations

import pytest

from opensips_py.modules.dialog.matching import parameter
from opensips_py.testing import request
from tests.modules.dialog.conftest import called, dialogs

SHOW = 'append_hf("X-State: $DLG_status $DLG_dir\\r\\n");'


def test_by_the_identifier_in_the_route(proxy):
    server = proxy('modparam("dialog", "dlg_match_mode", 0)', matched=SHOW)
    call = called(server)
    call.within("INFO")
    assert server.bob.last("INFO").header("X-State") == "4 downstream"


@pytest.mark.parametrize(("mode", "expected"), [(0, "<null> <null>"), (1, "4 downstream"), (2, "4 downstream")])
def test_where_the_route_has_no_identifier(proxy, mode, expected):
    server = proxy(f'modparam("dialog", "dlg_match_mode", {mode})', matched=SHOW)
    call = called(server)
    server.receive(in_dialog(call, "INFO", "<sip:192.0.2.9;lr>"), "192.0.2.1")
    assert server.bob.last("INFO").header("X-State") == expected


def test_mode_2_puts_none_into_record_route(proxy):
    server = proxy('modparam("dialog", "dlg_match_mode", 2)')
    call = called(server)
    assert "did=" not in call.final().header("Record-Route")
    call.bye()
    assert len(dialogs(server)) == 0


def test_an_identifier_alone_is_not_enough(proxy):
    server = proxy(matched=SHOW)
    call = called(server)
    route = call.final().header("Record-Route")
    for wrong in ({"call_id": "other"}, {"to_tag": "x"}, {"from_tag": "x"}):
        server.receive(in_dialog(call, "BYE", route, **wrong), "192.0.2.1")
        assert server.bob.last("BYE").header("X-State") == "<null> <null>"
    assert len(dialogs(server)) == 1


def test_an_unknown_identifier_does_not_fall_back(proxy):
    server = proxy(matched=SHOW)
    call = called(server)
    server.receive(in_dialog(call, "INFO", "<sip:192.0.2.9;lr;did=1.2>"), "192.0.2.1")
    assert server.bob.last("INFO").header("X-State") == "<null> <null>"


MATCH = 'if (match_dialog(%s)) append_hf("X-Found: $DLG_status\\r\\n"); else append_hf("X-Found: no\\r\\n");'


@pytest.mark.parametrize(("dialect", "mode", "argument", "route", "found"), [
    ("4.0", 1, "", "", "4"), ("4.0", 0, "", "", "no"), ("4.0", 0, '"DID_FALLBACK"', "", "4"),
    ("4.0", 0, '"DID_NONE"', "", "4"), ("4.0", 1, '"DID_ONLY"', "", "no"), ("2.1", 0, "", "", "4")])
def test_match_dialog(proxy, dialect, mode, argument, route, found):
    server = proxy(f'modparam("dialog", "dlg_match_mode", {mode})', dialect=dialect,
                   follow="loose_route();" + MATCH % argument + '$du = "sip:192.0.2.2";')
    call = called(server)
    server.receive(in_dialog(call, "INFO", route), "192.0.2.1")
    assert server.bob.last("INFO").header("X-Found") == found


def test_an_ack_of_an_earlier_invite_with_the_same_call_id(proxy):
    server = proxy(follow='if (!match_dialog()) { $var(unknown) = $rm; exit; }')
    first = server.alice.call("bob")
    server.bob.answer(status=407)
    assert first.final().status == 407
    server.alice.send(request("INVITE", first.request.uri, call_id=first.call_id, cseq=first.cseq + 1,
                              sender="sip:alice@192.0.2.1", from_tag=first.request.from_tag))
    server.take()
    server.alice.send(request("ACK", first.request.uri, call_id=first.call_id, cseq=first.cseq,
                              sender="sip:alice@192.0.2.1", from_tag=first.request.from_tag, to_tag="gone"))
    assert server.variables["unknown"] == "ACK" and not server.take()


def test_early_dialogs_of_a_fork_have_many_tags(proxy):
    server = proxy(matched=SHOW)
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    server.bob.answer(invite, 183)
    route = server.alice.last(183).header("Record-Route")
    server.receive(request("PRACK", "sip:bob@192.0.2.2", to_tag="any", from_tag="a", call_id=call.call_id, cseq=2,
                           headers={"Route": route}), "192.0.2.1")
    assert server.bob.last("PRACK").header("X-State") == "2 downstream"


VALIDATE = 'loose_route(); validate_dialog(); append_hf("X-Valid: $rc\\r\\n"); $du = "sip:192.0.2.2";'


@pytest.mark.parametrize(("how", "code"), [
    ({}, "1"), ({"cseq": 1}, "-1"), ({"uri": "sip:eve@198.51.100.1"}, "-2"), ({"more": "<sip:198.51.100.1;lr>"}, "-3"),
    ({"call_id": "other"}, "-4")])
def test_validate_dialog(proxy, how, code):
    server = proxy(follow=VALIDATE)
    call = called(server)
    route = call.final().header("Record-Route")
    more = how.pop("more", "")
    server.receive(in_dialog(call, "INFO", f"{route}, {more}" if more else route, **how), "192.0.2.1")
    assert server.bob.last("INFO").header("X-Valid") == code


def test_a_bye_is_validated_though_it_ends_the_dialog(proxy):
    server = proxy(follow=VALIDATE)
    call = called(server)
    server.receive(in_dialog(call, "BYE", call.final().header("Record-Route"), uri="sip:eve@198.51.100.1"), "192.0.2.1")
    assert server.bob.last("BYE").header("X-Valid") == "-2"


def test_fix_route_dialog(proxy):
    server = proxy(follow='loose_route(); if (fix_route_dialog()) append_hf("X-Fixed: yes\\r\\n");')
    call = called(server)
    route = call.final().header("Record-Route")
    server.receive(in_dialog(call, "INFO", f"{route}, <sip:198.51.100.1;lr>", uri="sip:eve@198.51.100.1"), "192.0.2.1")
    sent = server.take()[-1]
    assert (sent.message.uri, sent.host, sent.header("Route")) == ("sip:bob@192.0.2.2:5060", "192.0.2.2", None)
    assert sent.header("X-Fixed") == "yes"
    server.receive(in_dialog(call, "INFO", route, call_id="other"), "192.0.2.1")
    assert server.take()[-1].header("X-Fixed") is None


def test_parameters_of_a_route():
    assert parameter("lr;did=1.2;x=3", "did") == "1.2" == parameter("did=1.2", "did") == parameter("lr;did=1.2", "did")
    assert parameter("lr;xdid=1.2", "did") == parameter("lr", "did") == ""
    assert parameter("xdid=5;did=6", "did") == "6"


def in_dialog(call, method, route, **how):
    """A request of the caller within *call*."""
    how = {"to_tag": "tag-bob", "from_tag": "a", "call_id": call.call_id, "cseq": 2, **how}
    uri = how.pop("uri", "sip:bob@192.0.2.2:5060")
    return request(method, uri, to="sip:bob@192.0.2.9", headers={"Route": route} if route else {}, **how)

"""Pings within dialogs, on the clock of the test."""
from __future__ import annotations

import pytest

from opensips_py.modules.dialog.pinging import CATCH_UP
from tests.modules.dialog.conftest import called, dialog, dialogs, module, restarted

EVERY_10 = 'modparam("dialog", "options_ping_interval", 10) modparam("dialog", "reinvite_ping_interval", 20)'


def pings(server, method="OPTIONS"):
    return {each.host for each in server.take() if each.method == method and not each.status}


@pytest.mark.parametrize(("flags", "hosts"), [
    ("options-ping-caller", {"192.0.2.1"}), ("options-ping-callee", {"192.0.2.2"}),
    ("options-ping-caller,options-ping-callee", {"192.0.2.1", "192.0.2.2"}), ("Pp", {"192.0.2.1", "192.0.2.2"})])
def test_options(proxy, flags, hosts):
    server = proxy(EVERY_10, create=f'create_dialog("{flags}");')
    called(server)
    server.advance(9)
    assert pings(server) == set()
    server.advance(1.5)
    assert pings(server) == hosts


def test_an_answered_ping_is_followed_by_the_next(proxy):
    server = proxy(EVERY_10, create='create_dialog("p");')
    call = called(server)
    for cseq in (2, 3, 4):
        server.advance(10.1)
        ping = server.bob.last("OPTIONS")
        assert (ping.message.cseq, ping.message.call_id, ping.message.uri) == (cseq, call.call_id,
                                                                              "sip:bob@192.0.2.2:5060")
        server.bob.answer(ping)
    server.advance(5)
    assert dialog(server).state == 4


@pytest.mark.parametrize("status", [481, 408, 0])
def test_a_side_that_is_gone(proxy, status):
    server = proxy(EVERY_10 + ' modparam("tm", "fr_timeout", 3)', create='create_dialog("p");')
    called(server)
    found = dialog(server)
    server.advance(10.5)
    ping = server.bob.last("OPTIONS")
    if status:
        server.bob.answer(ping, status)
    else:
        server.advance(4)
    assert found.end_reason == "Ping Timeout" and server.alice.last("BYE") and server.bob.last("BYE")
    server.take()
    server.advance(30)
    assert pings(server) == set()


@pytest.mark.parametrize("method", ["OPTIONS", "INVITE"])
def test_no_ping_to_a_side_that_owes_an_answer_to_the_last(proxy, method):
    flags = "reinvite-ping-caller,reinvite-ping-callee" if method == "INVITE" else "Pp"
    server = proxy('modparam("dialog", "options_ping_interval", 10) modparam("dialog", "reinvite_ping_interval", 10)'
                   ' modparam("tm", "fr_timeout", 25)', create=f'create_dialog("{flags}");')
    called(server)
    server.advance(10.5)
    first = server.bob.last(method)
    server.alice.answer(server.alice.last(method))
    server.take()
    server.advance(10)
    again = [each for each in server.take() if each.method == method and not each.status]
    assert {(each.host, each.message.cseq) for each in again} == {("192.0.2.2", first.message.cseq),
                                                                  ("192.0.2.1", 2)}


def test_another_failure_shows_that_it_is_there(proxy):
    server = proxy(EVERY_10, create='create_dialog("p");')
    called(server)
    server.advance(10.5)
    server.bob.answer(server.bob.last("OPTIONS"), 501)
    assert dialog(server).state == 4


def test_re_invites_offer_what_was_offered_last(proxy):
    server = proxy(EVERY_10, create='create_dialog("reinvite-ping-callee,options-ping-callee");')
    called(server)
    server.advance(20.5)
    ping = server.bob.last("INVITE")
    assert b"IN IP4 192.0.2.1" in ping.message.body
    assert (ping.message.cseq, ping.message.content_type) == (2, "application/sdp")
    assert ping.header("Contact") == "<sip:alice@192.0.2.1:5060>" and pings(server) == set()
    server.bob.answer(ping)
    assert server.bob.last("ACK").message.cseq == 2 and dialog(server).state == 4
    server.advance(20.5)
    server.bob.answer(server.bob.last("INVITE"), 481)
    assert len(dialogs(server)) == 0


def test_re_invites_offer_what_went_on_in_place_of_what_came(proxy):
    server = proxy(EVERY_10 + ' loadmodule "textops.so"', create='create_dialog("reinvite-ping-caller,r");',
                   before='replace_body_all("IP4 192.0.2.1", "IP4 198.51.100.1");', initial='t_on_reply("r");',
                   routes='onreply_route[r] { replace_body_all("IP4 192.0.2.2", "IP4 198.51.100.2"); }')
    called(server)
    restarted(server)
    server.advance(20.5)
    asked = [server.alice.last("INVITE"), server.bob.last("INVITE")]
    assert [b"IP4 198.51.100." + number in each.message.body for number, each in zip((b"2", b"1"), asked, strict=True)
            ] == [True, True]
    assert not any(b"192.0.2.1" in each.message.body for each in asked)
    legs = dialogs(server).legs(dialog(server))
    assert b"IP4 192.0.2.1" in legs[0].body and b"IP4 192.0.2.2" in legs[1].body


def test_the_reason_of_re_invites(proxy):
    server = proxy(EVERY_10, create='create_dialog("reinvite-ping-caller");')
    called(server)
    found = dialog(server)
    server.advance(20.5)
    server.alice.answer(server.alice.last("INVITE"), 408)
    assert found.end_reason == "ReINVITE Ping Timeout"


def test_2_1(proxy):
    server = proxy('modparam("dialog", "ping_interval", 7)', 'create_dialog("P");', "2.1")
    called(server)
    server.advance(7.5)
    assert pings(server) == {"192.0.2.1"}


def test_pings_go_on_after_a_restart(proxy):
    server = proxy(EVERY_10, create='create_dialog("p");')
    called(server)
    server.advance(10.5)
    server.bob.answer(server.bob.last("OPTIONS"))
    restarted(server)
    server.bob.inbox.clear()
    server.advance(10.5)
    assert server.bob.last("OPTIONS").message.cseq == 3


@pytest.mark.parametrize(("passed", "away", "least", "most"), [
    (13, 1, 5.8, 6.2), (13, 6.5, 0.4, 0.7), (13, 8, 0, CATCH_UP + 0.2), (5, 1, 3.8, 4.2)])
def test_who_takes_over_goes_on_with_the_rhythm(proxy, passed, away, least, most):
    server = proxy(EVERY_10, create='create_dialog("p");')
    called(server)
    server.advance(passed)
    for each in server.bob.inbox:
        if each.method == "OPTIONS":
            server.bob.answer(each)
            break
    restarted(server, away=away)
    server.advance(least)
    assert pings(server) == set()
    server.advance(most - least)
    assert pings(server) == {"192.0.2.2"}
    server.bob.answer(server.bob.last("OPTIONS"))
    server.advance(7)
    assert pings(server) == set()


def test_after_a_long_time_pings_are_spread_over_an_interval(proxy):
    server = proxy(EVERY_10, create='create_dialog("p");')
    for _ in range(20):
        called(server)
    restarted(server, away=300)
    seen, sent = set(), []
    for _ in range(5):
        server.advance(2.05)
        now = {each.message.call_id for each in server.take() if each.method == "OPTIONS" and not each.status}
        sent.append(len(now - seen))
        seen |= now
    assert sum(sent) == 20 and max(sent) < 8


def test_a_ping_that_a_process_died_of_has_used_its_number(proxy):
    server = proxy(EVERY_10, create='create_dialog("p");')
    called(server)
    stored, dies = [], module(server).ping_side

    def die(*arguments):
        found, _ = next(iter(dialogs(server).store.load()))
        stored.append((found.shifts, found.kept["pings"][0] > 0))
    type(module(server)).ping_side = die
    try:
        server.advance(10.1)
    finally:
        type(module(server)).ping_side = dies.__func__
    assert stored == [([0, 1], True)], "before anything leaves"
    restarted(server)
    server.advance(9)
    assert pings(server) == set()
    server.advance(1.2)
    assert server.bob.last("OPTIONS").message.cseq == 3

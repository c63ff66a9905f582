"""rtpproxy_engage: the media of whole dialogs."""
from __future__ import annotations

import pytest

from opensips_py.testing import Phone
from tests.modules.dialog.conftest import restarted
from tests.modules.rtpproxy.conftest import usual
from tests.modules.rtpproxy.test_sessions import DIALECTS, OFFER, RELAYED
from tests.modules.uac.world import from_callee

WITH_DIALOG = 'loadmodule "rr.so" loadmodule "dialog.so"\n'
ROUTE = """if ($rm == "CANCEL") { if (t_check_trans()) t_relay(); exit; }
if (loose_route()) { t_relay(); exit; }
record_route(); %s $var(rc) = $rc; t_relay();"""
ANSWER = OFFER.replace("4000", "5000")
ENGAGE = "rtpproxy_engage();"


@pytest.fixture
def world(start, fake):
    """Starts a server that engages relays, with two phones."""
    def begin(engage: str = ENGAGE, *relays, settings: str = WITH_DIALOG, **how):
        relays = relays or (fake(),)
        server = start(ROUTE % engage, *relays, settings=settings, **how)
        server.relay = relays[0]
        server.alice = Phone(server, "alice", "203.0.113.7")
        server.bob = Phone(server, "bob", "192.0.2.2", domain="192.0.2.2")
        return server
    return begin


def called(server, offer=OFFER):
    """A call that has been made; what Bob got."""
    server.call = server.alice.call("sip:bob@192.0.2.2", body=offer)
    return server.bob.last("INVITE")


def asked(server):
    """The letters of the commands for streams, with the tags, and the ports where they are told."""
    server.settle()
    return [f"{words[0][0]} {' '.join(words[3:] if words[0][0] in 'UL' else words[2:])}"
            for words in (each.replace(";1", "").split(" ") for each in server.relay.asked)]


def text(sent):
    return sent.message.body.decode()


@DIALECTS
@pytest.mark.parametrize("create", ["", "create_dialog(); "])
def test_a_call_from_beginning_to_end(world, dialect, create):
    engage = create + ("engage_rtp_proxy();" if dialect == "2.1" else ENGAGE)
    server = world(engage, dialect=dialect)
    invite = called(server)
    assert text(invite) == RELAYED and server.variables["rc"] == 1
    server.bob.answer(invite, 183, body=ANSWER)
    assert text(server.alice.last(183)) == RELAYED
    server.bob.answer(invite, body=ANSWER)
    assert text(server.call.final()) == RELAYED
    server.call.ack()
    assert asked(server) == ["U 4000 a", "L 5000 a tag-bob", "L 5000 a tag-bob"]
    server.relay.asked.clear()
    server.call.within("INVITE", body=OFFER)
    again = server.bob.last("INVITE")
    assert text(again) == RELAYED
    server.bob.answer(again, body=ANSWER)
    assert text(server.alice.last(200)) == RELAYED
    server.call.within("ACK", cseq=2)
    assert asked(server) == ["U 4000 a tag-bob", "L 5000 a tag-bob"]
    server.relay.asked.clear()
    server.call.within("INFO")
    server.call.bye()
    assert asked(server) == ["D a tag-bob"]


def test_offers_of_the_callee(world):
    server = world()
    invite = called(server)
    server.bob.answer(invite, body=ANSWER)
    server.call.ack()
    server.relay.asked.clear()
    data = from_callee(invite, "UPDATE").replace(b"tag-gateway", b"tag-bob")
    server.bob.send(data.replace(b"Content-Length: 0\r\n\r\n", b"Content-Type: application/sdp\r\nContent-Length: "
                                 b"%d\r\n\r\n%s" % (len(ANSWER), ANSWER.encode())))
    update = server.alice.last("UPDATE")
    assert text(update) == RELAYED
    server.alice.answer(update, body=OFFER)
    assert text(server.bob.last(200)) == RELAYED
    assert asked(server) == ["U 5000 tag-bob a", "L 4000 tag-bob a"]


def test_late_offer(world):
    server = world()
    invite = called(server, "")
    server.bob.answer(invite, body=OFFER)
    assert text(server.call.final()) == RELAYED
    [ack] = server.call.within("ACK", cseq=1, body=ANSWER)
    assert text(ack) == RELAYED
    assert asked(server) == ["U 4000 tag-bob a", "L 5000 tag-bob a"]
    server.relay.asked.clear()
    server.call.within("INVITE")
    server.bob.answer(server.bob.last("INVITE"), body=OFFER)
    [ack] = server.call.within("ACK", cseq=2, body=ANSWER)
    assert text(ack) == RELAYED and asked(server) == ["U 4000 tag-bob a", "L 5000 tag-bob a"]


@pytest.mark.parametrize("late", [False, True])
def test_prack(world, late):
    server = world()
    invite = called(server, "" if late else OFFER)
    server.bob.answer(invite, 183, body=ANSWER)
    server.call._answer = server.alice.last(183).message
    server.relay.asked.clear()
    server.call.within("PRACK", body=OFFER)
    prack = server.bob.last("PRACK")
    assert text(prack) == RELAYED
    server.bob.answer(prack, body="" if late else ANSWER)
    assert asked(server) == (["L 4000 tag-bob a"] if late else ["U 4000 a tag-bob", "L 5000 a tag-bob"])


def test_a_call_that_fails_frees_the_relay(world):
    server = world()
    server.bob.answer(called(server), 486)
    assert asked(server) == ["U 4000 a", "D a"]


def test_flags_and_sets_hold_for_the_whole_call(world, fake):
    other = fake()
    server = world('rtpproxy_engage("ro", "198.51.100.9", 3, $var(sock), $var(place));',
                   settings=f'{WITH_DIALOG}modparam("rtpproxy", "rtpproxy_sock", "3 == {other.url}")\n')
    invite = called(server)
    assert (server.variables["sock"], server.variables["place"]) == (other.url, "198.51.100.9:30002")
    server.bob.answer(invite, body=ANSWER)
    for body in (text(invite), text(server.call.final())):
        assert "c=IN IP4 198.51.100.9" in body and "o=- 9 9 IN IP4 198.51.100.9" in body
    server.call.ack()
    server.call.bye()
    server.settle()
    assert [each.split(" ")[2] for each in other.asked[:2]] == ["10.0.0.5"] * 2 and other.asked[2][0] == "D"
    assert server.relay.asked == []


def test_no_relay_answers(world, fake):
    server = world(ENGAGE, fake(lambda command: usual(command) if command == "V" else "E50"))
    invite = called(server)
    assert server.variables["rc"] == -1 and text(invite) == OFFER
    assert len(server.engine.generation.registry.modules["dialog"].dialogs) == 0


def test_other_requests_are_refused(world):
    server = world()
    server.alice.send(server.alice.request("OPTIONS", "sip:bob@192.0.2.2", body=OFFER))
    assert server.variables["rc"] == -1 and asked(server) == []
    assert server.log.matching("only an INVITE that begins a call")


def test_without_module_dialog(world):
    server = world(settings='loadmodule "rr.so"\n')
    called(server)
    assert server.variables["rc"] == -1 and server.log.matching("needs module dialog")


def test_a_call_stays_at_its_relay_after_a_crash(world, fake):
    one, two = fake(lambda command: None if command[0] == "U" else usual(command)), fake()
    server = world(ENGAGE, one, two, settings=WITH_DIALOG + 'modparam("rtpproxy", "rtpproxy_retr", 0)\n')
    for number in range(4):  # by chance the first may take none of these
        server.bob.answer(called(server), body=ANSWER)
        server.call.ack()
        assert len(two.asked) == 2 * (number + 1)
    restarted(server)
    server.engine.generation.registry.modules["rtpproxy"].proxies.homes.by_call.clear()
    server.alice.inbox.clear()
    one.asked.clear()
    for each in list(server.engine.generation.registry.modules["dialog"].dialogs):
        assert server.mi("dialog:end_dlg", each.call_id) == "OK"
    server.settle()
    assert [each[0] for each in two.asked[8:]] == ["D"] * 4 and one.asked == []


def test_two_branches_of_one_call(world):
    server = world('t_on_branch("b"); t_relay(); exit;', routes="branch_route[b] { rtpproxy_engage(); }")
    invite = called(server)
    assert text(invite) == RELAYED
    server.bob.answer(invite, body=ANSWER)
    assert text(server.call.final()) == RELAYED

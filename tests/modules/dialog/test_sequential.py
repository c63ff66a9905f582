"""Requests within a dialog that the script or management sends."""
from __future__ import annotations

import pytest

from opensips_py.module import MIError
from opensips_py.testing import request, sdp
from tests.modules.dialog.conftest import called, dialog

SEND = """if (is_method("MESSAGE")) { $var(sent) = 0;
    if (load_dialog_ctx("$hdr(X-Call)")) { if (dlg_send_sequential(%s)) $var(sent) = 1; unload_dialog_ctx(); }
    else if (dlg_send_sequential(%s)) $var(sent) = 2;
    sl_send_reply(200, "OK"); exit; }"""


def sent(proxy, arguments, known=True):
    server = proxy(before=SEND % (arguments, arguments))
    call = called(server)
    server.receive(request("MESSAGE", "sip:x@192.0.2.9", headers={"X-Call": call.call_id if known else "nobody"}),
                   "192.0.2.1")
    return server, call


def test_from_a_script(proxy):
    server, call = sent(proxy, '"INFO", "callee", "Signal=5", "application/dtmf-relay", "X-A: 1\\r\\nX-B: 2"')
    info = server.bob.last("INFO")
    assert (info.message.cseq, info.message.body, info.message.content_type) == (2, b"Signal=5",
                                                                                "application/dtmf-relay")
    assert (info.header("X-A"), info.header("X-B"), info.message.call_id) == ("1", "2", call.call_id)
    assert server.variables["sent"] == 1
    call.within("INFO")
    assert server.bob.last("INFO").message.cseq == 3


EARLY = """onreply_route[early] { if ($rs > 100 && $rs < 200) {
    if (!dlg_send_sequential("%s", "%s", "", "", "X-A: 1")) append_hf("X-Sent: no\\r\\n"); } }"""


def rings(proxy, method, leg, headers=None, create="create_dialog();"):
    server = proxy(create=create, initial='t_on_reply("early");', routes=EARLY % (method, leg))
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    server.bob.answer(invite, 183, headers=headers)
    return server, call, invite


def test_a_prack_before_the_answer(proxy):
    server, call, invite = rings(proxy, "PRACK", "callee", {"Require": "100rel", "RSeq": "9"})
    prack = server.bob.last("PRACK")
    assert (prack.header("RAck"), prack.header("X-A"), prack.message.to_tag) == ("9 1 INVITE", "1", "tag-bob")
    assert (prack.message.uri, prack.message.cseq, prack.header("Route")) == ("sip:bob@192.0.2.2:5060", 2, None)
    assert server.alice.last(183).header("RSeq") == "9"  # the script keeps what it does not take out
    server.bob.answer(prack)
    server.bob.answer(invite)
    call.ack()
    assert server.bob.last("ACK").message.cseq == 1
    call.bye()
    assert server.bob.last("BYE").message.cseq == 3


def test_something_else_before_the_answer(proxy):
    server, _, _ = rings(proxy, "UPDATE", "caller")
    update = next(each for each in server.alice.inbox if each.method == "UPDATE" and not each.status)
    assert (update.message.cseq, update.message.from_tag, update.header("RAck")) == (1, "tag-bob", None)
    assert update.header("Contact") == "<sip:bob@192.0.2.2:5060>" and server.alice.last(183).header("X-Sent") is None


def test_before_the_answer_without_a_dialog(proxy):
    server, _, _ = rings(proxy, "PRACK", "callee", {"Require": "100rel", "RSeq": "9"}, create="")
    assert server.bob.inbox == [] and server.alice.last(183).header("X-Sent") == "no"


def test_to_the_caller(proxy):
    server, _ = sent(proxy, '"UPDATE", "caller"')
    update = server.alice.last("UPDATE")
    assert (update.message.cseq, update.header("Contact")) == (1, "<sip:bob@192.0.2.2:5060>")


def test_without_a_dialog(proxy):
    server, _ = sent(proxy, '"INFO", "callee"', known=False)
    assert server.variables["sent"] == 0


class Answering:
    """A command that waits for an answer: the phones answer as it goes on."""

    def __init__(self, server):
        self.server, self.statuses, self.bodies = server, {}, {}
        server.watchers.append(self.watch)
        self.seen = []

    def watch(self, each):
        if each.status == 0 and each.method in ("INVITE", "UPDATE", "REFER"):
            phone = self.server.alice if each.host == "192.0.2.1" else self.server.bob
            self.seen.append((phone.user, each))
            self.server.engine.timers.start(0, lambda _: phone.send(self.answer(each, phone)))

    def answer(self, each, phone):
        from opensips_py.testing import response
        return response(each.message, self.statuses.get(phone.user, 200), to_tag=each.message.to_tag,
                        contact=phone.contact, body=self.bodies.get(phone.user, ""))


def asked(server, **how):
    """The answer of dialog:send_sequential, and what the phones got."""
    import gevent
    phones = Answering(server)
    phones.statuses, phones.bodies = how.pop("statuses", {}), how.pop("bodies", {})
    waiting = gevent.spawn(server.engine.mi.call, "dialog:send_sequential", how)
    for _ in range(20):
        gevent.sleep(0)
        server._note()
        for user, each in list(phones.seen):
            phone = server.alice if user == "alice" else server.bob
            phones.seen.remove((user, each))
            phone.send(phones.answer(each, phone))
            phones.done = [*getattr(phones, "done", []), (user, each)]
        if waiting.ready():
            break
    return waiting.get(), getattr(phones, "done", [])


def test_by_hand(proxy):
    server = proxy()
    call = called(server)
    answer, got = asked(server, callid=call.call_id, statuses={"alice": 488})
    assert answer == {"Code": 488, "Reason": "Not Acceptable Here"}
    (who, invite), = got
    assert who == "alice" and invite.method == "INVITE" and invite.message.body == b""


def test_a_body_and_headers_of_its_own(proxy):
    server = proxy()
    call = called(server)
    _, got = asked(server, callid=call.call_id, mode="callee", method="REFER", headers="Refer-To: sip:carol@192.0.2.3",
                   body="custom:text/plain:hello: you")
    (who, refer), = got
    assert (who, refer.method, refer.header("Refer-To")) == ("bob", "REFER", "sip:carol@192.0.2.3")
    assert refer.header("Contact") == "<sip:alice@192.0.2.1:5060>"
    assert (refer.message.body, refer.message.content_type) == (b"hello: you", "text/plain")


@pytest.mark.parametrize("body", ["inbound", "outbound"])
def test_what_the_other_side_has_sent(proxy, body):
    server = proxy()
    call = called(server)
    _, got = asked(server, callid=call.call_id, mode="caller", body=body)
    assert b"IN IP4 192.0.2.2" in got[0][1].message.body


def test_a_challenge_carries_the_answer_to_the_other_side(proxy):
    server = proxy()
    call = called(server)
    answer, got = asked(server, callid=call.call_id, mode="challenge-callee", bodies={"bob": sdp("192.0.2.22")})
    assert answer["Code"] == 200 and [who for who, _ in got] == ["bob", "alice"]
    assert b"192.0.2.22" in got[1][1].message.body


def test_what_cannot_be_sent(proxy):
    server = proxy()
    call = called(server)
    for wrong, why in (({"mode": "both"}, "mode is"), ({"body": "mine"}, "body is")):
        with pytest.raises(MIError, match=why):
            server.mi("dialog:send_sequential", callid=call.call_id, **wrong)
    with pytest.raises(MIError, match="Not Found"):
        server.mi("dialog:send_sequential", callid="nobody")
    server.alice.call("bob")
    ringing = next(each for each in server.engine.generation.registry.modules["dialog"].dialogs if each.state == 1)
    with pytest.raises(MIError, match="not established"):
        server.mi("dialog:send_sequential", callid=ringing.call_id)
    assert dialog is not None

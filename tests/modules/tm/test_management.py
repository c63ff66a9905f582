"""The management commands of tm."""
from __future__ import annotations

import gevent
import pytest

from opensips_py.errors import MIError
from opensips_py.mi.tree import text, tree_of
from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request, response

HEADERS = "From: sip:us@192.0.2.9\r\nTo: sip:alice@10.0.0.5\r\nContact: sip:us@192.0.2.9\r\n"


def command(s, name, **arguments):
    return s.registry.commands[name].call(**arguments)


def ask(s, name, *statuses, more="", **arguments):
    """Run a command that waits for responses with *statuses*; returns the request that left, and the answer."""
    s.take()  # such as the ACK of a call before
    asking = gevent.spawn(command, s, name, **arguments)
    gevent.idle()
    sent = s.only()
    for status in statuses:
        s.receive(response(sent, status, "Fine", headers=more))
    if not statuses:
        s.pass_time(31)
    return sent, asking.get(timeout=5)


@pytest.mark.parametrize("name", ["tm:uac_dlg", "t_uac_dlg", "uac_dlg"])
def test_request_of_a_command_is_answered_with_its_response(name):
    s = stage("route { exit; }")
    sent, answer = ask(s, name, 200, method="OPTIONS", ruri="sip:alice@10.0.0.5", headers=HEADERS, body="")
    assert sent.method == "OPTIONS" and sent.from_tag and sent.header("Contact") == "sip:us@192.0.2.9"
    assert answer["Status"] == "200 Fine" and answer["Message"].startswith("Via: SIP/2.0/UDP ")


LOOSE = "Contact: <sip:a@10.0.0.7>\r\nRecord-Route: <sip:10.0.0.9;lr>;x=1, <sip:10.0.0.8;lr>\r\n"


@pytest.mark.parametrize(("more", "way"), [
    ("", {"RURI": "sip:alice@10.0.0.5", "Next-hop": "sip:alice@10.0.0.5"}),
    ("Contact: <sip:a@10.0.0.7>\r\n", {"RURI": "sip:a@10.0.0.7", "Next-hop": "sip:a@10.0.0.7"}),
    (LOOSE, {"RURI": "sip:a@10.0.0.7", "Next-hop": "sip:10.0.0.8;lr",
             "Routes": ["<sip:10.0.0.8;lr>", "<sip:10.0.0.9;lr>;x=1"]}),
    (LOOSE.replace("8;lr", "8"), {"RURI": "sip:10.0.0.8", "Next-hop": "sip:10.0.0.8",
                                  "Routes": ["<sip:10.0.0.9;lr>;x=1", "<sip:a@10.0.0.7>"]})])
def test_the_answer_says_where_requests_in_the_dialog_go(more, way):
    s = stage("route { exit; }")
    told = ask(s, "tm:uac_dlg", 200, more=more, method="INVITE", ruri="sip:alice@10.0.0.5", headers=HEADERS)[1]
    assert {name: value for name, value in told.items() if name not in ("Status", "Message")} == way
    refused = ask(s, "tm:uac_dlg", 486, more=more, method="INVITE", ruri="sip:alice@10.0.0.5", headers=HEADERS)[1]
    assert list(refused) == ["Status", "Message"]


@pytest.mark.parametrize(("dialect", "name", "other"), [("2.1", "t_uac_dlg", "tm:uac_dlg"),
                                                       ("4.0", "tm:uac_dlg", "t_uac_dlg")])
def test_each_dialect_lists_its_own_form_of_the_command(dialect, name, other):
    listed = stage("route { exit; }", dialect).registry.which()
    assert name in listed and other not in listed


def test_the_old_name_takes_the_values_of_4_0_in_4_0():
    s = stage("route { exit; }")
    sent, answer = ask(s, "t_uac_dlg", 200, method="OPTIONS", ruri="sip:alice@10.0.0.5", headers=HEADERS)
    assert sent.method == "OPTIONS" and answer["Status"] == "200 Fine"


def test_the_answer_of_2_1_has_five_lines():
    s = stage("route { exit; }", "2.1")
    call = s.registry.commands["t_uac_dlg"].call
    arguments = {"method": "INVITE", "ruri": "sip:alice@10.0.0.5", "headers": HEADERS}
    shown = text(tree_of(ask(s, "t_uac_dlg", 200, more=LOOSE, **arguments)[1], call)).split("\n")
    assert shown[:4] == ["200 Fine", "sip:a@10.0.0.7", "sip:10.0.0.8;lr",
                         "Route: <sip:10.0.0.8;lr>, <sip:10.0.0.9;lr>;x=1"]
    assert shown[4].startswith("Via: ")
    assert text(tree_of(ask(s, "t_uac_dlg", **arguments)[1], call)) == "408 Request Timeout\n.\n.\n.\n.\n"


def test_next_hop_and_socket_of_a_command():
    s = stage("route { exit; }", "2.1")
    ask(s, "t_uac_dlg", 200, method="MESSAGE", ruri="sip:alice@10.0.0.5", next_hop="sip:10.0.0.6;transport=tcp",
        socket="tcp:192.0.2.9:5060", headers=HEADERS + "Content-Type: text/plain\r\n", body="hi")
    assert s.places == [("10.0.0.6", 5060)]


def test_silence_is_the_answer_408():
    s = stage("route { exit; }")
    assert ask(s, "tm:uac_dlg", method="OPTIONS", ruri="sip:a@10.0.0.5", headers=HEADERS)[1] == {
        "Status": "408 Request Timeout"}


def test_provisional_responses_answer_only_when_told_so():
    for setting, status in (("", "200 Fine"), ('modparam("tm", "pass_provisional_replies", 1)', "180 Fine")):
        s = stage(setting + "\nroute { exit; }")
        answer = ask(s, "tm:uac_dlg", 180, 200, method="INVITE", ruri="sip:a@10.0.0.5", headers=HEADERS)[1]
        assert answer["Status"] == status


@pytest.mark.parametrize(("arguments", "code"), [
    ({"headers": "To: sip:x@y\r\n"}, 400), ({"socket": "udp:1.1.1.1:1"}, 404), ({"ruri": "sip:nowhere.example"}, 500),
    ({"ruri": "not a uri"}, 400)])
def test_requests_that_cannot_be_sent(arguments, code):
    s = stage("route { exit; }")
    with pytest.raises(MIError) as caught:
        command(s, "tm:uac_dlg", **{"method": "OPTIONS", "ruri": "sip:a@10.0.0.5", "headers": HEADERS, **arguments})
    assert caught.value.code == code and s.take() == []


def test_call_is_cancelled_by_its_call_id():
    s = stage("route { t_relay(); }")
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], 180))
    s.take()
    assert s.registry.commands["tm:uac_cancel"].owner("call-1", "1 INVITE") == s.slots.slot_of_call_id("call-1")
    with pytest.raises(MIError):
        command(s, "tm:uac_cancel", callid="call-1", cseq="2 INVITE")
    assert command(s, "tm:uac_cancel", callid="call-1", cseq="1 INVITE") == "OK"
    assert s.lines() == ["CANCEL 192.0.2.2"]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_request_that_the_script_leaves_is_answered_by_hand_for_a_while(method, caplog):
    s = stage("route { t_newtran(); $var(id) = $T_id; }")
    s.receive(request(method, world=s))
    s.take()
    assert "neither relayed nor answered" in caplog.text
    s.pass_time(1)
    assert command(s, "t_reply", code=200, reason="OK", trans_id=s.runs[0].variables["id"], to_tag="abc") == "OK"
    assert s.only().status == 200
    s.receive(request(method, world=s))
    assert not [each for each in s.take() if each.status != 200]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_but_not_for_ever(method):
    s = stage("route { t_newtran(); $var(id) = $T_id; }")
    s.receive(request(method, world=s))
    s.pass_time(6)
    with pytest.raises(MIError):
        command(s, "t_reply", code=200, reason="OK", trans_id=s.runs[0].variables["id"], to_tag="abc")


def test_request_is_answered_by_the_identifier_of_its_transaction():
    s = stage("route { t_newtran(); $avp(id) = $T_id; t_reply(180, \"Ringing\"); }")
    s.receive(request(world=s))
    identifier = s.runs[0].avps["id"][0]
    bound = s.registry.commands["t_reply"]
    arguments = {"code": 403, "reason": "Forbidden", "trans_id": identifier, "to_tag": "abcde", "new_headers": "X-A: 1",
                 "body": ""}
    assert bound.owner(**arguments) == s.slots.slot_of_call_id("call-1")
    s.take()
    assert bound.call(**arguments) == "OK"
    reply = s.only()
    assert (reply.status, reply.to_tag, reply.header("X-A")) == (403, "abcde", "1")
    with pytest.raises(MIError):
        bound.call(**arguments)
    with pytest.raises(MIError):
        bound.owner(**{**arguments, "trans_id": "46961:1279687637"})


def test_hash_counts_transactions():
    s = stage("route { t_relay(); }")
    for number in range(3):
        s.receive(request(world=s, call_id="one" if number else "two", branch=f"z9hG4bK{number}", cseq=number + 1))
    bound = s.registry.commands["t_hash"]
    found = bound.call()
    assert found["Current"] == 3 and sorted(each["Current"] for each in found["Entries"]) in ([1, 2], [3])
    assert bound.declaration.merge([found, found])["Current"] == 6

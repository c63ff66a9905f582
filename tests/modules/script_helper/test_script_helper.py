"""The usual routing by script_helper, in the script for beginners and in scripts of its own."""
import pathlib

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import Phone, Scenario, play, request

ROOT = pathlib.Path(__file__).resolve().parents[3]
SIPP = ROOT / "tests" / "scenarios" / "sipp"
HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "rr.so" loadmodule "maxfwd.so"
loadmodule "script_helper.so"
"""


@pytest.fixture
def beginner(opensips):
    server = opensips(ROOT / "cfg" / "beginner.cfg")
    server.alice, server.bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    assert server.alice.register().status == server.bob.register().status == 200
    return server


def test_the_script_for_beginners_has_fifteen_lines():
    assert len((ROOT / "cfg" / "beginner.cfg").read_text().splitlines()) == 15


def test_a_call_with_everything_within_it(beginner):
    call = beginner.alice.call("bob")
    invite = beginner.bob.last("INVITE")
    assert invite.header("Record-Route") == "<sip:127.0.0.1;lr;ftag=a>"
    beginner.bob.answer(invite)
    assert call.ack()[0].host == "192.0.2.2"
    runs = len(beginner.runs)
    for method in ("INVITE", "UPDATE", "BYE"):
        call.within(method)
        beginner.bob.answer(beginner.bob.last(method))
        answer = beginner.alice.last(200)
        assert (answer.method, answer.header("Record-Route") is not None) == (method, method == "INVITE")
        if method == "INVITE":
            assert call.within("ACK", cseq=call.cseq)[0].host == "192.0.2.2"
    assert len(beginner.runs) == runs  # the request route has seen none of this


@pytest.mark.parametrize(("caller", "callee"), [
    ("call_user", "answer"), ("call_reinvite", "answer_reinvite"), ("call_hangup_by_callee", "answer_hangup"),
    ("call_refused_486", "refuse_486")])
def test_calls_of_sipp(beginner, caller, callee):
    keys = {"remote_ip": "127.0.0.1", "user": "bob"}
    play(Scenario(beginner, SIPP / f"{caller}.xml", "192.0.2.1", fields=["bob"], service="bob", keys=keys),
         Scenario(beginner, SIPP / f"{callee}.xml", "192.0.2.2"))


def test_a_caller_who_gives_up(beginner):
    call = beginner.alice.call("bob")
    invite = beginner.bob.last("INVITE")
    beginner.bob.answer(invite, 180)
    call.cancel()
    assert beginner.alice.last(200).method == "CANCEL"
    beginner.bob.answer(beginner.bob.last("CANCEL"))
    beginner.bob.answer(invite, 487)
    assert beginner.bob.last("ACK") and call.final().status == 487 and call.ack() == []


def test_nobody_is_there(beginner):
    call = beginner.alice.call("carol")
    assert call.final().status == 404
    assert call.ack() == []  # the ACK of our own answer ends here


def test_a_request_within_a_call_that_was_not_ours(beginner):
    beginner.receive(request("BYE", "sip:x@127.0.0.1", to_tag="b"), "192.0.2.1")
    assert beginner.take()[-1].status == 404
    assert beginner.receive(request("ACK", "sip:x@127.0.0.1", to_tag="b"), "192.0.2.1") == []


def test_a_cancel_without_its_invite_goes_nowhere(beginner):
    beginner.take()
    assert beginner.receive(request("CANCEL", "sip:bob@127.0.0.1"), "192.0.2.1") == []


def test_a_cancel_of_an_invite_within_a_call_follows_it(beginner):
    call = beginner.alice.call("bob")
    beginner.bob.answer(beginner.bob.last("INVITE"))
    call.ack()
    same = {"to": "sip:bob@127.0.0.1", "to_tag": "tag-bob", "call_id": call.call_id, "cseq": 2, "branch": "z9hG4bK2"}
    beginner.alice.send(beginner.alice.request("INVITE", beginner.bob.contact, headers={"Route": "<sip:127.0.0.1;lr>"},
                                               **same))
    again = beginner.bob.last("INVITE")
    beginner.bob.answer(again, 180)
    beginner.alice.send(beginner.alice.request("CANCEL", beginner.bob.contact, **same))
    beginner.bob.answer(beginner.bob.last("CANCEL"))
    beginner.bob.answer(again, 487)
    assert beginner.alice.last(487) and beginner.bob.last("ACK")


@pytest.mark.parametrize(("method", "recorded"), [("INVITE", True), ("SUBSCRIBE", True), ("OPTIONS", True),
                                                  ("MESSAGE", False), ("REGISTER", False)])
def test_what_is_record_routed(opensips, method, recorded):
    server = opensips(text=HEAD + "route { t_relay(); }")
    sent = server.receive(request(method, "sip:x@192.0.2.5"), "192.0.2.1")
    (relayed,) = [each for each in sent if not each.status]
    assert (relayed.header("Record-Route") is not None) == recorded


def sequential(body):
    return f"""{HEAD}modparam("script_helper", "sequential_route", "within")
        route {{ t_relay(); }}
        route[within] {{ {body} }}"""


def bye():
    return request("BYE", "sip:x@192.0.2.5", to_tag="b", headers={"Route": "<sip:192.0.2.9;lr>"})


def test_the_sequential_route_runs_before_requests_are_relayed(opensips):
    server = opensips(text=sequential('append_hf("X-Within: yes\\r\\n");').replace(
        'loadmodule "maxfwd.so"', 'loadmodule "maxfwd.so" loadmodule "sipmsgops.so"'))
    (relayed,) = server.receive(bye(), "192.0.2.1")
    assert relayed.header("X-Within") == "yes" and relayed.host == "192.0.2.5"


def test_a_sequential_route_that_exits_has_done_all(opensips):
    server = opensips(text=sequential('sl_send_reply(503, "Not Now"); exit;'))
    (answer,) = server.receive(bye(), "192.0.2.1")
    assert answer.status == 503


def test_a_sequential_route_that_returns_zero_like_exit_or_another_code(opensips):
    server = opensips(text=sequential("return(5);"))
    assert [each.method for each in server.receive(bye(), "192.0.2.1")] == ["BYE"]


def test_a_sequential_route_that_does_not_exist(opensips):
    with pytest.raises(ConfigError, match=r"test\.cfg:4.*there is no route\[wihtin\]|there is no route\[wihtin\]"):
        opensips(text=sequential("exit;").replace('"within"', '"wihtin"'))


# Dialogs

WITH_DIALOG = """loadmodule "dialog.so" loadmodule "sipmsgops.so"
modparam("script_helper", "use_dialog", 1) modparam("script_helper", "create_dialog_flags", "{flags}")
"""


def with_dialog(opensips, flags="", settings="", within="append_hf(\"X-Within: $DLG_did\\r\\n\");"):
    server = opensips(text=f"""{HEAD}{WITH_DIALOG.format(flags=flags)}{settings}
        modparam("script_helper", "sequential_route", "within")
        route {{ append_hf("X-Did: $DLG_did\\r\\n"); $du = "sip:192.0.2.2"; t_relay(); }}
        route[within] {{ {within} }}""")
    server.alice, server.bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    server.dialogs = server.engine.generation.registry.modules["dialog"].dialogs
    return server


@pytest.mark.parametrize("settings", ["", 'modparam("dialog", "dlg_match_mode", 2)\n'])
def test_calls_are_dialogs_before_the_request_route_begins(opensips, settings):
    server = with_dialog(opensips, settings=settings)
    call = server.alice.call("sip:bob@192.0.2.2")
    invite = server.bob.last("INVITE")
    (dialog,) = server.dialogs
    assert invite.header("X-Did") == dialog.did and (";did=" in invite.header("Record-Route")) == (not settings)
    server.bob.answer(invite)
    call.ack()
    call.within("INFO")
    assert server.bob.last("INFO").header("X-Within") == dialog.did
    call.bye()
    assert len(server.dialogs) == 0 and server.bob.last("BYE").header("X-Within") == dialog.did


def test_requests_that_begin_no_call_are_no_dialogs(opensips):
    server = with_dialog(opensips)
    server.alice.send(server.alice.request("SUBSCRIBE", "sip:bob@192.0.2.2"))
    assert server.bob.last("SUBSCRIBE").header("X-Did") == "<null>" and len(server.dialogs) == 0


def test_flags_of_dialogs(opensips):
    server = with_dialog(opensips, "PB", 'modparam("dialog", "options_ping_interval", 10)\n')
    call = server.alice.call("sip:bob@192.0.2.2")
    server.bob.answer()
    call.ack()
    server.advance(11)
    assert server.alice.last("OPTIONS") and not [each for each in server.bob.inbox if each.method == "OPTIONS"]


@pytest.mark.parametrize(("text", "why"), [
    (HEAD + 'modparam("script_helper", "use_dialog", 1)\n', "use_dialog needs module dialog"),
    (HEAD + WITH_DIALOG.format(flags="X"), "X.*is not one of")])
def test_what_dialogs_need_is_checked(opensips, text, why):
    with pytest.raises(ConfigError, match=why):
        opensips(text=text + "route { exit; }")

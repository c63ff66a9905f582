"""What leaves of a request and of the responses to it."""
from __future__ import annotations

import pytest

from tests.modules.topology_hiding.conftest import contact, path


def test_a_call_with_requests_from_both_sides(either):
    sides = either()
    alice, bob = sides.alice, sides.bob
    sides.call()
    assert path(sides.invite) == (1, [], []) and path(sides.answer) == (2, alice.recorded, [])
    assert [each.branch for each in sides.answer.message.vias][1] == "z9hG4bKedge1INVITE"
    assert sides.answer.message.top_via.received == "192.0.2.1"
    assert sides.ack.message.uri == bob.target and path(sides.ack) == (1, [], bob.recorded)
    bob.ask("INVITE", contact=f"<sip:bob2@{bob.inner}>", recorded=True)
    again = alice.last("INVITE")
    assert again.message.uri == alice.target and path(again) == (1, [], alice.recorded)
    alice.say(again, 200)
    back = bob.last(200)
    assert path(back) == (2, bob.recorded, []) and contact(back).parsed_uri.host == "192.0.2.9"
    bob.ask("ACK", contact="", cseq=bob.cseq)
    assert alice.last("ACK").message.uri == alice.target
    alice.know(again)
    alice.ask("UPDATE")
    update = bob.last("UPDATE")
    assert update.message.uri == f"sip:bob2@{bob.inner}" and path(update) == (1, [], bob.recorded)
    bob.say(update, 200)
    assert contact(alice.last(200)).parsed_uri.host == "192.0.2.9"
    bob.ask("BYE", contact="")
    bye = alice.last("BYE")
    assert (bye.message.uri, bye.message.contacts) == (alice.target, [])
    alice.say(bye, 200, contact="", recorded=False)
    assert path(bob.last(200)) == (2, [], [])


def test_parameters_that_pass(either):
    names = ('modparam("topology_hiding", "th_passed_contact_uri_params", "foo; x")'
             'modparam("topology_hiding", "th_passed_contact_params", "EXPIRES;+sip.instance;text")')
    sides = either(names)
    given = f'"A;B" <sip:alice@{sides.alice.inner};ob;Foo=Bar>;q=1;+sip.instance="<a;b>";text="x\\"y;z"'
    sides.call(contact="", headers={"Contact": given})
    shown = contact(sides.invite)
    assert shown.parsed_uri.parameters.endswith(";Foo=Bar") and ";ob" not in shown.parsed_uri.parameters
    assert shown.parameters == '+sip.instance="<a;b>";text="x\\"y;z"' and shown.display_name == ""
    assert contact(sides.answer).parameters == "" and contact(sides.answer).parsed_uri.user == ""


def test_no_parameters_pass_as_a_rule(either):
    sides = either()
    sides.call()
    names = [each.partition("=")[0] for each in contact(sides.invite).parsed_uri.parameters.split(";")]
    assert names == ["did" if either.dialog else "thinfo"] and contact(sides.invite).parameters == ""


@pytest.mark.parametrize(("status", "same"), [(302, True), (486, False), (603, False)])
def test_failures(either, status, same):
    sides = either()
    sides.alice.invite()
    invite = sides.bob.last("INVITE")
    elsewhere = "<sip:carol@198.51.100.7>"
    sides.bob.say(invite, status, contact=elsewhere)
    failed = sides.alice.last(status)
    assert path(failed) == (2, sides.alice.recorded, [])
    assert (failed.header("Contact") == elsewhere) == same
    assert sides.bob.last("ACK").message.call_id == sides.alice.call_id


def test_cancelling(either):
    sides = either()
    sides.alice.invite()
    invite = sides.bob.last("INVITE")
    sides.bob.say(invite, 180)
    via = sides.alice.last(180).message.top_via.branch
    sides.alice.ask("CANCEL", "sip:bob@192.0.2.9", contact="", cseq=1, branch=via)
    cancel = sides.bob.last("CANCEL")
    assert cancel.message.via_branch == invite.message.via_branch and path(cancel) == (1, [], [])
    sides.bob.say(invite, 487, contact="")
    assert path(sides.alice.last(487)) == (2, sides.alice.recorded, [])


def test_routes_that_lead_on_stay(either):
    sides = either(initial="loose_route();")
    sides.alice.invite(headers={"Route": ["<sip:192.0.2.9;lr>", "<sip:192.0.2.2;lr>"]})
    assert path(sides.bob.last("INVITE")) == (1, [], ["<sip:192.0.2.2;lr>"])


@pytest.mark.parametrize("parts", [{"initial": "record_route();"}, {"after": "record_route();"}])
def test_no_record_route_of_ours(either, parts):
    sides = either(**parts)
    sides.call()
    assert path(sides.invite) == (1, [], [])


def test_the_address_that_the_other_side_reaches_us_at(either):
    sides = either(after='set_advertised_address("203.0.113.1"); $socket_out = "udp:192.0.2.9:5070";')
    sides.call()
    shown = contact(sides.invite).parsed_uri
    assert (shown.host, shown.port) == ("203.0.113.1", 5070)
    ours = contact(sides.answer).parsed_uri
    assert (ours.host, ours.port) == ("192.0.2.9", 0)
    assert sides.ack.listener.port == 5070
    sides.bob.ask("BYE")
    assert sides.alice.last("BYE").listener.port == 5060


def test_another_protocol(either):
    sides = either(callee="sip:192.0.2.2:5060;transport=tcp")
    sides.alice.invite()
    invite, = [each for each in sides.server.take() if each.method == "INVITE" and not each.status]
    assert contact(invite).parsed_uri.transport == "tcp"


def test_contacts_repaired_for_nat(either):
    sides = either(modules='loadmodule "nathelper.so"', initial="fix_nated_contact();", arm='t_on_reply("back");',
                   routes="onreply_route[back] { fix_nated_contact(); }")
    sides.call()
    assert sides.ack.message.uri == "sip:bob@192.0.2.2:5060;ob;foo=bar"
    sides.bob.ask("BYE")
    assert sides.alice.last("BYE").message.uri == "sip:alice@192.0.2.1:5060;ob;foo=bar"


@pytest.mark.parametrize("odd", ["<tel:+49123>", "<sip:alice@>"])
def test_contacts_of_other_kinds(either, odd):
    sides = either()
    sides.alice.invite(contact=odd)
    assert contact(sides.bob.last("INVITE")).parsed_uri.host == "192.0.2.9"


def test_requests_without_a_contact(either):
    sides = either()
    sides.alice.invite("MESSAGE", contact="")
    assert path(sides.bob.last("MESSAGE")) == (1, [], [])
    sides.alice.invite("REGISTER", contact="*")
    assert sides.bob.last("REGISTER").header("Contact") == "*"


def test_every_target_of_a_fork(either):
    sides = either(after='append_branch("sip:carol@192.0.2.3");')
    sides.alice.invite()
    invites = [each for each in sides.server.take() if each.method == "INVITE" and not each.status]
    assert len(invites) == 2
    for each in invites:
        assert path(each) == (1, [], []) and contact(each).parsed_uri.host == "192.0.2.9"


def test_branches_of_a_failure_route(either):
    sides = either(arm='t_on_failure("again");',
                   routes='failure_route[again] { $du = "sip:192.0.2.2:5060"; t_relay(); }')
    sides.alice.invite()
    sides.bob.say(sides.bob.last("INVITE"), 503, contact="")
    second = sides.bob.last("INVITE")
    assert path(second) == (1, [], []) and contact(second).parsed_uri.host == "192.0.2.9"
    sides.bob.say(second, 200)
    assert path(sides.alice.last(200)) == (2, sides.alice.recorded, [])


def test_answers_of_our_own(either):
    sides = either(arm='t_reply(480, "Gone"); exit;')
    sides.alice.invite()
    assert path(sides.alice.last(480))[0] == 2


def test_another_order_and_a_transaction_opened_before(either):
    sides = either(initial="t_newtran();")
    sides.call()
    assert path(sides.invite) == (1, [], []) and path(sides.answer) == (2, sides.alice.recorded, [])


def test_hidden_once_alone(either):
    sides = either(after='topology_hiding("U");')
    sides.call()
    assert path(sides.answer) == (2, sides.alice.recorded, []) and contact(sides.invite).parsed_uri.user == ""

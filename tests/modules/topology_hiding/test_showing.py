"""What our own requests within a hidden dialog show."""
from __future__ import annotations

from tests.modules.dialog.conftest import restarted
from tests.modules.topology_hiding.conftest import contact

PINGED = {"initial": 'if (is_method("INVITE")) create_dialog("reinvite-ping-caller,reinvite-ping-callee");'}


def test_a_session_that_is_refreshed(hiding):
    sides = hiding(False, 'modparam("dialog", "reinvite_ping_interval", 30)', modules='loadmodule "dialog.so"',
                   hide='topology_hiding("UC", "/xx/yy");', **PINGED)
    sides.call()
    sides.server.advance(30)
    for side, user, call_id in ((sides.alice, "xx", sides.alice.call_id),
                                (sides.bob, "yy", sides.invite.header("Call-ID"))):
        ping = side.last("INVITE")
        shown = contact(ping).parsed_uri
        assert (ping.message.uri, ping.header("Call-ID")) == (side.target, call_id)
        assert (shown.user, shown.host, shown.parameter("did")) == (user, "192.0.2.9", sides.dialogs[0].did)


def test_a_restart(hiding):
    """All that there is to know is stored with the dialog."""
    sides = hiding(True, hide='topology_hiding("CDa", "/xx/yy");')
    sides.call()
    first = contact(sides.answer)
    restarted(sides.server)
    sides.alice.ask("INVITE", call_id=f"call@{sides.alice.inner}")
    again = sides.bob.last("INVITE")
    assert again.header("Call-ID") == sides.invite.header("Call-ID") and again.message.uri == sides.bob.target
    sides.bob.say(again, 200)
    assert contact(sides.alice.last(200)) == first
    sides.bob.ask("BYE")
    assert sides.alice.last("BYE").header("Call-ID") == f"call@{sides.alice.inner}" and sides.dialogs == []


def test_acknowledging_provisional_responses_on_the_way(hiding):
    sides = hiding(False, modules='loadmodule "dialog.so"', hide='topology_hiding("C");',
                   initial='if (is_method("INVITE")) create_dialog("auto-prack");')
    sides.alice.invite()
    invite = sides.bob.last("INVITE")
    sides.bob.say(invite, 183, headers={"Require": "100rel", "RSeq": "1"})
    prack = sides.bob.last("PRACK")
    assert prack.header("Call-ID") == invite.header("Call-ID") and prack.message.uri == sides.bob.target
    assert [str(each) for each in prack.message.routes] == sides.bob.recorded


def test_what_management_and_accounting_tell(hiding):
    """Both know where the sides really are, and the call by its caller's Call-ID, whoever hangs up."""
    sides = hiding(True, modules='loadmodule "acc.so"', hide='topology_hiding("C"); do_accounting("log");',
                   matched='if (is_method("BYE")) do_accounting("log");')
    sides.call()
    own = f"call@{sides.alice.inner}"
    listed, = sides.server.mi("dialog:list")["Dialogs"]
    callee, = listed["CALLEES"]
    assert (listed["callid"], listed["caller_contact"], callee["callee_contact"]) == (
        own, sides.alice.target, sides.bob.target)
    assert listed["caller_route_set"].split(",") == sides.alice.recorded
    assert callee["callee_route_set"].split(",") == sides.bob.recorded
    sides.bob.ask("BYE", contact="")
    sides.alice.say(sides.alice.last("BYE"), 200, contact="", recorded=False)
    assert [(each["method"], each["call_id"]) for each in sides.server.accounting] == [("INVITE", own), ("BYE", own)]

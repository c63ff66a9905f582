"""How hiding begins: flags, users, dialogs."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from tests.modules.topology_hiding.conftest import contact, path, script

FORCED = 'modparam("topology_hiding", "force_dialog", 1)'


def users(sides):
    """The users that callee and caller are shown at the beginning, and later."""
    alice, bob = sides.alice, sides.bob
    sides.call()
    found = [contact(sides.invite).parsed_uri.user, contact(sides.answer).parsed_uri.user]
    alice.ask("INVITE", contact=f"<sip:alice2@{alice.inner}>")
    again = bob.last("INVITE")
    bob.say(again, 200, contact=f"<sip:bob2@{bob.inner}>")
    found += [contact(again).parsed_uri.user, contact(alice.last(200)).parsed_uri.user]
    bob.ask("INVITE", contact=f"<sip:bob3@{bob.inner}>")
    again = alice.last("INVITE")
    alice.say(again, 200, contact=f"<sip:alice3@{alice.inner}>")
    return [*found, contact(again).parsed_uri.user, contact(bob.last(200)).parsed_uri.user]


@pytest.mark.parametrize(("given", "shown"), [
    ("", ["", "", "", "", "", ""]),
    ('"U"', ["alice", "bob", "alice2", "bob2", "bob3", "alice3"]),
    ('"U", "opensips"', ["opensips"] * 6),
    ('"U", "/xx"', ["alice", "xx", "alice2", "xx", "xx", "alice3"]),
    ('"U", "//yy"', ["yy", "bob", "yy", "bob2", "bob3", "yy"]),
    (', "/xx/yy"', ["yy", "xx", "yy", "xx", "xx", "yy"])])
def test_users(either, given, shown):
    assert users(either(hide=f"topology_hiding({given});")) == shown


@pytest.mark.parametrize(("flags", "shown"), [
    ("Ua", ["alice", "bob", "alice2", "bob", "bob", "alice3"]),
    ("UA", ["alice", "bob", "alice", "bob2", "bob3", "alice"])])
def test_what_a_side_was_shown_first(hiding, flags, shown):
    assert users(hiding(True, hide=f'topology_hiding("{flags}");')) == shown


def test_values_of_the_dialog_that_hold_users(hiding):
    names = ('modparam("topology_hiding", "th_contact_caller_username_var", "to_caller")'
             'modparam("topology_hiding", "th_contact_callee_username_var", "to_callee")')
    sides = hiding(True, names, hide='topology_hiding("", "/xx/yy");', matched='$dlg_val(to_caller) = "zz";')
    assert users(sides) == ["yy", "xx", "yy", "zz", "zz", "yy"]
    assert sides.dialogs[0].values == {"to_caller": "zz", "to_callee": "yy"}


def test_values_have_names_of_their_own(hiding):
    sides = hiding(True, hide='topology_hiding("", "/xx/yy");')
    sides.call()
    assert sides.dialogs[0].values == {"_th_contact_caller_username_var_": "xx",
                                       "_th_contact_callee_username_var_": "yy"}


@pytest.mark.parametrize(("flags", "front"), [("D", "X."), ("UD", "alice.")])
def test_the_identifier_in_the_user(hiding, flags, front):
    sides = hiding(True, hide=f'topology_hiding("{flags}");')
    sides.call()
    shown = contact(sides.invite).parsed_uri
    assert (shown.user, shown.parameters) == (f"{front}did.{sides.dialogs[0].did}", "")
    sides.bob.ask("BYE")
    assert sides.alice.last("BYE").message.uri == sides.alice.target and sides.dialogs == []


def test_other_letters_are_refused(opensips):
    with pytest.raises(ConfigError, match="is not one of U, C, D, a, A"):
        opensips(text=script(True, hide='topology_hiding("Ux");'))
    with pytest.raises(ConfigError, match="is not one of U, C\n"):
        opensips(text=script(True, hide='topology_hiding("D");', dialect="2.1"))


def test_forced_dialogs(hiding):
    sides = hiding(False, FORCED, modules='loadmodule "dialog.so"')
    sides.call()
    assert contact(sides.invite).parsed_uri.parameter("did") == sides.dialogs[0].did
    sides.alice.ask("BYE")
    assert sides.bob.last("BYE") and sides.dialogs == []


def test_dialogs_are_not_forced_as_a_rule(hiding):
    sides = hiding(False, modules='loadmodule "dialog.so"')
    sides.call()
    assert sides.dialogs == [] and contact(sides.invite).parsed_uri.parameter("thinfo")


def test_forcing_takes_the_module(opensips):
    with pytest.raises(ConfigError, match="force_dialog of module topology_hiding needs module dialog"):
        opensips(text=script(False, FORCED))


@pytest.mark.parametrize("settings", ["", FORCED])
def test_subscriptions(hiding, settings):
    sides = hiding(False, settings, modules='loadmodule "dialog.so"', hide='topology_hiding("U");')
    alice, bob = sides.alice, sides.bob
    alice.invite("SUBSCRIBE", headers={"Event": "x"})
    subscribe = bob.know(bob.last("SUBSCRIBE"))
    assert path(subscribe) == (1, [], []) and contact(subscribe).parsed_uri.user == "alice" and sides.dialogs == []
    bob.ask("NOTIFY", headers={"Event": "x"})  # which may come first
    notify = alice.know(alice.last("NOTIFY"))
    assert notify.message.uri == alice.target and path(notify) == (1, [], alice.recorded)
    alice.say(notify, 200, contact="", recorded=False)
    assert path(bob.last(200))[0] == 2
    bob.say(subscribe, 202)
    assert path(alice.know(alice.last(202))) == (2, alice.recorded, [])
    alice.ask("SUBSCRIBE", headers={"Event": "x", "Expires": "0"})
    assert bob.last("SUBSCRIBE").message.uri == bob.target


def test_within_a_dialog_nothing_begins(hiding):
    sides = hiding(False, unmatched='if (topology_hiding()) t_relay();')
    sides.alice.peer_tag = "x"
    sides.alice.ask("INVITE", "sip:bob@192.0.2.2")
    assert sides.alice.last(404) and sides.bob.inbox == []
    assert sides.server.log.matching("within a dialog is the business of topology_hiding_match")


def test_the_old_dialect(hiding):
    sides = hiding(True, dialect="2.1", hide='topology_hiding("UC");')
    sides.call()
    assert contact(sides.invite).parsed_uri.user == "alice" and sides.invite.header("Call-ID").startswith("DLGCH_")
    sides.bob.ask("BYE")
    assert sides.alice.last("BYE").header("Call-ID") == f"call@{sides.alice.inner}"


def test_the_old_dialect_without_flags(hiding):
    sides = hiding(False, dialect="2.1")
    sides.call()
    assert contact(sides.invite).parsed_uri.user == ""

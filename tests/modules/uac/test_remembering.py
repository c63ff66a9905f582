"""What uac keeps with dialogs of module dialog: names in From and To, and how far CSeq numbers have grown."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.modules.uac.answering import PARAMETER
from tests.modules.uac.test_answering import QOP, answered_call, check_prack_after_a_challenge
from tests.modules.uac.world import AUTH, CREDENTIAL, HEAD, World, credentials, from_callee, proves, script

ALICE, BOB, MASK = "sip:alice@127.0.0.1", "sip:bob@192.0.2.2", "sip:anonymous@anonymous.invalid"
WITH_DIALOG = HEAD.replace('loadmodule "uac_auth.so"', 'loadmodule "dialog.so"\nloadmodule "uac_auth.so"')
FORCED = CREDENTIAL + 'modparam("uac", "force_dialog", 1)\n'
DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])


def world_of(opensips, initial, failed="", **how):
    world = World(opensips(text=script(initial, failed, head=WITH_DIALOG, **how)))
    world.dialogs = world.server.engine.generation.registry.modules["dialog"].dialogs
    return world


def started(opensips, initial, failed="", **how):
    """A call that Alice makes."""
    world = world_of(opensips, initial, failed, **how)
    world.call = world.alice.call(BOB)
    world.invite = world.gateway.last("INVITE")
    return world


def in_route(world):
    """Which headers Record-Route keeps."""
    [route] = world.invite.message.record_routes
    return [name for name in ("vsf", "vst", PARAMETER) if route.parsed_uri.parameter(name) is not None]


def names_later(world, ours, theirs):
    """Whether requests and responses of both sides have the names that each of them knows."""
    world.gateway.answer(world.invite)
    done = world.call.final().message
    assert (done.from_.uri, done.to.uri) == (ALICE, BOB)
    [ack] = world.call.ack()
    assert (ack.message.from_.uri, ack.message.to.uri) == (ours, theirs)
    world.call.within("INFO")
    info = world.gateway.last("INFO")
    assert (info.message.from_.uri, info.message.to.uri) == (ours, theirs)
    world.gateway.answer(info)
    done = world.alice.last(200).message
    assert (done.from_.uri, done.to.uri) == (ALICE, BOB)
    world.gateway.send(from_callee(world.invite, "BYE", sender=theirs, to=ours))
    bye = world.alice.last("BYE")
    assert (bye.message.from_.uri, bye.message.to.uri) == (BOB, ALICE)
    world.alice.answer(bye)
    done = world.gateway.last(200).message
    assert (done.from_.uri, done.to.uri) == (theirs, ours)


@DIALECTS
@pytest.mark.parametrize("settings", [CREDENTIAL, FORCED])
@pytest.mark.parametrize("name", ["from", "to", "both"])
def test_the_dialog_keeps_names(opensips, name, settings, dialect):
    create = "" if settings is FORCED else "create_dialog();"
    replace = "".join(f'uac_replace_{each}("X", "{MASK}");' for each in ("from", "to") if name in (each, "both"))
    world = started(opensips, create + replace, settings=settings, dialect=dialect)
    assert in_route(world) == [] and len(world.dialogs) == 1
    names_later(world, ALICE if name == "to" else MASK, BOB if name == "from" else MASK)


def test_without_a_dialog_record_route_does(opensips):
    world = started(opensips, f'uac_replace_from("X", "{MASK}"); create_dialog();')
    assert in_route(world) == ["vsf"] and len(world.dialogs) == 1
    names_later(world, MASK, BOB)


@pytest.mark.parametrize("route", ["failure", "branch"])
def test_the_branch_that_is_answered_counts(opensips, route):
    replace = f'uac_replace_from("X", "sip:$T_branch_idx@h"); uac_replace_to("", "{MASK}");'
    if route == "failure":
        world = started(opensips, "create_dialog();", f'{replace.replace("$T_branch_idx", "1")} t_relay();')
        world.gateway.answer(world.invite, 503)
        world.invite, ours = world.gateway.last("INVITE"), "sip:1@h"
    else:
        world = started(opensips, 't_on_branch("b"); create_dialog();', more=f"branch_route[b] {{ {replace} }}")
        ours = "sip:0@h"
    assert in_route(world) == []
    names_later(world, ours, MASK)


def test_an_early_dialog_knows_them_too(opensips):
    world = started(opensips, 't_on_branch("b"); create_dialog();',
                    more=f'branch_route[b] {{ uac_replace_from("X", "{MASK}"); }}')
    world.gateway.answer(world.invite, 183)
    world.call._answer = world.alice.last(183).message
    world.call.within("UPDATE")
    assert world.gateway.last("UPDATE").message.from_.uri == MASK


def test_manual_leaves_it_to_the_script(opensips):
    settings = FORCED + 'modparam("uac", "restore_mode", "manual")\n'
    world = started(opensips, f'uac_replace_from("X", "{MASK}");', settings=settings)
    assert in_route(world) == ["vsf"] and len(world.dialogs) == 0


def test_a_dialog_is_forced_for_invites_alone(opensips):
    world = world_of(opensips, f'uac_replace_from("X", "{MASK}");', settings=FORCED)
    got = world.ask("SUBSCRIBE")
    assert got.message.record_routes[0].parsed_uri.parameter("vsf") and len(world.dialogs) == 0


def test_force_dialog_needs_the_module(opensips):
    with pytest.raises(ConfigError, match="force_dialog needs module dialog"):
        opensips(text=script(settings=FORCED))


# CSeq


def test_later_requests_count_on(opensips):
    world = world_of(opensips, "create_dialog();", AUTH)
    call, world.invite = answered_call(world)
    assert in_route(world) == [] and world.invite.message.cseq == 2
    assert [each.message.cseq for each in call.ack()] == [2]
    for method in ("INVITE", "INFO"):
        call.within(method)
        later = world.gateway.last(method)
        assert later.message.cseq == call.cseq + 1
        world.gateway.answer(later)
        assert world.alice.last(200).message.cseq == call.cseq
        if method == "INVITE":
            assert [each.message.cseq for each in call.within("ACK", cseq=call.cseq)] == [call.cseq + 1]
    world.gateway.inbox.clear()
    world.alice.inbox.clear()
    assert world.server.mi("dialog:end_dlg", call.call_id) == "OK"
    world.server.settle()
    assert world.gateway.last("BYE").message.cseq == 5 and world.alice.last("BYE").message.cseq == 1


def test_requests_within_the_dialog_are_answered_for(opensips):
    world = world_of(opensips, "create_dialog();", AUTH)
    call, world.invite = answered_call(world)
    call.ack()
    call.within("INVITE")
    asked = world.gateway.last("INVITE")
    again = world.challenge(asked, QOP)
    assert (asked.message.cseq, again.message.cseq) == (3, 4) and proves(again, credentials(again)[0])
    world.gateway.answer(again)
    assert world.alice.last(200).message.cseq == 2
    assert [each.message.cseq for each in call.within("ACK", cseq=2)] == [4]
    call.bye()
    assert world.gateway.last("BYE").message.cseq == 5


def test_the_callee_is_answered_for_too(opensips):
    world = world_of(opensips, "create_dialog();", AUTH)
    call, world.invite = answered_call(world)
    call.ack()
    world.gateway.send(from_callee(world.invite, "INFO", cseq=50))
    asked = world.alice.last("INFO")
    world.alice.answer(asked, 407, headers={"Proxy-Authenticate": str(QOP)})
    again = world.alice.last("INFO")
    assert (asked.message.cseq, again.message.cseq) == (50, 51)
    world.alice.answer(again)
    assert world.gateway.last(200).message.cseq == 50
    world.gateway.send(from_callee(world.invite, "BYE", cseq=51))
    assert world.alice.last("BYE").message.cseq == 52


def test_a_prack_acknowledges_the_number_that_the_callee_saw(opensips):
    check_prack_after_a_challenge(world_of(opensips, "create_dialog();", AUTH))


def test_the_branch_without_credentials_counts_nothing(opensips):
    failed = 'if ($T_reply_code == 407) { uac_auth(); t_on_failure("answer"); t_relay(); } else t_relay();'
    world = world_of(opensips, "create_dialog();", failed)
    call = world.alice.call(BOB)
    again = world.challenge(world.gateway.last("INVITE"), QOP)
    world.gateway.answer(again, 180)
    world.gateway.inbox.clear()
    world.gateway.answer(again, 503)
    third = world.gateway.last("INVITE")
    world.gateway.answer(third)
    assert third.message.cseq == 1 and [each.message.cseq for each in call.ack()] == [1]
    call.bye()
    assert world.gateway.last("BYE").message.cseq == 2


def test_a_number_that_the_script_lets_grow(opensips):
    world = started(opensips, "create_dialog(); uac_inc_cseq(5);")
    assert world.invite.message.cseq == 6
    world.gateway.answer(world.invite)
    assert [each.message.cseq for each in world.call.ack()] == [6]
    world.call.bye()
    assert world.gateway.last("BYE").message.cseq == 7

"""Answers to challenges."""
from __future__ import annotations

import pytest

from opensips_py.sip import Challenge
from opensips_py.sip.digest import ALGORITHMS, ha1
from opensips_py.testing import request
from tests.modules.uac.world import AUTH, CREDENTIAL, HEAD, World, credentials, from_callee, proves, script

PLAIN = Challenge("gateway", "n1")
QOP = Challenge("gateway", "n1", qop="auth")
OTHER = 'modparam("uac_auth", "credential", "me:{}")\n'


def rc(world):
    return world.server.runs[-1].avps["rc"][0]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize("status", [401, 407])
def test_a_challenge_is_answered(opensips, dialect, status):
    world = World(opensips(text=script(dialect=dialect)))
    first = world.ask(cseq=7)
    again = world.challenge(first, Challenge("gateway", 'n"1', opaque="o"), status=status)
    [found] = credentials(again, status)
    assert (found.username, found.realm, found.nonce, found.opaque, found.qop, found.nc, found.cnonce) == (
        "us", "gateway", 'n"1', "o", "", "", "")
    assert proves(again, found) and rc(world) == 1
    assert (again.message.cseq, again.message.via_branch != first.message.via_branch) == (
        8 if dialect == "4.0" else 7, True)
    world.gateway.answer(again)
    assert (world.alice.last(200).message.cseq, world.alice.inbox) == (7, [])


@pytest.mark.parametrize("algorithm", [each.name for each in ALGORITHMS])
@pytest.mark.parametrize(("offered", "qop"), [("auth", "auth"), ("auth-int", "auth-int"), ("auth-int,auth", "auth")])
def test_all_algorithms_and_qualities(opensips, algorithm, offered, qop):
    world = World(opensips(text=script()))
    again = world.challenge(world.ask("MESSAGE", body="hello"), Challenge("gateway", "n", algorithm, offered))
    [found] = credentials(again)
    assert (found.algorithm, found.qop, found.nc) == (algorithm, qop, "00000001") and len(found.cnonce) == 16
    assert proves(again, found)


def test_integrity_of_the_body_that_leaves(opensips):
    world = World(opensips(text=script('replace_body("hello", "hi there");',
                                       head=HEAD + 'loadmodule "textops.so"\n')))
    again = world.challenge(world.ask("MESSAGE", body="hello"), Challenge("gateway", "n", qop="auth-int"))
    [found] = credentials(again)
    assert again.message.body == b"hi there" and proves(again, found)


@pytest.mark.parametrize(("wanted", "offered", "chosen"), [
    ("", ["SHA-256", "MD5"], "SHA-256"), ('"MD5,md5-sess"', ["SHA-256", "MD5-sess", "MD5"], "MD5-sess"),
    ("", ["AKAv1-MD5", "MD5"], "MD5"), ('"SHA-256"', ["MD5"], None), ("$avp(list)", ["SHA-256", "MD5"], "MD5")])
def test_the_first_that_may_be_used(opensips, wanted, offered, chosen):
    world = World(opensips(text=script('$avp(list) = "MD5";', AUTH.replace("uac_auth()", f"uac_auth({wanted})"))))
    again = world.challenge(world.ask(), *(Challenge("gateway", f"n{each}", each) for each in offered))
    if chosen is None:
        assert again is None and rc(world) == -1
    else:
        [found] = credentials(again)
        assert (found.algorithm, found.nonce) == (chosen, f"n{chosen}") and proves(again, found)


def test_the_realm_decides(opensips):
    world = World(opensips(text=script(settings=CREDENTIAL + OTHER.format("other:x:y"))))
    again = world.challenge(world.ask(), Challenge("unknown", "n0"), Challenge("other", "n1"), PLAIN)
    [found] = credentials(again)
    assert (found.username, found.realm) == ("me", "other") and proves(again, found, "x:y")


@pytest.mark.parametrize(("status", "challenges"), [
    (407, [Challenge("unknown", "n")]), (407, ['Basic realm="gateway"']), (407, ['Digest realm="gateway"']), (407, []),
    (403, [PLAIN])])
def test_what_cannot_be_answered_goes_to_the_caller(opensips, status, challenges):
    world = World(opensips(text=script()))
    first = world.ask()
    assert world.challenge(first, *challenges, status=status) is None and rc(world) == -1
    assert world.alice.last(status).method == "OPTIONS"


def test_a_branch_that_never_answered(opensips):
    world = World(opensips(text=script()))
    world.ask()
    world.server.advance(40)
    assert rc(world) == -1 and world.alice.last(408)


@pytest.mark.parametrize("password", ["0x", "0X", "0x12", "0x" + "g" * 32])
def test_a_password_that_looks_like_a_hash(opensips, password):
    world = World(opensips(text=script(settings=CREDENTIAL.replace("secret", password))))
    again = world.challenge(world.ask(), PLAIN)
    assert proves(again, credentials(again)[0], password)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_a_hash_in_place_of_the_password(opensips, algorithm):
    stored = ha1("us", "gateway", "secret", algorithm)
    world = World(opensips(text=script(settings=CREDENTIAL.replace("secret", f"0x{stored}"))))
    others = [each for each in ("MD5", "SHA-256") if (each == "MD5") != (algorithm == "MD5")]
    again = world.challenge(world.ask(), *(Challenge("gateway", "n", each) for each in [*others, algorithm]))
    [found] = credentials(again)
    assert found.algorithm == algorithm and proves(again, found)


AVPS = "".join(f'modparam("uac_auth", "auth_{each}_avp", "$avp({each})")\n'
               for each in ("realm", "username", "password"))


def test_credentials_of_the_script_come_first(opensips):
    initial = '$avp(realm) = "gateway"; $avp(username) = "script"; $avp(password) = "own";'
    world = World(opensips(text=script(initial, settings=CREDENTIAL + AVPS)))
    again = world.challenge(world.ask(), PLAIN)
    [found] = credentials(again)
    assert found.username == "script" and proves(again, found, "own")
    hashed = initial.replace("own", "0x" + ha1("script", "gateway", "own"))
    world = World(opensips(text=script(hashed, settings=AVPS)))
    again = world.challenge(world.ask(), PLAIN)
    assert proves(again, credentials(again)[0], "own")


@pytest.mark.parametrize("initial", [
    "", '$avp(realm) = "other"; $avp(username) = "script"; $avp(password) = "own";', '$avp(realm) = "gateway";'])
def test_credentials_of_the_script_for_another_realm(opensips, initial):
    world = World(opensips(text=script(initial, settings=CREDENTIAL + AVPS)))
    again = world.challenge(world.ask(), PLAIN)
    assert credentials(again)[0].username == "us"


def test_a_second_server_behind_the_first(opensips):
    """RFC 3261, 22.3: the answer to each stays, with the nonce count one higher."""
    world = World(opensips(text=script(settings=CREDENTIAL + OTHER.format("second:secret"))))
    first = world.ask(cseq=7)
    second = world.challenge(first, QOP)
    third = world.challenge(second, Challenge("second", "n2", qop="auth"), status=401)
    [proxy], [server] = credentials(third), credentials(third, 401)
    assert (proxy.realm, proxy.nc, server.realm, server.nc) == ("gateway", "00000002", "second", "00000001")
    assert proves(third, proxy) and proves(third, server) and third.message.cseq == 9
    world.gateway.answer(third)
    assert world.alice.last(200).message.cseq == 7


def test_a_nonce_that_got_stale(opensips):
    world = World(opensips(text=script()))
    again = world.challenge(world.ask(), QOP)
    third = world.challenge(again, Challenge("gateway", "n2", qop="auth", stale=True))
    [found] = credentials(third)
    assert (found.nonce, found.nc) == ("n2", "00000001") and proves(third, found)


def test_credentials_that_were_refused_are_not_sent_again(opensips):
    world = World(opensips(text=script()))
    again = world.challenge(world.ask(), QOP)
    assert world.challenge(again, Challenge("gateway", "n2", qop="auth")) is None
    assert rc(world) == -1 and world.alice.last(407)


def test_a_server_that_never_has_enough(opensips):
    world = World(opensips(text=script()))
    got, tries = world.ask(), 0
    while got is not None and tries < 50:
        got, tries = world.challenge(got, Challenge("gateway", f"n{tries}", stale=True)), tries + 1
    assert tries == 6 and world.alice.last(407)


def test_credentials_of_the_caller_for_the_same_realm_go(opensips):
    world = World(opensips(text=script()))
    theirs = 'Digest username="alice", realm="{}", nonce="n", uri="u", response="r"'
    values = [theirs.format("gateway"), theirs.format("elsewhere"), "Basic x"]
    first = world.ask(headers={"Proxy-Authorization": values})
    assert len(first.message.headers("Proxy-Authorization")) == 3
    again = world.challenge(first, PLAIN)
    assert [each.value.split(",")[0] for each in again.message.headers("Proxy-Authorization")] == [
        'Digest username="alice"', "Basic x", 'Digest username="us"']


def test_each_branch_answers_for_its_own_uri(opensips):
    failed = 'uac_auth(); $ru = "sip:one@192.0.2.2"; append_branch("sip:two@192.0.2.2"); t_relay();'
    world = World(opensips(text=script(failed=failed)))
    first = world.ask()
    world.gateway.inbox.clear()
    world.gateway.answer(first, 407, headers={"Proxy-Authenticate": str(QOP)})
    sent = [each for each in world.gateway.inbox if each.method == "OPTIONS"]
    assert [each.message.uri for each in sent] == ["sip:one@192.0.2.2", "sip:two@192.0.2.2"]
    assert [credentials(each)[0].nc for each in sent] == ["00000001", "00000002"]
    assert all(proves(each, credentials(each)[0]) for each in sent)


def test_outside_of_failure_routes_there_is_nothing_to_answer(opensips):
    more = "branch_route[b] { $avp(branch) = uac_auth(); }"
    world = World(opensips(text=script('$avp(request) = uac_auth(); t_on_branch("b");', more=more)))
    world.ask()
    avps = world.server.runs[-1].avps
    assert avps["request"] == avps["branch"] == [-1]


def test_without_module_uac_auth(opensips):
    world = World(opensips(text=script(settings="", head=HEAD.replace('loadmodule "uac_auth.so"\n', ""))))
    assert world.challenge(world.ask(), PLAIN) is None
    assert world.server.log.matching("needs module uac_auth")


# Dialogs


def answered_call(world):
    """Alice's call through the challenge."""
    call = world.alice.call("sip:bob@192.0.2.2")
    again = world.challenge(world.gateway.last("INVITE"), QOP)
    world.gateway.answer(again)
    return call, again


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO"])
def test_later_requests_of_the_caller_count_on(opensips, method):
    world = World(opensips(text=script()))
    call, invite = answered_call(world)
    assert invite.message.cseq == 2 and world.alice.inbox[-1].message.cseq == 1
    assert invite.message.record_routes[0].parsed_uri.parameter("aci") == "1"
    call.ack()
    assert world.gateway.last("ACK").message.cseq == 2
    call.within(method)
    later = world.gateway.last(method)
    assert later.message.cseq == 3
    world.gateway.answer(later)
    assert world.alice.last(200).message.cseq == 2


def test_requests_of_the_callee_do_not(opensips):
    world = World(opensips(text=script()))
    call, invite = answered_call(world)
    call.ack()
    world.gateway.send(from_callee(invite, "BYE", cseq=50))
    bye = world.alice.last("BYE")
    assert bye.message.cseq == 50
    world.alice.answer(bye)
    assert world.gateway.last(200).message.cseq == 50


def check_prack_after_a_challenge(world):
    """That the PRACK of a provisional response to what was sent again acknowledges the number that this had."""
    call = world.alice.call("sip:bob@192.0.2.2")
    again = world.challenge(world.gateway.last("INVITE"), QOP)
    world.gateway.answer(again, 183, headers={"RSeq": "1", "Require": "100rel"})
    call._answer = world.alice.last(183).message
    call.within("PRACK", headers={"RAck": "1 1 INVITE"})
    prack = world.gateway.last("PRACK").message
    assert (prack.cseq, prack.header("RAck")) == (3, "1 2 INVITE")


def test_a_prack_acknowledges_the_number_that_the_callee_saw(opensips):
    check_prack_after_a_challenge(World(opensips(text=script())))


def test_a_bye_within_the_dialog_is_answered_for(opensips):
    world = World(opensips(text=script()))
    call, _ = answered_call(world)
    call.ack()
    call.bye()
    bye = world.gateway.last("BYE")
    again = world.challenge(bye, Challenge("gateway", "n2", qop="auth"))
    assert (bye.message.cseq, again.message.cseq) == (3, 4) and proves(again, credentials(again)[0])
    world.gateway.answer(again)
    assert world.alice.last(200).message.cseq == 2


def test_other_requests_within_a_dialog_are_not(opensips):
    world = World(opensips(text=script()))
    call, _ = answered_call(world)
    call.ack()
    call.within("INFO")
    assert world.challenge(world.gateway.last("INFO"), QOP) is None
    assert world.server.log.matching("only a BYE can be answered for, not a INFO")


def test_other_branches_carry_no_count(opensips):
    failed = 'if ($T_reply_code == 407) { uac_auth(); t_on_failure("answer"); t_relay(); } else t_relay();'
    world = World(opensips(text=script(failed=failed)))
    world.alice.call("sip:bob@192.0.2.2")
    again = world.challenge(world.gateway.last("INVITE"), QOP)
    assert again.message.record_routes[0].parsed_uri.parameter("aci") == "1"
    world.gateway.inbox.clear()
    world.gateway.answer(again, 503)
    third = world.gateway.last("INVITE")
    assert third.message.cseq == 1 and third.message.record_routes[0].parsed_uri.parameter("aci") is None
    assert third.header("Proxy-Authorization") is None


@pytest.mark.parametrize("count", ["x", "-1", "0", "99999999", "1;aci=2", ""])
def test_a_count_that_the_callee_made_up(opensips, count):
    world = World(opensips(text=script()))
    call, _ = answered_call(world)
    call.ack()
    world.gateway.last("ACK")
    route = f"<sip:127.0.0.1;lr;ftag=a;aci={count}>"
    world.alice.send(request("BYE", "sip:bob@192.0.2.2", to_tag="b", cseq=2, headers={"Route": route}))
    assert world.gateway.last("BYE").message.cseq == (3 if count == "1;aci=2" else 2)


def test_a_hangup_while_it_rings(opensips):
    world = World(opensips(text=script()))
    call = world.alice.call("sip:bob@192.0.2.2")
    again = world.challenge(world.gateway.last("INVITE"), QOP)
    world.gateway.answer(again, 180)
    call.cancel()
    assert world.gateway.last("CANCEL").message.cseq == 2
    world.gateway.answer(again, 487)
    assert world.gateway.last("ACK").message.cseq == 2 and world.alice.last(487).message.cseq == 1


# uac_inc_cseq


def test_counting_up_by_hand(opensips):
    world = World(opensips(text=script("$avp(rc) = uac_inc_cseq(5); uac_inc_cseq(10);")))
    got = world.ask(cseq=7)
    assert got.message.cseq == 22 and rc(world) == 1
    world.gateway.answer(got)
    assert world.alice.last(200).message.cseq == 7


def test_counting_up_in_some_branches(opensips):
    more = 'branch_route[b] { if ($T_branch_idx == 1) uac_inc_cseq(1); }'
    failed = "uac_inc_cseq(100); t_relay();"
    world = World(opensips(text=script('t_on_branch("b"); append_branch("sip:two@192.0.2.2");', failed, more=more)))
    world.ask(cseq=7)
    sent = [each for each in world.server.take() if each.method == "OPTIONS" and not each.status]
    assert [each.message.cseq for each in sent] == [7, 8]
    for each in sent:
        world.gateway.answer(each, 404)
    [third] = [each for each in world.server.take() if each.method == "OPTIONS" and not each.status]
    assert third.message.cseq == 107
    world.gateway.answer(third)
    assert world.alice.last(200).message.cseq == 7


def test_counting_up_in_an_open_transaction(opensips):
    world = World(opensips(text=script("t_newtran(); uac_inc_cseq(1);")))
    got = world.ask(cseq=7)
    assert got.message.cseq == 8
    world.gateway.answer(got)
    assert world.alice.last(200).message.cseq == 7

"""Other names in From and To, and the old ones on the way back."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import request
from tests.modules.uac.world import HEAD, World, from_callee, script

ALICE, MASK = "sip:alice@127.0.0.1", "sip:anonymous@anonymous.invalid"


def started(opensips, initial, **how):
    """A call that Alice makes."""
    world = World(opensips(text=script(initial, "", **how)))
    world.call = world.alice.call("sip:bob@192.0.2.2")
    world.invite = world.gateway.last("INVITE")
    return world


def answer(world, status=200):
    world.gateway.answer(world.invite, status)
    return world.alice.inbox[-1].message


@pytest.mark.parametrize(("arguments", "expected"), [
    ('"Batman", "sip:robin@gotham.org"', "Batman <sip:robin@gotham.org>;tag=a"),
    ('"Bat man", "sip:robin@gotham.org"', '"Bat man" <sip:robin@gotham.org>;tag=a'),
    ('"\\"Bat man\\"", "sip:robin@gotham.org"', '"Bat man" <sip:robin@gotham.org>;tag=a'),
    ('"batman", ""', "batman <sip:alice@127.0.0.1>;tag=a"),
    ('"", "sip:robin@gotham.org"', "<sip:robin@gotham.org>;tag=a"),
    ('"", ""', "<sip:alice@127.0.0.1>;tag=a"), (', "sip:r@g;x=y"', "<sip:r@g;x=y>;tag=a"),
    ('$avp(d), $avp(u)', '"D" <sip:u@h>;tag=a')])
@pytest.mark.parametrize("name", ["from", "to"])
def test_what_may_be_replaced(opensips, name, arguments, expected):
    world = started(opensips, f'$avp(d) = "\\"D\\""; $avp(u) = "sip:u@h"; $avp(rc) = uac_replace_{name}({arguments});')
    if name == "to":
        expected = expected.replace("alice@127.0.0.1", "bob@192.0.2.2").replace(";tag=a", "")
    assert world.invite.header(name) == expected
    assert world.server.runs[-1].avps["rc"] == [1]


@pytest.mark.parametrize(("arguments", "expected"), [
    ('"sip:robin@gotham.org"', "<sip:robin@gotham.org>"), ('"D", "sip:r@g"', "D <sip:r@g>"), ('"D", ""', "D <{}>"),
    ('"", ""', "<{}>"), ('"$avp(d)", "$avp(u)"', '"D d" <sip:u@h>')])
@pytest.mark.parametrize("name", ["from", "to"])
def test_the_older_dialect(opensips, name, arguments, expected):
    world = started(opensips, f'$avp(d) = "D d"; $avp(u) = "sip:u@h"; uac_replace_{name}({arguments});', dialect="2.1")
    found = world.invite.message.from_ if name == "from" else world.invite.message.to
    old = ALICE if name == "from" else "sip:bob@192.0.2.2"
    assert str(world.invite.header(name)).removesuffix(";tag=a") == expected.format(old) and found.uri


@pytest.mark.parametrize(("header", "expected"), [
    ("sip:alice@h;tag=a", "X <sip:r@g>;tag=a"), ('"A\\"l" <sip:alice@h>;tag=a;y=z', "X <sip:r@g>;tag=a;y=z"),
    ("Al Ice  <sip:alice@h>;tag=a", "X <sip:r@g>;tag=a"), ("<sip:alice@h>\r\n ;tag=a", "X <sip:r@g> ;tag=a")])
def test_forms_of_from(opensips, header, expected):
    world = World(opensips(text=script('uac_replace_from("X", "sip:r@g");', "")))
    data = request("OPTIONS", "sip:bob@192.0.2.2", call_id="c").replace(b"<sip:alice@example.com>;tag=a",
                                                                       header.encode())
    world.alice.send(data)
    got = world.gateway.last("OPTIONS")
    assert got.header("From") == expected
    world.gateway.answer(got)
    assert world.alice.last(200).header("From") == header.replace("\r\n", "").replace("  ;", " ;")


def test_a_display_name_stays_before_another_uri(opensips):
    world = World(opensips(text=script('uac_replace_from(, "sip:r@g");', "")))
    world.alice.send(request("OPTIONS", "sip:bob@192.0.2.2").replace(b"From: <", b'From: "Al, Ice" <'))
    assert world.gateway.last("OPTIONS").header("From") == '"Al, Ice" <sip:r@g>;tag=a'


@pytest.mark.parametrize("uri", ["rubbish", "sip:", "sip:a@b\\r\\nEvil: x", "<sip:a@b>", "sip:a b@c"])
def test_what_is_no_uri_is_refused(opensips, uri):
    world = started(opensips, f'$avp(rc) = uac_replace_from("X", "{uri}");')
    assert world.server.runs[-1].avps["rc"] == [-1] and world.invite.header("Evil") is None
    assert world.invite.message.from_.uri == ALICE and world.invite.message.from_.display_text == ""


@pytest.mark.parametrize("display", [
    'a\\r\\nEvil: x', '\\"a\\" b', '\\"a\\r\\nEvil: x\\"', 'a\\"b', '\\"a\\\\\\"', "Zoë"])
def test_a_display_name_begins_no_header(opensips, display):
    world = started(opensips, f'uac_replace_from("{display}", "sip:r@g");')
    assert world.invite.header("Evil") is None
    assert world.invite.message.from_.uri == "sip:r@g" and world.invite.message.from_tag == "a"


@pytest.mark.parametrize("mode", ["auto", "manual", "none"])
@pytest.mark.parametrize("name", ["from", "to"])
def test_responses(opensips, mode, name):
    settings = f'modparam("uac", "restore_mode", "{mode}")\n'
    world = started(opensips, f'uac_replace_{name}("X", "{MASK}");', settings=settings)
    for status in (180, 200):
        got = answer(world, status)
        header = str(got.header(name))
        old = f"<{ALICE}>" if name == "from" else "<sip:bob@192.0.2.2>"
        assert header.startswith(f"X <{MASK}>" if mode == "none" else old), (status, header)
        assert (got.from_tag, got.to_tag) == ("a", "tag-gateway")
    [route] = world.invite.message.record_routes
    assert (route.parsed_uri.parameter("vsf" if name == "from" else "vst") is None) == (mode == "none")
    assert "alice" not in route.uri and "anonymous" not in route.uri


@pytest.mark.parametrize("name", ["from", "to"])
def test_later_requests_of_both_sides(opensips, name):
    world = started(opensips, f'uac_replace_{name}("X", "{MASK}");')
    answer(world)
    assert [each.header("From") for each in world.call.ack()] == [
        f"<{MASK if name == 'from' else ALICE}>;tag=a"]
    world.call.within("INFO")
    info = world.gateway.last("INFO")
    ours, theirs = (MASK, "sip:bob@192.0.2.2") if name == "from" else (ALICE, MASK)
    assert (info.message.from_.uri, info.message.to.uri) == (ours, theirs)
    world.gateway.answer(info)
    done = world.alice.last(200).message
    assert (done.from_.uri, done.to.uri) == (ALICE, "sip:bob@192.0.2.2")
    world.gateway.send(from_callee(world.invite, "BYE"))
    bye = world.alice.last("BYE")
    assert (bye.message.from_.uri, bye.message.to.uri) == ("sip:bob@192.0.2.2", ALICE)
    assert (bye.message.from_tag, bye.message.to_tag) == ("tag-gateway", "a")
    world.alice.answer(bye)
    done = world.gateway.last(200).message
    assert (done.from_.uri, done.to.uri) == (theirs, ours)


def test_both_at_once(opensips):
    world = started(opensips, f'uac_replace_from("X", "{MASK}"); uac_replace_to("", "sip:other@h");')
    answer(world)
    world.call.bye()
    bye = world.gateway.last("BYE").message
    assert (bye.from_.uri, bye.to.uri) == (MASK, "sip:other@h")


@pytest.mark.parametrize("name", ["from", "to"])
def test_by_hand(opensips, name):
    settings = 'modparam("uac", "restore_mode", "manual")\n'
    text = script(f'uac_replace_{name}("X", "{MASK}");', "", settings=settings)
    plain = World(opensips(text=text))
    for restored in (False, True):
        if restored:
            text = text.replace("if (!loose_route())\n\t\t\texit;",
                                f"loose_route(); $avp(rc) = uac_restore_{name}(); ")
            plain = World(opensips(text=text))
        call = plain.alice.call("sip:bob@192.0.2.2")
        invite = plain.gateway.last("INVITE")
        plain.gateway.answer(invite)
        call.bye()
        bye = plain.gateway.last("BYE")
        found = bye.message.from_.uri if name == "from" else bye.message.to.uri
        assert (found == MASK) == restored
        plain.gateway.answer(bye)
        done = plain.alice.last(200).message
        assert (done.from_.uri, done.to.uri) == (ALICE, "sip:bob@192.0.2.2")
        plain.gateway.send(from_callee(invite, "INFO"))
        info = plain.alice.last("INFO").message
        assert (info.from_.uri, info.to.uri) == (
            ("sip:bob@192.0.2.2", ALICE) if restored else (invite.message.to.uri, invite.message.from_.uri))
        if restored:
            assert plain.server.runs[-1].avps["rc"] == [1]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize("name", ["from", "to"])
def test_nothing_to_restore(opensips, name, dialect):
    world = World(opensips(text=script(f"uac_restore_{name}(); $avp(rc) = $rc;", "", dialect=dialect)))
    world.ask()
    assert world.server.runs[-1].avps["rc"] == [-1]


def test_whoever_changed_a_name_within_the_dialog_had_a_reason(opensips):
    world = started(opensips, f'uac_replace_from("X", "{MASK}");')
    answer(world)
    world.gateway.send(from_callee(world.invite, "BYE", to="sip:else@where"))
    assert world.alice.last("BYE").message.to.uri == "sip:else@where"
    world = started(opensips, f'uac_replace_from("X", "{MASK}");')
    answer(world)
    world.gateway.send(from_callee(world.invite, "BYE", to=MASK.upper().replace("SIP:ANONYMOUS", "sip:anonymous")))
    assert world.alice.last("BYE").message.to.uri == ALICE  # the same URI in other letters


@pytest.mark.parametrize("word", ["x", "AAAAAAAAAAAAAAAAAAAAAA", "", "A" * 5000])
def test_a_word_that_the_other_side_made_up(opensips, word):
    world = started(opensips, f'uac_replace_from("X", "{MASK}");')
    route = f"<sip:127.0.0.1;lr;ftag=a;vsf={word}>"
    world.alice.send(request("BYE", "sip:bob@192.0.2.2", sender=ALICE, to_tag="b", cseq=2, headers={"Route": route}))
    assert world.gateway.last("BYE").message.from_.uri == ALICE


def test_names_of_the_parameters(opensips):
    settings = 'modparam("uac", "rr_from_store_param", "ff")\nmodparam("uac", "rr_to_store_param", "tt")\n'
    world = started(opensips, 'uac_replace_from("", "sip:f@h"); uac_replace_to("", "sip:t@h");', settings=settings)
    uri = world.invite.message.record_routes[0].parsed_uri
    assert uri.parameter("ff") and uri.parameter("tt") and uri.parameter("vsf") is uri.parameter("vst") is None
    answer(world)
    world.call.bye()
    bye = world.gateway.last("BYE").message
    assert (bye.from_.uri, bye.to.uri) == ("sip:f@h", "sip:t@h")


def test_servers_with_the_same_password_read_each_others(opensips):
    words = []
    for password in ("one", "one", "two", ""):
        settings = f'modparam("uac", "restore_passwd", "{password}")\n'
        world = started(opensips, f'uac_replace_from("", "{MASK}");', settings=settings)
        words.append(world.invite.message.record_routes[0].parsed_uri.parameter("vsf"))
    assert words[0] == words[1] and len(set(words)) == 3


def test_a_branch_of_its_own(opensips):
    more = 'branch_route[b] { if ($T_branch_idx == 1) uac_replace_from("", "sip:second@h"); }'
    world = World(opensips(text=script('t_on_branch("b"); append_branch("sip:two@192.0.2.2");', "", more=more)))
    call = world.alice.call("sip:bob@192.0.2.2")
    sent = [each for each in world.server.take() if each.method == "INVITE" and not each.status]
    assert [each.message.from_.uri for each in sent] == [ALICE, "sip:second@h"]
    assert [each.message.record_routes[0].parsed_uri.parameter("vsf") is None for each in sent] == [True, False]
    world.gateway.answer(sent[1])
    assert world.alice.inbox[-1].message.from_.uri == ALICE
    world.gateway.inbox.clear()
    call.ack()
    assert world.gateway.last("ACK").message.from_.uri == "sip:second@h"


def test_a_second_try_under_another_name(opensips):
    failed = f'$avp(rc) = uac_replace_from("", "{MASK}"); $avp(again) = uac_replace_from("", "sip:x@y"); t_relay();'
    world = World(opensips(text=script("", failed)))
    call = world.alice.call("sip:bob@192.0.2.2")
    first = world.gateway.last("INVITE")
    world.gateway.answer(first, 404)
    second = world.gateway.last("INVITE")
    assert second.message.from_.uri == MASK and second.message.record_routes[0].parsed_uri.parameter("vsf")
    assert [world.server.runs[-1].avps[name] for name in ("rc", "again")] == [[1], [-1]]
    world.gateway.answer(second)
    assert world.alice.inbox[-1].message.from_.uri == ALICE
    call.bye()
    assert world.gateway.last("BYE").message.from_.uri == MASK


def test_once_per_request(opensips):
    more = 'branch_route[b] { $avp(branch) = uac_replace_from("", "sip:z@h"); }'
    world = started(opensips, f'uac_replace_from("", "{MASK}"); $avp(rc) = uac_replace_from("", "sip:x@h"); '
                              't_on_branch("b");', more=more)
    avps = world.server.runs[-1].avps
    assert avps["rc"] == avps["branch"] == [-1] and world.invite.message.from_.uri == MASK


def test_within_a_dialog_auto_refuses_and_others_do_not(opensips):
    for mode, expected in (("auto", -1), ("manual", 1), ("none", 1)):
        settings = f'modparam("uac", "restore_mode", "{mode}")\n'
        text = script("", "", settings=settings).replace(
            "if (!loose_route())", f'loose_route(); $avp(rc) = uac_replace_from("", "{MASK}"); if (0)')
        world = World(opensips(text=text))
        call = world.alice.call("sip:bob@192.0.2.2")
        world.gateway.answer(world.gateway.last("INVITE"))
        call.bye()
        assert world.gateway.last("BYE").message.from_.uri == (MASK if expected == 1 else ALICE)
        assert world.server.runs[-1].avps["rc"] == [expected]


def test_a_uri_that_is_too_long_to_keep(opensips):
    world = started(opensips, f'$avp(rc) = uac_replace_from("", "sip:{"a" * 1100}@h");')
    assert world.server.runs[-1].avps["rc"] == [-1] and world.invite.message.from_.uri == ALICE


WITHOUT = HEAD.replace('loadmodule "rr.so"\n', "")


def without_rr(mode):
    return script('$avp(rc) = uac_replace_from("", "sip:x@h");', "", settings=mode, head=WITHOUT).replace(
        "record_route();", "").replace("!loose_route()", "0")


def test_without_module_rr(opensips):
    world = World(opensips(text=without_rr('modparam("uac", "restore_mode", "none")\n')))
    assert world.ask().message.from_.uri == "sip:x@h"
    world = World(opensips(text=without_rr("")))
    assert world.ask().message.from_.uri == ALICE and world.server.log.matching("module rr is needed")


@pytest.mark.parametrize(("settings", "why"), [
    ('modparam("uac", "restore_mode", "manual")\n', "restore_mode manual needs module rr"),
    ('modparam("uac", "restore_mode", "always")\n', "one of none, manual, auto"),
    ('modparam("uac", "rr_from_store_param", "")\n', "rr_from_store_param may be empty"),
    ('modparam("uac", "rr_to_store_param", "")\n', "rr_to_store_param may be empty")])
def test_parameters_that_cannot_work(opensips, settings, why):
    with pytest.raises(ConfigError, match=why):
        opensips(text=without_rr(settings))


def test_directions_need_the_from_tag(opensips):
    with pytest.raises(ConfigError, match="needs append_fromtag"):
        opensips(text=script(settings='modparam("rr", "append_fromtag", 0)\n'))
    opensips(text=script(settings='modparam("rr", "append_fromtag", 0)\nmodparam("uac", "restore_mode", "none")\n'))

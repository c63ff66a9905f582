"""Bodies and their parts."""
from __future__ import annotations

import pytest

from opensips_py.sip import parse
from opensips_py.sip.bodies import parts_of
from tests.modules.bench import Bench
from tests.modules.sipmsgops.calls import SDP, answer, invite, play

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])
ISUP = "\x01\x02isup"
MIXED = "multipart/mixed;boundary=b"
BOTH = (f"--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b\r\nContent-Type: application/isup;v=1\r\n"
        f"Content-Disposition: signal;\r\n handling=optional\r\n\r\n{ISUP}\r\n--b--\r\n")


def parts_after(body, content=SDP, kind="application/sdp", dialect="4.0", **how):
    """Types and contents of the parts that leave, the Content-Type, and what the last call answered."""
    sent, found = play(body, content, kind, dialect, **how)
    return ([(each.content_type, each.content.decode()) for each in parts_of(sent)], sent.header("Content-Type"),
            found["rc"])


@DIALECTS
@pytest.mark.parametrize(("call", "content", "kind", "code"), [
    ("has_body()", SDP, "application/sdp", 1), ("has_body()", "", "", -1), ("has_body()", SDP, "", 1),
    ('has_body("application/SDP")', SDP, "application/sdp;x=y", 1),
    ('has_body("text/plain")', SDP, "application/sdp", -1),
    ('has_body("application/isup")', BOTH, MIXED, 1), ('has_body("multipart/mixed")', BOTH, MIXED, 1),
    ('has_body("text/plain")', BOTH, MIXED, -1), ('has_body("application/sdp")', "", "application/sdp", -1),
    ('has_body("0")', SDP, "application/sdp", 1)])
def test_bodies_are_found(call, content, kind, code, dialect):
    assert answer(call, content, kind, dialect) == code


@pytest.mark.parametrize(("call", "content", "kind", "code"), [
    ("has_body_part()", SDP, "application/sdp", 1), ("has_body_part()", "", "", -1),
    ("has_body_part()", BOTH, MIXED, 1),
    ('has_body_part("application/isup")', BOTH, MIXED, 1), ('has_body_part("multipart/mixed")', BOTH, MIXED, -1),
    ('has_body_part("text/plain")', BOTH, MIXED, -1), ('has_body_part("Application/SDP")', SDP, "application/sdp", 1)])
def test_parts_are_found(call, content, kind, code):
    assert answer(call, content, kind) == code


def test_parts_show_what_was_done_to_them():
    for change, kind, code in (('add_body_part("x", "text/plain")', "text/plain", 1),
                               ('remove_body_part("application/sdp")', "application/sdp", -1)):
        assert play(f'{change}; has_body_part("{kind}");', BOTH, MIXED)[1]["rc"] == code


def test_part_is_the_body_of_a_message_without():
    assert parts_after('add_body_part("Hello $fU", "text/plain;charset=utf-8");', "", "") == (
        [("text/plain;charset=utf-8", "Hello alice")], "text/plain;charset=utf-8", 1)


def test_body_becomes_multipart():
    parts, kind, code = parts_after(r'add_body_part("x", "text/plain", "Content-ID: 1\r\nX-A: b");'
                                    'add_body_part("y", "text/html");')
    assert parts == [("application/sdp", SDP), ("text/plain", "x"), ("text/html", "y")] and code == 1
    assert kind.startswith("multipart/mixed;boundary=")
    sent, _ = play(r'add_body_part("x", "text/plain", "Content-ID: 1\r\nX-A: b");')
    assert b"\r\nContent-Type: text/plain\r\nContent-ID: 1\r\nX-A: b\r\n\r\nx\r\n--" in sent.body


def test_multipart_body_gets_another_part():
    sent, _ = play('add_body_part("x", "text/plain");', BOTH, MIXED)
    added = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    assert sent.body.decode() == BOTH.removesuffix("--b--\r\n") + added + "--b--\r\n"


def test_added_parts_alone_can_be_multipart():
    parts, kind, _ = parts_after('add_body_part("x", "text/plain"); add_body_part("y", "text/html");', "", "")
    assert parts == [("text/plain", "x"), ("text/html", "y")] and kind.startswith("multipart/mixed;boundary=")


@pytest.mark.parametrize(("call", "parts", "kind"), [
    ("remove_body_part()", [], None), ('remove_body_part("application/isup")', [("application/sdp", SDP)],
                                       "application/sdp"),
    ('remove_body_part("application/sdp")', [("application/isup;v=1", ISUP)], "application/isup;v=1"),
    ('remove_body_part("application/sdp", "revert")', [("application/sdp", SDP)], "application/sdp"),
    ('remove_body_part("text/plain", "revert")', [], None),
    ('remove_body_part("application/sdp"); remove_body_part("application/isup")', [], None),
    ('remove_body_part("application/sdp"); add_body_part("x", "text/plain")',
     [("application/isup;v=1", ISUP), ("text/plain", "x")], MIXED),
    ('remove_body_part(); add_body_part("x", "text/plain")', [("text/plain", "x")], "text/plain"),
    ('add_body_part("x", "text/plain"); remove_body_part("text/plain")',
     [("application/sdp", SDP), ("application/isup;v=1", ISUP)], MIXED),
])
def test_parts_are_removed(call, parts, kind):
    assert parts_after(f"{call};", BOTH, MIXED) == (parts, kind, 1)


def test_part_that_is_left_keeps_its_other_headers():
    sent, _ = play('remove_body_part("application/sdp");', BOTH, MIXED)
    assert sent.header("Content-Disposition") == "signal; handling=optional" and sent.body.decode() == ISUP


@pytest.mark.parametrize(("call", "content", "kind"), [
    ('remove_body_part("text/plain")', BOTH, MIXED), ('remove_body_part("text/plain")', SDP, "application/sdp"),
    ("remove_body_part()", "", ""), ('remove_body_part("application/sdp", "revert")', SDP, "application/sdp")])
def test_nothing_to_remove(call, content, kind):
    assert answer(call, content, kind) == -1


def test_content_type_that_the_script_removed_comes_back_with_a_body():
    assert parts_after('remove_hf("Content-Type"); remove_body_part(); add_body_part("x", "text/plain");') == (
        [("text/plain", "x")], "text/plain", 1)


def test_edits_inside_of_parts_hold():
    parts, _, _ = parts_after('codec_delete("PCMU"); add_body_part("x", "text/plain"); replace_body("s=-", "s=x");',
                              modules="sipmsgops textops")
    assert parts[0][1] == SDP.replace("RTP/AVP 0 8", "RTP/AVP 8").replace("a=rtpmap:0 PCMU/8000\r\n", "").replace(
        "s=-", "s=x")


@pytest.mark.parametrize(("call", "content", "kind", "expected"), [
    ('codec_delete("PCMU"); get_updated_body_part("application/sdp", $var(new))', SDP, "application/sdp",
     SDP.replace("RTP/AVP 0 8", "RTP/AVP 8").replace("a=rtpmap:0 PCMU/8000\r\n", "")),
    ('add_body_part("x", "text/plain"); get_updated_body_part("text/plain", $var(new))', SDP, "application/sdp", "x"),
    ('remove_body_part("application/sdp"); get_updated_body_part(, $var(new))', BOTH, MIXED, ISUP),
    ('$sdp.line(s=) = "s=x"; get_updated_body_part(, $var(new))', SDP, "application/sdp", SDP.replace("s=-", "s=x")),
    ("get_updated_body_part(, $var(new))", BOTH, MIXED, BOTH)])
def test_updated_parts_are_read(call, content, kind, expected):
    found = play(f'$var(new) = 1; {call};', content, kind)[1]
    assert (found["new"], found["rc"]) == (expected, 1)


@pytest.mark.parametrize(("call", "content", "kind"), [
    ('get_updated_body_part("text/plain", $var(new))', SDP, "application/sdp"),
    ("get_updated_body_part(, $var(new))", "", ""),
    ('remove_body_part("application/sdp"); get_updated_body_part("application/sdp", $var(new))', BOTH, MIXED)])
def test_no_updated_part(call, content, kind):
    found = play(f"$var(new) = 1; {call};", content, kind)[1]
    assert not found.get("new") and found["rc"] == -1


def test_updated_part_of_a_branch():
    bench = Bench("tm sipmsgops", 'codec_delete("PCMU"); t_on_branch("b"); t_relay();',
                  routes='branch_route[b] { codec_delete("PCMA"); '
                         'get_updated_body_part("application/sdp", $avp(new)); }')
    bench.receive(bench.message(invite()))
    sent = next(each for each in bench.take() if each.is_request)
    run = bench.runs[0]
    assert run.avps["new"] == [sent.body.decode()] and "RTP/AVP 97 98" in sent.body.decode()


@pytest.mark.parametrize("modules", ["sl", "tm"])
def test_replies_get_a_body(modules):
    send = 'sl_send_reply(488, "No");' if modules == "sl" else 't_reply(488, "No");'
    bench = Bench(f"{modules} sipmsgops", 'append_body_to_reply("first"); append_body_to_reply("to $fU");'
                  r'append_to_reply("Content-Type: text/plain\r\n");' + send)
    bench.receive(bench.message(invite()))
    reply = next(each for each in bench.take() if each.status == 488)
    assert (reply.body, reply.header("Content-Type")) == (b"to alice", "text/plain")


# Functions of 2.1


@pytest.mark.parametrize(("call", "content", "kind", "expected"), [
    ('add_body("Hello $fU", "text/plain")', "", "", ("Hello alice", "text/plain", 1)),
    ('add_body("Hello", "text/plain")', BOTH, MIXED, ("Hello", "text/plain", 1)),
    ('add_body("v=0")', SDP, "application/sdp", ("v=0", "application/sdp", 1)),
    ('add_body("x")', "", "", ("", None, -1)),
    ("strip_body()", SDP, "application/sdp", ("", None, 1)), ("strip_body()", "", "", ("", None, -1)),
    ('strip_body("application/sdp")', SDP, "application/sdp", ("", None, 1)),
    ('strip_body("text/plain")', SDP, "application/sdp", (SDP, "application/sdp", -1)),
    ('strip_body("multipart/mixed")', BOTH, MIXED, ("", None, 1)),
    ('strip_body("application/isup")', BOTH, MIXED,
     (f"--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b--\r\n", MIXED, 1)),
    ('strip_body("text/plain")', BOTH, MIXED, (BOTH, MIXED, -1)),
    ('filter_body("application/sdp")', BOTH, MIXED, (SDP, "application/sdp", 1)),
    ('filter_body("application/isup")', BOTH, MIXED, (ISUP, "application/isup;v=1", 1)),
    ('filter_body("text/plain")', BOTH, MIXED, (BOTH, MIXED, -1)),
    ('filter_body("application/sdp")', SDP, "application/sdp", (SDP, "application/sdp", -1)),
])
def test_old_functions(call, content, kind, expected):
    sent, found = play(f"{call};", content, kind, "2.1")
    assert (sent.body.decode(), sent.header("Content-Type"), found["rc"]) == expected


def test_the_manuals_way_of_filtering():
    sent, _ = play('if (filter_body("application/sdp")) { remove_hf("Content-Type"); '
                   r'append_hf("Content-Type: application/sdp\r\n"); }', BOTH, MIXED, "2.1")
    assert [each.value for each in sent.headers("Content-Type")] == ["application/sdp"] and sent.body.decode() == SDP


def test_responses_have_bodies_too():
    bench = Bench("sipmsgops", routes='onreply_route[r] { remove_body_part(); }')
    response = bench.message("SIP/2.0 200 OK\r\n" + invite().partition("\r\n")[2])
    bench.run_on(response, kind=4, name="r")
    sent = parse(response.edited())
    assert (sent.body, sent.header("Content-Type"), sent.content_length) == (b"", None, 0)

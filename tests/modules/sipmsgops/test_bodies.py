"""Bodies, and what is asked of their parts."""
from __future__ import annotations

import pytest

from opensips_py.sip import parse
from tests.modules.bench import Bench
from tests.modules.sipmsgops.calls import BOTH, ISUP, MIXED, SDP, answer, invite, play

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])


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


def test_single_part_of_a_multipart_body_is_not_the_body():
    one = f"--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b--\r\n"
    found = play('get_updated_body_part("application/sdp", $var(new));', one, MIXED)[1]
    assert (found["new"], found["rc"]) == (SDP, 1)

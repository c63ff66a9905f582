"""Parts that scripts add to a body and remove from it."""
from __future__ import annotations

import pytest

from opensips_py.sip import parse
from opensips_py.sip.bodies import parts_of
from tests.modules.sipmsgops.calls import BOTH, ISUP, MIXED, SDP, answer, invite, play


def parts_after(body, content=SDP, kind="application/sdp", dialect="4.0", **how):
    """Types and contents of the parts that leave, the Content-Type, and what the last call answered."""
    sent, found = play(body, content, kind, dialect, **how)
    return ([(each.content_type, each.content.decode()) for each in parts_of(sent)], sent.header("Content-Type"),
            found["rc"])


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


@pytest.mark.parametrize(("kind", "left"), [("application/isup", SDP), ("application/sdp", ISUP)])
def test_what_stands_around_the_parts_goes_with_the_boundaries(kind, left):
    sent, _ = play(f'remove_body_part("{kind}");', f"This is multipart: yes\r\n{BOTH}The end\r\n", MIXED)
    assert sent.body.decode() == left and sent.header("This is multipart") is None
    assert len(sent.headers()) == len(parse(invite(left).encode()).headers()) + (left == ISUP)

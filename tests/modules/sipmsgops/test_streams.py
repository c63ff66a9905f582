"""Streams in the SDP of a call."""
from __future__ import annotations

import pytest

from tests.modules.sipmsgops.calls import AUDIO, SDP, SESSION, VIDEO, answer, play, sdp_after

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])


@DIALECTS
@pytest.mark.parametrize("call", [
    'codec_exists("PCMU")', 'codec_exists_re(".")', 'codec_delete("PCMU")', 'codec_delete_re(".")',
    'codec_delete_except_re("x")', 'codec_move_up("PCMU")', 'codec_move_up_re(".")', 'codec_move_down("PCMU")',
    'codec_move_down_re(".")', 'stream_exists(".*")', 'stream_delete(".*")', "is_audio_on_hold()"])
@pytest.mark.parametrize(("content", "kind"), [("", ""), (SDP, "text/plain"), (SESSION, "application/sdp")])
def test_without_streams_there_is_nothing(call, content, kind, dialect):
    assert answer(call, content, kind, dialect) == -1


@DIALECTS
@pytest.mark.parametrize(("call", "code"), [('stream_exists("image")', -1), ('stream_exists("AUD")', 1),
                                            ('stream_exists("^video$")', 1)])
def test_streams_are_found(call, code, dialect):
    assert answer(call, dialect=dialect) == code


@pytest.mark.parametrize(("call", "code"), [
    ('stream_exists("audio","SAVP")', -1), ('stream_exists("video","savp")', 1), ('stream_exists(".","^RTP/AVP$")', 1)])
def test_streams_are_found_by_transport(call, code):
    assert answer(call) == code


@DIALECTS
@pytest.mark.parametrize(("call", "body", "code"), [
    ('stream_delete("video")', SESSION + AUDIO, 1), ('stream_delete("audio|video")', SESSION, 1),
    ('stream_delete("image")', SDP, -1), ('stream_delete("audio"); stream_exists("audio")', SESSION + VIDEO, -1)])
def test_streams_are_deleted(call, body, code, dialect):
    assert sdp_after(call, dialect=dialect) == (body, code)


def test_streams_are_deleted_by_transport():
    assert sdp_after('stream_delete(".", "SAVP")') == (SESSION + AUDIO, 1)
    assert sdp_after('stream_delete("audio", "SAVP")') == (SDP, -1)


@pytest.mark.parametrize(("content", "code"), [
    (SDP, -1), (SDP.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0"), 1), (SDP.replace("a=sendrecv", "a=sendonly"), 2),
    (SDP.replace("a=sendrecv", "a=inactive"), 2), (SDP.replace("a=sendrecv", "a=recvonly"), -1),
    (SDP.replace("t=0 0\r\n", "t=0 0\r\na=inactive\r\n"), -1), (SDP.replace("a=sendrecv", "c=IN IP6 ::"), 1),
    (SDP.replace("t=0 0\r\n", "t=0 0\r\na=inactive\r\n").replace("a=sendrecv\r\n", ""), 2),
    (SDP.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0").replace("a=sendrecv", "c=IN IP4 192.0.2.1"), -1),
    (SESSION + "m=audio 0 RTP/AVP 0\r\na=inactive\r\n", -1), (SESSION + VIDEO + "a=inactive\r\n", -1),
])
def test_hold(content, code):
    assert answer("is_audio_on_hold()", content) == code
    assert answer("is_audio_on_hold()", content, dialect="2.1") == (1 if code > 0 else -1)


@pytest.mark.parametrize("remove", ["remove_body_part()", 'remove_body_part("text/plain", "revert")'])
@pytest.mark.parametrize("call", ['stream_exists("audio")', 'stream_delete("audio")', "is_audio_on_hold()"])
def test_streams_of_a_removed_part_are_gone(remove, call):
    held = SDP.replace("a=sendrecv", "a=sendonly")
    sent, found = play(f"{remove}; {call};", held)
    assert (sent.body, found["rc"]) == (b"", -1)

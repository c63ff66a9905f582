"""Codecs in the SDP of a call."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench
from tests.modules.sipmsgops.calls import AUDIO, SDP, SESSION, VIDEO, answer, invite, play, sdp_after

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])
FORMATS = "0 8 97 98 101"


@DIALECTS
@pytest.mark.parametrize(("call", "code"), [
    ('codec_exists("speex")', 1), ('codec_exists("SPEEX","16000")', 1), ('codec_exists("speex","32000")', -1),
    ('codec_exists("pcma")', 1), ('codec_exists("H263","90000")', 1), ('codec_exists("GSM")', -1),
    ('codec_exists_re("^sp[a-z]*$")', 1), ('codec_exists_re("^pcma|gsm$")', 1), ('codec_exists_re("^ex")', -1),
])
def test_codecs_are_found(call, code, dialect):
    assert answer(call, dialect=dialect) == code


@DIALECTS
@pytest.mark.parametrize(("call", "formats", "gone"), [
    ('codec_delete("PCMU")', "8 97 98 101", ["a=rtpmap:0 PCMU/8000"]),
    ('codec_delete("pcma","8000")', "0 97 98 101", []),
    ('codec_delete("speex","8000")', "0 8 98 101", ["a=rtpmap:97 speex/8000", "a=fmtp:97 mode=1"]),
    ('codec_delete_re("^PCM|^telephone")', "97 98",
     ["a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]),
    ('codec_delete_except_re("pcm|h26")', "0 8", ["a=rtpmap:97 speex/8000", "a=rtpmap:98 speex/16000",
     "a=fmtp:97 mode=1", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]),
])
def test_codecs_are_deleted_with_their_attributes(call, formats, gone, dialect):
    audio = AUDIO.replace(FORMATS, formats)
    for line in gone:
        audio = audio.replace(line + "\r\n", "")
    assert sdp_after(call, dialect=dialect) == (SESSION + audio + VIDEO, 1)


@DIALECTS
@pytest.mark.parametrize("call", ['codec_delete("GSM")', 'codec_delete("PCMU","16000")', 'codec_delete_re("^x")',
                                  'codec_delete_except_re(".")', 'codec_move_up("GSM")', 'codec_move_down("GSM")',
                                  'codec_move_up_re("^x")', 'codec_move_down_re("^x")'])
def test_what_is_not_there_changes_nothing(call, dialect):
    assert sdp_after(call, dialect=dialect) == (SDP, -1)


def test_stream_without_codecs_is_refused():
    body, code = sdp_after('codec_delete_re("^H26"); codec_exists_re("^H26")')
    assert (body, code) == (SESSION + AUDIO + "m=video 0 RTP/SAVP 34\r\n", -1)


@DIALECTS
@pytest.mark.parametrize(("call", "formats"), [
    ('codec_move_up("speex")', "97 98 0 8 101"), ('codec_move_up("speex","16000")', "98 0 8 97 101"),
    ('codec_move_up_re("event|^pcma")', "8 101 0 97 98"), ('codec_move_down("PCMU")', "8 97 98 101 0"),
    ('codec_move_down("speex","8000")', "0 8 98 101 97"), ('codec_move_down_re("^sp|u$")', "8 101 0 97 98"),
])
def test_codecs_change_places(call, formats, dialect):
    assert sdp_after(call, dialect=dialect) == (SDP.replace(FORMATS, formats), 1)


def test_moving_what_stands_there_already_succeeds():
    assert sdp_after('codec_move_up("PCMU")') == (SDP, 1)


def test_changes_build_upon_each_other_and_show_at_once():
    body, code = sdp_after('codec_move_down("speex", "8000"); codec_delete("PCMU", "8000"); codec_move_up("speex");'
                           'codec_exists("PCMU")')
    assert (body, code) == (SDP.replace(FORMATS, "98 97 8 101").replace("a=rtpmap:0 PCMU/8000\r\n", ""), -1)


def test_other_readers_do_not_see_them():
    assert play('codec_delete("PCMU"); $var(body) = $rb;')[1]["body"] == SDP


def test_edits_of_other_lines_hold_beside_them():
    body, _ = sdp_after('replace_body("^c=IN IP4 192.0.2.1", "c=IN IP4 192.0.2.9"); codec_delete("PCMU");'
                        'replace_body("audio 4000", "audio 5000"); subst_body("/^t=0 0/t=1 1/")',
                        modules="sipmsgops textops")
    assert body == (SDP.replace("c=IN IP4 192.0.2.1", "c=IN IP4 192.0.2.9").replace("audio 4000", "audio 5000").replace(
        "t=0 0", "t=1 1").replace(FORMATS, "8 97 98 101").replace("a=rtpmap:0 PCMU/8000\r\n", ""))


def test_assigned_lines_and_codecs_are_one_sdp():
    body, _ = sdp_after('$sdp.line(s=) = "s=call"; codec_delete("speex"); $sdp.line(a=sendrecv) = "a=sendonly"; '
                        '$var(found) = $sdp.line(m=)')
    audio = "".join(line for line in AUDIO.splitlines(True) if ":97 " not in line and ":98 " not in line)
    assert body == (SESSION.replace("s=-", "s=call") + audio.replace(FORMATS, "0 8 101").replace("sendrecv", "sendonly")
                    + VIDEO)


def test_every_sdp_of_a_multipart_body_counts():
    parts = "".join(f"--b\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in (
        ("application/sdp", SESSION + AUDIO), ("text/plain", AUDIO), ("application/sdp", SESSION + VIDEO)))
    parts += "--b--\r\n"
    sent, found = play('codec_delete_re("pcmu|h264");', parts, "multipart/mixed;boundary=b")
    expected = parts.replace(f"{FORMATS}\r\na=rtpmap:0 PCMU/8000\r\n", "8 97 98 101\r\n", 1).replace(
        VIDEO, "m=video 4002 RTP/SAVP 34\r\n")
    assert sent.body.decode() == expected and found["rc"] == 1


def test_a_branch_changes_its_own_sdp_alone():
    bench = Bench("tm sipmsgops", 'codec_delete("PCMU"); t_on_branch("b"); $branch = "sip:carol@192.0.2.3"; t_relay();',
                  routes='branch_route[b] { if ($rU == "bob") codec_delete("speex"); '
                         'else codec_move_up("telephone-event"); }')
    bench.receive(bench.message(invite()))
    sent = [each for each in bench.take() if each.is_request]
    lines = {each.parsed_uri.user: next(line for line in each.body.decode().split("\r\n") if line.startswith("m=a"))
             for each in sent}
    assert lines == {"bob": "m=audio 4000 RTP/AVP 8 101", "carol": "m=audio 4000 RTP/AVP 101 8 97 98"}
    assert [each.body.count(b"speex") for each in sent] == [0, 2]


@pytest.mark.parametrize(("remove", "dialect"), [("remove_body_part()", "4.0"), ("strip_body()", "2.1"),
                                               ('add_body("x", "text/plain")', "2.1")])
@pytest.mark.parametrize("call", ['codec_exists("PCMU")', 'codec_delete("PCMU")', 'codec_move_up("speex")',
                                  'codec_move_down_re("PCM")'])
def test_codecs_of_a_removed_part_are_gone(remove, call, dialect):
    sent, found = play(f"{remove}; {call};", dialect=dialect)
    assert (b"v=0" in sent.body, found["rc"]) == (False, -1)

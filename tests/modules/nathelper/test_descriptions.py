"""Session descriptions of senders behind NAT."""
from __future__ import annotations

import pytest

from tests.modules.nathelper.messages import AUDIO, SDP, SESSION, SOURCE, invite, play

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])


def after(call: str, content: str = SDP, modules: str = "nathelper", **how) -> tuple[str, int]:
    """The body that leaves, and what the last call answered."""
    sent, run = play(f"{call};", invite(body=content), modules=modules, **how)
    return sent.body.decode(), run.variables["rc"]


@DIALECTS
@pytest.mark.parametrize(("flags", "body"), [
    (1, SDP + "a=direction:active\r\n"),
    (2, SDP.replace("c=IN IP4 10.0.0.5", f"c=IN IP4 {SOURCE}") + "a=oldcip:10.0.0.5\r\n"),
    (4, SDP + "a=nortpproxy:yes\r\n"),
    (8, SDP.replace("1 1 IN IP4 10.0.0.5", f"1 1 IN IP4 {SOURCE}") + "a=oldoip:10.0.0.5\r\n"),
    (15, SDP.replace("10.0.0.5", SOURCE) + "a=direction:active\r\na=nortpproxy:yes\r\na=oldoip:10.0.0.5\r\n"
     "a=oldcip:10.0.0.5\r\n"), (16, SDP)])
def test_flags(flags, body, dialect):
    assert after(f'fix_nated_sdp("{flags}")', dialect=dialect) == (body, 1)


@pytest.mark.parametrize(("word", "flag"), [
    ("add-dir-active", 1), ("rewrite-media-ip", 2), ("add-no-rtpproxy", 4), ("rewrite-origin-ip", 8),
    ("rewrite-null-ips,rewrite-media-ip", 18)])
def test_words(word, flag):
    content = SDP.replace("c=IN IP4 10.0.0.5", "c=IN IP4 0.0.0.0") if flag == 18 else SDP
    changed = after(f'fix_nated_sdp("{word}")', content)
    assert changed == after(f'fix_nated_sdp("{flag}")', content) and changed[0] != content


@DIALECTS
def test_address_of_the_script(dialect):
    body, _ = after('$var(ip) = "198.51.100.1"; fix_nated_sdp("10", "$var(ip)")', dialect=dialect)
    assert body.startswith(SDP.replace("10.0.0.5", "198.51.100.1"))


def test_addresses_of_another_family():
    body, _ = after('fix_nated_sdp("10", "[2001:db8::1]")')
    assert body.startswith(SDP.replace("IP4 10.0.0.5", "IP6 2001:db8::1"))
    six = SDP.replace("IP4 10.0.0.5", "IP6 fd00::5")
    assert after('fix_nated_sdp("2")', six)[0] == six.replace("c=IN IP6 fd00::5", f"c=IN IP4 {SOURCE}") + \
        "a=oldcip:fd00::5\r\n"


@pytest.mark.parametrize(("skip", "kept"), [
    ("o", ["a=oldcip:10.0.0.5"]), ("c", ["a=oldoip:10.0.0.5"]), ("oc", []),
    ("", ["a=oldoip:10.0.0.5", "a=oldcip:10.0.0.5"])])
@DIALECTS
def test_old_addresses_that_are_not_kept(skip, kept, dialect):
    setting = f'modparam("nathelper", "oldip_skip", "{skip}")' if skip else ""
    body, _ = after('fix_nated_sdp("10")', settings=setting, dialect=dialect)
    assert [line for line in body.split("\r\n") if line.startswith("a=old")] == kept


@DIALECTS
@pytest.mark.parametrize(("mark", "added"), [
    ("a=sdpmangled:yes", "a=sdpmangled:yes\r\n"), ("a=m\\r\\n", "a=m\r\n"), ("", "")])
def test_mark(mark, added, dialect):
    assert after('fix_nated_sdp("4")', settings=f'modparam("nathelper", "nortpproxy_str", "{mark}")',
                 dialect=dialect) == (SDP + added, 1)


def test_mark_stands_once():
    assert after('fix_nated_sdp("4"); fix_nated_sdp("5"); fix_nated_sdp("1")')[0] == \
        SDP + "a=nortpproxy:yes\r\na=direction:active\r\n"


@pytest.mark.parametrize(("null", "new"), [("IP4 0.0.0.0", False), ("IP6 ::", False), ("IP6 0:0:0:0:0:0:0:0", False),
                                           ("IP6 ::1", True)])
def test_null_addresses_mean_hold(null, new):
    content = SDP.replace("IP4 10.0.0.5", null)
    assert (SOURCE in after('fix_nated_sdp("10")', content)[0]) is new
    assert after('fix_nated_sdp("26")', content)[0].startswith(SDP.replace("10.0.0.5", SOURCE))


def test_further_lines():
    assert after(r'fix_nated_sdp("0",,"\r\na=x-attr1\r\na=x-attr2")') == (SDP + "a=x-attr1\r\na=x-attr2\r\n", 1)
    assert after(r'fix_nated_sdp("2", "192.0.2.50", "\r\na=x")')[0].endswith("a=oldcip:10.0.0.5\r\na=x\r\n")


def test_every_connection_line():
    content = SESSION + AUDIO + "m=video 4002 RTP/AVP 34\r\nc=IN IP4 10.0.0.6/127\r\nm=image 0 udptl t38\r\n"
    body, _ = after('fix_nated_sdp("2")', content)
    assert body == content.replace("c=IN IP4 10.0.0.5", f"c=IN IP4 {SOURCE}").replace(
        "c=IN IP4 10.0.0.6/127", f"c=IN IP4 {SOURCE}") + "a=oldcip:10.0.0.5\r\na=oldcip:10.0.0.6\r\n"


def test_again_changes_no_more():
    assert after('fix_nated_sdp("2"); fix_nated_sdp("2")')[0] == after('fix_nated_sdp("2")')[0]


def test_a_line_without_end():
    assert after('fix_nated_sdp("1")', SDP.rstrip())[0] == SDP + "a=direction:active\r\n"


def test_lines_that_are_no_lines():
    content = SDP.replace("c=IN IP4 10.0.0.5", "c=IN").replace("o=- 1 1 IN IP4 10.0.0.5", "o=-")
    assert after('fix_nated_sdp("10")', content) == (content, 1)


def test_other_changes_of_the_same_body():
    content = SDP + "a=ptime:20\r\nm=video 2 RTP/AVP 34\r\n"
    body, _ = after('stream_delete("video"); fix_nated_sdp("2"); codec_delete("PCMU"); fix_nated_sdp("8")', content,
                    modules="nathelper sipmsgops")
    assert body == (f"v=0\r\no=- 1 1 IN IP4 {SOURCE}\r\ns=-\r\nc=IN IP4 {SOURCE}\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
                    "a=ptime:20\r\na=oldcip:10.0.0.5\r\na=oldoip:10.0.0.5\r\n")


def test_part_of_a_body():
    content = f"--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b\r\nContent-Type: text/plain\r\n\r\nc=IN IP4 " \
              "10.0.0.5\r\n--b--\r\n"
    sent, _ = play('fix_nated_sdp("2");', invite(body=content, kind="multipart/mixed;boundary=b"))
    assert sent.body.decode() == content.replace("c=IN IP4 10.0.0.5", f"c=IN IP4 {SOURCE}", 1).replace(
        AUDIO, AUDIO + "a=oldcip:10.0.0.5\r\n")


@pytest.mark.parametrize(("call", "content"), [('fix_nated_sdp("2")', ""), ('fix_nated_sdp("2", "nowhere")', SDP)])
def test_nothing_to_change(call, content):
    assert after(call, content) == (content, -1)


def test_oldip_skip_is_checked():
    with pytest.raises(Exception, match="made of o and c"):
        after('fix_nated_sdp("1")', settings='modparam("nathelper", "oldip_skip", "x")')

"""The words that scripts give to the functions of rtpengine."""
from __future__ import annotations

import pytest

from opensips_py.modules.rtpengine.flags import FlagsKind, read


@pytest.mark.parametrize(("text", "entries"), [
    ("", {}), ("trust-address  symmetric", {"flags": ["trust-address", "symmetric"]}),
    ("replace-origin replace-session-connection", {"replace": ["origin", "session-connection"]}),
    ("replace-zero-address replace-session-name replace-username replace-SDP-version",
     {"replace": ["zero address", "session name", "username", "SDP version"]}),
    ("in-iface=a out-iface=b", {"direction": ["a", "b"]}), ("out-iface=b in-iface=a", {"direction": ["a", "b"]}),
    ("internal external", {"direction": ["internal", "external"]}),
    ("direction=x direction=y", {"direction": ["x", "y"]}),
    ("address-family=IP6", {"address family": "IP6"}), ("media-address=192.0.2.1", {"media-address": "192.0.2.1"}),
    ("record-call=yes metadata=00", {"record-call": "yes", "metadata": "00"}), ("ICE=force", {"ICE": "force"}),
    ("RTP", {"transport-protocol": "RTP/AVP"}), ("SRTP", {"transport-protocol": "RTP/SAVP"}),
    ("AVPF", {"transport-protocol": "RTP/AVPF"}), ("SRTP AVPF", {"transport-protocol": "RTP/SAVPF"}),
    ("RTP/SAVPF", {"transport-protocol": "RTP/SAVPF"}),
    ("UDP/TLS/RTP/SAVPF", {"transport-protocol": "UDP/TLS/RTP/SAVPF"}),
    ("rtcp-mux-offer rtcp-mux-accept", {"rtcp-mux": ["offer", "accept"]}),
    ("repacketize=20 delete-delay=0", {"repacketize": 20, "delete-delay": 0}),
    ("packetize=20 new-thing=1 newer", {"packetize": "20", "new-thing": "1", "flags": ["newer"]}),
    ("transcode-PCMA codec-strip-opus", {"flags": ["transcode-PCMA", "codec-strip-opus"]}),
    ("received-from=192.0.2.7", {"received-from": ["IP4", "192.0.2.7"]}),
    ("received-from=[2001:db8::1]", {"received-from": ["2001:db8::1"]}),
    ("received-from=2001:db8::1", {"received-from": ["IP6", "2001:db8::1"]}),
    ("sdp-media-remove=[video message image]", {"sdp-media-remove": ["video", "message", "image"]}),
    ("codec=[transcode=[PCMA PCMU] strip=[EVS]]", {"codec": {"transcode": ["PCMA", "PCMU"], "strip": ["EVS"]}}),
    ("sdp-attr=[audio=[add=[fmtp:96..useinbandfec--1]]] trust-address",
     {"sdp-attr": {"audio": {"add": ["fmtp:96 useinbandfec=1"]}}, "flags": ["trust-address"]}),
    ("a=[x.y -z]", {"a": ["x.y", "-z"]}), ("a=[]", {"a": []}), ("a=[[x y] z]", {"a": [["x", "y"], "z"]})])
def test_words_for_the_engine(text, entries):
    assert read(text).entries == entries


def test_words_about_the_message():
    found = read("call-id=c from-tag=f to-tag=t via-branch=auto via-branch-param=v force-answer")
    assert found.entries == {}
    assert (found.call_id, found.from_tag, found.to_tag, found.with_to_tag, found.via_branch, found.via_branch_value,
            found.force_answer) == ("c", "f", "t", True, "auto", "v", True)
    assert read("callid=c").call_id == "c"
    assert found.directional and read("directional").directional and not read("trust-address").directional
    assert read("to-tag").with_to_tag and read("to-tag").to_tag is None


@pytest.mark.parametrize("text", ["a=[x", "a=[x]]", "a=[" + "[" * 9 + "]" * 9 + "]", "a=[" + "x" * 5000 + "]", "a=[x]y",
                                  "via-branch=3", "a=]", "repacketize=x", "delete-delay="])
def test_mistakes(text):
    with pytest.raises(ValueError):
        read(text)


def test_what_an_editor_offers():
    assert "trust-address" in FlagsKind().complete()
    assert FlagsKind().convert(None).entries == {}

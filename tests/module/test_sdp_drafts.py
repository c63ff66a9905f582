"""An SDP cut into segments, so that only what changed is replaced."""
from __future__ import annotations

import pytest

from opensips_py.module.sdp_drafts import aligned, cut, unchanged

OLD = ["v=0\r\n", "s=-\r\n", "m=audio 1 RTP/AVP 0 8\r\n", "a=rtpmap:0 PCMU/8000\r\n", "a=ptime:20\r\n"]


@pytest.mark.parametrize(("line", "parts"), [
    ("m=audio 1 RTP/AVP 0 8\r\n", ("m=audio 1 RTP/AVP", " 0 8\r\n")), ("m=audio 1\r\n", ("m=audio 1\r\n", "")),
    ("a=x y z w\r\n", ("a=x y z w\r\n", ""))])
def test_media_lines_have_two_parts(line, parts):
    assert cut(line) == parts


@pytest.mark.parametrize(("new", "changed"), [
    (OLD, {}), (OLD[:3] + OLD[4:], {10: ""}), ([*OLD, "a=x\r\n"], {15: "a=x\r\n"}), (["x\r\n", *OLD], {0: "x\r\n"}),
    ([*OLD[:2], "m=audio 1 RTP/AVP 8\r\n", *OLD[4:]], {8: " 8\r\n", 10: ""}),
    ([*OLD[:2], "m=audio 2 RTP/AVP 0 8\r\n", *OLD[3:]], {7: "m=audio 2 RTP/AVP"}),
    ([*OLD[:1], "s=a\r\n", "i=b\r\n", *OLD[2:]], {4: "s=a\r\n", 6: "i=b\r\n"}),
    ([*OLD[:2], "x=1\r\n", *OLD[3:]], {7: "x=1\r\n", 8: ""}),
    ([], {1: "", 4: "", 7: "", 8: "", 10: "", 13: ""}), (["y\r\n"], {1: "y\r\n", 4: "", 7: "", 8: "", 10: "", 13: ""}),
])
def test_only_what_changed_differs(new, changed):
    before, after = unchanged(OLD), aligned(OLD, new)
    assert "".join(after) == "".join(new)
    assert {place: text for place, text in enumerate(after) if before[place] != text} == changed


def test_nothing_takes_anything():
    assert unchanged([]) == [""] and aligned([], ["v=0\r\n", "s=-\r\n"]) == ["v=0\r\ns=-\r\n"]

"""Sides as words."""
from __future__ import annotations

import pytest

from opensips_py.module.hidden import Hidden
from opensips_py.modules.topology_hiding.words import Beyond, beyond, names_of

HIDDEN = Hidden(b"k", "test")


@pytest.mark.parametrize("side", [
    Beyond(0, True, ("", ""), "udp:192.0.2.9:5060", "sip:a@10.1.1.1;ob", ("<sip:10.1.1.2;lr>",)),
    Beyond(0, False, ("", ""), "udp:a:1", "sip:a", ("<sip:b>", "<sip:c>"), ("<sip:d>",)),
    Beyond(1, True, ("", ""), "", "sip:a", (), ("<sip:d>", "<sip:e>")),
    Beyond(1, False, ("x", "y"), "tcp:[::1]:5060", "sip:ü@\udcff", ())])
def test_there_and_back(side):
    assert beyond(side.word(HIDDEN), HIDDEN) == side


@pytest.mark.parametrize("texts", [("00", "", "", "", "sip:a"), ("20", "", "", "", "sip:a"), ("", "", "", "", "a"),
                                   ("00", "", "", "")])
def test_other_texts(texts):
    found = beyond(HIDDEN.hide(*texts), HIDDEN)
    assert (found is not None) == (texts[0] == "00" and len(texts) == 5)


@pytest.mark.parametrize(("text", "names"), [
    ("", ("", "")), ("a", ("a", "a")), ("/a", ("a", "")), ("//b", ("", "b")), ("/a/b", ("a", "b")), ("/", ("", ""))])
def test_names(text, names):
    assert names_of(text) == names

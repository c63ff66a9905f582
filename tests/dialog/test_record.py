"""Dialogs packed and unpacked."""
from __future__ import annotations

import pytest

from opensips_py.dialog import CALLEE, CALLER
from opensips_py.dialog.record import PACK, Dialog, Facts, pack, pack_facts, unpack


def full() -> Dialog:
    dialog = Dialog(0x362, 0x4E8A71B8, "call\udcff", "a")
    dialog.to_tag, dialog.state, dialog.user_flags = "b", 4, 5
    dialog.created, dialog.started, dialog.expires, dialog.lifetime = 1.5, 2.5, 62.5, 60
    dialog.caller_cseq, dialog.callee_cseq, dialog.flags, dialog.delay = 7, 3, 1, 9
    dialog.values = {"name": "text", "number": 4}
    dialog.profiles = [("caller", "alice"), ("all", None)]
    dialog.armed = {"answer": "answered"}
    dialog.kept = {"acc": [b"\x00", {"a": 1}]}
    dialog.end_reason, dialog.ended = "Lifetime Timeout", 62.5
    dialog.add_shift(CALLEE, 2)
    return dialog


def test_there_and_back():
    before = full()
    after, flags = unpack(before.entry, before.number, pack(before, "vip nat"))
    after.user_flags = 5
    assert flags == "vip nat"
    names = set(Dialog.__slots__)
    assert {name: getattr(after, name) for name in names} == {name: getattr(before, name) for name in names}
    assert after.did == "263.8b17a8e4"


def test_another_version_is_refused():
    with pytest.raises(ValueError, match="version 99"):
        unpack(1, 1, PACK([99, 1, "", ""]))


def test_requests_of_our_own_count():
    dialog = full()
    assert (dialog.next_cseq(CALLER), dialog.next_cseq(CALLEE)) == (4, 10)
    dialog.add_shift(CALLER, 1)
    assert dialog.next_cseq(CALLER) == 5 and dialog.shift(CALLEE) == 2


def test_facts():
    data = pack_facts((("<sip:a>;tag=a", "<sip:x>;tag=a"), ("<sip:b>;tag=b", "<sip:y>;tag=b"), ("c", "d"),
                       ("<sip:a@1>", None), (["<sip:p;lr>"], ["<sip:q;lr>", "<sip:us>", "<sip:p;lr>"]),
                       ("udp:1:5060", "tcp:1:5060"), (b"v=0", b""), ("application/sdp", "")))
    facts = Facts(data)
    caller, callee = facts.legs(lambda value: "us" in value)
    assert (caller.address, caller.peer, caller.target) == ("<sip:a>;tag=a", "<sip:b>;tag=b", "sip:a@1")
    assert (callee.address, callee.peer, callee.target) == ("<sip:y>;tag=b", "<sip:x>;tag=a", "")
    assert (caller.routes, callee.routes, callee.call_id) == (["<sip:p;lr>"], ["<sip:q;lr>"], "d")
    assert (caller.body, caller.body_type, caller.socket) == (b"v=0", "application/sdp", "udp:1:5060")
    assert facts.packed() == data

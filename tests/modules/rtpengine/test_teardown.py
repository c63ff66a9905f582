"""Calls that end because an engine says so."""
from __future__ import annotations

import pytest

from opensips_py.errors import MIError
from opensips_py.testing import Phone

SETTINGS = 'loadmodule "dialog.so"'
BODY = """
    if (has_totag()) { loose_route(); t_relay(); exit; }
    create_dialog(); record_route(); $du = "sip:192.0.2.2:5060"; t_relay();"""


def test_both_sides_get_a_bye(start, fake):
    server = start(BODY, fake(), settings=SETTINGS)
    caller, callee = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    call = caller.call("bob")
    callee.answer()
    call.ack()
    assert server.mi("rtpengine:teardown", call.call_id) == "OK"
    for each in caller, callee:
        bye = each.last("BYE")
        assert bye.message.call_id == call.call_id
        each.answer(bye)
    with pytest.raises(MIError):
        server.mi("rtpengine:teardown", call.call_id)


def test_nobody_knows_the_call(start, fake):
    with pytest.raises(MIError, match="module dialog, which is not loaded"):
        start("exit;", fake()).mi("rtpengine:teardown", "x")
    with pytest.raises(MIError):
        start(BODY, fake(), settings=SETTINGS).mi("rtpengine:teardown", "x")

"""Dialogs as rows."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensips_py.db import schema
from opensips_py.dialog import Leg, database_id
from opensips_py.dialog.record import (
    BYE_ON_TIMEOUT,
    CALL_ID_HIDDEN,
    END_ON_RACE,
    HIDDEN,
    PING_CALLEE,
    PING_CALLER,
    REINVITE_CALLEE,
    REINVITE_CALLER,
    USERS_SHOWN,
    Facts,
)
from opensips_py.modules.dialog.rows import dialog_of, joined, row_of, split
from tests.dialog.test_record import full

LEGS = (Leg("<sip:alice@a>;tag=a", "<sip:bob@b>;tag=b", "c", "sip:alice@1", ["<sip:p;lr>"], "udp:1:5060"),
        Leg("<sip:bob@b>;tag=b", "<sip:anonymous@x>;tag=a", "c", "sip:bob@2", ["<sip:q;lr>", "<sip:r;lr>"],
            "tcp:1:5060"))
EVERYTHING = schema("4.0")["dialog"].names


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.one_of(st.integers(), st.text())))
def test_values_there_and_back(values):
    assert dict(split(joined(values.items()))) == values


def test_how_values_are_written():
    assert joined([("a", "b"), ("n", 3), ("x|y", "1#2"), ("all", None)]) == "a#b|n##3|x\\|y#1\\#2|all#|"


def test_a_row():
    row = row_of(full(), LEGS, "vip", EVERYTHING, False)
    assert row["dlg_id"] == database_id(0x362, 0x4E8A71B8) and row["script_flags"] == "vip"
    assert (row["from_uri"], row["mangled_from_uri"], row["mangled_to_uri"]) == ("sip:alice@a", "sip:anonymous@x", None)
    assert (row["state"], row["start_time"], row["timeout"], row["module_flags"]) == (4, 2, 62, 0)
    assert row["callee_route_set"] == "<sip:q;lr>,<sip:r;lr>" and row["rt_on_answer"] == "answered"
    narrow = row_of(full(), LEGS, "vip", ["callid", "script_flags"], True)
    assert narrow == {"callid": full().call_id, "script_flags": 5}


@pytest.mark.parametrize("wide", [True, False])
def test_there_and_back(wide):
    before = full()
    columns = EVERYTHING if wide else [each for each in EVERYTHING if each not in ("vars", "profiles", "rt_on_answer")]
    after, flags = dialog_of(row_of(before, LEGS, "vip", columns, False), {"caller": True, "all": False})
    assert flags == "vip"
    same = ("did", "call_id", "from_tag", "to_tag", "state", "caller_cseq", "callee_cseq", "flags", "shifts",
            "lifetime")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    assert after.values == (before.values if wide else None) and after.profiles == (before.profiles if wide else None)
    assert after.armed == (before.armed if wide else None)
    caller, callee = Facts(after.facts).legs(lambda value: False)
    assert (caller.call_id, callee.call_id) == (before.call_id,) * 2
    caller.call_id = callee.call_id = "c"
    assert (caller, callee) == LEGS


# What OpenSIPS 2.1.5 and 4.0.1 write
@pytest.mark.parametrize(("flags", "row", "numbered"), [
    (0, (24592, 0), False), (BYE_ON_TIMEOUT, (24600, 0), False), (PING_CALLER, (24624, 0), False),
    (PING_CALLEE, (24656, 0), False), (REINVITE_CALLER, (26640, 0), False), (REINVITE_CALLEE, (28688, 0), False),
    (END_ON_RACE, (57360, 0), False), (BYE_ON_TIMEOUT, (24, 0), True), (HIDDEN, (16, 2), True),
    (HIDDEN | USERS_SHOWN, (16, 6), True), (HIDDEN | CALL_ID_HIDDEN, (16, 10), True)])
def test_flags_are_those_of_opensips(flags, row, numbered):
    dialog = full()
    dialog.flags = flags
    found = row_of(dialog, LEGS, "", EVERYTHING, numbered)
    assert (found["flags"], found["module_flags"]) == row
    assert dialog_of(found, {})[0].flags == flags


def test_numbers_that_are_sent_to_each_side():
    dialog = full()
    dialog.caller_cseq, dialog.callee_cseq = 7, 0
    row = row_of(dialog, LEGS, "", EVERYTHING, False)
    assert (row["caller_cseq"], row["callee_cseq"]) == ("0", "7")  # as OpenSIPS has them
    assert dialog_of(row, {})[0].caller_cseq == 7


def test_a_profile_that_is_no_more():
    after, _ = dialog_of(row_of(full(), LEGS, "", EVERYTHING, False), {"all": False})
    assert after.profiles == [("all", None)]


def test_a_hidden_one():
    before = full()
    before.flags = HIDDEN
    after, _ = dialog_of(row_of(before, LEGS, "", EVERYTHING, False), {"caller": True, "all": False})
    caller, callee = Facts(after.facts).legs(lambda value: False, bool(after.flags & HIDDEN))
    assert (caller.routes, callee.routes) == (LEGS[0].routes, LEGS[1].routes)

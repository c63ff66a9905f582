"""Identifiers of dialogs in the forms of OpenSIPS."""
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from opensips_py.dialog import database_id, did_of, parts_of, parts_of_database_id


def test_as_opensips_writes_them():
    assert did_of(0x362, 0x4E8A71B8) == "263.8b17a8e4"
    assert database_id(0x362, 0x4E8A71B8) == 3720759374264
    assert parts_of("263.8b17a8e4") == parts_of_database_id(3720759374264) == (0x362, 0x4E8A71B8)


def test_what_is_none():
    assert [parts_of(text) for text in ("", "1", ".", "1.", "x.1", "1.2.3", "123456789.1")] == [None] * 7


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1023), st.integers(0, 0x7FFFFFFF))
def test_there_and_back(entry, number):
    did = did_of(entry, number)
    again = parts_of(did)
    assert again is not None and did_of(*again) == did
    assert parts_of_database_id(database_id(entry, number)) == (entry, number)

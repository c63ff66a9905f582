"""Bindings as bytes."""
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensips_py.state import _bindings
from opensips_py.state._bindings import FOREVER, Binding, Record, count, data_of, earliest, pack, unpack

TEXTS = ("contact", "received", "path", "call_id", "user_agent", "instance", "attr", "socket", "tag")
NUMBERS = ("id", "expires", "cseq", "flags", "cflags", "methods", "latency", "q", "reg_id")


def fields(binding: Binding) -> dict[str, Any]:
    return {name: getattr(binding, name) for name in (*TEXTS, *NUMBERS, "modified")}


def texts() -> st.SearchStrategy[str]:
    return st.binary(max_size=30).map(lambda data: data.decode("utf-8", "surrogateescape"))


def made() -> st.SearchStrategy[Binding]:
    bits = st.integers(0, 2**32 - 1)
    return st.builds(lambda contact, **named: Binding(contact, **named), texts(),
                     **{name: texts() for name in TEXTS[1:]}, id=st.integers(0, 2**63 - 1),
                     expires=st.integers(0, 2**40), cseq=bits, flags=bits, cflags=bits, methods=bits, latency=bits,
                     q=st.integers(-1, 1000), reg_id=st.integers(0, 65535), modified=st.floats(0, 1e12))


@given(st.lists(made(), max_size=4), st.binary(max_size=20))
def test_what_is_packed_comes_out_again(bindings: list[Binding], data: bytes) -> None:
    record = pack(bindings, data)
    assert [fields(each) for each in unpack(record)] == [fields(each) for each in bindings]
    assert (count(record), data_of(record)) == (len(bindings), data)
    assert earliest(record) == min((each.expires for each in bindings if each.expires), default=FOREVER)


@given(st.lists(made(), min_size=1, max_size=2), st.data())
def test_a_record_cut_off_is_an_error_and_no_more(bindings: list[Binding], data: st.DataObject) -> None:
    record = pack(bindings, b"xy")
    with pytest.raises(ValueError):
        unpack(record[:data.draw(st.integers(0, len(record) - 1))])


@given(st.binary(max_size=300))
def test_bytes_of_another_kind_do_no_harm(data: bytes) -> None:
    try:
        unpack(data)
        count(data)
        data_of(data)
    except ValueError:
        pass


def test_texts_too_long_are_refused() -> None:
    with pytest.raises(ValueError):
        pack([Binding("x" * 65536)])
    assert unpack(pack([Binding("x" * 65535)]))[0].contact == "x" * 65535


def test_a_record_of_a_later_version_is_refused() -> None:
    record = bytearray(pack([Binding("sip:a@b")]))
    record[14] += 1
    with pytest.raises(ValueError, match="version"):
        unpack(bytes(record))


def test_changes_are_noted_and_expired_bindings_leave_first() -> None:
    old, new = Binding("sip:old@x", expires=50, id=1), Binding("sip:new@x", expires=500, id=2, latency=7)
    record = Record("alice", 100.0, pack([old, new]))
    record.expire()
    expired, = record.changes
    assert (expired[0], expired[1].contact) == (_bindings.EXPIRE, "sip:old@x")
    refreshed = Binding("sip:new@x", expires=900)
    record.update(record.bindings[0], refreshed)
    assert (refreshed.id, refreshed.latency) == (2, 7)
    record.insert(added := Binding("sip:more@x"))
    record.delete(refreshed)
    assert [kind for kind, _ in record.changes[1:]] == [_bindings.UPDATE, _bindings.INSERT, _bindings.DELETE]
    assert record.bindings == [added]


def test_order_is_by_preference_then_age_or_by_time() -> None:
    bindings = [Binding(f"sip:{number}@x", q=q, modified=modified)
                for number, (q, modified) in enumerate([(-1, 5.0), (500, 1.0), (1000, 2.0), (500, 9.0)])]
    record = Record("alice", 1.0, pack(bindings))
    record.sort(False)
    assert [each.contact[4] for each in record.bindings] == ["2", "1", "3", "0"]
    record.sort(True)
    assert [each.contact[4] for each in record.bindings] == ["3", "0", "2", "1"]


def test_data_alone_makes_a_change() -> None:
    record = Record("alice", 1.0, None)
    assert not record.is_changed
    record.data = b"{}"
    assert record.is_changed and data_of(record.packed()) == b"{}"


def test_what_contacts_have_in_common() -> None:
    texts_ = ("c", 7, "r", "p", "u", "a", "s", "t")
    common = _bindings.made(*texts_)  # type: ignore[arg-type]
    names = ("call_id", "cseq", "received", "path", "user_agent", "attr", "socket", "tag")
    assert fields(common) == fields(Binding("", **dict(zip(names, texts_, strict=True))))  # type: ignore[arg-type]
    common.contact, common.instance, common.id, common.expires, common.modified = "sip:x", "<i>", 5, 6, 7.5
    common.flags, common.cflags, common.methods, common.latency, common.q, common.reg_id = 1, 2, 3, 4, 500, 9
    other = common.copy()
    assert other is not common and fields(other) == fields(common)

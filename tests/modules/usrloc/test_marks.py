"""What is kept of changes that a database has not been told."""
from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from opensips_py.modules.usrloc.marks import Mark, is_at_work, name_of_process
from opensips_py.state._bindings import MEMORY_ONLY, Binding

BACK = "single-instance-sql-write-back"
A = Binding("sip:a@192.0.2.1", id=1, call_id="c1")
MOVED = Binding("sip:b@192.0.2.1", id=1, call_id="c1")
KEPT = Binding("sip:a@192.0.2.1", id=1, call_id="c1", flags=MEMORY_ONLY)
GONE = (1, "sip:a@192.0.2.1", "c1")


@pytest.mark.parametrize(("old", "new", "changed", "removed"), [
    (None, A, {1: True}, []), (A, A, {1: False}, []), (A, MOVED, {1: False}, [GONE]), (A, None, {}, [GONE]),
    (None, KEPT, {}, []), (KEPT, KEPT, {}, []), (KEPT, None, {}, []), (A, KEPT, {}, [GONE]), (KEPT, A, {1: True}, [])])
def test_what_a_change_leaves(old: Any, new: Any, changed: dict[int, bool], removed: list[Any]) -> None:
    mark = Mark("alice")
    assert mark.note_change(old, new) == bool(changed or removed)
    assert (mark.changed, mark.removed) == (changed, removed)
    assert mark.is_empty == (not changed and not removed)


ALSO_GONE = (1, "sip:b@192.0.2.1", "c1")


@pytest.mark.parametrize(("mark", "is_new", "moved", "gone"), [
    (Mark("a"), True, [], []), (Mark("a", claim="me"), True, [GONE], [GONE, ALSO_GONE]),
    (Mark("a", unsure=True), True, [GONE], [GONE, ALSO_GONE]), (Mark("a"), False, [GONE], [GONE])])
def test_several_changes_add_up_to_what_the_database_may_know(mark: Mark, is_new: bool, moved: list[Any],
                                                              gone: list[Any]) -> None:
    mark.note_change(None if is_new else A, A)
    mark.note_change(A, MOVED)
    assert (mark.changed, mark.removed) == ({1: is_new}, moved)
    mark.note_change(MOVED, None)
    assert (mark.changed, mark.removed) == ({}, gone)
    assert Mark.read(mark.packed()) == mark


def test_marks_do_not_grow_while_the_database_is_gone() -> None:
    mark = Mark("alice")
    for number in range(100):
        calls = [Binding("sip:a@x", id=1, call_id=f"c{number + each}") for each in range(2)]
        mark.note_change(*calls)
        other = Binding(f"sip:{number}@x", id=number + 2)
        mark.note_change(None, other)
        mark.note_change(other, None)
    assert (mark.changed, mark.removed) == ({1: False}, [(1, "sip:a@x", "c0")])


def test_a_mark_can_be_stored_whatever_the_names_are() -> None:
    mark = Mark("caf\udce9@example.com", 7, 1.5, {5: True}, [(6, "sip:\udce9", "c")], True, "claim", True, True)
    assert Mark.read(mark.packed()) == mark


@pytest.fixture
def table(office: Any) -> Any:
    office.create()
    office.open(BACK)
    return office.worker.table


def keys(table: Any) -> list[bytes]:
    return list(table.marks.keys(range(1024)))


def test_a_change_leaves_a_mark(table: Any) -> None:
    table.apply("alice", lambda record: record.insert(Binding("sip:a@x", id=1)))
    table.apply("bob", lambda record: record.insert(Binding("sip:b@x", id=2, flags=MEMORY_ONLY)))
    table.apply("carol", lambda record: None)
    assert keys(table) == [table.key("alice")] and table.marks.count() == 1
    mark = table.marks.find(table.key("alice"))
    assert (mark.aor, mark.changed, mark.at) == ("alice", {1: True}, table.clock())


def test_what_is_measured_leaves_none(table: Any) -> None:
    table.apply("alice", lambda record: record.insert(Binding("sip:a@x", id=1)))
    table.marks.settle(table.marks.claim(keys(table)), told=True)

    def edit(record: Any) -> None:
        record.bindings[0].latency = 5
        record.data = record.data
    table.apply("alice", edit)
    assert table.find("alice")[0].latency == 5 and keys(table) == []


def test_a_mark_is_claimed_by_one_and_settled(table: Any) -> None:
    table.apply("alice", lambda record: record.insert(Binding("sip:a@x", id=1)))
    claimed, = table.marks.claim(keys(table))
    assert [each.contact for each in claimed.bindings] == ["sip:a@x"] and claimed.keys == {}
    assert not claimed.mark.unsure
    assert table.marks.claim(keys(table)) == [] and table.marks.is_claimed(table.slot("alice"))
    assert table.marks.settle([claimed]) == [] and not table.marks.is_claimed(table.slot("alice"))
    claimed, = table.marks.claim(keys(table))
    assert table.marks.settle([claimed], unsure=True) == []
    claimed, = table.marks.claim(keys(table))
    assert claimed.mark.unsure and table.marks.settle([claimed], refused=True) == []
    assert table.marks.claim(keys(table)) == []
    claimed, = table.marks.claim(keys(table), again=True)
    assert table.marks.settle([claimed], told=True) == [] and keys(table) == []
    assert table.marks.settle([claimed], told=True) == []


def test_what_changes_meanwhile_is_told_again(table: Any) -> None:
    table.apply("alice", lambda record: record.insert(Binding("sip:a@x", id=1)))
    claimed, = table.marks.claim(keys(table))
    table.apply("alice", lambda record: record.delete(record.bindings[0]))
    assert table.marks.settle([claimed], told=True) == keys(table) == [table.key("alice")]
    claimed, = table.marks.claim(keys(table))
    assert claimed.bindings == [] and claimed.mark.removed == [(1, "sip:a@x", "")]
    table.marks.settle([claimed])


def test_the_claim_of_a_process_that_is_gone_counts_for_nothing(table: Any) -> None:
    table.apply("alice", lambda record: record.insert(Binding("sip:a@x", id=1)))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        claim = name_of_process(other.pid)
        assert is_at_work(claim) and claim != name_of_process(os.getpid())
        key, = keys(table)
        mark = table.marks.find(key)
        mark.claim = claim
        table.marks.submit(lambda transaction: table.marks.put(transaction, key, mark))
        assert table.marks.claim([key]) == []
        other.communicate(b"\n")
    assert not is_at_work(claim)
    claimed, = table.marks.claim([key])
    table.marks.settle([claimed])


def test_a_number_of_a_process_is_not_enough() -> None:
    claim = name_of_process(os.getpid())
    assert is_at_work(claim) and not is_at_work(f"{os.getpid()}:1") and not is_at_work("") and not is_at_work("0:5")


def store(table: Any, key: bytes, mark: Mark) -> None:
    table.marks.submit(lambda transaction: table.marks.put(transaction, key, mark))


def test_what_was_told_before_a_change_has_a_row_that_must_go_later(table: Any) -> None:
    """Told, changed meanwhile, and then the database is lost: the contact's end must not be forgotten."""
    table.apply("alice", lambda record: record.insert(Binding("sip:a@x", id=1)))
    claimed, = table.marks.claim(keys(table))
    table.apply("alice", lambda record: record.insert(Binding("sip:b@x", id=2)))
    assert table.marks.settle([claimed], told=True) == keys(table)
    table.apply("alice", lambda record: [record.delete(each) for each in list(record.bindings)])
    assert table.marks.find(table.key("alice")).removed == [(1, "sip:a@x", "")], "2 has never been told"


def test_what_was_told_to_be_removed_is_not_removed_once_more(table: Any) -> None:
    key = table.key("alice")
    store(table, key, Mark("alice", 1, changed={1: False}, removed=[(1, "sip:old@x", "c")]))
    claimed, = table.marks.claim([key])
    mark = table.marks.find(key)
    mark.note_change(A, MOVED)
    mark.serial = 2
    store(table, key, mark)
    table.marks.settle([claimed], told=True)
    assert table.marks.find(key).removed == [GONE]
    mark = table.marks.find(key)
    mark.note_change(A, None)
    assert mark.removed == [GONE], "one way to its row is enough"


def test_what_a_process_was_telling_that_is_gone_may_be_there(table: Any) -> None:
    table.apply("alice", lambda record: record.insert(Binding("sip:a@x", id=1)))
    key, = keys(table)
    mark = table.marks.find(key)
    mark.claim = f"{os.getpid()}:1"
    store(table, key, mark)
    claimed, = table.marks.claim([key])
    table.marks.settle([claimed])  # the database was not there
    table.apply("alice", lambda record: record.delete(record.bindings[0]))
    assert table.marks.find(key).removed == [(1, "sip:a@x", "")]

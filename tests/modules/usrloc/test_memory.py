"""Tables of bindings."""
from __future__ import annotations

from typing import Any

import pytest

from opensips_py.state._bindings import Binding, Record


def insert(*bindings: Binding) -> Any:
    def edit(record: Record) -> None:
        for each in bindings:
            record.insert(each)
    return edit


def clear(record: Record) -> None:
    for each in list(record.bindings):
        record.delete(each)


def test_users_and_contacts_are_counted(place: Any) -> None:
    table = place().table
    table.apply("a", insert(Binding("sip:1@x")))
    table.apply("b", insert(Binding("sip:1@x"), Binding("sip:2@x"), Binding("sip:3@x")))
    assert (table.users(), table.contacts()) == (2, 4)
    table.apply("b", lambda record: record.delete(record.bindings[0]))
    table.apply("a", insert(Binding("sip:2@x")))
    assert (table.users(), table.contacts()) == (2, 4)
    table.apply("b", clear)
    assert (table.users(), table.contacts()) == (1, 2)
    table.apply("a", clear)
    assert (table.users(), table.contacts()) == (0, 0)


@pytest.mark.parametrize("aor", ["x" * 600, "y" * 509, "ü" * 300, "null-\0-null", "caf\udce9@example.com", "é@x"])
def test_any_name_can_be_stored_and_is_listed_by_its_name(place: Any, aor: str) -> None:
    table = place().table
    table.apply(aor, insert(Binding("sip:1@x")))
    table.apply("other", insert(Binding("sip:2@x")))
    assert [each.contact for each in table.find(aor)] == ["sip:1@x"]
    assert {name for name, _ in table.records()} == {aor, "other"}
    assert aor in {name for name, _ in table.records([table.slot(aor)])}


def test_more_records_than_one_look_takes(place: Any) -> None:
    table = place().table
    names = {f"user{number}@example.com" for number in range(2500)}
    for name in names:
        table.apply(name, insert(Binding("sip:1@x", expires=5)))
    assert {name for name, _ in table.records()} == names
    by_slot = [{name for name, _ in table.records([slot])} for slot in range(1024)]
    assert sum(map(len, by_slot)) == 2500 and set.union(*by_slot) == names
    assert set(table.ended(list(range(0, 1024, 2)))) == {name for name in names if table.slot(name) % 2 == 0}


def test_a_binding_is_found_by_its_identifier(place: Any) -> None:
    table = place().table
    identifiers = {table.new_id() for _ in range(100)}
    assert len(identifiers) == 100
    wanted = identifiers.pop()
    table.apply("a", insert(Binding("sip:1@x", id=wanted)))
    aor, binding = table.by_id(wanted)
    assert (aor, binding.contact) == ("a", "sip:1@x")
    assert table.by_id(5) is None


def test_an_edit_that_fails_changes_nothing(place: Any) -> None:
    table = place().table

    def fails(record: Record) -> None:
        record.insert(Binding("sip:1@x"))
        raise LookupError

    with pytest.raises(LookupError):
        table.apply("a", fails)
    assert (table.find("a"), table.users()) == ([], 0)


def test_everything_is_there_in_the_next_worker(place: Any) -> None:
    worker = place()
    worker.register("Contact: <sip:a@192.0.2.1>;q=0.5", "User-Agent: x")
    worker = place()
    assert [each.name for each in worker.usrloc.storage.tables.values()] == ["location"]
    assert worker.contacts() == ["sip:a@192.0.2.1"]
    assert worker.counted("usrloc") == {"location-users": 1, "location-contacts": 1, "registered_users": 1}

"""Dialogs in a file of their own."""
from __future__ import annotations

import pytest

from opensips_py.dialog.record import Dialog, pack_facts
from opensips_py.modules.dialog.storage import Store, joined, key_of, parts_of_key, split

FACTS = pack_facts((("f", "f"), ("t", "t"), ("c", "c"), ("", ""), ([], []), ("s", "s"), (b"", b""), ("", "")))


@pytest.fixture
def stores(tmp_path):
    opened = []

    def store(worker):
        opened.append(Store(str(tmp_path), worker, None))
        return opened[-1]
    yield store
    for each in opened:
        each.close()


def made(number):
    dialog = Dialog(7, number, f"call-{number}", "a")
    dialog.facts = FACTS
    return dialog


def test_a_record_has_two_parts():
    assert split(joined(b"state", b"facts")) == (b"state", b"facts")
    assert parts_of_key(key_of(made(3))) == (7, 3)


def test_insert_update_delete(stores):
    store = stores(0)
    store.flag_names = lambda bits: f"f{bits}"
    dialog = made(1)
    store.insert(dialog)
    assert dialog.stored and dialog.facts is None and store.facts(dialog).from_ == ["f", "f"]
    dialog.state, dialog.user_flags = 4, 6
    store.update_now(dialog)
    (again, flags), = store.load()
    assert (again.state, flags, again.stored) == (4, "f6", True) and store.facts(dialog) is not None
    store.delete(dialog)
    assert not dialog.stored and store.facts(dialog).from_ == ["f", "f"], "scripts ask for them while they handle a BYE"
    assert list(store.load()) == [] and dialog.facts == FACTS


def test_what_is_updated_after_the_end_does_not_come_back(stores):
    store = stores(0)
    dialog = made(1)
    store.insert(dialog)
    store.update(dialog)
    store.delete(dialog)
    store.environment.commits.flush()
    assert list(store.load()) == []


def test_another_operation_goes_along(stores):
    store = stores(0)
    dialog = made(1)
    store.insert(dialog, lambda transaction: transaction.put(b"k", b"1", db=store.sizes))
    store.environment.commits.flush()
    assert store.environment.get(b"k", store.sizes) == b"1"
    store.update(dialog, lambda transaction: transaction.put(b"k", b"2", db=store.sizes))
    store.environment.commits.flush()
    assert store.environment.get(b"k", store.sizes) == b"2"
    store.delete(dialog, lambda transaction: transaction.delete(b"k", db=store.sizes))
    store.environment.commits.flush()
    assert store.environment.get(b"k", store.sizes) is None


def test_dialogs_of_a_worker_that_is_no_more(stores):
    before, now = stores(1), stores(0)
    for number in range(4):
        before.insert(made(number))
    before.close()
    now.collect(lambda dialog: dialog.number % 2 == 0, 1)
    assert sorted(dialog.number for dialog, _ in now.load()) == [0, 2]
    again = stores(1)
    assert sorted(dialog.number for dialog, _ in again.load()) == [1, 3]


def test_shares_of_a_worker_that_is_no_more(stores):
    before, now = stores(1), stores(0)
    for name, amount in (("a" * 600, 5), ("b", 2), ("gone", 1), ("gone", 0)):
        before.note_share(name, amount)
    now.note_share("b", 1)
    before.close()
    now.collect(lambda dialog: False, 2)
    assert now.shares() == {"b": 1}  # it is there yet, and answers for itself
    now.collect(lambda dialog: False, 1)
    assert now.shares() == {"a" * 600: 5, "b": 3}
    assert stores(1).shares() == {}


def test_whether_a_database_knows_of_it(stores):
    store = stores(0)
    stores(1)  # another worker has opened it to read
    assert store.met == set()
    store.note_met({1, 1023})
    store.note_met({2})
    assert store.met == {1, 2, 1023}

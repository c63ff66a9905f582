"""Nonces and the memory of those that served."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.modules.auth import served as memory
from opensips_py.modules.auth._nonces import Nonce, Nonces
from opensips_py.modules.auth.served import FIRST, NEXT, SIZE, Served


@pytest.fixture
def served(tmp_path):
    memory = Served()
    memory.open(str(tmp_path / "nonces"))
    return memory


def test_a_nonce_says_what_it_was_issued_for():
    text = Nonces(b"k" * 32).issue(5, 1_700_000_000, 4, 3)
    assert Nonces(b"k" * 32).read(text) == Nonce(5, 1_700_000_000, 4, 3)
    assert len(text) == 42 and text.isprintable() and '"' not in text and "\\" not in text


def test_only_the_key_makes_it():
    text = Nonces(b"k" * 32).issue(5, 1_700_000_000, 4, 3)
    assert Nonces(b"x" * 32).read(text) is None


@pytest.mark.parametrize("place", range(42))
def test_no_character_of_it_may_change(place):
    ours = Nonces(b"k" * 32)
    text = ours.issue(5, 1_700_000_000, 4, 3)
    assert ours.read(f"{text[:place]}{'A' if text[place] != 'A' else 'B'}{text[place + 1:]}") is None


@pytest.mark.parametrize("text", ["", "x", "é" * 42, "=" * 42, "\udc80" * 42, "a" * 41, "a" * 42, "a" * 43, "-" * 42])
def test_rubbish_is_no_nonce(text):
    assert Nonces(b"k" * 32).read(text) is None


def test_a_nonce_serves_once_under_each_count(served):
    first, second = served.next(), served.next()
    assert first != second
    assert served.claim(first, 1) and not served.claim(first, 1)
    assert served.claim(first, 3) and served.claim(first, 2)  # datagrams overtake each other
    assert not served.claim(first, 2) and not served.claim(first, 3)
    assert served.claim(second, 1)


def test_counts_far_behind_the_highest_cannot_be_told(served):
    serial = served.next()
    assert served.claim(serial, 100)
    assert served.claim(serial, 77) and not served.claim(serial, 76) and not served.claim(serial, 77)
    assert served.claim(serial, 200) and served.claim(serial, 199) and not served.claim(serial, 100)


@pytest.mark.parametrize("count", [0, -1, 1 << 16, 0xffffffff])
def test_counts_that_nobody_reaches_are_refused(served, count):
    assert not served.claim(served.next(), count)


def test_a_serial_number_must_have_been_given(served):
    serial = served.next()
    assert not served.claim(serial + 1, 1) and not served.claim(-1, 1)


def test_a_place_that_went_to_a_later_nonce_is_gone_for_the_earlier(served):
    serial = served.next()
    served.words.fetch_add(NEXT, SIZE - 1)
    assert served.claim(serial, 1)
    later = served.next()
    assert later == serial + SIZE and not served.claim(serial, 2)
    assert served.claim(later, 1) and not served.claim(later, 1)


def test_every_process_shares_the_memory_and_a_restart_keeps_it(served, tmp_path):
    serial = served.next()
    other = Served()
    other.open(str(tmp_path / "nonces"))
    assert other.claim(serial, 1) and not served.claim(serial, 1)
    assert other.next() == serial + 1
    assert (tmp_path / "nonces").stat().st_mode & 0o77 == 0


def test_another_boot_of_the_machine_forgets_all_nonces(served, tmp_path, monkeypatch):
    serial = served.next()
    monkeypatch.setattr(memory, "current_boot", lambda: "another")
    other = Served()
    other.open(str(tmp_path / "nonces"))
    assert not other.claim(serial, 1)
    assert other.claim(other.next(), 1)


def test_two_workers_that_claim_at_once(served, tmp_path):
    """The word changes between reading and writing it: the second look decides."""
    serial = served.next()
    words = served.words

    class Raced:
        def load(self, index):
            return words.load(index)

        def cas(self, index, old, new):
            words.store(FIRST + serial % SIZE, (serial // SIZE) << 39 | 1 << 23)  # the other was faster
            return words.cas(index, old, new)

    served.words = Raced()
    assert not served.claim(serial, 1)


def test_a_file_that_cannot_be_made(tmp_path):
    with pytest.raises(ConfigError, match="cannot be used: No such file"):
        Served().open(str(tmp_path / "absent" / "nonces"))

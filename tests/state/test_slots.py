"""Slots and identifiers."""
from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensips_py.state.slots import Slots

SLOTS = Slots(0x9E3779B1, 12345, bytes(range(16)), workers=4)


def reference(call_id: bytes) -> int:
    h = SLOTS.start
    for byte in call_id[:64]:
        h = (h + byte) * SLOTS.multiplier % 2**32
    return h >> 16 & 1023


@given(st.binary(max_size=100))
def test_hash_of_a_call_id_is_the_one_that_the_kernel_can_compute(call_id: bytes) -> None:
    assert SLOTS.slot_of_call_id(call_id) == reference(call_id)
    assert SLOTS.slot_of_call_id(call_id.decode("utf-8", "surrogateescape")) == reference(call_id)


def test_slots_spread_evenly_over_workers() -> None:
    counts = Counter(SLOTS.owner_of_call_id(f"{number}-4711@10.0.0.1") for number in range(4000))
    assert set(counts) == {0, 1, 2, 3}
    assert all(700 < count < 1300 for count in counts.values())
    assert sorted(slot for worker in range(4) for slot in SLOTS.owned_by(worker)) == list(range(1024))
    assert SLOTS.worker_of(6) == 2


def test_another_installation_hashes_otherwise() -> None:
    other = Slots.random(4)
    names = [f"call{number}" for number in range(64)]
    assert [other.slot_of_call_id(name) for name in names] != [SLOTS.slot_of_call_id(name) for name in names]
    assert other.owned(SLOTS.via_branch("b", "c", "t", 1, 0, 5)) is None


def test_via_branch_is_the_same_for_the_same_request_and_differs_with_any_part() -> None:
    parts = ("z9hG4bKup", "call@host", "tag", 1, 0, 700)
    branch = SLOTS.via_branch(*parts)
    assert branch == SLOTS.via_branch(*parts)
    assert branch.startswith("z9hG4bK") and len(branch) == 32
    assert (SLOTS.owned(branch), SLOTS.branch_index(branch)) == (700, 0)
    changed = [("z9hG4bKuq", *parts[1:]), (parts[0], "call@hosu", *parts[2:]), (*parts[:2], "", *parts[3:]),
               (*parts[:3], 2, 0, 700), (*parts[:4], 1, 700), (*parts[:5], 701),
               ("z9hG4bKupcall@host", "", *parts[2:])]
    branches = {SLOTS.via_branch(*each) for each in changed}
    assert branch not in branches and len(branches) == len(changed)


@given(st.integers(0, 1023), st.integers(0, 1023), st.text(max_size=40), st.integers(7, 31), st.integers(1, 31))
def test_a_branch_verifies_and_one_changed_digit_does_not(slot: int, index: int, text: str, place: int,
                                                          step: int) -> None:
    branch = SLOTS.via_branch(text, "call", "tag", 7, index, slot)
    assert (SLOTS.owned(branch), SLOTS.branch_index(branch)) == (slot, index)
    digits = "0123456789abcdefghijklmnopqrstuv"
    forged = branch[:place] + digits[(digits.index(branch[place]) + step) % 32] + branch[place + 1:]
    assert SLOTS.owned(forged) is None


@pytest.mark.parametrize("branch", ["", "z9hG4bK", "z9hG4bK" + "0" * 25, "z9hG4bK" + "z" * 25, "x" * 32, "ü" * 32,
                                    "z9hG4bKabc-123-456"])
def test_foreign_branches_are_not_ours(branch: str) -> None:
    assert SLOTS.owned(branch) is None
    assert SLOTS.branch_index(branch) is None


def test_text_with_any_bytes_can_be_hashed() -> None:
    odd = b"\xff\xfe\x00".decode("utf-8", "surrogateescape")
    assert SLOTS.via_branch(odd, odd, odd, 1, 0, 1) != SLOTS.via_branch(odd, odd, "", 1, 0, 1)
    assert 0 <= SLOTS.slot_of_name(odd) < 1024


def test_sealed_identifiers() -> None:
    identifier = SLOTS.seal(1023, "9f.1")
    assert identifier.endswith("9f.1")
    assert SLOTS.unseal(identifier) == (1023, "9f.1")
    assert SLOTS.slot_of(identifier) == 1023
    for forged in (identifier + "0", identifier[:-1], "00" + identifier[2:], "", "x", "zzzzzzzzzz9f.1"):
        assert SLOTS.slot_of(forged) is None
    minted = {SLOTS.mint(3) for _ in range(100)}
    assert len(minted) == 100 and {SLOTS.slot_of(each) for each in minted} == {3}


def test_siphash_matches_its_published_vector() -> None:
    # SipHash-2-4 with key 00..0f; the input 00 01 .. 0e, of which hash() appends the separator 00 itself, has no
    # published value, so compare with an independent implementation.
    numbers = random.Random(3)
    for length in range(40):
        data = numbers.randbytes(length)
        assert SLOTS.hash(data) == siphash(bytes(range(16)), data + b"\0")
    assert siphash(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5  # from the SipHash paper, appendix A


def siphash(key: bytes, data: bytes) -> int:
    mask = 2**64 - 1
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotate(x: int, by: int) -> int:
        return (x << by | x >> (64 - by)) & mask

    def rounds(count: int) -> None:
        for _ in range(count):
            v[0] = (v[0] + v[1]) & mask
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    whole = len(data) // 8 * 8
    last = int.from_bytes(data[whole:], "little") | (len(data) & 255) << 56
    for m in [*(int.from_bytes(data[i:i + 8], "little") for i in range(0, whole, 8)), last]:
        v[3] ^= m
        rounds(2)
        v[0] ^= m
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]

"""Splices over bytes, compared with a model that keeps one mark per byte."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensips_py.sip import Edits


def applied(data, *splices):
    edits = Edits()
    for splice in splices:
        edits.replace(*splice) if len(splice) == 3 else edits.insert(*splice)
    return edits.apply(data)


def test_unedited_bytes_stay():
    assert Edits().apply(b"\x00\xff\r\n") == b"\x00\xff\r\n"


def test_insertions_at_one_place_keep_their_order():
    assert applied(b"ab", (1, "1"), (1, b"2"), (0, "0"), (2, "3")) == b"0a12b3"


def test_insertion_comes_before_the_replacement_that_starts_there():
    assert applied(b"abc", (1, 2, b"X"), (1, b"i")) == b"aiXc"


def test_first_replacement_wins():
    assert applied(b"abcdef", (1, 4, b"X"), (2, 5, b"Y")) == b"aXef"


def test_later_deletion_takes_what_is_left():
    assert applied(b"abcdef", (1, 3, b"X"), (2, 5, b"")) == b"aXf"
    assert applied(b"abcdef", (3, 5, b"X"), (1, 4, b"")) == b"aXf"


def test_deletion_of_a_whole_line_takes_an_earlier_replacement_within():
    assert applied(b"abcdef", (2, 3, b"X"), (1, 5, b"")) == b"af"


def test_insertion_in_deleted_text_goes_with_it():
    assert applied(b"abcdef", (2, b"i"), (3, b"j"), (1, 3, b"")) == b"ajdef"


def test_text_may_depend_on_the_outgoing_branch():
    edits = Edits()
    edits.insert(1, lambda branch: b"<%d>" % branch)
    edits.replace(2, 3, lambda branch: b"")
    assert [edits.apply(b"abc", branch) for branch in (1, 2)] == [b"a<1>b", b"a<2>b"]


def test_copies_are_independent():
    edits = Edits()
    edits.delete(0, 1)
    other = edits.copy()
    other.insert(0, b"x")
    edits.clear()
    assert (len(edits), len(other), bool(edits), bool(other)) == (0, 2, False, True)
    assert list(other) == [(0, 1, b""), (0, 0, b"x")]


def test_nothing_is_deleted_backwards():
    edits = Edits()
    edits.delete(3, 1)
    assert edits.apply(b"abcd") == b"abcd"


@pytest.mark.parametrize("splice", [(0, 9, b""), (-1, 1, b"x"), (9, 9, b"x"), (2, 1, b"x")])
def test_splices_outside_of_the_bytes_are_refused(splice):
    with pytest.raises(ValueError):
        applied(b"abc", splice)


def test_text_must_be_text():
    with pytest.raises(TypeError):
        Edits().insert(0, 5)


def model(data: bytes, splices: list[tuple[int, int, bytes]]) -> bytes:
    """The same rules, slowly: who owns each byte, then what stands before each."""
    accepted: list[tuple[int, int, bytes, int]] = []
    for order, (start, end, text) in enumerate(splices):
        if start < end:
            clashes = [a for a in accepted if a[0] < a[1] and a[0] < end and a[1] > start]
            if clashes and (text or any(a[0] <= start and a[1] >= end for a in clashes)):
                continue
            for a in clashes:
                if start <= a[0] and a[1] <= end:
                    accepted.remove(a)
                elif a[0] < start:
                    start = a[1]
                else:
                    end = a[0]
        accepted.append((start, end, text, order))
    gone = [any(a[0] <= i < a[1] for a in accepted) for i in range(len(data))]
    out = b""
    for i in range(len(data) + 1):
        inside = any(a[0] < i < a[1] for a in accepted)
        out += b"".join(a[2] for a in accepted if a[0] == a[1] == i and not inside)
        out += b"".join(a[2] for a in accepted if a[0] == i < a[1])
        if i < len(data) and not gone[i]:
            out += data[i:i + 1]
    return out


@st.composite
def splices(draw):
    data = draw(st.binary(min_size=0, max_size=24))
    offsets = st.integers(0, len(data))
    pairs = st.tuples(offsets, offsets).map(lambda pair: tuple(sorted(pair)))
    texts = st.sampled_from([b"", b"", b"X", b"YY", b"zzz"])
    return data, [(*pair, text) for pair, text in draw(st.lists(st.tuples(pairs, texts), max_size=40))]


@given(splices())
def test_splices_agree_with_the_model(case):
    data, made = case
    assert applied(data, *made) == model(data, made)

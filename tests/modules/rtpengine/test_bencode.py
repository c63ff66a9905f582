"""Bencoding, there and back."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from opensips_py.modules.rtpengine import bencode


@pytest.mark.parametrize(("value", "data"), [
    ("spam", b"4:spam"), ("", b"0:"), (b"\xff", b"1:\xff"), (42, b"i42e"), (-1, b"i-1e"), ([], b"le"), ({}, b"de"),
    (["a", 1], b"l1:ai1ee"), ({"b": 1, "a": ["x"]}, b"d1:al1:xe1:bi1ee"), ("ä", b"2:\xc3\xa4"), (True, b"i1e")])
def test_values(value, data):
    assert bencode.encode(value) == data
    if not isinstance(value, bytes):
        assert bencode.decode(data) == value


def test_bytes_come_as_text_and_go_back():
    assert bencode.encode(bencode.decode(b"2:\xff\xfe")) == b"2:\xff\xfe"


@pytest.mark.parametrize("data", [
    b"", b"x", b"i", b"ie", b"i1", b"i1x", b"i--1e", b"5:spam", b"4spam", b"-1:", b":", b"l", b"l1:a", b"d1:a",
    b"d1:ae", b"di1e1:ae", b"i1ei2e", b"1:ab", b"l" * 100 + b"e" * 100, b"9" * 30 + b":", b"i" + b"9" * 5000 + b"e"])
def test_what_is_no_bencoding(data):
    with pytest.raises(ValueError):
        bencode.decode(data)


def test_what_cannot_be_encoded():
    with pytest.raises(TypeError):
        bencode.encode(1.5)


@settings(max_examples=50, deadline=None)
@given(some.recursive(some.integers(-2**60, 2**60) | some.text(), lambda inner: some.lists(inner, max_size=4)
                      | some.dictionaries(some.text(), inner, max_size=4), max_leaves=10))
def test_whatever_is_encoded_can_be_decoded(value):
    assert bencode.decode(bencode.encode(value)) == value


@settings(max_examples=50, deadline=None)
@given(some.binary(max_size=60))
def test_nothing_else_is_raised(data):
    try:
        bencode.decode(data)
    except ValueError:
        return

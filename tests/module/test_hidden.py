"""Words that hide texts."""
import pytest

from opensips_py.module.hidden import Hidden


@pytest.mark.parametrize("pair", [("sip:a@b", "sip:c@d"), ("", ""), ("sip:ü@\udcffx", "sip:" + "x" * 900)])
def test_there_and_back(pair):
    word = Hidden(b"k", "test").hide(*pair)
    assert Hidden(b"k", "test").show(word) == pair
    assert word.replace("-", "").replace("_", "").isalnum() and word.isascii()


@pytest.mark.parametrize("texts", [("one",), ("a", "", "c"), ("sip:ü@\udcffx",)])
def test_words_of_any_case(texts):
    hidden = Hidden(b"k", "test", any_case=True)
    word = hidden.hide(*texts)
    assert word == word.lower() and word.isalnum() and hidden.show(word.upper()) == hidden.show(word) == texts
    assert Hidden(b"k", "test").show(word) is None


def test_words_serve_one_purpose():
    assert Hidden(b"k", "other").show(Hidden(b"k", "test").hide("a", "b")) is None


def test_without_the_secret_nothing_shows():
    word = Hidden(b"k", "test").hide("sip:alice@example.com", "sip:x@y")
    assert Hidden(b"l", "test").show(word) is None
    other = Hidden(b"k", "test").hide("sip:alice@example.com", "sip:x@z")
    assert sum(one == two for one, two in zip(word, other, strict=True)) < 15  # no key stream serves twice


def test_no_character_may_change():
    hidden = Hidden(b"k", "test")
    word = hidden.hide("sip:a@b", "sip:cc@d")
    for place in range(len(word)):
        assert hidden.show(f"{word[:place]}{'A' if word[place] != 'A' else 'B'}{word[place + 1:]}") is None


@pytest.mark.parametrize("word", ["", "A", "é", "AAAA", "A" * 5000, "%%%%", "=", "\udcff"])
def test_rubbish(word):
    assert Hidden(b"k", "test").show(word) is None

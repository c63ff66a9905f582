import pytest

from opensips_py.module.substitution import Substitution


@pytest.mark.parametrize(("text", "before", "after"), [
    ("/a/b/", "aaa", "baa"), ("/a/b/g", "aaa", "bbb"), ("/A/b/gi", "aaa", "bbb"), ("/x*/-/g", "abc", "-a-b-c-"),
    ("/^/>/g", "ab", ">ab"), (r"/(.)(.)/\2\1/", "ab", "ba"), (r"/b/\0\0/", "abc", "abbc"),
    (r"|a/b|c\|d|", "a/b", "c|d"),
    (r"/a/x\ny/", "a", "x\ny"), ("/a.b/c/", "a\nb", "a\nb"), ("/a.b/c/s", "a\nb", "c"), ("/é/e/", "café", "cafe"),
    (r"/(a)|(b)/<\2>/g", "ab", "<><b>")])
def test_values(text, before, after):
    assert Substitution(text)(before) == after


def test_matches_are_counted():
    assert Substitution("/a/b/g").counted(b"banana") == (b"bbnbnb", 3)


@pytest.mark.parametrize("text", ["", "/a", "/a/b", "/(/b/", "/a/b/x", r"/a/\1/"])
def test_wrong_ones_are_refused(text):
    with pytest.raises(ValueError):
        Substitution(text)

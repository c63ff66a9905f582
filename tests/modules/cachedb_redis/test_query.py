"""Queries that scripts write."""
import pytest

from opensips_py.module import CacheError
from opensips_py.modules.cachedb_redis.query import key_of, rows_of, words


@pytest.mark.parametrize(("text", "expected"), [
    ("GET a", ["GET", "a"]), ("  SET  a\t'b c' ", ["SET", "a", "b c"]),
    ('SET a "b \\"c\\" \\n\\x"', ["SET", "a", 'b "c" \nx']),
    ("SET a b\"c'd", ["SET", "a", "b\"c'd"]), ("", []), ("SET a ''", ["SET", "a", ""])])
def test_words(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize("text", ['SET a "b', "SET a 'b", 'SET "a"b c'])
def test_quotes_have_an_end(text):
    with pytest.raises(CacheError, match="a quote in the query"):
        words(text)


@pytest.mark.parametrize(("text", "key"), [
    ("get a", "a"), ("HSET h f v", "h"), ("PING", None), ("info keyspace", None), ("EVAL code 1 k v", "k"),
    ("eval code 0 v", None), ("DBSIZE", None)])
def test_the_key_says_who_is_asked(text, key):
    assert key_of(text.split()) == key


@pytest.mark.parametrize(("reply", "rows"), [
    ("a", [("a",)]), (5, [(5,)]), (["a", None, 3], [("a",), ("",), (3,)]),
    ([["a", 1, None], ["b", ["deep"]]], [("a", 1, ""), ("b", "['deep']")]), ([], [])])
def test_rows(reply, rows):
    assert rows_of(reply) == rows

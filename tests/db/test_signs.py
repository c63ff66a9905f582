"""Texts of whatever bytes: SIP does not promise UTF-8, and no caller may keep a row out by one."""
from __future__ import annotations

import sqlite3

import pytest

from opensips_py.db import one_of
from tests.db.databases import create, opened, url_of

LATIN = b"J\xf6rg".decode("utf-8", "surrogateescape")
ODD = [LATIN, b"\xff\xfe\xe2\x82".decode("utf-8", "surrogateescape") + "?'%s", "\ud83d lone", "zero\0byte"]


@pytest.fixture(scope="module", params=["sqlite", "mysql", "postgres"])
def url(request, tmp_path_factory):
    return url_of(request.param, request, tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def database(url):
    made = create(url, "subscriber")
    yield made
    made.close()


@pytest.mark.parametrize("text", ODD)
def test_a_row_is_written_and_found_whatever_its_bytes(database, text):
    database.insert("subscriber", {"username": text, "domain": "what?"})
    database.insert_many("subscriber", ("username", "domain"), [("plain", "a"), (text, "b")])
    assert database.update("subscriber", {"password": text}, {"username": text, "domain": "what?"}) == 1
    assert len(database.select("subscriber", ("username",), {"username": text})) == 2
    assert len(database.select("subscriber", ("username",), {"username": one_of([text, "plain"])})) == 3
    written = database.query("SELECT password, 'a?b' FROM subscriber WHERE username = ? AND domain = ?",
                             (text, "what?")).rows
    (back, other), = written
    assert other == "a?b" and database.select("subscriber", ("domain",), {"password": back}) == [("what?",)]
    assert database.delete("subscriber", {"username": text}) == 2


def test_sqlite_keeps_bytes_as_opensips_writes_them(tmp_path):
    made = create(f"sqlite://{tmp_path}/o.db", "subscriber")
    made.insert("subscriber", {"username": LATIN, "domain": "d"})
    with sqlite3.connect(tmp_path / "o.db") as raw:
        assert raw.execute("SELECT CAST(username AS BLOB), typeof(username) FROM subscriber").fetchall() == [
            (b"J\xf6rg", "text")]
        raw.execute("INSERT INTO subscriber (username, domain) VALUES (CAST(x'e9' AS TEXT), 'e')")
    assert made.select("subscriber", ("username",), order=("id",)) == [(LATIN,), ("\udce9",)]


def test_servers_have_a_sign_for_each_byte_that_is_none(postgres_server, mariadb_server):
    for url in (postgres_server.url, mariadb_server.url):
        made = create(url, "subscriber")
        made.insert("subscriber", {"username": LATIN, "domain": "ü😀"})
        assert made.select("subscriber", ("username", "domain")) == [("J\ufffdrg", "ü😀")]
        made.close()


def test_postgres_has_no_zero_byte(postgres_server):
    made = create(postgres_server.url, "subscriber")
    made.insert("subscriber", {"username": "a\0b", "domain": "d"})
    assert made.select("subscriber", ("username",)) == [("a\ufffdb",)]
    made.close()


@pytest.mark.parametrize(("charset", "found"), [
    ("latin1", [("Jürg €?", "Jürg"), ("?", "x")]), ("utf8mb3", [("Jürg €\ufffd", "Jürg"), ("中", "x")])])
def test_columns_with_fewer_signs(mariadb_server, charset, found):
    made = create(mariadb_server.url, "subscriber")
    made.query(f"ALTER TABLE subscriber CONVERT TO CHARACTER SET {charset}")
    made.insert("subscriber", {"username": "Jürg €😀", "domain": "Jürg"})
    made.run(lambda session: session.insert_many("subscriber", ("username", "domain"), [("中", "x")]), together=True)
    assert made.select("subscriber", ("username", "domain"), order=("id",)) == found
    assert made.select("subscriber", ("username",), {"domain": "中😀"}) == []
    made.close()


def test_a_file_of_text_with_one_bad_byte(tmp_path):
    (tmp_path / "people").write_bytes(b"id(int,auto) name(string)\n1:anna\n2:J\xf6rg\n3:bob\n")
    made = opened(f"text://{tmp_path}")
    assert made.select("people", ("name",), order=("id",)) == [("anna",), (LATIN,), ("bob",)]
    made.insert("people", {"name": LATIN})
    assert made.select("people", ("id",), {"name": LATIN}, ("id",)) == [(2,), (4,)]
    assert (tmp_path / "people").read_bytes().endswith(b"2:J\xf6rg\n3:bob\n4:J\xf6rg\n")
    made.close()

"""The operations, on every SQL database that there is."""
from __future__ import annotations

import time

import pytest

from opensips_py.db import (
    Conflict,
    QueryError,
    Unavailable,
    as_bytes,
    at_least,
    at_most,
    columns_of,
    greater,
    less,
    moment,
    one_of,
    timestamp,
    unequal,
    version_of,
)
from opensips_py.db.changes import Increase
from tests.db.databases import create, opened, url_of

KINDS = ["sqlite", "mysql", "postgres"]
TABLES = ("subscriber", "location", "acc", "dialog")
HOSTILE = ["'; DROP TABLE subscriber; --", '" OR 1=1 --', "%", "?", "%s", "\\", "`", "ünïcödé 😀", "a\x1fb"]


@pytest.fixture(scope="module", params=KINDS)
def url(request, tmp_path_factory):
    return url_of(request.param, request, tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def database(url):
    made = create(url, *TABLES)
    yield made
    made.close()


def users(database):
    return [name for name, in database.select("subscriber", ("username",), order=("username",))]


def add(database, *names, **values):
    for name in names:
        database.insert("subscriber", {"username": name, "domain": "example.com", **values})


def test_rows_come_and_go(database):
    add(database, "bob", "alice", "carol")
    assert users(database) == ["alice", "bob", "carol"]
    assert database.update("subscriber", {"password": "x"}, {"username": "bob", "domain": "example.com"}) == 1
    assert database.update("subscriber", {"password": "x"}, {"username": "bob"}) == 1, "it is there"
    assert database.select("subscriber", ("password", "username"), {"username": "bob"}) == [("x", "bob")]
    assert database.delete("subscriber", {"username": "nobody"}) == 0 and database.delete("subscriber", {}) == 3


def test_a_column_grows_in_the_database(database):
    add(database, "a", "b", password="x")
    number, = (each for each, in database.select("subscriber", ("id",), {"username": "a"}))
    assert database.update("subscriber", {"id": Increase(100), "password": "y"}, {"username": "a"}) == 1
    assert database.select("subscriber", ("id", "password"), {"username": "a"}) == [(number + 100, "y")]


def test_a_table_tells_its_columns(database):
    columns = database.run(lambda session: session.columns("version"))
    assert sorted(columns) == ["table_name", "table_version"]
    with pytest.raises(QueryError):
        database.run(lambda session: session.columns("none"))


def test_order_and_limit(database):
    add(database, "a", "b", "c", "d")
    assert database.select("subscriber", ("username",), order=("-username",), limit=2) == [("d",), ("c",)]


@pytest.mark.parametrize(("where", "found"), [
    (less(20), [10]), (at_most(20), [10, 20]), (greater(20), [30]), (at_least(20), [20, 30]), (unequal(20), [10, 30]),
    (one_of([10, 30, 40]), [10, 30]), (one_of([]), []), (20, [20]),
])
def test_comparisons(database, where, found):
    for value in (10, 20, 30):
        database.insert("location", {"contact_id": value, "username": "u", "contact": "sip:u@h", "expires": value})
    assert database.select("location", ("expires",), {"expires": where}, ("expires",)) == [(each,) for each in found]


def test_null(database):
    for number, path in ((1, None), (2, "<sip:p>")):
        database.insert("location", {"contact_id": number, "username": "u", "contact": "c", "expires": 1, "path": path})
    assert database.select("location", ("contact_id",), {"path": None}) == [(1,)]
    assert database.select("location", ("contact_id", "path"), {"path": unequal(None)}) == [(2, "<sip:p>")]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_becomes_sql(database, text):
    add(database, "victim", text)
    assert database.select("subscriber", ("username",), {"username": text}) == [(text,)]
    assert database.update("subscriber", {"ha1": text}, {"username": text}) == 1
    assert database.query("SELECT username FROM subscriber WHERE ha1 = ? AND 'a?b' <> ?", (text, "c")).rows == [(text,)]
    assert database.delete("subscriber", {"username": text}) == 1 and users(database) == ["victim"]


def test_no_name_becomes_sql(database):
    add(database, "victim")
    for name in ('subscriber"; DROP TABLE subscriber; --', "subscriber`; DROP TABLE subscriber; --"):
        with pytest.raises(QueryError):
            database.select(name, ("username",))
        with pytest.raises(QueryError):
            database.select("subscriber", (name,))
    assert users(database) == ["victim"]


def test_a_row_that_is_there_already(database):
    add(database, "alice")
    with pytest.raises(Conflict):
        add(database, "alice")
    assert users(database) == ["alice"]


def test_replace(database):
    for password in ("one", "two", "two"):
        database.replace("subscriber", {"username": "a", "domain": "d", "password": password}, ("username", "domain"))
    assert database.select("subscriber", ("username", "password")) == [("a", "two")]


def test_the_number_of_a_new_row(database):
    first = database.insert("subscriber", {"username": "a", "domain": "d"}, returning="id")
    assert database.insert("subscriber", {"username": "b", "domain": "d"}, returning="id") == first + 1
    assert database.select("subscriber", ("username",), {"id": first}) == [("a",)]


def test_many_rows_come_all_or_none(database):
    names = [f"user{number:03}" for number in range(250)]
    database.insert_many("subscriber", ("username", "domain"), [(each, "d") for each in names])
    assert users(database) == names
    with pytest.raises(Conflict):
        rows = [(f"new{each}", "d") for each in range(150)]
        database.insert_many("subscriber", ("username", "domain"), [*rows, (names[0], "d")])
    assert users(database) == names


def test_together(database):
    def both(session):
        session.insert("subscriber", {"username": "a", "domain": "d"})
        session.insert("subscriber", {"username": "a", "domain": "d"})
    with pytest.raises(Conflict):
        database.run(both, together=True)
    assert users(database) == []


def test_moments_and_bytes_come_back(database):
    now = int(time.time())
    database.insert("acc", {"time": timestamp(now), "callid": "c", "method": "INVITE"})
    assert [moment(each) for each, in database.select("acc", ("time",), {"time": timestamp(now)})] == [now]
    database.insert("dialog", {
        "dlg_id": 1 << 62, "callid": "c", "from_uri": "f", "from_tag": "t", "to_uri": "u", "to_tag": "t",
        "start_time": now, "state": 4, "timeout": now, "profiles": "x", "caller_cseq": "1", "callee_cseq": "2",
        "caller_contact": "c", "callee_contact": "d", "caller_sock": "s", "callee_sock": "s",
        "caller_ping_cseq": 0, "callee_ping_cseq": 0})
    [(number, profiles)] = database.select("dialog", ("dlg_id", "profiles"))
    assert number == 1 << 62 and as_bytes(profiles) == b"x"


def test_mistakes_leave_the_database_up(database):
    for table, column in (("subscriber", "nothing"), ("nothing", "username")):
        with pytest.raises(QueryError, match="nothing"):
            database.select(table, (column,))
    with pytest.raises(QueryError):
        database.query("SELEKT 1")
    assert database.query("SELECT 1 AS one").columns == ("one",) and database.is_up
    assert database.pool.lent == 0


def test_versions(database):
    assert version_of(database, "location") == 1013 and version_of(database, "nothing") is None
    assert columns_of(database, "location", "location").version == 1013
    with pytest.raises(QueryError, match="db create"):
        columns_of(database, "address", "address")
    database.update("version", {"table_version": 3}, {"table_name": "location"})
    with pytest.raises(QueryError, match="version 3, where 1009 or 1013"):
        columns_of(database, "location", "location")


def test_no_such_database(url, tmp_path):
    elsewhere = f"sqlite://{tmp_path}/none" if url.startswith("sqlite") else url.rpartition("/")[0] + "/none"
    database = opened(elsewhere)
    with pytest.raises(Unavailable):
        database.select("subscriber", ("username",))
    with pytest.raises(Unavailable, match="not asked again before"):
        database.select("subscriber", ("username",))
    assert not database.is_up

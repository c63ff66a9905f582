"""Servers that go and come back, and operations that take too long."""
from __future__ import annotations

import logging
import pathlib
import sqlite3
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from opensips_py.db import Hindered, Session, Unavailable
from tests.db.databases import create, opened
from tests.live import ROOT

LONG = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000000) SELECT max(x) FROM n"


@pytest.fixture(params=["mysql", "postgres"])
def server(request):
    return request.getfixturevalue({"mysql": "mariadb_server", "postgres": "postgres_server"}[request.param])


def test_gone_and_back(server, caplog):
    caplog.set_level(logging.INFO)
    database = create(server.url, "subscriber")
    database.breaker.first = database.breaker.longest = 0.05
    try:
        server.stop(hard=True)
        for _ in range(3):
            with pytest.raises(Unavailable):
                database.insert("subscriber", {"username": "a", "domain": "d"})
        assert not database.is_up
    finally:
        server.start()
    deadline = time.monotonic() + 20
    while not database.is_up and time.monotonic() < deadline:
        try:
            database.insert("subscriber", {"username": "a", "domain": "d"})
        except Unavailable:
            time.sleep(0.05)
    assert database.select("subscriber", ("username",)) == [("a",)]
    told = [each.getMessage() for each in caplog.records if each.name == "opensips_py.db"]
    assert len(told) == 2 and "does not answer" in told[0] and "answers again" in told[1]
    assert "ips@rw" not in "".join(told), "the password is in the log"


def test_a_restart_is_not_noticed_by_who_asks_afterwards(server):
    database = create(server.url, "subscriber")
    database.insert("subscriber", {"username": "a", "domain": "d"})
    server.stop(hard=True)
    server.start()
    deadline = time.monotonic() + 20
    while True:
        try:
            assert database.select("subscriber", ("username",)) == [("a",)]
            break
        except Unavailable as error:  # PostgreSQL listens before it lets anybody in
            assert "starting up" in str(error) or "not asked again" in str(error) or "recovery" in str(error), error
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_what_takes_too_long_is_given_up(tmp_path):
    database = create(f"sqlite://{tmp_path}/o.sqlite", "subscriber")
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"took longer than 0\.2 s") as raised:
        database.run(lambda session: session.query(LONG), patience=0.2)
    assert time.monotonic() - began < 2 and not raised.value.outcome
    assert database.is_up, "one slow operation is not yet a lost database"
    assert database.select("subscriber", ("username",)) == []


LOCK = "SELECT 1 FROM subscriber WHERE username = 'a' FOR UPDATE NOWAIT"
HINDERED = {  # statements that are refused now and may be carried out later
    "mariadb_server": [(LOCK,), ("SET SESSION TRANSACTION READ ONLY", "DELETE FROM subscriber"),
                       ("SET SESSION max_statement_time = 0.01", "UPDATE subscriber SET password = 1")],
    "postgres_server": [(LOCK,), ("SET default_transaction_read_only = on", "DELETE FROM subscriber"),
                        ("SET statement_timeout = 10", "SELECT pg_sleep(5)")]}


@pytest.mark.parametrize(("name", "statements"), [(name, each) for name, all_ in HINDERED.items() for each in all_])
def test_what_is_only_in_the_way_refuses_nothing(request: Any, name: str, statements: tuple[str, ...]) -> None:
    """Nobody may take a record for one that the database does not accept, nor the database for gone."""
    url = request.getfixturevalue(name).url
    database, other = create(url, "subscriber"), opened(url)
    database.insert("subscriber", {"username": "a", "domain": "d"})

    def hold(_: Session) -> None:
        with pytest.raises(Hindered) as raised:
            database.run(lambda session: [session.query(each) for each in statements])
        assert raised.value.outcome and database.is_up
    other.run(lambda session: (session.query(LOCK.removesuffix(" NOWAIT")), hold(session)), together=True)
    assert database.update("subscriber", {"password": "x"}, {"username": "a"}) == 1, "on a connection of its own"


@pytest.mark.parametrize("name", ["mariadb_server", "postgres_server"])
def test_two_that_wait_for_each_other(request: Any, name: str) -> None:
    url = request.getfixturevalue(name).url
    database = create(url, "subscriber")
    for user in "ab":
        database.insert("subscriber", {"username": user, "domain": "d"})
    met, outcomes = threading.Barrier(2), []

    def change(first: int) -> None:
        mine = opened(url)

        def operation(session: Session) -> None:
            for number in (first, 1 - first):
                session.replace("subscriber", {"username": "ab"[number], "password": f"{first}"}, ("username",))
                if number == first:
                    met.wait()
        try:
            outcomes.append(mine.run(operation, together=True))
        except Unavailable as error:
            outcomes.append(type(error))
        assert mine.is_up
    threads = [threading.Thread(target=change, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes, key=str) == [Hindered, None]


LATE = """
from gevent import monkey
monkey.patch_all()
import sys, time
from opensips_py.db import Unavailable
from tests.db.databases import opened

url, kind = sys.argv[1:]
holder, database = opened(url), opened(url)

def change(session):
    session.replace("subscriber", {"username": "a", "password": "b"}, ("username",))

def hold(session):
    change(session)
    began = time.monotonic()
    try:
        database.run(change, together=kind == "together", patience=0.2)
    except Unavailable as error:
        print(str(error), error.outcome, time.monotonic() - began < 2)
holder.run(hold, together=True)
print(database.run(change))
"""


@pytest.mark.parametrize("kind", ["together", "alone"])
@pytest.mark.parametrize("name", ["mariadb_server", "postgres_server"])
def test_a_deadline_within_a_transaction(request: Any, name: str, kind: str) -> None:
    """It is not taken for a refusal, and ends the wait for what another one holds."""
    url = request.getfixturevalue(name).url
    create(url, "subscriber").insert("subscriber", {"username": "a", "domain": "d"})
    said = subprocess.run([sys.executable, "-c", LATE, url, kind], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    first, second = said.stdout.splitlines()
    assert first.endswith("took longer than 0.2 s False True") and second == "None", said.stderr


def test_a_file_that_another_one_writes_to_or_that_may_not_grow(tmp_path: pathlib.Path) -> None:
    url = f"sqlite://{tmp_path}/o.sqlite"
    create(url, "subscriber")
    database = opened(url, busy_timeout=10, exec_pragma="max_page_count=40")
    database.insert("subscriber", {"username": "a", "domain": "d"})
    with sqlite3.connect(f"{tmp_path}/o.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Hindered, match="locked"):
            database.insert("subscriber", {"username": "b", "domain": "d"})
        assert database.select("subscriber", ("username",)) == [("a",)]
        other.execute("ROLLBACK")
    with pytest.raises(Hindered, match="full"):
        database.insert_many("subscriber", ("username", "domain"), [(f"u{number}" * 10, "d") for number in range(9000)])
    assert database.select("subscriber", ("username",)) == [("a",)] and database.is_up
    other.close()

"""Servers that go and come back, and operations that take too long."""
from __future__ import annotations

import logging
import time

import pytest

from opensips_py.db import Unavailable
from tests.db.databases import create

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

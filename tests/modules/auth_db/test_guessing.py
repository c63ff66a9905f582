"""Guessing passwords: what it costs the database, and what is told of it."""
from __future__ import annotations

import pytest

from opensips_py.modules.auth_db import users as users_of
from opensips_py.modules.auth_db.guesses import MANY, PLACES, Guesses
from opensips_py.modules.auth_db.users import FEW, FRESH, Columns, Found, Users
from tests.modules.auth.client import Client
from tests.modules.auth_db.scripts import guarded
from tests.modules.users import add_user, hashes, subscribers


@pytest.fixture
def server(opensips, tmp_path):
    url, database = subscribers(tmp_path, "subscriber")
    add_user(database, "alice", "secret")
    server = opensips(text=guarded(url))
    server.database = database
    return server


def queries(server):
    """How many operations the database has answered."""
    return server.engine.statistics.get("sql:sql_total_queries").value


def test_hundreds_of_guesses_cost_a_few_look_ups(server):
    client = Client(server, password="wrong")
    challenge, before = client.challenge(), queries(server)
    assert [client.prove(challenge, count) for count in range(1, 301)] == [401] * 300
    assert queries(server) - before == FEW
    lines = [each for each in server.log if "wrong passwords" in each]
    assert lines == [f"WARNING 192.0.2.1 has given {MANY} wrong passwords within a minute, the last for user "
                     "'alice' of example.com"]
    right = Client(server)
    assert right.prove(right.challenge()) == 200, "who knows the password comes in meanwhile"
    before = queries(server)
    assert client.prove(challenge, 301) == 401 and queries(server) == before + 1, "and then is read again"


def test_what_was_read_serves_for_two_seconds(server):
    client = Client(server, password="new")
    challenge = client.challenge()
    for count in range(1, FEW + 2):
        client.prove(challenge, count)
    server.database.update("subscriber", hashes("alice", "example.com", "new"), {})
    assert client.prove(challenge, 90) == 401
    server.advance(FRESH)
    assert client.prove(challenge, 91) == 200


def test_a_mistake_or_two_are_no_guesses(server):
    client = Client(server, password="new")
    challenge = client.challenge()
    assert [client.prove(challenge, count) for count in range(1, FEW)] == [401] * (FEW - 1)
    server.database.update("subscriber", hashes("alice", "example.com", "new"), {})
    assert client.prove(challenge, 90) == 200


def test_unknown_users_are_remembered_as_well(server):
    client = Client(server, user="mallory")
    challenge, before = client.challenge(), queries(server)
    assert [client.prove(challenge, count) for count in range(1, 11)] == [401] * 10
    assert queries(server) - before == FEW


class Memory(dict):
    def load(self, index):
        return self.get(index, 0)

    def cas(self, index, old, new):
        assert self.load(index) == old
        self[index] = new
        return True


def test_counting_by_source_and_minute(opensips, tmp_path, monkeypatch):
    now = [6000.0]
    monkeypatch.setattr("opensips_py.modules.auth_db.guesses.time.time", lambda: now[0])
    guesses = Guesses(Memory())
    assert [guesses.wrong("192.0.2.1") for _ in range(MANY + 2)].index(True) == MANY - 1
    assert [guesses.wrong("192.0.2.2") for _ in range(MANY - 1)] == [False] * (MANY - 1)
    now[0] += 60
    assert not guesses.wrong("192.0.2.2")
    assert [guesses.wrong("192.0.2.1") for _ in range(MANY)].count(True) == 1
    assert all(index < PLACES for index in guesses.words)


def test_one_reads_again_and_the_others_do_not_wait_for_it():
    class Slow:
        asked = 0

        def select(self, *arguments, **how):
            self.asked += 1
            assert users.find(key, ()) is known, "what comes meanwhile is answered from memory"
            return [("new",)]
    database = Slow()
    users = Users(database, Columns("username", "domain", False, ("ha1", "ha1_sha256", "ha1_sha512t256")))
    key = ("subscriber", "alice", "example.com", "ha1")
    known = users.guessed[key] = Found(("old",), 0.0, 0.0, FEW)
    found = users.find(key, ())
    assert found.row == ("new",) and database.asked == 1
    users.was_wrong(key, found)
    users.was_wrong(key, known)  # of one that has begun before
    assert users.find(key, ()) is found and found.wrong == FEW + 2


def test_so_many_are_remembered_and_no_more(monkeypatch):
    monkeypatch.setattr(users_of, "REMEMBERED", 3)
    users = Users(None, Columns("username", "domain", False, ("ha1", "ha1_sha256", "ha1_sha512t256")))
    for number in range(10):
        users.was_wrong(("subscriber", f"user{number}", "d", "ha1"), Found(None))
    assert [user for _, user, _, _ in users.guessed] == ["user7", "user8", "user9"]

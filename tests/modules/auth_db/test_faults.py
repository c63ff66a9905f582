"""Databases that are gone, slow, back again, or not as they should be; with real servers."""
from __future__ import annotations

import time

import pytest

from opensips_py.errors import ConfigError
from tests.db.databases import create
from tests.modules.auth.client import Client
from tests.modules.auth_db.scripts import guarded
from tests.modules.users import add_user

PATIENCE = {"mysql": "timeout_interval", "postgres": "timeout"}


@pytest.fixture(params=["mysql", "postgres"])
def kind(request):
    return request.param


@pytest.fixture
def database(kind, request):
    return request.getfixturevalue({"mysql": "mariadb_server", "postgres": "postgres_server"}[kind])


@pytest.fixture
def users(database):
    made = create(database.url, "subscriber")
    add_user(made, "alice", "secret")
    yield made
    made.close()


def script(kind, url, more=""):
    """A script that waits a second for this database, and tells the time without it."""
    settings = f'modparam("db_{kind}", "{PATIENCE[kind]}", 1)\n{more}'
    text = guarded(url, settings=settings).replace("db_sqlite", f"db_{kind}")
    return text.replace("route {", 'route {\nif ($rm == "OPTIONS") { send_reply(200, "Here"); exit; }\n')


def code(server):
    return server.variables["rc"]


def eventually(client, status):
    """Ask until that is the answer: a server that listens again may not let anybody in yet."""
    deadline = time.monotonic() + 20
    db = client.server.engine.generation.registry.modules["auth_db"].db
    while (found := client.prove(client.challenge())) != status and time.monotonic() < deadline:
        db.breaker.until = 0.0
        time.sleep(0.05)
    assert found == status


def test_lost_and_back(opensips, kind, database, users):
    client = Client(opensips(text=script(kind, database.url)))
    assert client.prove(client.challenge()) == 200
    client.server.log.clear()
    database.stop(hard=True)
    try:
        for _ in range(20):
            assert client.prove(client.challenge()) == 401 and code(client.server) == -5
        assert Client(client.server, method="OPTIONS").send().status == 200
        assert sum("does not answer" in each for each in client.server.log) == 1
        assert sum("cannot be checked" in each for each in client.server.log) == 1, client.server.log
    finally:
        database.start()
    eventually(client, 200)


def test_gone_at_the_start(opensips, kind, database, users):
    users.close()
    database.stop(hard=True)
    try:
        client = Client(opensips(text=script(kind, database.url)))
        assert client.prove(client.challenge()) == 401 and code(client.server) == -5
    finally:
        database.start()
    eventually(client, 200)


def test_not_as_it_should_be(opensips, kind, database, users):
    users.query("ALTER TABLE subscriber DROP COLUMN ha1")
    with pytest.raises(ConfigError, match="has no column ha1"):
        opensips(text=script(kind, database.url))
    users.update("version", {"table_version": 6}, {"table_name": "subscriber"})
    with pytest.raises(ConfigError, match="version 6, where 7 or 8 is known"):
        opensips(text=script(kind, database.url))
    users.query("DROP TABLE subscriber")
    with pytest.raises(ConfigError, match="is not there, or has no columns domain, ha1, username"):
        opensips(text=script(kind, database.url, 'modparam("auth_db", "skip_version_check", 1)\n'))


def test_hostile_names(opensips, kind, database, users):
    server = opensips(text=script(kind, database.url))
    challenge = Client(server).challenge()
    for user in ("x' OR '1'='1", "alice'; DROP TABLE subscriber; --", "alice\\", "\udcff", "%", "é" * 2000, "alice'--"):
        assert Client(server, user=user, password="").prove(challenge) == 401 and code(server) in (-1, -5), user
    assert users.select("subscriber", ("username",)) == [("alice",)]

"""Contacts in real databases: database, server or both are killed, and what was acknowledged last is there."""
from __future__ import annotations

import contextlib
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from opensips_py.db import DatabaseError, DatabaseUrl
from tests.db.databases import create, opened
from tests.live import ROOT, Server, free_ports
from tests.scenarios.phone import Phone
from tests.scenarios.registrations import Registrations, bindings, serving
from tests.servers import redis_cluster

CONFIG = pathlib.Path(__file__).parent / "location.cfg"
USERS = [f"user{number}" for number in range(60)]
PATIENCE = 30.0  # seconds for an answer: whole servers are started meanwhile
THROUGH, BACK, ONLY = "single-instance-sql-write-through", "single-instance-sql-write-back", "sql-only"


def server(url: str, mode: str, folder: pathlib.Path) -> Server:
    """A server with contacts in the database of *url*."""
    folder.mkdir(exist_ok=True)
    return Server(CONFIG, folder=folder, DRIVER=f"db_{DatabaseUrl.parse(url).scheme}", URL=url, MODE=mode)


def sharing(node: str, folder: pathlib.Path) -> Server:
    """A server by cfg/shared-contacts.cfg, which finds the Redis cluster at *node*."""
    folder.mkdir(exist_ok=True)
    text = (ROOT / "cfg" / "shared-contacts.cfg").read_text().replace("redis:contacts://localhost:6379/", node)
    return Server(text.replace(":5060", ":@PORT@").replace("/tmp/opensips_py_fifo", "@RUN@/fifo"), folder=folder)


def rows(url: str) -> dict[str, int]:
    """The CSeq that the database has for each user's contact."""
    return dict(opened(url).select("location", ("username", "cseq")))


def told(url: str, expected: dict[str, int]) -> bool:
    """Whether the database comes to know all that is *expected*."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(DatabaseError):  # it listens before it lets anybody in
            if lacking(rows(url), expected) == set():
                return True
        time.sleep(0.05)
    return False


def lacking(found: dict[str, int], expected: dict[str, int]) -> set[str]:
    """The users of whom *found* has something older than what is *expected*."""
    return {user for user, cseq in expected.items() if found.get(user, 0) < cseq}


def kept_by(running: Server) -> dict[str, int]:
    """The CSeq that a server has for each user's contact."""
    command = [sys.executable, "-m", "opensips_py", "mi", "-f", str(running.config), "ul_dump"]
    answer = subprocess.run(command, env=running.env, capture_output=True, text=True, check=True, timeout=30).stdout
    listed = json.loads(answer)["Domains"][0]["AORs"]
    return {each["AOR"].partition("@")[0]: each["Contacts"][0]["Cseq"] for each in listed}


@pytest.fixture(params=[("postgres_server", THROUGH), ("mariadb_server", BACK)], ids=["postgres", "mariadb"])
def kept(request: pytest.FixtureRequest) -> tuple[Any, str]:
    """A database server with an empty table, and a mode."""
    database = request.getfixturevalue(request.param[0])
    create(database.url, "location")
    return database, request.param[1]


def test_workers_database_server_and_machine_go_down(kept: tuple[Any, str], tmp_path: pathlib.Path) -> None:
    database, mode = kept
    with server(database.url, mode, tmp_path) as running:
        registrations = Registrations(running.port, free_ports()[0], USERS, PATIENCE)
        registrations.round()
        with registrations:
            for victim in running.workers():
                os.kill(victim, signal.SIGKILL)
            registrations.wait_for(1)
            database.stop(hard=True)
            registrations.wait_for(1)
            running.kill_all()
            acknowledged = dict(registrations.acknowledged)
            running.start()
        assert min(acknowledged.values()) > 2
        assert lacking(kept_by(running), acknowledged) == set(), "while the database is gone"
        database.start()
        assert told(database.url, registrations.acknowledged)
        running.kill_all()
        for each in (running.folder / "state").rglob("boot"):
            each.write_text('{"boot": "another", "clean": false}')  # the machine went down
        running.start()
        assert "starts empty" in running.log
        assert kept_by(running) == registrations.acknowledged, "rebuilt from the database"


def test_two_servers_share_one_database(postgres_server: Any, tmp_path: pathlib.Path) -> None:
    create(postgres_server.url, "location")
    with server(postgres_server.url, ONLY, tmp_path / "one") as one, \
            server(postgres_server.url, ONLY, tmp_path / "two") as two:
        registrations = Registrations(one.port, free_ports()[0], USERS)
        registrations.round()
        assert bindings(two.port, USERS) == bindings(one.port, USERS)
        caller = Phone(two.port)
        callee = Phone(one.port)
        callee.send(callee.register("bob", 1, f"<sip:bob@127.0.0.1:{callee.port}>"))
        callee.take("200 REGISTER", ["reg-bob"])
        caller.send(caller.request("OPTIONS", f"sip:bob@127.0.0.1:{two.port}", "call", 1, tag="t",
                                   to="<sip:bob@127.0.0.1>"))
        assert callee.take("OPTIONS", ["call"])["call"].uri == f"sip:bob@127.0.0.1:{callee.port}"
        caller.close()
        callee.close()


def test_a_slow_database_makes_nobody_wait_but_who_registers(postgres_server: Any, tmp_path: pathlib.Path) -> None:
    import psycopg
    create(postgres_server.url, "location")
    url = DatabaseUrl.parse(postgres_server.url)
    with server(postgres_server.url, THROUGH, tmp_path / "one") as running, psycopg.connect(
            host=url.host, port=url.port, user=url.user, password=url.password, dbname=url.database) as other:
        other.execute("LOCK TABLE location")
        phone = Phone(running.port)
        request = phone.register("alice", 1, "<sip:alice@127.0.0.1>")
        phone.send(request)
        serving(running, 10.0)
        phone.send(request)  # again, which is absorbed
        phone.hear()
        assert [each for each in phone.heard if each.status != 100] == []
        other.rollback()
        assert len(phone.take("200 REGISTER", ["reg-alice"])) == 1
        assert rows(postgres_server.url).keys() == {"alice"}
        phone.close()


class Answers:
    """Phones that register with one server, once for each CSeq, and what it said."""

    def __init__(self, port: int, callee: Phone) -> None:
        self.phone, self.callee = Phone(port), callee
        self.acknowledged: dict[str, int] = {}

    def register(self, cseq: int) -> set[str]:
        """Every user registers; those who were refused, with a 5xx."""
        left, refused = set(USERS), set()
        for user in USERS:
            contact = f"<sip:{user}@127.0.0.1:{self.callee.port}>;q=0.{cseq:03d}"
            self.phone.send(self.phone.register(user, cseq, contact))
        deadline = time.monotonic() + PATIENCE
        while left:
            assert time.monotonic() < deadline, left
            self.phone.hear(0.1)
            for each in self.phone.heard:
                user = each.call_id.removeprefix("reg-")
                left.discard(user)
                if each.status == 200:
                    self.acknowledged[user] = cseq
                else:
                    assert each.status == 500
                    refused.add(user)
            self.phone.heard.clear()
        return refused


def called(port: int, callee: Phone, users: set[str]) -> set[str]:
    """Calls *users* through the server at *port*; whose phone the calls came to."""
    caller = Phone(port)
    ids = {f"call-{port}-{user}-{time.monotonic_ns()}": user for user in users}
    for call_id, user in ids.items():
        caller.send(caller.request("OPTIONS", f"sip:{user}@127.0.0.1:{port}", call_id, 1, tag="t",
                                   to=f"<sip:{user}@127.0.0.1>"))
    heard = callee.take("OPTIONS", ids, PATIENCE)
    for each in heard.values():
        callee.send(each.answer(200))
    caller.close()
    return {each.uri.partition(":")[2].partition("@")[0] for each in heard.values()}


def test_two_servers_share_contacts_in_a_cluster_that_loses_a_node(tmp_path: pathlib.Path) -> None:
    """What was acknowledged is not lost; what cannot be kept is not acknowledged."""
    with redis_cluster(3) as nodes, sharing(nodes[0].url, tmp_path / "one") as one, \
            sharing(nodes[0].url, tmp_path / "two") as two:
        callee = Phone(two.port)
        answers = Answers(one.port, callee)
        assert answers.register(1) == set()
        assert called(two.port, callee, set(USERS)) == set(USERS)
        nodes[1].stop(hard=True)
        refused = answers.register(2)
        there = set(USERS) - refused
        assert refused and there, "a third of the slots is gone"
        assert called(two.port, callee, there) == there
        assert bindings(two.port, sorted(there)) == dict.fromkeys(sorted(there), 2)
        nodes[1].start()
        nodes[1].ready()
        assert bindings(two.port, USERS) == answers.acknowledged
        deadline = time.monotonic() + PATIENCE
        for cseq in itertools.count(3):  # a node that was gone is asked again after some seconds
            if answers.register(cseq) == set():
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert called(two.port, callee, set(USERS)) == set(USERS)
        callee.close()
        answers.phone.close()

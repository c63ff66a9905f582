"""Records while the database goes away and processes are killed: each one is in the database once."""
from __future__ import annotations

import os
import signal
import socket
import time
from collections import Counter
from typing import Any

from opensips_py.db import Unavailable
from tests.db.databases import create
from tests.live import HOST, Server

CONFIG = """
log_level=3
stderror_enabled=yes
socket=udp:@HOST@:@PORT@
workers=2
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "@DRIVER@.so" loadmodule "acc.so"
modparam("acc", "db_url", "@URL@")
modparam("acc", "extra_fields", "db: text->sip_reason")
route {
	if ($rm == "OPTIONS") { sl_send_reply(200, "OK"); exit; }
	do_accounting("db");
	$acc_extra(text) = "a reason that is longer than the column of the table";
	t_newtran();
	t_reply(200, "Fine");
}
"""


class Client:
    """Sends requests, and knows which ones were answered."""

    def __init__(self, port: int) -> None:
        self.port, self.number = port, 0
        self.answered: list[str] = []
        self.took: list[float] = []  # seconds until an answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.own = self.socket.getsockname()[1]

    def send(self) -> str:
        """One request; its Call-ID."""
        self.number += 1
        call_id = f"record-{self.own}-{self.number}"
        self.socket.sendto(
            f"MESSAGE sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{self.own};branch=z9hG4bK-{call_id}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:a@{HOST}>;tag=f\r\nTo: <sip:b@{HOST}>\r\nCall-ID: {call_id}\r\n"
            f"CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n".encode(), (HOST, self.port))
        return call_id

    def hear(self, patience: float) -> bool:
        """Take one answer; whether there was one."""
        self.socket.settimeout(patience)
        try:
            answer = self.socket.recv(4096).decode()
        except TimeoutError:
            return False
        self.answered.append(next(line[9:] for line in answer.split("\r\n") if line.startswith("Call-ID: ")))
        return True

    def ask(self, count: int, patience: float = 1.0) -> None:
        """Have *count* more requests answered; some may be lost while processes die."""
        wanted = len(self.answered) + count
        deadline = time.monotonic() + 30
        while len(self.answered) < wanted:
            assert time.monotonic() < deadline
            began = time.monotonic()
            self.send()
            self.hear(patience)
            self.took.append(time.monotonic() - began)


def kill_one(server: Server) -> None:
    """kill -9 of a worker."""
    os.kill(server.workers()[0], signal.SIGKILL)


def check(database: Any, client: Client) -> None:
    """Each answered request is in the table once, and none is there twice."""
    deadline = time.monotonic() + 40
    while True:
        try:
            found = Counter(call_id for call_id, in database.select("acc", ("callid",)))
        except Unavailable:  # a server that has just been started
            found = Counter()
        missing = set(client.answered) - set(found)
        if not missing:
            break
        assert time.monotonic() < deadline, sorted(missing)
        time.sleep(0.05)
    assert [each for each, times in found.items() if times > 1] == []


def test_a_database_that_goes_and_comes_back(postgres_server):
    running = postgres_server
    database = create(running.url, "acc", "missed_calls")
    with Server(CONFIG, URL=running.url, DRIVER="db_postgres") as server:
        client = Client(server.port)
        client.ask(10)
        running.stop(hard=True)
        client.ask(10)
        kill_one(server)
        client.ask(10, 0.3)
        server.kill_all()
        server.start()
        client.ask(10)
        running.start()
        client.ask(10)
        check(database, client)
    assert {text for text, in database.select("acc", ("sip_reason",))} == {"a reason that is longer than the"[:32]}
    database.close()


def test_a_slow_database_holds_up_nobody(postgres_server):
    database = create(postgres_server.url, "acc", "missed_calls")
    slow = CONFIG.replace('loadmodule "acc.so"', 'modparam("db_postgres", "timeout", 1) loadmodule "acc.so"')
    with Server(slow, URL=postgres_server.url, DRIVER="db_postgres") as server:
        client = Client(server.port)
        client.ask(2)
        check(database, client)  # the columns are known
        with database.pool.lend() as holder:
            holder.execute_sql("BEGIN")
            holder.execute_sql("LOCK TABLE acc IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            while len(waiting(database)) < 2:  # somebody has given up, and looks whether it was done
                client.ask(1)
                assert time.monotonic() < began + 30
            holder.execute_sql("ROLLBACK")
        check(database, client)
        assert max(client.took) < 1.0
    database.close()


def waiting(database: Any) -> list[Any]:
    """The connections that wait for a lock."""
    return database.query("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'").rows


def test_processes_that_are_killed_in_the_middle(postgres_server):
    database = create(postgres_server.url, "acc", "missed_calls")
    with Server(CONFIG, URL=postgres_server.url, DRIVER="db_postgres") as server:
        client = Client(server.port)
        for _ in range(2):
            for _ in range(60):
                client.send()
            for _ in range(15):
                client.hear(0.5)
            kill_one(server)
            while client.hear(0.3):
                pass
            client.ask(1, 0.3)
        check(database, client)
        assert len(client.answered) > 30
    database.close()

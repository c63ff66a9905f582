"""kill -9 of a worker, and of everything: what was acknowledged is there, calls go on."""
from __future__ import annotations

import grp
import os
import pathlib
import pwd
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.live import Server, descendants, python_of
from tests.scenarios.phone import Call, Phone, answered, calls_to

CONFIG = pathlib.Path(__file__).parent / "survival.cfg"
USERS = [f"user{number}" for number in range(500)]
BACK = 2.0  # seconds for a killed worker to be back, on a machine that is not busy with anything else
BATCH = 50  # REGISTERs at once: no more than a socket buffer holds
AS_NOBODY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a server as another user")


class Registrations:
    """Phones that register again and again, and what the server acknowledged last."""

    def __init__(self, port: int, contact_port: int, users: list[str]) -> None:
        self.phone = Phone(port)
        self.contact_port, self.users = contact_port, users
        self.said: dict[str, int] = dict.fromkeys(users, 0)  # CSeq of the last REGISTER, which its q-value shows
        self.acknowledged: dict[str, int] = {}
        self._over = threading.Event()

    def again(self, user: str) -> bytes:
        cseq = self.said[user]
        contact = f"<sip:{user}@127.0.0.1:{self.contact_port}>;q=0.{cseq:03d}"
        return self.phone.register(user, cseq, contact)

    def repeat(self, call_id: str) -> None:
        self.phone.send(self.again(call_id.removeprefix("reg-")))

    def round(self) -> None:
        """Every user registers once."""
        for first in range(0, len(self.users), BATCH):
            batch = self.users[first:first + BATCH]
            for user in batch:
                self.said[user] += 1
                self.phone.send(self.again(user))
            names = {f"reg-{user}": user for user in batch}
            for each in self.phone.take("200 REGISTER", names, again=self.repeat):
                self.acknowledged[names[each]] = self.said[names[each]]
            self.phone.heard.clear()

    def go_on(self) -> None:
        while not self._over.is_set():
            self.round()

    def __enter__(self) -> Registrations:
        self._thread = threading.Thread(target=self.go_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


def bindings(port: int, users: list[str]) -> dict[str, int]:
    """The q-value, in thousandths, of each user's only binding; 0: there is none."""
    phone, found = Phone(port), {}
    for first in range(0, len(users), BATCH):
        names = {f"ask-{user}": user for user in users[first:first + BATCH]}

        def ask(call_id: str, names: dict[str, str] = names) -> None:
            phone.send(phone.register(names[call_id], 1, call_id=call_id))

        for call_id in names:
            ask(call_id)
        for call_id, answer in phone.take("200 REGISTER", names, again=ask).items():
            contacts = answer.all("Contact")
            assert len(contacts) <= 1, contacts
            value = re.search(r"q=0?\.(\d+)", contacts[0]) if contacts else None
            found[names[call_id]] = int(value[1].ljust(3, "0")) if value else 0
    phone.close()
    return found


def serving(server: Server, seconds: float) -> float:
    """Seconds until every worker serves again; each of many Call-IDs has to be answered."""
    phone, began = Phone(server.port), time.monotonic()
    ids = [f"alive-{time.monotonic_ns()}-{number}" for number in range(16)]

    def ask(call_id: str) -> None:
        phone.send(phone.request("OPTIONS", f"sip:127.0.0.1:{server.port}", call_id, 1, tag="t",
                                 to=f"<sip:127.0.0.1:{server.port}>"))

    for call_id in ids:
        ask(call_id)
    phone.take("200 OPTIONS", ids, seconds, again=ask)
    phone.close()
    return time.monotonic() - began


@pytest.fixture(scope="module", ids=" ".join, params=[
    ("1",), ("2",), pytest.param(("2", "-u", "nobody", "-g", "nogroup"), marks=AS_NOBODY)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workers, *letters = request.param
    folder = tmp_path_factory.mktemp("survival")
    for each in (folder, *folder.parents):
        if each == folder or each.name.startswith(("pytest-", "popen-")):  # which are for their owner alone
            each.chmod(0o755)
    python, environment = sys.executable, {}
    if letters:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        python, environment = python_of("nobody")
        if not python:
            pytest.skip("no Python here that nobody may run")
    with Server(CONFIG, *letters, folder=folder, python=python, env=environment, WORKERS=workers) as made:
        nobody = pwd.getpwnam("nobody").pw_uid, grp.getgrnam("nogroup").gr_gid
        owners = {(found.st_uid, found.st_gid) for found in [
            os.stat(f"/proc/{pid}") for pid in [made.process.pid, *descendants(made.process.pid)]]}
        assert owners == {nobody if letters else (os.geteuid(), os.getegid())}
        yield made


@pytest.fixture
def phones(server: Server) -> Iterator[tuple[Phone, Phone]]:
    caller, callee = Phone(server.port), Phone(server.port)
    yield caller, callee
    caller.close()
    callee.close()


def hang_up(caller: Phone, callee: Phone, calls: list[Call]) -> None:
    """Half of the *calls* are ended by the caller, half by the callee."""
    ours, theirs = calls[::2], calls[1::2]
    for one, other, some in ((caller, callee, ours), (callee, caller, theirs)):
        byes = {each.id: caller.within(each, "BYE") if one is caller else callee.back(each, "BYE", f"b{each.id}")
                for each in some}
        for bye in byes.values():
            one.send(bye)
        for bye_heard in other.take("BYE", byes, again=lambda i, one=one, byes=byes: one.send(byes[i])).values():
            other.send(bye_heard.answer(200))
        one.take("200 BYE", byes)


def test_a_killed_worker_is_back_and_its_calls_go_on(server: Server, phones: tuple[Phone, Phone]) -> None:
    caller, callee = phones
    registrations = Registrations(server.port, callee.port, USERS)
    registrations.round()
    established = calls_to(caller, callee, USERS[:100], answer=True)
    ringing = calls_to(caller, callee, USERS[100:150], answer=False)
    given_up = calls_to(caller, callee, USERS[150:155], answer=False)
    with registrations:
        victims = server.workers()
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        assert serving(server, 20.0) < BACK * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
        assert not set(server.workers()) & set(victims)
        answered(caller, callee, ringing)
        cancel(caller, callee, given_up)
        hang_up(caller, callee, established + ringing)
    found = bindings(server.port, USERS)
    assert {user for user in USERS if found[user] < registrations.acknowledged[user]} == set()


def cancel(caller: Phone, callee: Phone, calls: list[Call]) -> None:
    """The caller gives up: the CANCEL reaches the callee, whose 487 is acknowledged and reaches the caller."""
    by_id = {each.id: each for each in calls}
    for each in calls:
        caller.send(caller.cancel(each))
    caller.take("200 CANCEL", by_id)
    for call_id, heard in callee.take("CANCEL", by_id).items():
        invite = by_id[call_id].invited
        assert invite is not None
        assert heard.get("Via") == invite.get("Via")  # or the callee finds no INVITE for it
        assert heard.uri == invite.uri
        callee.send(heard.answer(200))
        callee.send(invite.answer(487, f"b{call_id}"))
    callee.take("ACK", by_id)
    for call_id in caller.take("487 INVITE", by_id):
        caller.send(caller.request("ACK", f"sip:{by_id[call_id].user}@127.0.0.1:{caller.server[1]}", call_id, 1,
                                   tag=by_id[call_id].tag, branch=by_id[call_id].branch,
                                   to=f"<sip:{by_id[call_id].user}@127.0.0.1>;tag=b{call_id}"))


def test_after_the_end_of_all_every_acknowledged_binding_is_there(server: Server) -> None:
    registrations = Registrations(server.port, 9, USERS)
    with registrations:
        deadline = time.monotonic() + 10
        while min(registrations.acknowledged.values(), default=0) < 2 or len(registrations.acknowledged) < len(USERS):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        server.kill_all()
        server.start()
        acknowledged = dict(registrations.acknowledged)
    found = bindings(server.port, USERS)
    assert {user for user in USERS if found[user] < acknowledged[user]} == set()

"""kill -9 of a worker, and of everything: what was acknowledged is there, calls go on."""
from __future__ import annotations

import contextlib
import grp
import os
import pathlib
import pwd
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from tests.live import Server, descendants, open_folder, python_of
from tests.scenarios.phone import Call, Phone, answered, calls_to, cancel
from tests.scenarios.registrations import Registrations, bindings, serving

CONFIG = pathlib.Path(__file__).parent / "survival.cfg"
USERS = [f"user{number}" for number in range(500)]
BACK = 2.0  # seconds for a killed worker to be back, on a machine that is not busy with anything else
AS_NOBODY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a server as another user")


@pytest.fixture(scope="module", ids=" ".join, params=[
    ("1",), ("2",), pytest.param(("2", "-u", "nobody", "-g", "nogroup"), marks=AS_NOBODY)])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    workers, *letters = request.param
    python, environment = sys.executable, {}
    if letters:
        python, environment = python_of("nobody")
        if not python:
            pytest.skip("no Python here that nobody may run")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        if letters:
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        made = stack.enter_context(Server(CONFIG, *letters, folder=folder, python=python, env=environment,
                                          WORKERS=workers))
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

"""Nonces between workers, and over the end of all of them."""
from __future__ import annotations

import itertools

import pytest

from opensips_py.sip import Challenge, Password, parse
from opensips_py.testing import request
from tests.live import Server, ask
from tests.modules.auth.client import guarded

CONFIG = guarded().replace("udp:127.0.0.1:5060", "udp:@HOST@:@PORT@") + "\n"
NUMBERS = itertools.count(1)


def send(port, credentials=""):
    """Send a REGISTER of a Call-ID of its own, so that any worker may get it; the answer."""
    headers = {"Authorization": str(credentials)} if credentials else {}
    return parse(ask(port, request("REGISTER", "sip:example.net", call_id=f"call-{next(NUMBERS)}", headers=headers)))


def challenge(port):
    answer = send(port)
    assert answer.status == 401
    return Challenge.parse(answer.header("WWW-Authenticate"))


def answered(challenge, count=1):
    return challenge.respond("alice", Password("secret"), "REGISTER", "sip:example.net", cnonce="c", count=count)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(f"workers=2\n{CONFIG}", folder=tmp_path_factory.mktemp("auth")) as running:
        yield running


def test_all_workers_know_all_nonces_and_which_served(server):
    assert len(server.workers()) == 2
    for _ in range(8):
        credentials = answered(challenge(server.port))
        assert [send(server.port, credentials).status for _ in range(4)] == [200, 401, 401, 401]


def test_they_outlive_the_server(server):
    used, fresh = challenge(server.port), challenge(server.port)
    assert send(server.port, answered(used)).status == 200
    server.kill_all()
    server.start()
    assert send(server.port, answered(fresh)).status == 200
    late = send(server.port, answered(used))
    assert late.status == 401 and Challenge.parse(late.header("WWW-Authenticate")).stale
    assert send(server.port, answered(used, 2)).status == 200

"""A residential script of 2.1, converted to 4.0, serves the same calls."""
from __future__ import annotations

import pathlib
import re
import socket

import pytest

from opensips_py.script import converting
from tests.live import HOST, ROOT, SIPP, Server, Sipp, ask, free_ports, options

pytestmark = pytest.mark.skipif(SIPP is None, reason="sipp is not installed")

USERS = 20
FIELDS = "SEQUENTIAL\n" + "".join(f"user{number};\n" for number in range(USERS))
OLD = pathlib.Path(ROOT, "tests", "script", "converting", "residential_21.cfg").read_text()
SCRIPTS = {"2.1": OLD, "4.0": converting.converted("old.cfg", {"old.cfg": OLD})["old.cfg"]}


@pytest.fixture(scope="module", params=SCRIPTS)
def server(request):
    with Server(SCRIPTS[request.param].replace(":5060", ":@PORT@")) as started:
        yield started


def test_users_register_and_call_each_other(server):
    caller, phone = free_ports(2)
    keys = {"contact_port": str(phone), "contact_transport": "udp"}
    answering = Sipp("answer.xml", phone, transport="u1", calls=USERS)
    try:
        registered = Sipp("register.xml", caller, target=server.port, calls=USERS, rate=200, transport="u1",
                          fields=FIELDS, keys=keys).finish()
        called = Sipp("call_user.xml", caller, target=server.port, calls=USERS, rate=100, transport="u1",
                      fields=FIELDS, keys=keys).finish()
    finally:
        answering.stop()
    assert (registered["done"], called["done"], registered["failed"], called["failed"]) == (USERS, USERS, 0, 0)
    assert "Traceback" not in server.log
    answered = re.findall(r"ACC: transaction answered: .*method=INVITE.*code=200", server.log)
    assert len(answered) == USERS


def test_options_are_answered_alike(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        reply = ask(server.port, options(server.port, sock.getsockname()[1], 1), own=sock).decode()
    assert reply.startswith("SIP/2.0 200 OK") and "\r\nAllow: INVITE\r\n" in reply

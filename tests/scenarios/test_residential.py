"""The configuration that `make run` starts: phones register and call each other, over UDP, TCP and mixed."""
from __future__ import annotations

import pathlib

import pytest

from tests.live import ROOT, SIPP, Server, Sipp, free_ports

pytestmark = pytest.mark.skipif(SIPP is None, reason="sipp is not installed")

USERS = 100
FIELDS = "SEQUENTIAL\n" + "".join(f"user{number};\n" for number in range(USERS))


@pytest.fixture(scope="module")
def server():
    text = pathlib.Path(ROOT, "cfg", "residential.cfg").read_text()
    text = text.replace(":5060", ":@PORT@").replace("/tmp/opensips_py_fifo", "@RUN@/fifo")
    with Server(text) as started:
        yield started


@pytest.mark.parametrize(("callers", "phones"), [("u1", "u1"), ("t1", "t1"), ("u1", "t1"), ("t1", "u1")])
def test_users_register_and_call_each_other(server, callers, phones):
    caller, phone = free_ports(2)
    keys = {"contact_port": str(phone), "contact_transport": "udp" if phones == "u1" else "tcp"}
    answering = Sipp("answer.xml", phone, transport=phones, calls=USERS)
    try:
        registered = Sipp("register.xml", caller, target=server.port, calls=USERS, rate=200, transport=phones,
                          fields=FIELDS, keys=keys).finish()
        called = Sipp("call_user.xml", caller, target=server.port, calls=USERS, rate=100, transport=callers,
                      fields=FIELDS, keys=keys).finish()
    finally:
        answering.stop()
    assert (registered["done"], called["done"], registered["failed"], called["failed"]) == (USERS, USERS, 0, 0)
    assert "Traceback" not in server.log

"""cfg/beginner.cfg on a real server: phones register and call each other, over UDP, TCP and mixed."""
from __future__ import annotations

import pytest

from tests.docs.test_getting_started import below, block
from tests.live import ROOT, SIPP, Server, Sipp, free_ports

pytestmark = pytest.mark.skipif(SIPP is None, reason="sipp is not installed")

WAYS = [("u1", "u1"), ("t1", "t1"), ("u1", "t1"), ("t1", "u1")]
CALLS = [("call_user", "answer"), ("call_reinvite_both", "answer_reinvite_both"),
         ("call_hangup_by_callee", "answer_hangup"), ("call_cancel_ringing", "ring_until_cancel"),
         ("call_refused_486", "refuse_486")]


@pytest.fixture(scope="module")
def server():
    text = below(3, block("opensips-top"))
    assert text.count("127.0.0.1:5060") == 2
    with Server(text.replace(":5060", ":@PORT@")) as started:
        yield started
        assert "Traceback" not in started.log


def register(server, user, port, transport):
    """Register a phone that listens at *port*."""
    keys = {"contact_port": str(port), "contact_transport": "udp" if transport == "u1" else "tcp"}
    done = Sipp("register.xml", free_ports()[0], target=server.port, transport=transport,
                fields=f"SEQUENTIAL\n{user};\n", keys=keys).finish()
    assert (done["done"], done["failed"]) == (1, 0)


@pytest.mark.parametrize(("caller_way", "phone_way"), WAYS)
def test_phones_register_and_call_each_other(server, caller_way, phone_way):
    caller, phone = free_ports(2)
    user = f"bob{phone}"
    register(server, "alice", caller, caller_way)
    register(server, user, phone, phone_way)
    for call, answer in CALLS:
        answering = Sipp(f"{answer}.xml", phone, transport=phone_way)
        calling = Sipp(f"{call}.xml", caller, target=server.port, transport=caller_way, keys={"user": user},
                       fields=f"SEQUENTIAL\n{user};\n")
        try:
            assert (calling.finish()["failed"], answering.finish()["failed"]) == (0, 0), call
        finally:
            calling.stop()
            answering.stop()


def test_the_file_as_it_stands_serves_udp():
    with Server((ROOT / "cfg" / "beginner.cfg").read_text().replace(":5060", ":@PORT@")) as server:
        test_phones_register_and_call_each_other(server, "u1", "u1")

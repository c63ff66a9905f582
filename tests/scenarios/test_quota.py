"""cfg/quota.cfg: calls that are counted, on the virtual network and over a restart of a real server."""
from __future__ import annotations

import socket

import pytest

from opensips_py.testing import Phone
from tests.live import HOST, ROOT, Server, ask

CONFIG = ROOT / "cfg" / "quota.cfg"


@pytest.fixture
def office(opensips):
    server = opensips(CONFIG)
    server.alice = Phone(server, "alice", "192.0.2.1")
    server.bob = Phone(server, "bob", "192.0.2.2")
    server.gateway = Phone(server, "gateway", "127.0.0.1", 5070)
    return server


def kept(server, collection="default"):
    return {each["name"]: each["value"] for each in server.mi("cachedb_local:fetch_chunk", "*", collection)["keys"]}


def answered(office, phone):
    call = phone.call("200")
    office.gateway.answer()
    call.ack()
    return call


def test_a_third_call_at_a_time(office):
    calls = [answered(office, office.alice) for _ in range(2)]
    office.alice.call("200")
    assert office.alice.last(486).message.reason == "Two Calls Already"
    assert kept(office)["now_alice"] == "2"
    answered(office, office.bob)
    assert office.bob.last(200)
    calls[0].bye()
    calls[0].bye()  # sent again
    assert kept(office)["now_alice"] == "1"
    assert answered(office, office.alice)


def test_calls_that_fail_do_not_count(office):
    for status in (486, 404, 503):
        office.alice.call("200")
        office.gateway.answer(status=status)
    call = office.alice.call("200")
    call.cancel()
    office.gateway.answer(office.gateway.last("INVITE"), 487)
    assert {name: value for name, value in kept(office).items() if name != "now_alice"} == {}
    assert kept(office)["now_alice"] == "0"


def test_who_asks_for_nobody_too_often(office):
    for _ in range(5):
        office.alice.call("nobody")
        office.gateway.answer(status=404)
    office.alice.call("200")
    assert office.alice.last(503).message.reason == "Wait a Minute"
    office.bob.call("200")
    assert office.gateway.last("INVITE").message.from_.parsed_uri.user == "bob"
    office.advance(61)
    office.alice.call("200")
    assert office.gateway.last("INVITE").message.from_.parsed_uri.user == "alice"


def test_calls_of_a_day(office):
    office.alice.call("200")
    office.gateway.answer(status=480)
    name, = kept(office, "day")
    assert name.startswith("alice_") and kept(office, "day") == {name: "1"}
    office.engine.generation.registry.caches.find("local:day").store(name, "100", 1000)
    office.alice.call("200")
    assert office.alice.last(403).message.reason == "Enough for Today"


INVITE = (f"INVITE sip:200@{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:5999;branch=z9hG4bK%s;rport\r\nMax-Forwards: 9\r\n"
          f"From: <sip:alice@{HOST}>;tag=a\r\nTo: <sip:200@{HOST}>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n"
          f"Contact: <sip:alice@{HOST}:5999>\r\nContent-Length: 0\r\n\r\n")


def test_counts_outlive_every_process(tmp_path):
    text = CONFIG.read_text().replace(":5060", ":@PORT@").replace(":5070", ":@GATEWAY@").replace(
        "/tmp/opensips_quota_fifo", str(tmp_path / "fifo"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gateway:  # it does not answer
        gateway.bind((HOST, 0))
        with Server(text, folder=tmp_path, GATEWAY=gateway.getsockname()[1]) as server:
            for number in range(2):
                assert b"SIP/2.0 100 " in ask(server.port, (INVITE % (number, number)).encode())
            server.kill_all()
            server.start()
            assert b"486 Two Calls Already" in ask(server.port, (INVITE % (2, 2)).encode())

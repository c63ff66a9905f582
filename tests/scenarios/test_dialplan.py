"""cfg/dialplan.cfg: a dial plan in Lua, on the virtual network and on a real server."""
from __future__ import annotations

import pathlib
import shutil
import socket
import time

import pytest

from opensips_py.testing import Phone
from tests.live import HOST, ROOT, Server, free_ports, options

CONFIG = ROOT / "cfg" / "dialplan.cfg"
LUA = ROOT / "cfg" / "dialplan.lua"


@pytest.fixture
def office(opensips):
    server = opensips(CONFIG)
    server.alice = Phone(server, "alice", "192.0.2.1")
    server.first = Phone(server, "gateway", "127.0.0.1", 5070)
    server.second = Phone(server, "gateway", "127.0.0.1", 5071)
    return server


@pytest.mark.parametrize(("dialled", "number"), [
    ("03012345", "+493012345"), ("0012125550100", "+12125550100"), ("+33123", "+33123")])
def test_numbers(office, dialled, number):
    office.alice.call(dialled)
    invite = office.first.last("INVITE").message
    assert (invite.uri, invite.header("X-Number")) == (f"sip:{number}@127.0.0.1:5070", number)
    assert not office.log.matching("ERROR")


def test_who_is_nobody(office):
    office.alice.call("bob")
    assert office.alice.last(404)
    assert office.log == ["ERROR lua_exec: translate(): nobody has the number bob"]


def test_what_is_barred(office):
    office.alice.call("0900123")
    assert office.alice.last(403).message.reason == "Barred" and not office.first.inbox
    assert office.log == ["NOTICE INVITE to barred number +49900123 from 192.0.2.1"]


def test_the_other_gateway(office):
    office.alice.call("030123")
    office.first.answer(status=503)
    invite = office.second.last("INVITE")
    assert invite.message.uri == "sip:+4930123@127.0.0.1:5071"
    office.second.answer(invite, 503)
    assert office.alice.last(500) and not office.log.matching("ERROR")


def test_a_changed_file_on_a_real_server(tmp_path):
    shutil.copy(LUA, tmp_path)
    text = CONFIG.read_text().replace(":5060", ":@PORT@").replace('"lua_auto_reload", 5', '"lua_auto_reload", 1')
    with Server(text, folder=tmp_path, PORT=free_ports()[0]) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        own.settimeout(5)
        number = 0

        def answer():
            nonlocal number
            number += 1
            asked = options(server.port, own.getsockname()[1], number).replace(b"OPTIONS", b"INVITE")
            own.sendto(asked.replace(b"INVITE sip:", b"INVITE sip:0900123@", 1), (HOST, server.port))
            while not (line := own.recv(65535).split(b"\r\n", 1)[0].decode()).startswith("SIP/2.0 4"):
                pass
            return line
        assert answer() == "SIP/2.0 403 Barred"
        pathlib.Path(tmp_path, LUA.name).write_text(LUA.read_text().replace('403, "Barred"', '488, "Not from here"'))
        until(lambda: answer() == "SIP/2.0 488 Not from here")
        assert "Traceback" not in server.log


def until(holds, seconds=15.0):
    """Wait for what the server does by itself."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)

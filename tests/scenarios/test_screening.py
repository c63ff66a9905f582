"""cfg/screening.cfg: an object in Python decides, on the virtual network; and what blocks in it, on a real server."""
from __future__ import annotations

import os
import pathlib
import signal
import socket
import time

import pytest

from opensips_py.testing import Phone
from tests.live import HOST, ROOT, Server, free_ports, options

CONFIG = ROOT / "cfg" / "screening.cfg"


@pytest.fixture
def office(opensips):
    server = opensips(CONFIG)
    server.alice = Phone(server, "alice", "192.0.2.1")
    server.first = Phone(server, "gateway", "127.0.0.1", 5070)
    server.second = Phone(server, "gateway", "127.0.0.1", 5071)
    return server


def test_where_calls_go(office):
    office.alice.call("0")
    invite = office.first.last("INVITE").message
    assert invite.uri == "sip:reception@127.0.0.1:5070"
    assert invite.header("X-Original") == "<sip:0@127.0.0.1>"


def test_who_calls_too_often(office):
    calls = [office.alice.call("200") for _ in range(4)]
    assert office.alice.last(603).message.reason == "Decline" and len(calls) == 4
    assert office.log.matching("ERROR sip:alice@127.0.0.1 from 192.0.2.1:5060 calls too often")
    office.advance(10.1)
    office.first.inbox.clear()
    office.alice.call("200")
    assert office.first.last("INVITE")


def test_the_second_gateway(office):
    office.alice.call("200")
    office.first.answer(status=486)
    invite = office.second.last("INVITE")
    assert invite.message.uri == "sip:200@127.0.0.1:5071"
    office.second.answer(invite, 486)
    assert office.alice.last(486) and not office.log.matching("Traceback|failed")


# On a real server

BLOCKING = """
import socket
import time

class Handler:
    def child_init(self, rank):
        self.rank = rank
        self.source = socket.create_connection((HOST, PORT), 5)

    def ask(self, msg):
        self.source.sendall(b"?")
        answer = self.source.recv(100)
        time.sleep(0.01)
        return int(answer)

def mod_init():
    return Handler()
"""
SCRIPT = """
log_level=3
workers=1
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "python.so"
modparam("python", "script_name", "@RUN@/handler.py")
route {
	if ($rm == "INFO") {
		if (python_exec("ask"))
			t_reply($rc, "Asked");
		exit;
	}
	sl_send_reply(200, "OK");
}
"""


def until(holds, seconds=15.0):
    """Wait for what the server does by itself."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def test_a_method_that_waits_holds_up_nobody_through_a_reload_and_the_loss_of_a_worker(tmp_path):
    listening = socket.create_server((HOST, 0))
    file = pathlib.Path(tmp_path, "handler.py")
    text = BLOCKING.replace("HOST", repr(HOST)).replace("PORT", str(listening.getsockname()[1]))
    file.write_text(text)
    with listening, Server(SCRIPT, folder=tmp_path, PORT=free_ports()[0]) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        own.settimeout(5)
        port = own.getsockname()[1]

        def send(method, number):
            own.sendto(options(server.port, port, number).replace(b"OPTIONS", method), (HOST, server.port))

        def status():
            return own.recv(65535).split(b"\r\n", 1)[0].decode()

        def through(source, number, answer, given=None):
            send(b"INFO", number)
            assert source.recv(10) == b"?"  # the method waits for us now
            send(b"OPTIONS", number + 1)
            assert status() == "SIP/2.0 200 OK"
            source.sendall(str(answer).encode())
            assert status() == f"SIP/2.0 {given or answer} Asked"

        with listening.accept()[0] as source:
            through(source, 100, 202)
            file.write_text("print 'two'\n")  # whoever is started again has what was checked
            server.process.send_signal(signal.SIGHUP)
            until(lambda: "This is Python 2: print is a function" in server.log)
            through(source, 200, 203)
            [worker] = server.workers()
            os.kill(worker, signal.SIGKILL)
        with listening.accept()[0] as source:
            until(lambda: server.workers() not in ([], [worker]))
            server.wait_until_up()
            through(source, 300, 204)
            file.write_text(text.replace("int(answer)", "int(answer) + 1"))
            server.process.send_signal(signal.SIGHUP)
            with listening.accept()[0] as fresh:
                until(lambda: "is in use" in server.log)
                through(fresh, 400, 205, 206)
        assert "Traceback" not in server.log

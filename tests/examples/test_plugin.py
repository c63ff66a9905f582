"""The example plug-in, installed by pip beside a real server that loads it."""
import contextlib
import http.server
import itertools
import os
import pathlib
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading

import pytest

from opensips_py.mi import client
from tests.live import HOST, ROOT, Server, ask

EXAMPLE = ROOT / "examples" / "callername"
numbers = itertools.count(1)
NAMES = {"100": "Alice  Archer\n", "101": "Bob"}


class Directory(http.server.ThreadingHTTPServer):
    """The service: it knows NAMES; asked about "slow" it tells so in *slow* and answers when *go* is set."""

    def __init__(self):
        self.slow, self.go = queue.SimpleQueue(), threading.Event()
        super().__init__((HOST, 0), Answering)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://{HOST}:{self.server_port}/names/"


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        number = self.path.rpartition("/")[2]
        if number == "slow":
            self.server.slow.put(number)
            self.server.go.wait(10)
        body = NAMES.get(number, "Slow Sam" if number == "slow" else "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # who has waited long enough is gone
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def directory():
    with Directory() as serving:
        yield serving
        serving.go.set()
        serving.shutdown()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the plug-in and nothing else, as pip puts it there."""
    source = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / "callername")
    target = tmp_path_factory.mktemp("packages")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index",
                    "--no-deps", "--no-build-isolation", "--no-compile", "--target", target, source], check=True)
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), str(target)])}


@pytest.fixture(scope="module")
def server(installed, directory):
    text = (EXAMPLE / "callername.cfg").read_text()
    for old, new in (("udp:127.0.0.1:5060", "udp:127.0.0.1:@PORT@"), ("/tmp/callername_fifo", "@RUN@/fifo"),
                     ("http://127.0.0.1:8080/names/", directory.url), ("2000", "@TIMEOUT@")):
        assert old in text
        text = text.replace(old, new)
    with Server(text, env=installed, TIMEOUT=300) as running:
        yield running


@pytest.fixture
def mi(server):
    def call(command, *values):
        return client.ask(str(server.folder / "fifo"), command, list(values))
    call("callername:forget")
    return call


def options(caller, uri="sip:127.0.0.1"):
    number = next(numbers)
    return (f"OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{number};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{caller}@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {number}\r\n"
            f"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").encode()


def status(server, caller, **more):
    return ask(server.port, options(caller), **more).split(b"\r\n", 1)[0].decode().removeprefix("SIP/2.0 ")


def test_function_and_variable(server, mi):
    assert status(server, "100") == "200 Hello Alice Archer"
    assert mi("callername:list") == [{"number": "100", "name": "Alice Archer"}]


def test_a_name_is_asked_for_once(server, mi):
    before = mi("get_statistics", ["asked"])["callername:asked"]
    assert [status(server, "101") for _ in range(3)] == ["200 Hello Bob"] * 3
    assert mi("get_statistics", ["asked"]) == {"callername:asked": before + 1}


def test_the_callee_is_told_in_a_header(server, mi):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as callee:
        callee.bind((HOST, 0))
        callee.settimeout(5)
        callee.sendto(options("100", f"sip:bob@{HOST}:{callee.getsockname()[1]}"), (HOST, server.port))
        assert b"\r\nCaller-Name: Alice Archer\r\n" in callee.recv(65535)


def test_an_unknown_number_raises_the_event(server, mi):
    assert status(server, "999") == "404 Nobody Knows 999"
    assert re.search(r"nobody knows 999$", server.log, re.M)
    assert mi("callername:list") == []


def test_management_forgets_a_name(server, mi):
    status(server, "100")
    status(server, "101")
    assert mi("callername:forget", "100") == 1
    assert mi("callername:list") == [{"number": "101", "name": "Bob"}]
    assert mi("callername:forget") == 1


def test_others_are_served_while_one_waits_and_the_wait_ends(server, mi, directory):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as slow:
        slow.settimeout(5)
        slow.sendto(options("slow"), (HOST, server.port))
        assert directory.slow.get(timeout=5)
        assert status(server, "100") == "200 Hello Alice Archer"
        assert slow.recv(65535).startswith(b"SIP/2.0 504 Directory Is Silent\r\n")
    assert not directory.go.is_set() and "took longer than 0.3 s" in server.log


def test_the_manual_knows_the_plug_in(installed):
    shown = subprocess.run([sys.executable, "-m", "opensips_py", "modules", "callername"], capture_output=True,
                           text=True, env={**os.environ, **installed}, check=True).stdout
    for name in ("callername_ask", "callername_show", "$callername", "callername:list", "E_CALLERNAME_UNKNOWN"):
        assert name in shown


def test_the_plug_in_imports_only_what_stays():
    source = pathlib.Path(EXAMPLE / "opensips_py_callername.py").read_text()
    assert set(re.findall(r"^\s*(?:from|import) (opensips_py\S*)", source, re.M)) == {
        "opensips_py.module", "opensips_py.sip"}

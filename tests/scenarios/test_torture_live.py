"""The torture messages of RFC 4475 and RFC 5118 against a running server, over UDP and over a stream.

TORTURE names a folder with rfc4475/ and rfc5118/, each with the messages as files and an index.json saying how each is
treated. The server is a proxy and registrar for example.com.
"""
from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import socket
import time
from collections.abc import Iterator
from multiprocessing.connection import wait
from typing import Any

import pytest

from opensips_py.sip import scan
from tests.live import HOST, ROOT, Server, ask, options
from tests.scenarios.flows import MODULES
from tests.sip.test_torture import FOLDER, cases

pytestmark = pytest.mark.skipif(not FOLDER, reason="TORTURE names no folder with the messages of RFC 4475 and RFC 5118")
BEFORE = 0.2  # seconds in which a wrong answer has to show up
# The statuses of these are those of a user agent, or of a registrar that asks for passwords; a proxy passes them on or,
# as to badbranch, knows transactions of RFC 2543 too.
OTHER_ROLE = {"intmeth", "esc02", "invut", "regaut01", "sdp01", "badbranch"}


def script() -> str:
    """cfg/residential.cfg for example.com, with sockets and files that are free, and no name server."""
    text = (ROOT / "cfg" / "residential.cfg").read_text()
    text = text.replace("127.0.0.1:5060", f"{HOST}:@PORT@").replace("alias=localhost", "alias=example.com")
    text = text.replace("/tmp/opensips_py_fifo", "@RUN@/fifo")
    if importlib.util.find_spec("opensips_py.modules.sipmsgops") is None:
        text = without_sipmsgops(text)
    return text.replace("log_level=3", f"""log_level=3
mpath="{MODULES}"
loadmodule "probe.so"
modparam("probe", "name_server", "127.0.0.1:9")
""")


def without_sipmsgops(text: str) -> str:
    """The same said without that module, as long as it is not there."""
    text = text.replace('loadmodule "sipmsgops.so"', "").replace("has_totag()", "$tt != NULL")
    text = re.sub(r"\tappend_to_reply.*\n", "", text)
    return re.sub(r'is_method\("([A-Z|]+)"\)', r'($rm =~ "^(\1)$")', text)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(script()) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture(autouse=True)
def alive(server: Server) -> Iterator[None]:
    """After each message the server answers as before."""
    yield
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        question = options(server.port, own.getsockname()[1], time.monotonic_ns() % 10**9)
        assert ask(server.port, question, own=own).startswith(b"SIP/2.0 ")


def final(data: bytes) -> list[int]:
    """The statuses of the final responses in *data*, each once."""
    found = [int(each) for each in re.findall(rb"(?m)^SIP/2\.0 (\d{3}) ", data)]
    return list(dict.fromkeys(each for each in found if each >= 200))


def anew(case: dict[str, Any], data: bytes, word: str) -> bytes:
    """The message in a transaction of its own: some have the same branch, and each is sent often."""
    if case["name"] == "badbranch":
        return data
    return re.sub(rb"(?i)(branch\s*=\s*[^;,\s]+)", rf"\1-{case['name']}-{word}".encode(), data, count=1)


def over_udp(message: bytes, port: int, *, expected: bool = True) -> bytes:
    """The final answer to a datagram; where none is *expected*, whatever comes."""
    ports = {5060, *map(int, re.findall(rb"(?im)^(?:v|via)\s*:[^\r\n;]*:(\d{4,5})[ ;\r]", message))}
    deadline = time.monotonic() + (5 if expected else BEFORE)
    ours = "127.{}.{}.{}".format(*os.urandom(3))  # answers go to port 5060 unless a Via says otherwise: nobody's here
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in ports]
        for each, own in zip(sockets, ports, strict=True):
            each.bind((ours, own))
        sockets[0].sendto(message, (HOST, port))
        while (left := deadline - time.monotonic()) > 0:
            for each in wait(sockets, left):
                data = each.recv(65535)
                if final(data):
                    return data
    return b""


def over_tcp(message: bytes, port: int, *, expected: bool = True, closed: bool = False) -> tuple[bytes, bool]:
    """What came over a connection, and whether the server closed it; waits for what is expected."""
    data, deadline = b"", time.monotonic() + (5 if expected or closed else BEFORE)
    with socket.create_connection((HOST, port), 5) as stream:
        stream.sendall(message)
        while (left := deadline - time.monotonic()) > 0:
            stream.settimeout(left)
            with contextlib.suppress(TimeoutError, ConnectionResetError):
                read = stream.recv(65535)
                if not read:
                    return data, True
                data += read
                if final(data) and not closed:
                    break
    return data, False


def judge(case: dict[str, Any], statuses: list[int]) -> None:
    """Whether the answer is one that the RFC asks for."""
    if case["kind"] == "response":
        assert statuses == []
    elif case["status"] and case["name"] not in OTHER_ROLE:
        assert statuses and statuses[0] in case["status"]
    else:
        assert statuses and statuses[0] not in (400, 500, 505), "it is well formed"


@pytest.mark.parametrize(("case", "data"), [*cases("rfc4475"), *cases("rfc5118")])
def test_over_udp(server: Server, case: dict[str, Any], data: bytes) -> None:
    judge(case, final(over_udp(anew(case, data, "udp"), server.port, expected=case["kind"] == "request")))


@pytest.mark.parametrize(("case", "data"), [*cases("rfc4475"), *cases("rfc5118")])
def test_over_tcp(server: Server, case: dict[str, Any], data: bytes) -> None:
    name = case["name"]
    waits, closes = name == "clerr", name in ("ncl", "mcl01")  # for the rest; as nobody knows where the next begins
    expected = case["kind"] == "request" and not waits
    answer, closed = over_tcp(anew(case, data, "tcp"), server.port, expected=expected, closed=closes)
    if waits:
        assert (answer, closed) == (b"", False)
        return
    judge(case, final(answer))
    assert closed == closes or not case["valid"] or name == "inv2543"


def contacts(server: Server, name: str) -> list[str]:
    """The Contact values in the answer to a REGISTER."""
    [(case, data)] = [each.values for each in cases("rfc4475") if each.id == name]
    answer = scan(over_udp(anew(case, data, "again"), server.port))
    assert answer is not None and answer.status == 200
    return [each.uri for each in answer.contacts]


def test_what_is_registered(server: Server) -> None:
    """A parameter of Contact is none of the URI, one of the URI comes back with it, as do escaped headers."""
    assert contacts(server, "cparam01") == ["sip:+19725552222@gw1.example.net"]
    assert "sip:+19725552222@gw1.example.net;unknownparam" in contacts(server, "cparam02")
    assert contacts(server, "regescrt") == ["sip:user@example.com?Route=%3Csip:sip.example.com%3E"]
    assert sorted(contacts(server, "escnull")) == ["sip:%00%00@host5.example.com", "sip:%00@host5.example.com"]

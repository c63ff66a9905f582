"""The next target where one does not answer: by SRV records of a real name server, and by ICMP errors."""
from __future__ import annotations

import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.live import HOST, SIPP, Server, Sipp, bound, free_ports
from tests.scenarios.flows import mi, serve, until
from tests.scenarios.phone import Call, Message, Phone, answered

NSD = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin")
GIVEN_UP = 2.0  # seconds: fr_timeout of the server


class Callees:
    """Phones that answer, refuse or keep silent, and a port where nobody is."""

    def __init__(self) -> None:
        self.alive, self.other, self.silent = (Phone(9) for _ in range(3))
        self.dead, self.tcp = free_ports(2)

    def zone(self) -> str:
        """Names, each with its targets in the order to try them."""
        targets = {
            "dead": [self.dead, self.alive.port], "all": [self.dead, self.dead],
            "mute": [self.silent.port, self.alive.port], "full": [self.other.port, self.alive.port],
            "third": [self.dead, self.other.port, self.alive.port]}
        lines = ["@ 300 SOA ns hostmaster 1 3600 600 86400 60", "@ 300 NS ns", f"ns 300 A {HOST}", f"host 300 A {HOST}"]
        for name, ports in targets.items():
            lines += [f"_sip._udp.{name} 300 SRV {order} 0 {port} host" for order, port in enumerate(ports)]
        lines += [f"_sip._tcp.dead 300 SRV {order} 0 {port} host" for order, port in enumerate([self.dead, self.tcp])]
        return "\n".join(lines) + "\n"

    def close(self) -> None:
        for each in (self.alive, self.other, self.silent):
            each.close()


@pytest.fixture(scope="module")
def callees() -> Iterator[Callees]:
    made = Callees()
    yield made
    made.close()


@pytest.fixture(scope="module")
def name_server(callees: Callees, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if NSD is None:
        pytest.skip("the name server nsd is not installed")
    folder, port = tmp_path_factory.mktemp("nsd"), free_ports()[0]
    (folder / "zone").write_text(callees.zone())
    config = {"ip-address": f"{HOST}@{port}", "zonesdir": folder, "database": '""', "pidfile": folder / "pid",
              "xfrdfile": folder / "xfrd", "zonelistfile": folder / "zones", "xfrdir": folder, "username": '""',
              "server-count": 1}
    text = "server:\n" + "".join(f"  {name}: {value}\n" for name, value in config.items())
    (folder / "nsd.conf").write_text(text + "zone:\n  name: example.com\n  zonefile: zone\n")
    process = subprocess.Popen([NSD, "-d", "-c", str(folder / "nsd.conf")], stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    until(lambda: bound(port))
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module", params=[1, 2], ids=["1 worker", "2 workers"])
def server(request: pytest.FixtureRequest, name_server: int) -> Iterator[Server]:
    with serve(request.param, FR=int(GIVEN_UP), NAME_SERVER=f"{HOST}:{name_server}") as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture
def caller(server: Server, callees: Callees) -> Iterator[Phone]:
    made = Phone(server.port)
    for each in (callees.alive, callees.other, callees.silent):
        each.server = (HOST, server.port)
        each.hear()
        each.heard.clear()
    yield made
    made.close()


def begin(caller: Phone, name: str) -> Call:
    call = caller.call(f"name-{name}.example.com")
    caller.send(call.invite)
    return call


def heard(phone: Phone, kind: str, call: Call) -> Message:
    return phone.take(kind, [call.id])[call.id]


def complete(caller: Phone, callee: Phone, call: Call) -> None:
    """The call is answered, acknowledged and ended."""
    call.invited = heard(callee, "INVITE", call)
    answered(caller, callee, [call])
    caller.send(caller.within(call, "BYE"))
    callee.send(heard(callee, "BYE", call).answer(200))
    heard(caller, "200 BYE", call)


def test_a_closed_port_is_passed_over_at_once(caller: Phone, callees: Callees) -> None:
    began = time.monotonic()
    calls = [begin(caller, "dead") for _ in range(10)]
    for each in calls:
        complete(caller, callees.alive, each)
    assert time.monotonic() - began < GIVEN_UP, "it took the ICMP error, not the timer"


def test_all_ports_closed(caller: Phone, server: Server) -> None:
    call = begin(caller, "all")
    answer = heard(caller, "500 INVITE", call)
    assert "Traceback" not in server.log
    assert answer.get("To").count(";tag=") == 1


def test_silence_costs_the_timer(caller: Phone, callees: Callees) -> None:
    call = begin(caller, "mute")
    complete(caller, callees.alive, call)
    callees.silent.hear()
    sent = [each for each in callees.silent.heard if each.call_id == call.id]
    assert len(sent) > 1 and {each.kind for each in sent} == {"INVITE"}  # retransmitted before it was given up


@pytest.mark.parametrize("name", ["full", "third"])
def test_503_is_passed_over(caller: Phone, callees: Callees, name: str) -> None:
    call = begin(caller, name)
    callees.other.send(heard(callees.other, "INVITE", call).answer(503, "o"))
    heard(callees.other, "ACK", call)
    complete(caller, callees.alive, call)
    assert not [each for each in caller.heard if each.status >= 300]


@pytest.mark.parametrize("status", [486, 404])
def test_another_failure_is_final(caller: Phone, callees: Callees, status: int) -> None:
    call = begin(caller, "full")
    callees.other.send(heard(callees.other, "INVITE", call).answer(status, "o"))
    heard(caller, f"{status} INVITE", call)
    callees.alive.hear(0.1)
    assert not [each for each in callees.alive.heard if each.call_id == call.id]


def test_requests_without_invite_go_the_same_way(caller: Phone, callees: Callees, server: Server) -> None:
    uri, call_id = f"sip:name-dead.example.com@{HOST}:{server.port}", f"m-{caller.port}"
    caller.send(caller.request("MESSAGE", uri, call_id, 1, tag="m", to=f"<sip:callee@{HOST}>"))
    callees.alive.send(callees.alive.take("MESSAGE", [call_id])[call_id].answer(200, "m"))
    caller.take("200 MESSAGE", [call_id])


def test_a_name_that_does_not_exist(caller: Phone) -> None:
    assert "Unresolvable" in heard(caller, "478 INVITE", begin(caller, "nowhere")).first


@pytest.mark.skipif(SIPP is None, reason="sipp is not installed")
def test_a_refused_connection_is_passed_over(server: Server, callees: Callees, tmp_path: pathlib.Path) -> None:
    answering = Sipp("answer.xml", callees.tcp, calls=5, transport="t1", folder=tmp_path)
    until(lambda: bound(callees.tcp))
    calling = Sipp("call.xml", free_ports()[0], "-d", "10", target=server.port, calls=5, folder=tmp_path,
                   keys={"user": "tcpname-dead.example.com"})
    try:
        assert calling.finish()["done"] == 5
    finally:
        answering.stop()


def test_an_error_is_told_to_the_worker_that_sent(server: Server, caller: Phone) -> None:
    """The kernel tells one socket of the group, whoever sent; many calls meet all workers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    calls = [caller.call(f"to-{port}") for _ in range(16)]
    before = mi(server, "get_statistics", ["timeout_finalresponse"])
    for each in calls:
        caller.send(each.invite)
    caller.take("500 INVITE", [each.id for each in calls])
    assert mi(server, "get_statistics", ["timeout_finalresponse"]) == before

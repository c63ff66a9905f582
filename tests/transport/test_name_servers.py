"""Asking name servers that behave, and some that do not."""
from __future__ import annotations

import pathlib
import shutil
import socket
import subprocess
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import pytest

from opensips_py.transport import NameServers
from opensips_py.transport.name_servers import read_hosts
from tests.transport.conftest import until
from tests.transport.name_server import NameServer

ZONE = """
@      300 SOA ns hostmaster 1 3600 600 86400 60
@      300 NS ns
ns     300 A 127.0.0.1
one    300 A 127.0.0.11
alias  300 CNAME one
many   300 TXT "{}"
""".format('" "'.join("x" * 250 for _ in range(16)))


@pytest.fixture
def server() -> Iterator[NameServer]:
    made = NameServer(ZONE)
    yield made
    made.close()


def addresses(asked: NameServers, name: str = "one.example.com") -> list[str]:
    return [record.address for record in asked.ask(name, "A").records]


def test_an_answer_that_was_cut_is_fetched_over_tcp(server: NameServer) -> None:
    def cut(response: dns.message.Message, wire: bytes) -> bytes:
        response.answer.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()

    server.twist = cut
    assert addresses(NameServers([server.address])) == ["127.0.0.11"]
    assert server.over_tcp == 1


def test_a_server_without_edns_is_asked_again_without(server: NameServer) -> None:
    def old(response: dns.message.Message, wire: bytes) -> bytes:
        if response.edns < 0:
            return wire
        response.answer.clear()
        response.set_rcode(dns.rcode.FORMERR)
        return response.to_wire()

    server.twist = old
    assert addresses(NameServers([server.address])) == ["127.0.0.11"]


def test_a_forged_answer_does_not_count(server: NameServer) -> None:
    def forge(wire: bytes) -> list[bytes]:
        elsewhere = wire.replace(b"\x7f\x00\x00\x0b", b"\x0a\x00\x00\x01")
        return [bytes([elsewhere[0] ^ 1]) + elsewhere[1:], elsewhere.replace(b"one", b"two"), b"garbage"]

    server.forge = forge
    assert addresses(NameServers([server.address])) == ["127.0.0.11"]


def test_the_next_server_is_asked_where_one_fails(server: NameServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()
    refusing = NameServer(ZONE)

    def refuse(response: dns.message.Message, wire: bytes) -> bytes:
        response.set_rcode(dns.rcode.REFUSED)
        return response.to_wire()

    refusing.twist = refuse
    assert addresses(NameServers([nobody, refusing.address, server.address], timeout=1)) == ["127.0.0.11"]
    assert refusing.asked
    refusing.close()


def test_silence_is_a_failure_after_all_attempts(server: NameServer) -> None:
    server.twist = lambda response, wire: None
    answer = NameServers([server.address], timeout=0.02, attempts=3).ask("one.example.com", "A")
    assert answer.failed and not answer.records
    assert len(server.asked) == 3


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".com", "y." * 200])
def test_a_name_that_cannot_exist_asks_nobody(server: NameServer, name: str) -> None:
    assert NameServers([server.address]).ask(name, "A").records == []
    assert server.asked == []


def test_resolv_conf_and_what_overrides_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.53\nnameserver ::1\nsearch a.example b.example\noptions ndots:2 timeout:7\n")
    read = NameServers.of_system(str(path))
    assert (read.servers, read.search, read.ndots) == ([("127.0.0.53", 53), ("::1", 53)], ["a.example", "b.example"], 2)
    assert NameServers.of_system(str(path), timeout=3, attempts=5, number=1, use_search_list=False) == NameServers(
        [("127.0.0.53", 53)], 3, 5)
    assert NameServers.of_system(str(tmp_path / "missing")).servers == [("127.0.0.1", 53)]


def test_the_search_list_completes_short_names() -> None:
    servers = NameServers([], search=["a", "b"], ndots=1)
    assert servers.candidates("host") == ["host.a", "host.b", "host"]
    assert servers.candidates("host.c") == ["host.c", "host.c.a", "host.c.b"]
    assert servers.candidates("host.") == ["host"]


def test_a_hosts_file_may_name_one_host_often() -> None:
    assert read_hosts(["127.0.0.1 a b", "# no", "::1\tA  # yes", ""]) == {"a": ["127.0.0.1", "::1"], "b": ["127.0.0.1"]}


@pytest.fixture
def nsd(tmp_path: pathlib.Path) -> Iterator[tuple[str, int]]:
    program = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin")
    if program is None:
        pytest.skip("the name server nsd is not installed")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "zone").write_text(ZONE)
    (tmp_path / "nsd.conf").write_text(f"""
server:
  ip-address: 127.0.0.1@{port}
  zonesdir: "{tmp_path}"
  database: ""
  pidfile: "{tmp_path}/pid"
  xfrdfile: "{tmp_path}/xfrd"
  zonelistfile: "{tmp_path}/zones"
  xfrdir: "{tmp_path}"
  username: ""
  server-count: 1
zone:
  name: example.com
  zonefile: zone
""")
    process = subprocess.Popen([program, "-d", "-c", str(tmp_path / "nsd.conf")], stderr=subprocess.PIPE)
    yield "127.0.0.1", port
    process.terminate()
    process.communicate()


def test_a_real_name_server(nsd: tuple[str, int]) -> None:
    servers = NameServers([nsd])
    until(lambda: addresses(servers))  # as soon as it is up
    assert addresses(servers) == ["127.0.0.11"]
    assert addresses(servers, "alias.example.com") == ["127.0.0.11"]
    missing = servers.ask("missing.example.com", "A")
    assert (missing.records, missing.ttl, missing.failed) == ([], 60, False)
    assert len(servers.ask("many.example.com", "TXT").records[0].strings) == 16  # does not fit a datagram

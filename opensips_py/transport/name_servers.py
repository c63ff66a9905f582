"""Asking name servers: queries over UDP and, where an answer was cut, TCP; waits as a greenlet does."""
from __future__ import annotations

import contextlib
import logging
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import gevent
from gevent import socket

from opensips_py.restraint import Restraint

log = logging.getLogger("opensips_py.transport")
errors, complaints = Restraint(log), Restraint(log, level=logging.WARNING)

PAYLOAD = 1232  # bytes that an answer may have over UDP: no path fragments those
FAILURE_TTL = 10.0  # seconds that a failure is remembered, so that not every call waits for dead servers
NEGATIVE_TTL = 60.0  # where the answer has no SOA that says how long a name does not exist


@dataclass(slots=True)
class Answer:
    """What the DNS has for one name and type; no *records* where it has none, *failed* where nobody answered."""

    records: list[Any] = field(default_factory=list)
    ttl: float = 0.0  # seconds
    failed: bool = False


@dataclass(slots=True)
class NameServers:
    """Whom to ask, and how: *servers* are (address, port) in order of preference, *timeout* is seconds."""

    servers: list[tuple[str, int]]
    timeout: float = 2.0
    attempts: int = 2
    search: list[str] = field(default_factory=list)
    ndots: int = 1

    @classmethod
    def of_system(cls, path: str = "/etc/resolv.conf", timeout: float = -1, attempts: int = -1, number: int = -1,
                  use_search_list: bool = True) -> NameServers:
        """As *path* says, unless a parameter overrides it; negative numbers leave it to the file."""
        read = dns.resolver.Resolver(configure=False)
        with contextlib.suppress(dns.exception.DNSException, OSError):
            read.read_resolv_conf(path)
        servers = [(str(address), 53) for address in read.nameservers] or [("127.0.0.1", 53)]
        made = cls(servers[:number] if number > 0 else servers)
        made.timeout = timeout if timeout > 0 else float(read.timeout)
        made.attempts = attempts if attempts > 0 else made.attempts
        if use_search_list:
            made.search = [each.to_text(omit_final_dot=True) for each in read.search]
            made.ndots = read.ndots or 1
        return made

    def candidates(self, name: str) -> list[str]:
        """The full names that *name* may stand for, in the order to try them (resolv.conf(5))."""
        if name.endswith(".") or not self.search:
            return [name.rstrip(".")]
        extended = [f"{name}.{suffix}" for suffix in self.search]
        return [name, *extended] if name.count(".") >= self.ndots else [*extended, name]

    def ask(self, name: str, kind: str) -> Answer:
        """The records of *kind* for *name*, from the first server that gives an answer."""
        try:
            query = dns.message.make_query(name, kind, use_edns=0, payload=PAYLOAD)
        except dns.exception.DNSException:
            return Answer(ttl=NEGATIVE_TTL)  # no name that the DNS could have
        for _ in range(self.attempts):
            for server in self.servers:
                answer = self._from(server, query)
                if answer is not None:
                    return answer
        complaints.say("no name server answers for %s %s", kind, name)
        return Answer(ttl=FAILURE_TTL, failed=True)

    def _from(self, server: tuple[str, int], query: dns.message.QueryMessage) -> Answer | None:
        """The answer of one server; None where it gives none that can be used."""
        try:
            with gevent.Timeout(self.timeout):
                response = exchange(server, query)
                if response.rcode() == dns.rcode.FORMERR and query.edns >= 0:
                    plain = dns.message.make_query(query.question[0].name, query.question[0].rdtype)
                    response = exchange(server, plain)
        except gevent.Timeout:
            return None
        except (OSError, dns.exception.DNSException, ValueError, EOFError) as error:
            errors.say("name server %s: %s", server[0], error)
            return None
        if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return None
        return read_answer(response)


def exchange(server: tuple[str, int], query: dns.message.QueryMessage) -> dns.message.QueryMessage:
    """Send *query* to *server* and wait for its response."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as asking:
        asking.connect(server)  # the kernel then drops what others send, and tells of a closed port
        asking.send(query.to_wire())
        response = next_response(query, lambda: asking.recv(65535))
    if response.flags & dns.flags.TC:
        with contextlib.closing(socket.create_connection(server)) as stream:
            wire = query.to_wire()
            stream.sendall(struct.pack("!H", len(wire)) + wire)
            response = next_response(query, lambda: read_frame(stream))
    return response


def next_response(query: dns.message.QueryMessage, receive: Callable[[], bytes]) -> dns.message.QueryMessage:
    """The first message received that answers *query*; others are late or forged."""
    while True:
        data = receive()
        try:
            response = dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
        except dns.exception.DNSException:
            continue
        if isinstance(response, dns.message.QueryMessage) and query.is_response(response):
            return response


def read_frame(stream: Any) -> bytes:
    """One message of DNS over TCP."""
    def exactly(size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = stream.recv(size - len(data))
            if not more:
                raise EOFError("the name server closed the connection")
            data += more
        return data
    return exactly(struct.unpack("!H", exactly(2))[0])


def read_answer(response: dns.message.QueryMessage) -> Answer:
    """The records at the end of the chain of aliases, or how long there are none (RFC 2308)."""
    try:
        chain = response.resolve_chaining()
    except dns.exception.DNSException:
        return Answer(ttl=NEGATIVE_TTL)
    if chain.answer is not None:
        return Answer(list(chain.answer), float(chain.minimum_ttl))
    has_soa = any(rrset.rdtype == dns.rdatatype.SOA for rrset in response.authority)
    return Answer(ttl=float(chain.minimum_ttl) if has_soa else NEGATIVE_TTL)


def read_hosts(lines: Iterable[str]) -> dict[str, list[str]]:
    """Addresses by name of a hosts(5) file."""
    found: dict[str, list[str]] = {}
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        for name in names:
            found.setdefault(name.lower(), []).append(address)
    return found

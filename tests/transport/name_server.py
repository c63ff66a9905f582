"""A name server that a test scripts: real sockets, answers from a zone text, and misbehaviour on demand."""
from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.zone
from gevent import socket, spawn


class NameServer:
    """Answers for one zone over UDP and TCP; *twist* may change each answer over UDP, or suppress it with None."""

    def __init__(self, zone: str, origin: str = "example.com.") -> None:
        self.zone = dns.zone.from_text(zone, origin, relativize=False, check_origin=False)
        self.asked: list[tuple[str, str]] = []
        self.over_tcp = 0
        self.forge: Callable[[bytes], list[bytes]] = lambda wire: []  # sent before the answer
        self.twist: Callable[[dns.message.Message, bytes], bytes | None] = lambda response, wire: wire
        self._datagrams, self._stream = same_port()
        self.address: tuple[str, int] = self._datagrams.getsockname()
        self._running = [spawn(self._serve_datagrams), spawn(self._serve_streams)]

    def _serve_datagrams(self) -> None:
        while True:
            wire, source = self._datagrams.recvfrom(4096)
            response = self._response(wire)
            for forged in self.forge(response.to_wire()):
                self._datagrams.sendto(forged, source)
            twisted = self.twist(response, response.to_wire())
            if twisted is not None:
                self._datagrams.sendto(twisted, source)

    def _serve_streams(self) -> None:
        while True:
            stream, _ = self._stream.accept()
            self.over_tcp += 1
            size, = struct.unpack("!H", stream.recv(2))
            wire = self._response(stream.recv(size)).to_wire()
            stream.sendall(struct.pack("!H", len(wire))[:1])  # cut where it hurts
            stream.sendall(struct.pack("!H", len(wire))[1:] + wire)
            stream.close()

    def _response(self, wire: bytes) -> Any:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        self.asked.append((question.name.to_text(True), dns.rdatatype.to_text(question.rdtype)))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        name = question.name
        while (alias := self.zone.get_rrset(name, "CNAME")) is not None:
            response.answer.append(alias)
            name = alias[0].target
        found = self.zone.get_rrset(name, question.rdtype)
        if found is not None:
            response.answer.append(found)
            return response
        if self.zone.get_node(name) is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        soa = self.zone.get_rrset(self.zone.origin, "SOA")
        if soa is not None:
            response.authority.append(soa)
        return response

    def close(self) -> None:
        for each in self._running:
            each.kill()
        self._datagrams.close()
        self._stream.close()


def same_port() -> tuple[Any, Any]:
    """A datagram and a listening stream socket on one free port."""
    while True:
        datagrams, stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
        datagrams.bind(("127.0.0.1", 0))
        try:
            stream.bind(datagrams.getsockname())
        except OSError:  # a connection of somebody else has that port
            datagrams.close()
            stream.close()
            continue
        stream.listen()
        return datagrams, stream

"""Tell events by XML-RPC: a method of another server is called for each."""
from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gevent import socket

from opensips_py.mi.xmlrpc import member, plain
from opensips_py.module import Module, deadline, param, process_state
from opensips_py.restraint import Restraint

PROTOCOL = "xmlrpc"
QUEUE, AT_ONCE = 1000, 20  # calls that wait, and connections, of one process
PATIENCE = 5.0  # seconds for a call
INTEGERS = range(-1 << 31, 1 << 31)  # of an <int>
Done = Callable[[bool], object]


class Call(NamedTuple):
    """A call to be made; *done* hears whether it was."""

    host: str
    port: int
    body: bytes
    done: Done | None


class Calls:
    """The calls of this process, which are made beside those whom they tell of."""

    def __init__(self) -> None:
        self.waiting: deque[Call] = deque()
        self.running = 0


class XmlrpcCarrier:
    """Sockets ``xmlrpc:host:port:method``."""

    def __init__(self, module: EventXmlrpc) -> None:
        self.module = module

    def check(self, address: str) -> str | None:
        """What is wrong with an address."""
        return None if all(parted(address)) else f"{PROTOCOL}:{address}: {PROTOCOL}:host:port:method is needed"

    def send(self, address: str, event: str, values: Any) -> None:
        """Call the method, beside the caller."""
        self.deliver(address, event, values, None)

    def deliver(self, address: str, event: str, values: Any, done: Done | None) -> None:
        """Call the method, and tell whether the server has taken the call."""
        host, port, method = parted(address)
        self.module.call(Call(host, port, self.module.body(method, event, values), done))


class EventXmlrpc(Module, name="event_xmlrpc"):
    """Tell events by XML-RPC: a subscriber `xmlrpc:host:port:method` has its method called, by a POST to /RPC2, with
    the name of the event and its parameters, each behind its name. What the method returns is of no interest. Up to
    1,000 calls wait in each process; a server that does not answer within 5 seconds has not heard."""

    use_struct_param: bool = param(False, "Whether the parameters are one struct, with their names.")
    calls: Calls = process_state(Calls)

    def start(self) -> None:
        """Take subscriptions from now on."""
        self.complaints = Restraint(self.log, level=logging.ERROR)
        self.services.events.register(PROTOCOL, XmlrpcCarrier(self))

    def body(self, method: str, event: str, values: Any) -> bytes:
        """The call of *method* for an event."""
        named = values.items() if isinstance(values, Mapping) else [("", each) for each in values]
        if self.use_struct_param:
            members = "".join(member(str(name), value_of(value)) for name, value in named)
            params = f"<param><value><struct>{members}</struct></value></param>"
        else:
            params = "".join(f"<param>{f'<name>{plain(str(name))}</name>' if name else ''}{value_of(value)}</param>"
                             for name, value in named)
        return (f'<?xml version="1.0"?>\n<methodCall><methodName>{plain(method)}</methodName><params>'
                f"<param>{value_of(event)}</param>{params}</params></methodCall>\n").encode()

    def call(self, call: Call) -> None:
        """Have a call made; OSError where too many wait already."""
        calls = self.calls
        if len(calls.waiting) >= QUEUE:
            raise OSError(f"{len(calls.waiting)} calls wait for their servers")
        calls.waiting.append(call)
        if calls.running < AT_ONCE:
            calls.running += 1
            self.services.spawn(self.make_calls)

    def make_calls(self) -> None:
        """Make calls as long as there are any."""
        calls = self.calls
        try:
            while calls.waiting:
                call = calls.waiting.popleft()
                arrived = self.is_made(call)
                if call.done is not None:
                    call.done(arrived)
        finally:
            calls.running -= 1

    def is_made(self, call: Call) -> bool:
        """Make a call; whether the server has taken it."""
        try:
            with deadline(PATIENCE):
                status = posted(call)
        except OSError as error:
            self.complaints.say("event to %s:%s:%d: %s", PROTOCOL, call.host, call.port, error)
            return False
        if status != b"200":
            self.complaints.say("event to %s:%s:%d: it answers %s", PROTOCOL, call.host, call.port, ascii(status))
        return status == b"200"


def posted(call: Call) -> bytes:
    """The status of the answer to a POST."""
    host = f"[{call.host}]" if ":" in call.host else call.host
    head = (f"POST /RPC2 HTTP/1.1\r\nHost: {host}:{call.port}\r\nConnection: close\r\nUser-Agent: OpenSIPS-py\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(call.body)}\r\n\r\n")
    with socket.create_connection((call.host, call.port)) as connection:
        connection.sendall(head.encode() + call.body)
        answer = b""
        while b"\r\n" not in answer and len(answer) < 1024:
            data = connection.recv(1024)
            if not data:
                break
            answer += data
    words = answer.split(None, 2)
    return bytes(words[1]) if len(words) > 1 else b""


def value_of(value: Any) -> str:
    """A value."""
    if isinstance(value, int) and value in INTEGERS:
        return f"<value><int>{int(value)}</int></value>"
    return f"<value><string>{plain('' if value is None else str(value))}</string></value>"


def parted(address: str) -> tuple[str, int, str]:
    """Host, port and method; empty, or 0, where they are not there."""
    place, _, method = address.rpartition(":")
    host, _, port = place.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    return host.strip("[]"), number if number < 65536 else 0, method.strip()

"""A proxy that accounts: a script with tm, rr and acc between a caller and a callee, on a clock turned by hand."""
from __future__ import annotations

import logging
from typing import Any

from opensips_py.events.publisher import Publisher
from opensips_py.sip import Request, address_key, parse, scan
from tests.transaction.stage import Stage
from tests.transaction.world import request, response

START = 1_700_000_000


class Books(Stage):
    """*body* is the request route, *settings* the modparam lines, *routes* the other routes."""

    loads: tuple[str, ...] = ("tm", "rr", "acc")
    text = ""  # the whole script, where it is not made of parts

    def __init__(self, body: str, settings: str = "", routes: str = "", dialect: Any = "4.0") -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.events = Publisher(list, lambda name, values: self.told.append((name, dict(values))),
                                routed=lambda name: True)
        self.lines: list[str] = []  # type: ignore[assignment]
        self.records: list[logging.LogRecord] = []
        loads = "\n".join(f'loadmodule "{name}.so"' for name in self.loads)
        super().__init__(self.text or f"{loads}\n{settings}\nroute {{\n{body}\n}}\n{routes}", dialect)
        network: Any = self.network
        network.is_local = lambda host, port=0, protocol="": host in ("192.0.2.9", "example.com")
        self.wall: float = START
        self.acc = self.module("acc")
        self.acc.clock = lambda: self.wall
        self.acc.log = logging.Logger("opensips_py.acc", logging.DEBUG)
        handler = logging.Handler()
        handler.emit = self.take_line  # type: ignore[method-assign]
        self.acc.log.addHandler(handler)

    def take_line(self, record: logging.LogRecord) -> None:
        """Keep a line of acc."""
        self.records.append(record)
        self.lines.append(record.getMessage())

    def call(self, *statuses: int, method: str = "INVITE", **how: Any) -> list[str]:
        """A request, relayed, and the callee's responses to it; the lines written."""
        self.receive(request(method, world=self, **how))
        self.sent = self.take()
        for status in statuses:
            self.answer(status)
        return self.lines

    def answer(self, status: int, number: int = -1, **how: Any) -> None:
        """The response to the newest request that was relayed, sent as *number* of its branches."""
        transaction = [each for each in self.layer.servers.values() if each.branches][-1]
        self.receive(response(parse(transaction.branches[number].data), status, **how))

    def ask(self, data: bytes) -> None:
        """Send a request that is answered here."""
        message = scan(data, self.network.udp, address_key("192.0.2.2", 5060))
        assert isinstance(message, Request)
        self.receive(message)
        assert [each.status for each in self.take()] == [200]

    def cancel(self) -> None:
        """The caller gives up."""
        self.receive(request("CANCEL", world=self))


def fields(line: str) -> dict[str, str]:
    """The values of a line by name; the first part is its `what`."""
    what, _, rest = line.removeprefix("ACC: ").partition(": ")
    return {"what": what, **dict(each.split("=", 1) for each in rest.split(";"))}

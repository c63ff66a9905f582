"""A registrar's worker: a script with usrloc and registrar on a real LMDB environment, with a clock turned by hand."""
from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Any

from opensips_py.events.publisher import Publisher
from opensips_py.module.run import Route
from opensips_py.module.run import Run as ScriptRun
from opensips_py.sip import address_key, parse, scan
from opensips_py.state._words import Words
from opensips_py.state.environment import Environment
from opensips_py.state.slots import Slots
from tests.transaction.stage import Stage

MODULES = "\n".join(f'loadmodule "{name}.so"' for name in ("sl", "signaling", "usrloc", "registrar"))
START = 1_700_000_000.0


class Place(Stage):
    """The worker; *settings* are modparam lines, *body* is the request route."""

    def __init__(self, directory: pathlib.Path, body: str = 'save("location");', settings: str = "",
                 dialect: Any = "4.0", routes: str = "", slots: Slots | None = None) -> None:
        self.environment = Environment(directory / "state.mdb", smallest=1 << 20)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.events = Publisher(list, lambda name, values: self.told.append((name, dict(values))),
                                routed=lambda name: True)
        self.wall = self.started = START
        self.memory: dict[str, Words] = {}
        self._slots = slots or Slots.random()
        super().__init__(f"{MODULES}\n{settings}\nroute {{\n{body}\n}}\n{routes}", dialect)
        self.usrloc = self.module("usrloc")
        self.registrar = self.module("registrar")

    def shared_words(self, name: str, count: int) -> Words:
        """Words that begin as zero: this server has one process."""
        if name not in self.memory:
            fd = os.memfd_create(name)
            os.ftruncate(fd, count * 8)
            self.memory[name] = Words(fd, 0, count)
            os.close(fd)
        return self.memory[name]

    @property
    def slots(self) -> Slots:
        """Those of the installation: the same in every worker that takes a state directory over."""
        return self._slots

    @slots.setter
    def slots(self, _: Slots) -> None:
        """A stage has its own otherwise."""

    @property
    def table(self) -> Any:
        """The table `location`, on the clock of the test."""
        table = self.usrloc.table("location")
        table.clock = lambda: self.wall
        return table

    def bindings(self, aor: str = "alice@example.com") -> list[Any]:
        """The valid bindings of *aor*."""
        found: list[Any] = self.table.find(aor)
        return found

    def contacts(self, aor: str = "alice@example.com") -> list[str]:
        """Their URIs, the best one first."""
        return [each.contact for each in self.bindings(aor)]

    def hear(self) -> list[tuple[str, dict[str, Any]]]:
        """The events told since the last call."""
        told = list(self.told)
        self.told.clear()
        return told

    def register(self, *headers: str, user: str = "alice", cseq: int | None = None, call_id: str = "call-1",
                 tcp: bool = False, via: str = "") -> Any:
        """Send a REGISTER; the answer, or None."""
        _ = self.table
        self.number = getattr(self, "number", 0) + 1
        return self.ask(register(*headers, user=user, cseq=self.number if cseq is None else cseq, call_id=call_id,
                                 protocol="TCP" if tcp else "UDP", via=via), tcp)

    def ask(self, data: bytes, tcp: bool = False) -> Any:
        """Send a request; the answer, or None."""
        message: Any = scan(data, self.network.tcp if tcp else self.network.udp, address_key("192.0.2.1", 5062))
        assert message is not None and message.fault is None, message.fault
        self.receive(message)
        sent = [parse(data) for _, data in self.network.sent]
        self.network.sent.clear()
        assert len(sent) < 2, sent
        return sent[0] if sent else None

    def run_on(self, message: Any, kind: Route = Route.REQUEST, name: str = "", request: Any = None) -> ScriptRun:
        """Run a route on a message; the run, with its code in `code`."""
        _ = self.table
        run = ScriptRun(self, self, kind, message, request)  # type: ignore[arg-type]
        route = self.routes.main if kind == Route.REQUEST and not name else self.routes.get(kind, name)
        assert route is not None
        self.code = route(run)
        return run

    def call(self, uri: str = "sip:alice@example.com", method: str = "INVITE", headers: str = "") -> ScriptRun:
        """Run the request route on a call for *uri*."""
        message = scan(request(method, uri, headers), self.network.udp, address_key("192.0.2.1", 5062))
        return self.run_on(message)

    def pass_wall(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        self.wall += seconds
        self.pass_time(seconds)

    def mi(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Call a management command as its dispatcher does."""
        from opensips_py.mi.arguments import bind
        _ = self.table
        command = self.registry.commands[name]
        return command.call(**bind(command.declaration, list(arguments) if arguments else named))

    def close(self) -> None:
        """End the worker; what it has stored stays."""
        self.registry.stop()
        self.environment.close()


def register(*headers: str, user: str = "alice", cseq: int = 1, call_id: str = "call-1", protocol: str = "UDP",
             via: str = "") -> bytes:
    """A REGISTER with these headers beside the necessary ones."""
    lines = ["REGISTER sip:example.com SIP/2.0", *([via] if via else []),
             f"Via: SIP/2.0/{protocol} 192.0.2.1:5060;branch=z9hG4bK{call_id}{cseq}", "Max-Forwards: 70",
             f"From: <sip:{user}@example.com>;tag=f1", f"To: <sip:{user}@example.com>", f"Call-ID: {call_id}",
             f"CSeq: {cseq} REGISTER", *headers, "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def request(method: str, uri: str, headers: str = "") -> bytes:
    """A request of Carol's for *uri*."""
    return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKc\r\nMax-Forwards: 70\r\n"
            f"From: <sip:carol@example.com>;tag=c1\r\nTo: <{uri.split('?')[0]}>\r\nCall-ID: call-2\r\n"
            f"CSeq: 1 {method}\r\n{headers}Content-Length: 0\r\n\r\n").encode()


def places(directory: pathlib.Path) -> Iterator[Any]:
    """What a fixture yields: makes workers in *directory*, one after the other, and ends them."""
    made: list[Place] = []
    slots = Slots.random()

    def make(body: str = 'save("location");', settings: str = "", dialect: Any = "4.0", routes: str = "") -> Place:
        if made:
            made.pop().close()  # a new one takes its place
        made.append(Place(directory, body, settings, dialect, routes, slots))
        return made[-1]

    yield make
    for each in made:
        each.close()

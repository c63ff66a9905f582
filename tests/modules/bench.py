"""One small module in a script of its own: the script runs on a real transaction layer between lists."""
from __future__ import annotations

import os
from typing import Any

from opensips_py.events.publisher import Publisher
from opensips_py.module.run import Route
from opensips_py.module.run import Run as ScriptRun
from opensips_py.sip import Request, Response, address_key, scan
from opensips_py.state._words import Words
from tests.transaction.stage import Stage

OURS = {"192.0.2.9", "proxy.example.com"}


class Bench(Stage):
    """*body* is the request route, *settings* what stands before the routes, *routes* the other ones.

    *told* holds the events that were raised, by name, with their parameters.
    """

    def __init__(self, modules: str, body: str = "", settings: str = "", routes: str = "",
                 dialect: Any = "4.0") -> None:
        self.memory: dict[str, Words] = {}
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.events = Publisher(list, lambda name, values: self.told.append((name, dict(values))),
                                routed=lambda name: True)
        loads = "\n".join(f'loadmodule "{name}.so"' for name in modules.split())
        super().__init__(f"{loads}\n{settings}\nroute {{\n{body}\n}}\n{routes}", dialect)
        network: Any = self.network
        network.is_local = lambda host, port=0, protocol="": host in OURS and port in (0, 5060)

    def shared_words(self, name: str, count: int) -> Words:
        """Words that a second generation finds again."""
        if name not in self.memory:
            fd = os.memfd_create(name)
            os.ftruncate(fd, count * 8)
            self.memory[name] = Words(fd, 0, count)
            os.close(fd)
        return self.memory[name]

    def run_on(self, message: Any, kind: Route = Route.REQUEST, name: str = "", **context: Any) -> ScriptRun:
        """Run a route on a message; the run, with its code in `code`."""
        run = ScriptRun(self, self, kind, message, **context)  # type: ignore[arg-type]
        route = self.routes.main if kind == Route.REQUEST and not name else self.routes.get(kind, name)
        assert route is not None
        self.code = route(run)
        return run

    def message(self, text: str | bytes, tcp: bool = False) -> Any:
        """A message that came in."""
        data = text.encode() if isinstance(text, str) else text
        listener = self.network.tcp if tcp else self.network.udp
        message = scan(data, listener, address_key("192.0.2.1", 5060), "connection" if tcp else None)
        assert isinstance(message, (Request, Response)) and message.fault is None, message and message.fault
        return message

    def mi(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Call a management command as its dispatcher does."""
        from opensips_py.mi.arguments import bind
        command = self.registry.commands[name]
        return command.call(**bind(command.declaration, list(arguments) if arguments else named))


def variables(body: str, modules: str, message: Any = None, **more: Any) -> dict[str, Any]:
    """The script variables that *body* leaves behind on an OPTIONS request, or on *message*."""
    bench = Bench(modules, body, **more)
    return bench.run_on(message or bench.message(options())).variables


def options(headers: str = "", method: str = "OPTIONS", uri: str = "sip:bob@192.0.2.2", body: str = "",
            to_tag: str = "", forwards: int | None = 70) -> str:
    """A request of Alice's as text."""
    tag = f";tag={to_tag}" if to_tag else ""
    hops = "" if forwards is None else f"Max-Forwards: {forwards}\r\n"
    return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx1\r\n"
            f"From: <sip:alice@example.com>;tag=a1\r\nTo: <sip:bob@example.com>{tag}\r\nCall-ID: call-9\r\n"
            f"CSeq: 1 {method}\r\n{hops}Contact: <sip:alice@192.0.2.1>\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n{body}")

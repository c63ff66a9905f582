"""A little world for pseudo-variables and core functions: a run on a message, and what the script would see."""
from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from opensips_py.module.kinds import Variable, Writable
from opensips_py.module.run import Route, Run
from opensips_py.script import parser, tree, variables
from opensips_py.script.compiler import Context, Routes, compile_routes
from opensips_py.script.core import Core, registry_with_core
from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.preprocessor import Preprocessor
from opensips_py.sip import address_key, scan
from opensips_py.statistics import Statistics
from opensips_py.transport.listener import Listener

INVITE = (
    "INVITE sip:bob@biloxi.com:5070;transport=tcp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP pc33.atlanta.com:5061;branch=z9hG4bK776;rport\r\n"
    "Via: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK2;received=1.2.3.4\r\n"
    "Max-Forwards: 70\r\n"
    "To: Bob <sip:bob@biloxi.com>\r\n"
    'From: "Alice" <sip:alice@atlanta.com>;tag=1928\r\n'
    "Call-ID: a84b@pc33\r\n"
    "CSeq: 314 INVITE\r\n"
    'Contact: <sip:alice@pc33.atlanta.com>;q=0.5;expires=60, "X" <sip:x@c>\r\n'
    "User-Agent: Phone 1.0\r\n"
)
RINGING = (
    "SIP/2.0 180 Ringing\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx\r\n"
    "To: Bob <sip:bob@biloxi.com>;tag=b1\r\n"
    "From: <sip:alice@atlanta.com>;tag=1928\r\n"
    "Call-ID: a84b@pc33\r\n"
    "CSeq: 314 INVITE\r\n"
)


class World:
    """One run; *services* is what the functions reach of the worker."""

    def __init__(self, dialect: Any = "4.0") -> None:
        self.listener = Listener("udp", "127.0.0.1", 5060, name="lan")
        self.other = Listener("tcp", "127.0.0.1", 5060, index=1)
        self.registry = registry_with_core(dialect)
        core = self.registry.modules["core"]
        assert isinstance(core, Core)
        self.core = core
        self.services = SimpleNamespace(transports=SimpleNamespace(listeners=[self.listener, self.other]), started=1000,
                                        statistics=Statistics())
        core.services = self.services  # type: ignore[assignment]
        self.scope = core.registry.script
        self.request = self.message(INVITE)
        self.run = Run(self.services, None, Route.REQUEST, self.request)  # type: ignore[arg-type]

    def message(self, head: str, more: str = "", body: str = "") -> Any:
        text = f"{head}{more}Content-Length: {len(body.encode())}\r\n\r\n{body}"
        return scan(text.encode("utf-8", "surrogateescape"), self.listener, address_key("192.0.2.7", 5062))

    def on(self, message: Any, request: Any = None, kind: Route = Route.REQUEST) -> World:
        """Go on with a run on another message."""
        self.request = message
        self.run = Run(self.services, None, kind, message, request)  # type: ignore[arg-type]
        return self

    def on_invite(self, more: str = "", body: str = "") -> World:
        return self.on(self.message(INVITE, more, body))

    def on_ringing(self, request: Any = None, more: str = "") -> World:
        return self.on(self.message(RINGING, more), request, Route.ONREPLY)

    def value(self, text: str) -> Any:
        """What the script reads; where there is an inline form, both forms must agree."""
        bound = self.scope.bind(variables.parse(text))
        found = bound.read(self.run)
        if bound.inline is not None and self.run.message is not None:
            assert eval(bound.inline, {"run": self.run}) == found
        return found

    def values(self, text: str) -> list[Any]:
        """What `for each` goes through."""
        return list(self.scope.bind(variables.parse(text)).values(self.run))

    def assign(self, text: str, value: Any, operator: str = "=") -> None:
        bound = self.scope.bind(variables.parse(text))
        write = bound.replace if operator == ":=" else bound.write
        assert write is not None, f"{text} cannot be assigned"
        write(self.run, value)

    def text(self, text: str) -> str | None:
        """A text with variables in it."""
        return self.scope.format(text)(self.run)

    def through(self, value: Any, steps: str) -> Any:
        """*value* with transformations behind it."""
        self.run.variables["x"] = value
        return self.value(f"$(var(x){steps})")

    def writable(self, text: str) -> Writable:
        return Writable(self.run, self.scope.variable(text))

    def call(self, name: str, *arguments: Any) -> Any:
        """Have a script call a function; what the function returns, or its code where it was not asked."""
        found = self.registry.functions[name]
        results: list[Any] = []

        def noted(*given: Any) -> Any:
            results.append(found.call(*given))
            return results[-1]

        self.registry.functions[name] = replace(found, call=noted,
                                                declaration=replace(found.declaration, waits=False))
        try:
            code = self.execute(f"return ({name}({', '.join(map(written, arguments))}));")
        finally:
            self.registry.functions[name] = found
        return results[0] if results else code > 0

    def compile(self, text: str) -> Routes:
        """The routes of a script; an error fails the test."""
        diagnostics = Diagnostics()
        diagnostics.add_text("test.cfg", text)
        parsed = parser.parse(Preprocessor(diagnostics).tokens("test.cfg", text), diagnostics)
        context = Context(self.scope, diagnostics, self.registry.dialect)
        routes = compile_routes(parsed.of(tree.Route), context, {})
        assert not diagnostics.errors, diagnostics.render()
        return routes

    def execute(self, text: str) -> int:
        """Run the statements of a request route."""
        main = self.compile(text if text.lstrip().startswith("route") else f"route {{\n{text}\n}}").main
        assert main is not None
        return main(self.run)


def written(argument: Any) -> str:
    """An argument as it stands in a script; None is left out."""
    if isinstance(argument, Variable):
        return argument.spec.text
    return "" if argument is None else str(argument) if isinstance(argument, int) else f'"{argument}"'


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def old_world() -> World:
    """The same in the 2.1 dialect."""
    return World("2.1")

"""A proxy that hides, and two networks on its sides; whatever one of them sends must not show in the other."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from opensips_py.sip import NameAddr, Request
from opensips_py.testing import Phone, messages
from tests.modules.rtpengine.engines import fake

__all__ = ["fake"]

HEAD = """dialect=%(dialect)s
%(socket)s=udp:192.0.2.9:5060
%(socket)s=udp:192.0.2.9:5070
%(socket)s=tcp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "proto_tcp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "rr.so"
loadmodule "sipmsgops.so" %(modules)s loadmodule "topology_hiding.so"
%(settings)s
"""
ROUTE = """route {
    if (has_totag()) {
        if (is_method("ACK") && t_check_trans()) { t_relay(); exit; }
        %(within)s
        if (!topology_hiding_match(%(mode)s)) {
            %(unmatched)s
            if (!is_method("ACK")) sl_send_reply(404, "Not Here");
            exit;
        }
        %(matched)s
        t_relay();
        exit;
    }
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    %(initial)s
    %(hide)s
    %(after)s
    $du = "%(callee)s";
    %(arm)s
    t_relay();
}
%(routes)s
"""
DIALOG = 'loadmodule "dialog.so"'
PARTS = dict.fromkeys(("within", "mode", "unmatched", "matched", "initial", "after", "arm", "routes"), "")
Proxy = Callable[..., Any]
OWN = re.compile("(?m)^X: .*\n")  # what a script lets see


def script(dialog: bool, settings: str = "", modules: str = "", dialect: str = "4.0", hide: str = "topology_hiding();",
           callee: str = "sip:192.0.2.2:5060", **parts: str) -> str:
    """The script of the proxy; *parts* are what its routes do where ROUTE has their names."""
    if dialog:
        modules += DIALOG
        parts["initial"] = parts.get("initial", "") + 'if (is_method("INVITE")) create_dialog();'
    if dialect == "2.1":
        modules += 'loadmodule "uri.so"'
    head = HEAD % {"dialect": dialect, "socket": "socket" if dialect == "4.0" else "listen", "modules": modules,
                   "settings": settings}
    return head + ROUTE % {**PARTS, "hide": hide, "callee": callee, **parts}


class Side(Phone):
    """A phone at 10.N.N.1 behind two proxies, of which the server sees the nearer one, at 192.0.2.N."""

    def __init__(self, server: Any, user: str, number: int) -> None:
        super().__init__(server, user, f"192.0.2.{number}", domain="example.com")
        self.number, self.tag, self.cseq = number, f"tag-{user}", 0
        self.inner, self.edge = f"10.{number}.{number}.1", f"10.{number}.{number}.2"
        self.recorded = [f"<sip:{self.host};lr;nearer>", f"<sip:{self.edge};lr;n=2>"]  # the nearer one on top
        self.target = f"sip:{user}@{self.inner}:5080;ob;foo=bar"
        self.call_id, self.peer_tag, self.peer = f"call@{self.inner}", "", ""
        self.to = "sip:bob@example.com" if number == 1 else "sip:alice@example.com"

    @property
    def marks(self) -> tuple[str, ...]:
        """What nobody on the other side may see."""
        return self.inner, self.edge, f"{self.host};", f"{self.host}:", f"{self.host}\r", f"{self.host}>"

    def ask(self, method: str, uri: str = "", contact: str | None = None, cseq: int = 0, recorded: bool = False,
            **how: Any) -> list[Any]:
        """Send a request: within the dialog, unless *uri* says otherwise."""
        if method != "ACK" and not cseq:
            self.cseq += 1
        headers = {**how.pop("headers", {}), "Via": f"SIP/2.0/UDP {self.edge};branch=z9hG4bKedge{self.cseq}{method}"}
        if recorded:
            headers["Record-Route"] = self.recorded
        given = {"sender": f"sip:{self.user}@example.com", "to": self.to, "from_tag": self.tag,
                 "to_tag": self.peer_tag, "call_id": self.call_id, "cseq": cseq or self.cseq,
                 "contact": f"<{self.target}>;q=0.5;expires=60" if contact is None else contact, **how}
        return self.send(self.request(method, uri or self.peer, headers=headers, **given))

    def invite(self, method: str = "INVITE", uri: str = "sip:bob@192.0.2.9", **how: Any) -> list[Any]:
        """Begin something."""
        return self.ask(method, uri, recorded=True, **how)

    def say(self, request: Any, status: int, contact: str | None = None, recorded: bool = True, **how: Any) -> Any:
        """Answer a request."""
        headers = dict(how.pop("headers", {}))
        if recorded:
            headers["Record-Route"] = self.recorded[::-1]
        return self.send(messages.response(
            request.message, status, to_tag=request.message.to_tag or how.pop("tag", self.tag), headers=headers,
            contact=f"<{self.target}>;q=0.5" if contact is None else contact, **how))

    def know(self, sent: Any) -> Any:
        """Learn from a message how the other side is reached."""
        message = sent.message
        self.peer = message.contacts[0].uri
        self.peer_tag = message.from_tag if isinstance(message, Request) else message.to_tag
        if isinstance(message, Request):
            self.call_id = message.header("Call-ID")
        return sent


class Sides:
    """The proxy with both sides."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.alice, self.bob = Side(server, "alice", 1), Side(server, "bob", 2)
        self.leaks: list[str] = []
        self.calls_hidden = False  # whether Call-IDs must not be seen either
        server.watchers.append(self.watch)

    def watch(self, sent: Any) -> None:
        """Look for what must not be seen."""
        other = {self.alice.host: self.bob, self.bob.host: self.alice}.get(sent.host)
        text = OWN.sub("", sent.data.decode("latin1"))
        if not self.calls_hidden:
            text = text.replace(f"Call-ID: {sent.header('Call-ID')}\r\n", "")
        if other is not None and sent.status // 100 != 3:
            self.leaks += [f"{mark} in\n{text}" for mark in other.marks if mark in text]

    def call(self, **how: Any) -> Any:
        """An answered call; what the caller has got."""
        self.alice.invite(**how)
        invite = self.bob.know(self.bob.last("INVITE"))
        self.bob.say(invite, 180)
        self.alice.know(self.alice.last(180))
        self.bob.say(invite, 200)
        answer = self.alice.know(self.alice.last(200))
        self.alice.ask("ACK", contact="")
        self.ack = self.bob.last("ACK")
        self.invite, self.answer = invite, answer
        return answer

    @property
    def module(self) -> Any:
        """The module as the current generation has it."""
        return self.server.engine.generation.registry.modules["topology_hiding"]

    @property
    def dialogs(self) -> list[Any]:
        """The dialogs that there are."""
        return list(self.server.engine.generation.registry.modules["dialog"].dialogs)


@pytest.fixture
def hiding(opensips: Any) -> Any:
    """Starts the proxy; whatever it lets through fails the test at its end."""
    started = []

    def start(dialog: bool = False, *settings: str, **parts: str) -> Sides:
        started.append(Sides(opensips(text=script(dialog, "\n".join(settings), **parts))))
        started[-1].calls_hidden = dialog and "C" in re.findall('"([A-Za-z]*)"', parts.get("hide", "") + '""')[0]
        return started[-1]
    yield start
    for sides in started:
        assert not sides.leaks, "\n".join(sides.leaks)


@pytest.fixture(params=[False, True], ids=["word", "dialog"])
def either(request: Any, hiding: Any) -> Any:
    """Starts the proxy without and with dialogs."""
    def start(*settings: str, **parts: str) -> Sides:
        return hiding(request.param, *settings, **parts)
    start.dialog = request.param
    return start


def contact(sent: Any) -> NameAddr:
    """The one Contact of a message."""
    found, = sent.message.contacts
    return found


def path(sent: Any) -> tuple[int, list[str], list[str]]:
    """How many Vias a message has, and its Record-Routes and Routes."""
    return (len(sent.message.vias), [str(each) for each in sent.message.record_routes],
            [str(each) for each in sent.message.routes])

"""A server that asks for credentials, and a client that has some."""
from __future__ import annotations

from typing import Any

from opensips_py.sip import Challenge, Credentials, Password
from opensips_py.testing import Sent, request

HEAD = """socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "auth.so"
modparam("auth", "username_spec", "$avp(user)")
modparam("auth", "password_spec", "$avp(password)")
"""
PLAIN = 'modparam("auth", "calculate_ha1", 1)\n'
KNOWN = '$avp(user) = "alice"; $avp(password) = "secret";'
ASK = {"www": "Authorization", "proxy": "Proxy-Authorization"}


def script(route: str, settings: str = PLAIN) -> str:
    """A configuration with this request route; it ends by answering 200."""
    return f'{HEAD}{settings}route {{\n{KNOWN}\n{route}\nsend_reply(200, "OK");\n}}\n'


def guarded(kind: str = "www", realm: str = "example.com", more: str = '"auth"', settings: str = PLAIN) -> str:
    """A configuration that lets only Alice in."""
    return script(f'$var(rc) = 0; if (!pv_{kind}_authorize("{realm}")) {{ $var(rc) = $rc; '
                  f'{kind}_challenge("{realm}"{more and ", "}{more}); exit; }}', settings)


class Client:
    """Sends requests to *server*, and answers its challenges as *user*."""

    def __init__(self, server: Any, user: str = "alice", password: str = "secret", kind: str = "www",
                 method: str = "REGISTER") -> None:
        self.server, self.user, self.password, self.kind, self.method = server, user, password, kind, method
        self.number = 0

    def send(self, *values: str, method: str = "", body: str = "", **how: Any) -> Sent:
        """Send a request with these credentials; its answer."""
        self.number += 1
        given = {"sender": "sip:alice@example.com", "to": "sip:alice@example.org", **how}
        sent: list[Sent] = self.server.receive(
            request(method or self.method, "sip:example.net", cseq=self.number, body=body,
                    headers={ASK[self.kind]: list(values)}, **given), "192.0.2.1")
        assert len(sent) == 1, [str(each) for each in sent]
        return sent[0]

    def challenges(self, answer: Sent) -> list[Challenge]:
        """What an answer asks for."""
        name = "WWW-Authenticate" if self.kind == "www" else "Proxy-Authenticate"
        return [Challenge.parse(each.value) for each in answer.message.headers(name)]

    def challenge(self, **how: Any) -> Challenge:
        """Ask without credentials; the only challenge that comes."""
        answer = self.send(**how)
        assert answer.status == (401 if self.kind == "www" else 407)
        [found] = self.challenges(answer)
        return found

    def answer(self, challenge: Challenge, count: int = 1, method: str = "", body: str = "") -> Credentials:
        """Credentials that answer a challenge."""
        found = challenge.respond(self.user, Password(self.password), method or self.method, "sip:example.net",
                                  cnonce="0a4f113b", count=count, body=body.encode())
        assert found is not None
        return found

    def prove(self, challenge: Challenge, count: int = 1, body: str = "", **how: Any) -> int:
        """Answer a challenge; the status that comes of it."""
        return self.send(str(self.answer(challenge, count, body=body)), body=body, **how).status

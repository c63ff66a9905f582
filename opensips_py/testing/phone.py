"""Phones that a test operates: they register, call, answer and hang up."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.sip import Request, Response
from opensips_py.testing import messages
from opensips_py.testing.messages import Headers
from opensips_py.testing.network import Sent

if TYPE_CHECKING:
    from opensips_py.testing.server import Server


class Phone:
    """A phone of *user* at *host* and *port*, whose registrar and outbound proxy is the server.

    *inbox* holds what arrived and nobody has looked at; `last` takes it.
    """

    def __init__(self, server: Server, user: str, host: str, port: int = 5060, *, domain: str = "",
                 protocol: str = "udp") -> None:
        self.server, self.user, self.host, self.port, self.protocol = server, user, host, port, protocol
        self.domain = domain or server.listener(protocol).host
        self.inbox: list[Sent] = []
        self._cseq = 0
        server.watchers.append(self._watch)

    def _watch(self, sent: Sent) -> None:
        if (sent.protocol, sent.host, sent.port) == (self.protocol, self.host, self.port):
            self.inbox.append(sent)

    @property
    def aor(self) -> str:
        """Its public address."""
        return f"sip:{self.user}@{self.domain}"

    @property
    def contact(self) -> str:
        """Where it can be reached."""
        transport = "" if self.protocol == "udp" else f";transport={self.protocol}"
        return f"sip:{self.user}@{self.host}:{self.port}{transport}"

    def send(self, data: bytes) -> list[Sent]:
        """Send *data* to the server; what left it because of that."""
        return self.server.receive(data, self.host, self.port, self.protocol)

    def request(self, method: str, uri: str, **how: object) -> bytes:
        """A request of this phone: see messages.request."""
        given = {"sender": self.aor, "via": f"{self.host}:{self.port}", "protocol": self.protocol, **how}
        return messages.request(method, uri, **given)  # type: ignore[arg-type]

    def last(self, what: str | int = "") -> Sent:
        """The newest message that arrived, or the newest request with this method, or response with this status."""
        for index in range(len(self.inbox) - 1, -1, -1):
            each = self.inbox[index]
            if what == "" or what == (each.status or each.method):
                del self.inbox[:index + 1]
                return each
        raise AssertionError(f"{self.user} has not received {what or 'anything'}; it has: "
                             f"{', '.join(map(str, self.inbox)) or 'nothing'}")

    def register(self, expires: int = 3600, headers: Headers | None = None) -> Sent:
        """Register, or with *expires* 0 end the registration; the answer."""
        self._cseq += 1
        self.send(self.request("REGISTER", f"sip:{self.domain}", to=self.aor, contact=self.contact, cseq=self._cseq,
                               call_id=f"reg-{self.user}@{self.host}",
                               headers={"Expires": str(expires), **(headers or {})}))
        return self.last()

    def call(self, uri: str, headers: Headers | None = None, body: str | None = None) -> Call:
        """Call *uri*, or the user of this name at our domain."""
        whole = uri if ":" in uri else f"sip:{uri}@{self.domain}"
        return Call(self, whole, headers or {}, messages.sdp(self.host) if body is None else body)

    def answer(self, request: Sent | None = None, status: int = 200, reason: str = "", headers: Headers | None = None,
               body: str | None = None) -> list[Sent]:
        """Answer *request*, by default the newest INVITE; what left the server because of that."""
        asked = (request or self.last("INVITE")).message
        assert isinstance(asked, Request)
        answer = messages.sdp(self.host) if asked.method == "INVITE" and 180 < status < 300 else ""
        return self.send(messages.response(
            asked, status, reason, to_tag=asked.to_tag or f"tag-{self.user}", headers=headers,
            contact=self.contact if status < 300 else "", body=answer if body is None else body))


class Call:
    """A call that *phone* makes: its INVITE and what follows in its dialog."""

    def __init__(self, phone: Phone, uri: str, headers: Headers, body: str) -> None:
        self.phone, self.cseq = phone, 1
        self.invite = phone.request("INVITE", uri, contact=phone.contact, headers=headers, body=body)
        read = messages.received(self.invite)
        assert isinstance(read, Request)
        self.request = read
        self._answer: Response | None = None  # the one that began the dialog
        phone.send(self.invite)

    @property
    def call_id(self) -> str:
        """Its Call-ID."""
        return self.request.call_id

    def final(self) -> Sent:
        """The newest final response to the INVITE."""
        found = next((each for each in reversed(self.phone.inbox) if each.status >= 200 and each.method == "INVITE"
                      and each.message.call_id == self.call_id), None)
        assert found is not None, f"no final response to the call of {self.phone.user}"
        return found

    def ack(self) -> list[Sent]:
        """Acknowledge the final response: in the dialog where it was a success, else hop by hop."""
        final = self.final()
        if final.status < 300:
            return self.within("ACK", cseq=self.cseq)
        to = final.message.to_tag
        request = self.request
        return self.phone.send(self.phone.request(
            "ACK", request.uri, to=request.to.uri, to_tag=to, call_id=self.call_id, cseq=self.cseq,
            branch=request.via_branch))

    def cancel(self) -> list[Sent]:
        """Give up before anybody answers."""
        request = self.request
        return self.phone.send(self.phone.request("CANCEL", request.uri, call_id=self.call_id, cseq=self.cseq,
                                                  branch=request.via_branch))

    def _begun(self) -> Response:
        if self._answer is None:
            answer = self.final().message
            assert isinstance(answer, Response)
            self._answer = answer  # RFC 3261, 12.2: what comes later changes no route set
        return self._answer

    def within(self, method: str, cseq: int = 0, headers: Headers | None = None, body: str = "") -> list[Sent]:
        """Send a request in the dialog of the answered call, along its route set (RFC 3261, 12.2.1.1)."""
        answer = self._begun()
        if not cseq:
            self.cseq = cseq = self.cseq + 1
        routes = [answer.data[each.start:each.end].decode() for each in reversed(answer.record_routes)]
        target = answer.contacts[0].uri if answer.contacts else self.request.uri
        lines: Headers = {**({"Route": routes} if routes else {}), **(headers or {})}
        return self.phone.send(self.phone.request(
            method, target, to=self.request.to.uri, to_tag=answer.to_tag, call_id=self.call_id, cseq=cseq,
            contact=self.phone.contact, body=body, headers=lines))

    def bye(self) -> list[Sent]:
        """Hang up."""
        return self.within("BYE")

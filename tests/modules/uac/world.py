"""A proxy that acts for its callers, between Alice and a gateway that asks who it is."""
from __future__ import annotations

from typing import Any

from opensips_py.sip import Challenge, Credentials
from opensips_py.sip.digest import ha1
from opensips_py.testing import Phone, Sent, request

HEAD = """socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "uac_auth.so"
loadmodule "uac.so"
"""
CREDENTIAL = 'modparam("uac_auth", "credential", "us:gateway:secret")\n'
ROUTE = """
route {
	if (has_totag()) {
		if (!loose_route())
			exit;
	} else {
		record_route();
		%s
		$du = "sip:192.0.2.2";
	}
	t_on_failure("answer");
	t_relay();
}
failure_route[answer] {
	if ($tt == NULL)
		$du = "sip:192.0.2.2";
	%s
}
"""
AUTH = 'if (uac_auth()) { $avp(rc) = $rc; t_on_failure("answer"); t_relay(); } else { $avp(rc) = $rc; }'


def script(initial: str = "", failed: str = AUTH, settings: str = CREDENTIAL, dialect: str = "4.0", more: str = "",
           head: str = HEAD) -> str:
    """The configuration; *initial* runs on requests without To tag, *failed* on failures."""
    tags = 'loadmodule "sipmsgops.so"\n' if dialect == "4.0" else 'loadmodule "uri.so"\n'
    return f"dialect={dialect}\n{head}{tags}{settings}{ROUTE % (initial, failed)}{more}"


class World:
    """*server* with both sides."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.alice = Phone(server, "alice", "192.0.2.1")
        self.gateway = Phone(server, "gateway", "192.0.2.2")

    def ask(self, method: str = "OPTIONS", uri: str = "sip:bob@example.net", **how: Any) -> Sent:
        """Alice sends a request; what the gateway gets."""
        self.alice.send(request(method, uri, sender=self.alice.aor, via="192.0.2.1:5060", **how))
        return self.gateway.last(method)

    def challenge(self, got: Sent, *challenges: Challenge | str, status: int = 407) -> Sent | None:
        """The gateway asks who we are; what it gets then."""
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        self.gateway.inbox.clear()
        self.gateway.answer(got, status, headers={name: [str(each) for each in challenges]})
        sent = [each for each in self.gateway.inbox if each.method == got.method and not each.status]
        return sent[0] if sent else None


def credentials(sent: Sent | None, status: int = 407) -> list[Credentials]:
    """The credentials that a request carries."""
    assert sent is not None
    name = "Authorization" if status == 401 else "Proxy-Authorization"
    return [Credentials.parse(each.value) for each in sent.message.headers(name)]


def proves(sent: Sent | None, found: Credentials, password: str = "secret") -> bool:
    """Whether credentials are right for the request that carries them."""
    assert sent is not None
    return found.uri == sent.message.uri and found.verify(
        ha1(found.username, found.realm, password, found.algorithm), sent.method, sent.message.body)


def from_callee(invite: Sent, method: str, cseq: int = 50, **how: Any) -> bytes:
    """A request of the callee in the dialog that *invite* has begun, along its route set."""
    got = invite.message
    return request(method, got.contacts[0].uri, sender=how.pop("sender", got.to.uri), from_tag="tag-gateway",
                   to=how.pop("to", got.from_.uri), to_tag=got.from_tag, call_id=got.call_id, cseq=cseq,
                   via="192.0.2.2:5060",
                   headers={"Route": [got.data[each.start:each.end].decode() for each in got.record_routes]})

"""www_challenge and proxy_challenge: asking for credentials."""
from __future__ import annotations

import time
from typing import Annotated, Any

from opensips_py.module import Between, Bits, ReturnCode, Route, script
from opensips_py.module.run import Run
from opensips_py.modules.auth._nonces import Nonces
from opensips_py.modules.auth.served import Served
from opensips_py.modules.auth.verifying import Kind
from opensips_py.sip._digest import raw
from opensips_py.sip._scan import Request
from opensips_py.sip.digest import ALGORITHMS, quote


class Challenged(ReturnCode):
    """Whether the request was answered; then the script ends."""

    ANSWERED, FAILED = 0, -1


ANSWERED = Challenged.ANSWERED  # to look it up in its class is slow
ANSWERS = {"www": (401, "Unauthorized", "WWW-Authenticate"),
           "proxy": (407, "Proxy Authentication Required", "Proxy-Authenticate")}
QOPS = ("", ', qop="auth"', ', qop="auth-int"', ', qop="auth-int,auth"')
MD5 = 1  # the bit of the one algorithm that serves without qop
Qop = Annotated[int, Bits(words=(("auth", 1), ("auth-int", 2)), numbers=False)]
Algorithms = Annotated[int, Bits(words=tuple((each.name.lower(), 1 << each.number) for each in ALGORITHMS),
                                 numbers=False)]


class Challenging:
    """Functions that ask for credentials."""

    challenger: Challenger

    @script(Route.REQUEST, name="www_challenge", dialect="2.1")
    def www_challenge_21(self, run: Run, realm: str, qop: Annotated[int, Between(0, 1)]) -> Challenged:
        """Answer 401 and ask for credentials of *realm*, with qop=auth where *qop* is 1. An empty realm is the host of
        To in a REGISTER, of From in all others. The script ends."""
        return self.challenge(run, "www", realm, qop, 0)

    @script(Route.REQUEST, name="proxy_challenge", dialect="2.1")
    def proxy_challenge_21(self, run: Run, realm: str, qop: Annotated[int, Between(0, 1)]) -> Challenged:
        """Answer 407 and ask for credentials of *realm* (empty: the host of From), with qop=auth where *qop* is 1. The
        script ends."""
        return self.challenge(run, "proxy", realm, qop, 0)

    @script(Route.REQUEST, dialect="4.0")
    def www_challenge(self, run: Run, realm: str, qop: Qop | None = None,
                      algorithms: Algorithms | None = None) -> Challenged:
        """Answer 401 and ask for credentials of *realm*. An empty one is the host of To in a REGISTER, of From in all
        others. *qop* is auth, auth-int or both; *algorithms*, with commas between, are offered from the strongest to
        the weakest, MD5 alone unless given; all others need a qop, and get auth without one. The script ends."""
        return self.challenge(run, "www", realm, qop or 0, algorithms or 0)

    @script(Route.REQUEST, dialect="4.0")
    def proxy_challenge(self, run: Run, realm: str, qop: Qop | None = None,
                        algorithms: Algorithms | None = None) -> Challenged:
        """Answer 407 and ask for credentials of *realm* (empty: the host of From), as www_challenge does."""
        return self.challenge(run, "proxy", realm, qop or 0, algorithms or 0)

    def challenge(self, run: Run, kind: Kind, realm: str, qop: int, algorithms: int) -> Challenged:
        """Answer with a challenge for each of *algorithms*; other modules may call this."""
        return self.challenger.challenge(run, kind, realm, qop, algorithms)


class Challenger:
    """Asks for credentials, by the parameters of one instance of auth: compiled, as every new client is asked."""

    def __init__(self, auth: Any) -> None:
        self.log, self.signaling, self.verifier = auth.log, auth.signaling, auth.verifier
        self.nonces: Nonces = auth.nonces
        self.served: Served | None = None if auth.disable_nonce_check else auth.served

    def challenge(self, run: Run, kind: Kind, realm: str, qop: int, algorithms: int) -> Challenged:
        """Answer with a challenge for each of *algorithms*."""
        request: Request = run.request
        realm = realm or self.verifier.realm_of(request, kind)
        if not realm:
            self.log.info("no realm: the URI of %s has no host", "To" if request.method == "REGISTER" else "From")
            answered = self.signaling.answer(run, 400, "Bad Request")
        else:
            status, reason, header = ANSWERS[kind]
            stale = ", stale=true" if self.verifier.is_stale(request, kind, realm) else ""
            lines = self.challenges(f"{header}: Digest realm={quote(realm)}", stale, qop, algorithms)
            answered = self.signaling.answer(run, status, reason, raw(lines))
        return ANSWERED if answered else Challenged.FAILED

    def challenges(self, start: str, stale: str, qop: int, algorithms: int) -> str:
        """The header lines, the strongest algorithm first (RFC 8760, 2.4)."""
        if algorithms > MD5:
            qop = qop or 1  # RFC 8760, 2.6
        serial = 0 if self.served is None else self.served.next()
        now, end = int(time.time()), QOPS[qop] + stale
        if not algorithms:
            return f'{start}, nonce="{self.nonces.issue(serial, now, 0, qop)}"{end}\r\n'
        lines = ""
        for each in reversed(ALGORITHMS):
            if algorithms >> each.number & 1:
                nonce = self.nonces.issue(serial, now, each.number, qop)
                lines += f'{start}, nonce="{nonce}"{end}, algorithm={each.name}\r\n'
        return lines

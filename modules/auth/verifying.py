"""Whether a request proves who sent it: what modules with a table of users call, and pv_www_authorize."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from opensips_py.errors import MalformedMessage
from opensips_py.module import AuthResult
from opensips_py.module.restraint import Restraint
from opensips_py.modules.auth.nonces import Nonces, Served
from opensips_py.sip import Credentials, Header, HeaderId, Secret
from opensips_py.sip.digest import Algorithm, algorithm_of

if TYPE_CHECKING:
    from opensips_py.module import Run
    from opensips_py.sip import Request

Kind = Literal["www", "proxy"]
Lookup = Callable[[Credentials], Secret | None]
HEADERS = {"www": HeaderId.AUTHORIZATION, "proxy": HeaderId.PROXY_AUTHORIZATION}
UNCHALLENGED = ("ACK", "CANCEL")  # RFC 3261, 22.1: neither can be sent again
QOP = {"": 0, "auth": 1, "auth-int": 2}
MOST_HEADERS = 20  # with credentials that one request is searched for
HEX = frozenset("0123456789abcdefABCDEF")
AUTHORIZED, REFUSED, NO_USER, WRONG_PASSWORD, STALE_NONCE, NO_CREDENTIALS, ERROR = AuthResult


class Given:
    """Credentials of a request whose nonce is ours and fresh; what they prove is not known yet."""

    __slots__ = ("algorithm", "count", "credentials", "header", "kind", "serial")

    def __init__(self, kind: Kind, header: Header, credentials: Credentials, algorithm: Algorithm, serial: int,
                 count: int) -> None:
        self.kind, self.header, self.credentials, self.algorithm = kind, header, credentials, algorithm
        self.serial, self.count = serial, count


class Held:
    """What auth keeps with a request: its credentials, read once, and what they have proved."""

    __slots__ = ("proven", "read", "stale")

    def __init__(self) -> None:
        self.read: dict[str, list[tuple[Header, Credentials | None]]] = {}
        self.proven: list[Given] = []
        self.stale: set[tuple[str, str]] = set()  # (kind, realm) whose next challenge says stale=true


def held_by(request: Request) -> Held:
    """What is kept with *request*, made when first asked for."""
    context = request.context
    if context is None:
        context = request.context = {}
    held: Held | None = context.get("auth")
    if held is None:
        held = context["auth"] = Held()
    return held


class Verifying:
    """Checks credentials. Modules that know users `uses("auth")` and call authorize()."""

    log: logging.Logger
    nonces: Nonces
    served: Served
    nonce_expire: int
    disable_nonce_check: bool
    realm_prefix: str
    complaints: Restraint
    signaling: Any

    def authorize(self, run: Run, kind: Kind, realm: str, lookup: Lookup) -> AuthResult:
        """Whether the request proves, for *realm* ('': that of the request), who sent it.

        *lookup* is called with the credentials once their nonce is known to be ours and fresh, and may wait. It
        returns what is known of their user: a Password, an Ha1, or None where there is no such user; an OSError says
        that it cannot tell. ACK and CANCEL, which cannot be challenged, count as authorized.
        """
        given = self.examine(run, kind, realm)
        if isinstance(given, AuthResult):
            return given
        try:
            secret = lookup(given.credentials)
        except OSError as error:
            self.complaints.say("credentials cannot be checked: %s", error)
            return ERROR
        if secret is None:
            return NO_USER
        credentials = given.credentials
        ha1 = secret.ha1(credentials.username, credentials.realm, given.algorithm)
        if ha1 is None:
            self.log.error("nothing is stored that %s credentials of %r could be checked by", given.algorithm.name,
                           credentials.username)
            return ERROR
        request: Request = run.request
        if not credentials.verify(ha1, request.method, request.body):
            return WRONG_PASSWORD
        return self.accept(request, given)

    def examine(self, run: Run, kind: Kind, realm: str) -> Given | AuthResult:
        """The credentials of the request for *realm*, if their nonce is good; else what to tell the script. A request
        whose credentials cannot be read is answered with 400.

        authorize() begins with this; a module whose server verifies by itself (RADIUS) calls it, then accept().
        """
        request: Request = run.request
        if request.method in UNCHALLENGED:
            return AUTHORIZED
        asked: str | None = realm or self.realm_of(request, kind)
        if not asked:
            return ERROR
        malformed = False
        for header, credentials in self.credentials_of(request, kind):
            if credentials is None:
                malformed = True
            elif credentials.realm == asked:
                return self.judge(request, kind, header, credentials)
        if not malformed:
            return NO_CREDENTIALS
        return REFUSED if self.signaling.answer(run, 400, "Bad Request") else ERROR

    def judge(self, request: Request, kind: Kind, header: Header, credentials: Credentials) -> Given | AuthResult:
        """Look at the nonce of *credentials*: ours, fresh, and for this algorithm and quality of protection."""
        algorithm = algorithm_of(credentials.algorithm)
        qop = QOP.get(credentials.qop.lower())
        count = count_of(credentials)
        if algorithm is None or qop is None or count is None:
            self.log.info("credentials with an algorithm, qop or nc that nobody has offered")
            return ERROR
        nonce = self.nonces.read(credentials.nonce)
        if nonce is None or nonce.algorithm != algorithm.number or not fits(qop, nonce.qop) \
                or time.time() - nonce.issued > self.nonce_expire:
            return self.outdated(request, kind, credentials)
        return Given(kind, header, credentials, algorithm, nonce.serial, count)

    def accept(self, request: Request, given: Given) -> AuthResult:
        """The credentials *given* have proved their user, if their nonce has not served for that before."""
        if not self.disable_nonce_check and not self.served.claim(given.serial, given.count):
            return self.outdated(request, given.kind, given.credentials)
        held_by(request).proven.append(given)
        return AUTHORIZED

    def proven(self, request: Request) -> Credentials | None:
        """The credentials that *request* was authorized by last; None where it was not."""
        found = held_by(request).proven if request.context and "auth" in request.context else None
        return found[-1].credentials if found else None

    def outdated(self, request: Request, kind: Kind, credentials: Credentials) -> AuthResult:
        """Have the next challenge say that the password is not to blame."""
        held_by(request).stale.add((kind, credentials.realm))
        return STALE_NONCE

    def credentials_of(self, request: Request, kind: Kind) -> list[tuple[Header, Credentials | None]]:
        """The digest credentials of *request*, read once; None for such that cannot be read."""
        held = held_by(request)
        found = held.read.get(kind)
        if found is None:
            found = held.read[kind] = self.read(request, HEADERS[kind])
        return found

    def read(self, request: Request, name: HeaderId) -> list[tuple[Header, Credentials | None]]:
        """Read the credentials of the header *name*; other schemes are no business of ours."""
        found: list[tuple[Header, Credentials | None]] = []
        fault: MalformedMessage | None = None
        for header in request.headers(name)[:MOST_HEADERS]:
            value = header.value
            if value.lstrip()[:6].lower() != "digest":
                continue
            try:
                found.append((header, Credentials.parse(value)))
            except MalformedMessage as error:
                found.append((header, None))
                fault = fault or error
        if fault is not None:
            self.log.info("%s from %s: %s", request.method, request.source_host, fault)
        return found

    def realm_of(self, request: Request, kind: Kind) -> str:
        """The realm that a request names: the host of To in a REGISTER that a registrar gets, else that of From."""
        header: Any = "to" if kind == "www" and request.method == "REGISTER" else "from_"
        try:
            host = str(getattr(request, header).parsed_uri.host)
        except MalformedMessage:
            return ""
        return host.removeprefix(self.realm_prefix) or host


def count_of(credentials: Credentials) -> int | None:
    """The count under which a nonce serves: that of the client, 1 without qop; None for one that is no number."""
    if not credentials.qop:
        return 1
    text = credentials.nc
    return int(text, 16) if len(text) <= 8 and HEX.issuperset(text) else None


def fits(qop: int, offered: int) -> bool:
    """Whether credentials of quality *qop* answer a challenge that *offered* some; none stands for auth (RFC 8760,
    2.6)."""
    return bool(offered & (qop or 1)) if offered else not qop

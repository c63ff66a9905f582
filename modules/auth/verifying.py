"""Whether a request proves who sent it: what modules with a table of users call, and pv_www_authorize."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from opensips_py.errors import MalformedMessage
from opensips_py.module import AuthResult
from opensips_py.module.run import Run
from opensips_py.sip import HeaderId, Secret
from opensips_py.sip._digest import hexadecimal, is_digest
from opensips_py.sip._scan import Header, Request
from opensips_py.sip.digest import Algorithm, Credentials, algorithm_of

Kind = Literal["www", "proxy"]
Lookup = Callable[[Credentials], Secret | None]
HEADERS = {"www": int(HeaderId.AUTHORIZATION), "proxy": int(HeaderId.PROXY_AUTHORIZATION)}
QOP = {"": 0, "auth": 1, "auth-int": 2}
MOST_HEADERS = 20  # with credentials that one request is searched for
AUTHORIZED, REFUSED, NO_USER, WRONG_PASSWORD, STALE_NONCE, NO_CREDENTIALS, ERROR = AuthResult


class Given:
    """Credentials of a request whose nonce is ours and fresh; what they prove is not known yet."""

    def __init__(self, kind: Kind, header: Header, credentials: Credentials, algorithm: Algorithm, serial: int,
                 count: int) -> None:
        self.kind, self.header, self.credentials, self.algorithm = kind, header, credentials, algorithm
        self.serial, self.count = serial, count


class Held:
    """What auth keeps with a request: its credentials, read once, and what they have proved."""

    def __init__(self) -> None:
        self.read: dict[str, list[tuple[Header, Credentials | None]]] = {}
        self.proven: list[Given] = []
        self.stale: set[tuple[str, str]] | None = None  # (kind, realm) whose next challenge says stale=true


def held_by(request: Request) -> Held | None:
    """What is kept with *request*, if there is anything."""
    return request.context.get("auth") if request.context else None


def held_with(request: Request) -> Held:
    """What is kept with *request*, made when first asked for."""
    held = held_by(request)
    if held is None:
        held = Held()
        if request.context is None:
            request.context = {}
        request.context["auth"] = held
    return held


class Verifier:
    """Checks credentials, by the parameters of one instance of auth: one compiled class, as a registrar is asked for
    this with every registration. Modules that know users `uses("auth")` and call its authorize()."""

    def __init__(self, auth: Any) -> None:
        self.log, self.complaints, self.signaling = auth.log, auth.complaints, auth.signaling
        self.nonces, self.served = auth.nonces, auth.served
        self.nonce_expire, self.counts = auth.nonce_expire, not auth.disable_nonce_check
        self.realm_prefix = auth.realm_prefix

    def authorize(self, run: Run, kind: Kind, realm: str, lookup: Lookup) -> AuthResult:
        """Whether the request proves, for *realm* ('': that of the request), who sent it.

        *lookup* is called with the credentials once their nonce is known to be ours and fresh, and may wait. It
        returns what is known of their user: a Password, an Ha1, or None where there is no such user; an OSError says
        that it cannot tell. ACK and CANCEL, which cannot be challenged, count as authorized.
        """
        found = self.examine(run, kind, realm)
        if not isinstance(found, Given):
            return found
        given: Given = found
        try:
            secret = lookup(given.credentials)
        except OSError as error:
            return self.cannot_tell(error)
        return self.prove(run.request, given, secret)

    def cannot_tell(self, error: OSError) -> AuthResult:
        """Whoever knows the users cannot be asked."""
        self.complaints.say("credentials cannot be checked: %s", error)
        return ERROR

    def prove(self, request: Request, given: Given, secret: Secret | None) -> AuthResult:
        """Whether the credentials *given* prove that their user knows the *secret*."""
        if secret is None:
            return NO_USER
        credentials = given.credentials
        ha1 = secret.ha1(credentials.username, credentials.realm, given.algorithm)
        if ha1 is None:
            self.log.error("nothing is stored that %s credentials of %r could be checked by", given.algorithm.name,
                           credentials.username)
            return ERROR
        if not credentials.verify(ha1, request.method, request.body):
            return WRONG_PASSWORD
        return self.accept(request, given)

    def examine(self, run: Run, kind: Kind, realm: str) -> Given | AuthResult:
        """The credentials of the request for *realm*, if their nonce is good; else what to tell the script. A request
        whose credentials cannot be read is answered with 400.

        authorize() begins with this; a module whose server verifies by itself (RADIUS) calls it, then accept().
        """
        request: Request = run.request
        if is_unchallenged(request):
            return AUTHORIZED
        asked = realm or self.realm_of(request, kind)
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
        count = hexadecimal(credentials.nc) if credentials.qop else 1
        if algorithm is None or qop is None or count < 0:
            self.log.info("credentials with an algorithm, qop or nc that nobody has offered")
            return ERROR
        nonce = self.nonces.read(credentials.nonce)
        if nonce is None or not nonce.suits(algorithm.number, qop) or time.time() - nonce.issued > self.nonce_expire:
            return self.outdated(request, kind, credentials)
        return Given(kind, header, credentials, algorithm, nonce.serial, count)

    def accept(self, request: Request, given: Given) -> AuthResult:
        """The credentials *given* have proved their user, if their nonce has not served for that before."""
        if self.counts and not self.served.claim(given.serial, given.count):
            return self.outdated(request, given.kind, given.credentials)
        held_with(request).proven.append(given)
        return AUTHORIZED

    def proven(self, request: Request) -> Credentials | None:
        """The credentials that *request* was authorized by last; None where it was not."""
        held = held_by(request)
        return held.proven[-1].credentials if held is not None and held.proven else None

    def outdated(self, request: Request, kind: Kind, credentials: Credentials) -> AuthResult:
        """Have the next challenge say that the password is not to blame."""
        held = held_with(request)
        if held.stale is None:
            held.stale = set()
        held.stale.add((kind, credentials.realm))
        return STALE_NONCE

    def credentials_of(self, request: Request, kind: Kind) -> list[tuple[Header, Credentials | None]]:
        """The digest credentials of *request*, read once; None for such that cannot be read."""
        held = held_by(request)
        found = held.read.get(kind) if held is not None else None
        if found is None:
            found = self.read(request, kind)
            if found:
                held_with(request).read[kind] = found
        return found

    def read(self, request: Request, kind: Kind) -> list[tuple[Header, Credentials | None]]:
        """Read the credentials of one kind; other schemes are no business of ours."""
        found: list[tuple[Header, Credentials | None]] = []
        fault: MalformedMessage | None = None
        for header in request.headers(HEADERS[kind])[:MOST_HEADERS]:
            if not is_digest(header.value):
                continue
            try:
                found.append((header, Credentials.parse(header.value)))
            except MalformedMessage as error:
                found.append((header, None))
                fault = fault or error
        if fault is not None:
            self.log.info("%s from %s: %s", request.method, request.source_host, fault)
        return found

    def is_stale(self, request: Request, kind: Kind, realm: str) -> bool:
        """Whether the next challenge for *realm* is to say that the password is not to blame."""
        held = held_by(request)
        return held is not None and held.stale is not None and (kind, realm) in held.stale

    def realm_of(self, request: Request, kind: Kind) -> str:
        """The realm that a request names: the host of To in a REGISTER that a registrar gets, else that of From."""
        try:
            address = request.to if kind == "www" and request.method == "REGISTER" else request.from_
            host = address.parsed_uri.host
        except MalformedMessage:
            return ""
        return host.removeprefix(self.realm_prefix) or host


def is_unchallenged(request: Request) -> bool:
    """Whether *request* cannot be sent again, and so not be challenged (RFC 3261, 22.1)."""
    return request.method == "ACK" or request.method == "CANCEL"


class Verifying:
    """The functions of auth that other modules call; they go straight to the verifier."""

    verifier: Verifier

    def authorize(self, run: Run, kind: Kind, realm: str, lookup: Lookup) -> AuthResult:
        """Whether the request proves who sent it; see Verifier."""
        return self.verifier.authorize(run, kind, realm, lookup)

    def examine(self, run: Run, kind: Kind, realm: str) -> Given | AuthResult:
        """The credentials of the request, if their nonce is good; see Verifier."""
        return self.verifier.examine(run, kind, realm)

    def accept(self, request: Request, given: Given) -> AuthResult:
        """The credentials *given* have proved their user; see Verifier."""
        return self.verifier.accept(request, given)

    def proven(self, request: Request) -> Credentials | None:
        """The credentials that *request* was authorized by last; None where it was not."""
        return self.verifier.proven(request)

"""Credentials for answering challenges: the names and passwords that other servers know us by."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING

from opensips_py.errors import MalformedMessage
from opensips_py.module import ConfigError, Module, Run, VariableSpec, param, param_setter
from opensips_py.sip import Challenge, Credentials, Ha1, Password, Secret
from opensips_py.sip.digest import ALGORITHMS, algorithm_of

if TYPE_CHECKING:
    from opensips_py.sip import Response

HEADERS = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}
MOST_CHALLENGES = 20  # of one response that are looked at
ALL = (1 << len(ALGORITHMS)) - 1
AVPS = ("auth_realm_avp", "auth_username_avp", "auth_password_avp")


@dataclass(frozen=True, slots=True)
class Known:
    """Who we are in one realm."""

    username: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class Answerable:
    """A challenge that we have credentials for; *header* is the one that takes the answer."""

    header: str
    challenge: Challenge
    known: Known

    def answer(self, method: str, uri: str, count: int = 1, body: bytes = b"") -> Credentials:
        """The answer for a request; *count* tells how often the nonce of the challenge has served with it."""
        found = self.challenge.respond(self.known.username, self.known.secret, method, uri, cnonce=token_hex(8),
                                       count=count, body=body)
        assert found is not None  # challenges that nothing is known for are not chosen
        return found


class UacAuth(Module, name="uac_auth"):
    """Keep credentials, and answer challenges with them (RFC 3261, 22.3; RFC 7616; RFC 8760).

    Module uac sends the answers. Of several challenges the first is taken whose algorithm and realm are known; of the
    qualities of protection auth, then auth-int.
    """

    auth_realm_avp: VariableSpec | None = param(None, "AVP with the realm of a credential that the script gives.")
    auth_username_avp: VariableSpec | None = param(None, "AVP with its user.")
    auth_password_avp: VariableSpec | None = param(None, "AVP with its password, or 0x and its HA1 in hex.")
    credentials: tuple[tuple[str, Known], ...] = ()

    @param_setter("credential")
    def credential(self, value: str) -> None:
        """A credential, user:realm:password; in place of the password may stand 0x and the hash of all three (HA1) in
        lower-case hex, 32 digits for MD5, 64 for SHA-256 and SHA-512-256. May be given many times."""
        username, _, rest = value.partition(":")
        realm, colon, password = rest.partition(":")
        if not username or not realm or not colon:
            raise ConfigError('write a credential as "user:realm:password"', "uac_auth", "credential")
        self.credentials += ((realm, Known(username, secret_of(password))),)

    def load(self) -> None:
        """Three AVPs make a credential, and nothing else does."""
        given = [name for name in AVPS if getattr(self, name) is not None]
        if given and len(given) < len(AVPS):
            raise ConfigError(f"{', '.join(AVPS)} are needed together", "uac_auth", given[0])
        for name in given:
            spec: VariableSpec = getattr(self, name)
            if spec.type != "avp":
                raise ConfigError(f"{name} names an AVP, and {spec.text} is none", "uac_auth", name)

    def known(self, realm: str, run: Run | None = None) -> Known | None:
        """Who we are in *realm*: as the AVPs of *run* say, else as the parameters do."""
        if run is not None and self.auth_realm_avp is not None and value_of(run, self.auth_realm_avp) == realm:
            username = value_of(run, self.auth_username_avp)
            if username is not None:
                return Known(username, secret_of(value_of(run, self.auth_password_avp) or ""))
        return next((each for name, each in self.credentials if name == realm), None)

    def choose(self, response: Response, algorithms: int = 0, run: Run | None = None,
               given: tuple[str, str] | None = None) -> Answerable | None:
        """The challenge of *response* to answer: the first with credentials, of one of *algorithms* (bits by their
        number; 0: any). RFC 8760, 2.4: servers put the one that they like best on top. A user and password that are
        *given* serve every realm, and nothing else does then."""
        names = HEADERS.get(response.status)
        if names is None:
            return None
        asked, header = names
        for challenge in challenges_of(each.value for each in response.headers(asked)[:MOST_CHALLENGES]):
            algorithm = algorithm_of(challenge.algorithm)
            if algorithm is None or not (algorithms or ALL) >> algorithm.number & 1:
                continue
            known = self.known(challenge.realm, run) if given is None else Known(given[0], secret_of(given[1]))
            if known is not None and known.secret.ha1(known.username, challenge.realm, algorithm) is not None:
                return Answerable(header, challenge, known)
        return None


def challenges_of(values: Iterable[str]) -> Iterable[Challenge]:
    """The digest challenges among header values; what cannot be read is passed over."""
    for value in values:
        try:
            yield Challenge.parse(value)
        except MalformedMessage:
            continue


def secret_of(text: str) -> Secret:
    """A password, or with 0x before it a hash of user, realm and password."""
    digits = text[2:].lower()
    if text.startswith("0x") and len(digits) in (32, 64) and all(each in "0123456789abcdef" for each in digits):
        return Ha1(md5=digits) if len(digits) == 32 else Ha1(sha_256=digits, sha_512_256=digits)
    return Password(text)


def value_of(run: Run, spec: VariableSpec | None) -> str | None:
    """The text that an AVP holds."""
    value = spec.read(run) if spec is not None else None
    return None if value is None else str(value)

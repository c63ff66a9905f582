"""Pseudo-variables of digest authentication: credentials of a request, challenges in a response (RFC 3261, 22)."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.module.marks import pvar
from opensips_py.script.pvars_headers import host, user
from opensips_py.sip.splitting import separated, unquoted

if TYPE_CHECKING:
    from opensips_py.sip import Message

CREDENTIALS = ("Authorization", "Proxy-Authorization")
CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")


def digest_parameter(message: Message, headers: tuple[str, ...], name: str) -> str | None:
    """A parameter of the first of *headers* that carries Digest."""
    for header in headers:
        value = message.header(header)
        scheme, _, rest = (value or "").strip().partition(" ")
        if scheme.lower() == "digest":
            return parameter(rest, name)
    return None


def parameter(text: str, name: str) -> str | None:
    """The value of a parameter of a="b", c=d, without quotes."""
    for each in separated(text, ","):
        key, equals, value = each.partition("=")
        if equals and key.strip().lower() == name:
            return unquoted(value.strip())
    return None


def username(message: Message) -> str | None:
    """The user name of the credentials, as written."""
    return digest_parameter(message, CREDENTIALS, "username")


class AuthVariables:
    """The pseudo-variables of digest authentication."""

    @pvar("au")
    def auth_user(self, message: Message) -> str | None:
        """User part of the user name in the credentials."""
        name = username(message)
        return name.partition("@")[0] if name is not None else None

    @pvar("ad")
    def auth_domain(self, message: Message) -> str | None:
        """Domain part of the user name in the credentials."""
        name = username(message)
        return name.partition("@")[2] or None if name is not None else None

    @pvar("aU")
    def auth_whole_user(self, message: Message) -> str | None:
        """Whole user name in the credentials."""
        return username(message)

    @pvar("Au")
    def accounting_user(self, message: Message) -> str | None:
        """Who is accounted, user@domain: user and realm of the credentials, else those of the URI in From."""
        name = username(message)
        if name:
            realm = digest_parameter(message, CREDENTIALS, "realm")
            return f"{name.partition('@')[0]}@{realm}" if realm else name
        caller, domain = user(message.from_), host(message.from_)
        return f"{caller}@{domain}" if caller and domain else caller or domain

    @pvar("ar")
    def auth_realm(self, message: Message) -> str | None:
        """Realm of the credentials."""
        return digest_parameter(message, CREDENTIALS, "realm")

    @pvar("adu")
    def auth_uri(self, message: Message) -> str | None:
        """URI in the credentials."""
        return digest_parameter(message, CREDENTIALS, "uri")

    @pvar("an")
    def auth_nonce(self, message: Message) -> str | None:
        """Nonce in the credentials."""
        return digest_parameter(message, CREDENTIALS, "nonce")

    auth_dot_nonce = pvar("auth.nonce")(auth_nonce.getter)

    @pvar("auth.resp")
    def auth_response(self, message: Message) -> str | None:
        """Response in the credentials."""
        return digest_parameter(message, CREDENTIALS, "response")

    @pvar("auth.cnonce")
    def auth_cnonce(self, message: Message) -> str | None:
        """Nonce of the client in the credentials."""
        return digest_parameter(message, CREDENTIALS, "cnonce")

    @pvar("auth.opaque")
    def auth_opaque(self, message: Message) -> str | None:
        """Parameter opaque of the credentials."""
        return digest_parameter(message, CREDENTIALS, "opaque")

    @pvar("auth.alg")
    def auth_algorithm(self, message: Message) -> str | None:
        """Algorithm in the credentials."""
        return digest_parameter(message, CREDENTIALS, "algorithm")

    @pvar("auth.qop")
    def auth_qop(self, message: Message) -> str | None:
        """Quality of protection in the credentials."""
        return digest_parameter(message, CREDENTIALS, "qop")

    @pvar("auth.nc")
    def auth_count(self, message: Message) -> str | None:
        """Nonce count in the credentials."""
        return digest_parameter(message, CREDENTIALS, "nc")

    # Challenges

    @pvar("challenge.realm")
    def challenge_realm(self, message: Message) -> str | None:
        """Realm of the challenge."""
        return digest_parameter(message, CHALLENGES, "realm")

    @pvar("challenge.nonce")
    def challenge_nonce(self, message: Message) -> str | None:
        """Nonce of the challenge."""
        return digest_parameter(message, CHALLENGES, "nonce")

    @pvar("challenge.opaque")
    def challenge_opaque(self, message: Message) -> str | None:
        """Parameter opaque of the challenge."""
        return digest_parameter(message, CHALLENGES, "opaque")

    @pvar("challenge.algorithm")
    def challenge_algorithm(self, message: Message) -> str | None:
        """Algorithm of the challenge."""
        return digest_parameter(message, CHALLENGES, "algorithm")

    @pvar("challenge.qop")
    def challenge_qop(self, message: Message) -> str | None:
        """Qualities of protection that the challenge offers."""
        return digest_parameter(message, CHALLENGES, "qop")

    @pvar("challenge.ik")
    def challenge_integrity_key(self, message: Message) -> str | None:
        """Integrity key (ik) of the challenge, of AKA in IMS."""
        return digest_parameter(message, CHALLENGES, "ik")

    @pvar("challenge.ck")
    def challenge_cipher_key(self, message: Message) -> str | None:
        """Cipher key (ck) of the challenge, of AKA in IMS."""
        return digest_parameter(message, CHALLENGES, "ck")

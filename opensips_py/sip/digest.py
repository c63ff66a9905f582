"""Digest authentication: challenges, credentials and what proves them (RFC 2617, RFC 7616, RFC 8760)."""
from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from opensips_py.errors import MalformedMessage
from opensips_py.sip._digest import parse_parameters


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One algorithm of RFC 7616: *name* as headers write it, its *number*, the *size* of its hashes in hex digits."""

    name: str
    number: int
    make: Callable[[bytes], Any]
    size: int
    session: bool

    def hash(self, data: bytes) -> str:
        """The hash of *data* as lower-case hex."""
        digest: str = self.make(data).hexdigest()
        return digest


def sha_512_256(data: bytes) -> Any:
    """The hash object that hashlib has no function of its own for."""
    return hashlib.new("sha512_256", data, usedforsecurity=False)


HASHES: tuple[tuple[str, Callable[[bytes], Any], int], ...] = (
    ("MD5", partial(hashlib.md5, usedforsecurity=False), 32),
    ("SHA-256", partial(hashlib.sha256, usedforsecurity=False), 64), ("SHA-512-256", sha_512_256, 64))
ALGORITHMS = tuple(Algorithm(f"{name}{end}", 2 * place + len(end) // 5, make, size, bool(end))  # the weakest first
                   for place, (name, make, size) in enumerate(HASHES) for end in ("", "-sess"))
BY_NAME = {spelling: each for each in ALGORITHMS for spelling in (each.name, each.name.lower())}


def algorithm_of(name: str) -> Algorithm | None:
    """The algorithm *name*, whatever its case; an empty name is MD5, None one that nobody here knows."""
    return BY_NAME.get(name) or BY_NAME.get(name.lower() or "md5")


def raw(text: str) -> bytes:
    """A text as the bytes that it stands for."""
    return text.encode("utf-8", "surrogateescape")


def digest_hash(algorithm: str, data: str | bytes) -> str:
    """The hash of *data* as lower-case hex; *algorithm* may end in ``-sess``. ValueError for an unknown algorithm."""
    return known(algorithm).hash(raw(data) if isinstance(data, str) else data)


def known(algorithm: str) -> Algorithm:
    """The algorithm of that name; ValueError where there is none."""
    found = algorithm_of(algorithm)
    if found is None:
        names = ", ".join(each.name for each in ALGORITHMS)
        raise ValueError(f"unknown digest algorithm {algorithm!r}; known are {names}")
    return found


def ha1(username: str, realm: str, password: str, algorithm: str = "MD5") -> str:
    """The hash of user, realm and password, which servers may store in place of the password."""
    return digest_hash(algorithm, f"{username}:{realm}:{password}")


def digest_response(ha1: str, method: str, uri: str, nonce: str, *, algorithm: str = "MD5", qop: str = "",
                    nc: str = "", cnonce: str = "", body: bytes = b"") -> str:
    """What a client must answer to a challenge; *ha1* is the hash of user, realm and password."""
    found = known(algorithm)
    hash = found.hash
    if found.session:
        ha1 = hash(raw(f"{ha1}:{nonce}:{cnonce}"))
    if not qop:
        return hash(raw(f"{ha1}:{nonce}:{hash(raw(f'{method}:{uri}'))}"))
    subject = f"{method}:{uri}:{hash(body)}" if qop.lower() == "auth-int" else f"{method}:{uri}"
    return hash(raw(f"{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{hash(raw(subject))}"))


class Secret(Protocol):
    """What a server knows of a user."""

    def ha1(self, username: str, realm: str, algorithm: Algorithm) -> str | None:
        """The hash of user, realm and password; None where it is not known for this *algorithm*."""


@dataclass(frozen=True, slots=True)
class Password:
    """A password in plain text, which serves every algorithm."""

    text: str = field(repr=False)

    def ha1(self, username: str, realm: str, algorithm: Algorithm) -> str | None:
        """The hash of user, realm and password."""
        return algorithm.hash(raw(f"{username}:{realm}:{self.text}"))


@dataclass(frozen=True, slots=True)
class Ha1:
    """Hashes of user, realm and password that were stored in place of it; an empty text is none."""

    md5: str = field(default="", repr=False)
    sha_256: str = field(default="", repr=False)
    sha_512_256: str = field(default="", repr=False)

    def ha1(self, username: str, realm: str, algorithm: Algorithm) -> str | None:
        """The hash for *algorithm*; None where none is stored, or one of another length."""
        found = (self.md5, self.sha_256, self.sha_512_256)[algorithm.number // 2]
        return found.lower() if len(found) == algorithm.size else None


def split_scheme(value: str) -> tuple[str, str]:
    """The scheme of an Authorization or WWW-Authenticate value in lower case, and the rest."""
    words = value.split(None, 1)  # any white space: a header may be folded there
    return (words[0].lower() if words else "", words[1] if len(words) > 1 else "")


UNQUOTABLE = dict.fromkeys((*range(32), 127))  # a line end would begin another header


def quote(value: str) -> str:
    """*value* as a quoted string, without the control characters that none may have."""
    if value.isalnum():
        return f'"{value}"'
    escaped = value.translate(UNQUOTABLE).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Challenge:
    """What WWW-Authenticate and Proxy-Authenticate ask for; *qop* is the list as offered, '' for none."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: str = ""
    opaque: str = ""
    stale: bool = False
    domain: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: str) -> Challenge:
        """Read a header value; MalformedMessage where it is no digest challenge."""
        scheme, rest = split_scheme(value)
        given = parse_parameters(rest) if scheme == "digest" else {}
        if "realm" not in given or "nonce" not in given:
            raise MalformedMessage(f"no digest challenge: {value!r}")
        return cls(given.pop("realm"), given.pop("nonce"), given.pop("algorithm", "MD5"), given.pop("qop", ""),
                   given.pop("opaque", ""), given.pop("stale", "").lower() == "true", given.pop("domain", ""), given)

    def __str__(self) -> str:
        parts = [f"realm={quote(self.realm)}", f"nonce={quote(self.nonce)}"]
        parts += [f"qop={quote(self.qop)}"] if self.qop else []
        parts += [f"opaque={quote(self.opaque)}"] if self.opaque else []
        parts += ["stale=true"] if self.stale else []
        parts += [f"domain={quote(self.domain)}"] if self.domain else []
        parts += [f"algorithm={self.algorithm}"] if self.algorithm.lower() != "md5" else []
        return "Digest " + ", ".join(parts)

    def answer(self, username: str, password: str, method: str, uri: str, *, cnonce: str = "", count: int = 1,
               body: bytes = b"") -> Credentials:
        """The credentials that answer this challenge; *cnonce* is the client's random text."""
        found = self.respond(username, Password(password), method, uri, cnonce=cnonce, count=count, body=body)
        if found is None:
            raise ValueError(f"unknown digest algorithm {self.algorithm!r}")
        return found

    def respond(self, username: str, secret: Secret, method: str, uri: str, *, cnonce: str, count: int = 1,
                body: bytes = b"") -> Credentials | None:
        """The credentials that prove *secret*; None where it is not known for the algorithm of this challenge.

        Of several qualities of protection, auth is chosen; *count* tells how often this nonce serves (RFC 7616, 3.4).
        """
        algorithm = algorithm_of(self.algorithm)
        key = secret.ha1(username, self.realm, algorithm) if algorithm is not None else None
        if algorithm is None or key is None:
            return None
        qop = self.chosen_qop
        nc = f"{count:08x}" if qop else ""
        keep = cnonce if qop or algorithm.session else ""
        response = digest_response(key, method, uri, self.nonce, algorithm=self.algorithm, qop=qop, nc=nc, cnonce=keep,
                                   body=body)
        return Credentials(username, self.realm, self.nonce, uri, response, self.algorithm, qop, nc, keep, self.opaque)

    @property
    def chosen_qop(self) -> str:
        """The quality of protection that answers have; an empty text where none is offered."""
        offered = [each.strip().lower() for each in self.qop.split(",")]
        return "auth" if "auth" in offered else "auth-int" if "auth-int" in offered else ""


@dataclass(slots=True)  # not frozen: to set fields of a frozen one takes as long as to read them
class Credentials:
    """What Authorization and Proxy-Authorization carry."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    qop: str = ""
    nc: str = ""
    cnonce: str = ""
    opaque: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: str) -> Credentials:
        """Read a header value; MalformedMessage where it holds no digest credentials."""
        scheme, rest = split_scheme(value)
        given = parse_parameters(rest) if scheme == "digest" else {}
        missing = [name for name in ("username", "realm", "nonce", "uri", "response") if name not in given]
        if missing:
            raise MalformedMessage(f"digest credentials without {', '.join(missing)}")
        found = cls(given.pop("username"), given.pop("realm"), given.pop("nonce"), given.pop("uri"),
                    given.pop("response").lower(), given.pop("algorithm", "MD5"), given.pop("qop", ""),
                    given.pop("nc", ""), given.pop("cnonce", ""), given.pop("opaque", ""), given)
        # RFC 2617, 3.2.2: with qop both must be there
        if found.qop and not (found.nc and found.cnonce):
            raise MalformedMessage("digest credentials with qop, but without nc or cnonce")
        return found

    def verify(self, ha1: str, method: str, body: bytes = b"") -> bool:
        """Whether the response proves knowledge of *ha1* for this method (and, for auth-int, body)."""
        try:
            expected = digest_response(ha1, method, self.uri, self.nonce, algorithm=self.algorithm, qop=self.qop,
                                       nc=self.nc, cnonce=self.cnonce, body=body)
        except ValueError:
            return False
        return hmac.compare_digest(expected.encode(), self.response.encode("utf-8", "surrogateescape"))

    def __str__(self) -> str:
        parts = [f"username={quote(self.username)}", f"realm={quote(self.realm)}", f"nonce={quote(self.nonce)}",
                 f"uri={quote(self.uri)}", f"response={quote(self.response)}", f"algorithm={self.algorithm}"]
        parts += [f"qop={self.qop}", f"nc={self.nc}"] if self.qop else []
        parts += [f"cnonce={quote(self.cnonce)}"] if self.cnonce else []
        parts += [f"opaque={quote(self.opaque)}"] if self.opaque else []
        return "Digest " + ", ".join(parts)


"""Digest authentication: challenges, credentials and what proves them (RFC 2617, RFC 7616, RFC 8760)."""
from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from opensips_py.errors import MalformedMessage
from opensips_py.sip._digest import credential_values, digest_parameters, equal_texts, md5_hex, md5_joined, raw

Texts: TypeAlias = tuple[str, ...]


class Algorithm:
    """One algorithm of RFC 7616: *name* as headers write it, its *number*, the *size* of its hashes in hex digits.
    Its *hash* of some bytes is lower-case hex, too."""

    def __init__(self, name: str, number: int, hash: Callable[[bytes], str], size: int, session: bool) -> None:
        self.name, self.number, self.hash, self.size, self.session = name, number, hash, size, session


def sha_256(data: bytes) -> str:
    """The SHA-256 of *data*."""
    return hashlib.sha256(data, usedforsecurity=False).hexdigest()


def sha_512_256(data: bytes) -> str:
    """The SHA-512/256 of *data*, which hashlib has no function of its own for."""
    return hashlib.new("sha512_256", data, usedforsecurity=False).hexdigest()


HASHES: tuple[tuple[str, Callable[[bytes], str], int], ...] = (
    ("MD5", md5_hex, 32), ("SHA-256", sha_256, 64), ("SHA-512-256", sha_512_256, 64))
ALGORITHMS = tuple(Algorithm(f"{name}{end}", 2 * place + len(end) // 5, hash, size, bool(end))  # the weakest first
                   for place, (name, hash, size) in enumerate(HASHES) for end in ("", "-sess"))
BY_NAME = {spelling: each for each in ALGORITHMS for spelling in (each.name, each.name.lower())}


def algorithm_of(name: str) -> Algorithm | None:
    """The algorithm *name*, whatever its case; an empty name is MD5, None one that nobody here knows."""
    return BY_NAME.get(name) or BY_NAME.get(name.lower() or "md5")


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
    return proof(known(algorithm), Credentials("", "", nonce, uri, "", algorithm, qop, nc, cnonce), ha1, method, body)


def proof(algorithm: Algorithm, given: Credentials, ha1: str, method: str, body: bytes) -> str:
    """The response that the credentials *given* must carry."""
    nonce, cnonce, qop = given.nonce, given.cnonce, given.qop
    if algorithm.session:
        ha1 = joined_hash(algorithm, (ha1, nonce, cnonce))
    if qop and qop != "auth" and qop.lower() == "auth-int":
        ha2 = joined_hash(algorithm, (method, given.uri, algorithm.hash(body)))
    else:
        ha2 = joined_hash(algorithm, (method, given.uri))
    if not qop:
        return joined_hash(algorithm, (ha1, nonce, ha2))
    return joined_hash(algorithm, (ha1, nonce, given.nc, cnonce, qop, ha2))


def joined_hash(algorithm: Algorithm, texts: Texts) -> str:
    """The hash of *texts* with colons between them."""
    return md5_joined(texts) if algorithm.hash is md5_hex else algorithm.hash(raw(":".join(texts)))


class Secret(Protocol):
    """What a server knows of a user."""

    def ha1(self, username: str, realm: str, algorithm: Algorithm) -> str | None:
        """The hash of user, realm and password; None where it is not known for this *algorithm*."""


@dataclass(frozen=True)
class Password:
    """A password in plain text, which serves every algorithm."""

    text: str = field(repr=False)

    def ha1(self, username: str, realm: str, algorithm: Algorithm) -> str | None:
        """The hash of user, realm and password."""
        return joined_hash(algorithm, (username, realm, self.text))


@dataclass(frozen=True)
class Ha1:
    """Hashes of user, realm and password that were stored in place of it; an empty text is none."""

    md5: str = field(default="", repr=False)
    sha_256: str = field(default="", repr=False)
    sha_512_256: str = field(default="", repr=False)

    def ha1(self, username: str, realm: str, algorithm: Algorithm) -> str | None:
        """The hash for *algorithm*; None where none is stored, or one of another length."""
        found = (self.md5, self.sha_256, self.sha_512_256)[algorithm.number // 2]
        return found.lower() if len(found) == algorithm.size else None


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
        given = digest_parameters(value)
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


@dataclass
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

    @classmethod
    def parse(cls, value: str) -> Credentials:
        """Read a header value; MalformedMessage where it holds no digest credentials."""
        username, realm, nonce, uri, response, algorithm, qop, nc, cnonce, opaque = credential_values(value)
        if username is None or realm is None or nonce is None or uri is None or response is None:
            given = {"username": username, "realm": realm, "nonce": nonce, "uri": uri, "response": response}
            missing = next(name for name in given if given[name] is None)
            raise MalformedMessage(f"digest credentials without {missing}")
        found = Credentials(username, realm, nonce, uri, response, "MD5" if algorithm is None else algorithm, qop or "",
                            nc or "", cnonce or "", opaque or "")
        # RFC 2617, 3.2.2: with qop both must be there
        if found.qop and not (found.nc and found.cnonce):
            raise MalformedMessage("digest credentials with qop, but without nc or cnonce")
        return found

    def verify(self, ha1: str, method: str, body: bytes = b"") -> bool:
        """Whether the response proves knowledge of *ha1* for this method (and, for auth-int, body)."""
        algorithm = algorithm_of(self.algorithm)
        return algorithm is not None and equal_texts(proof(algorithm, self, ha1, method, body), self.response)

    def __str__(self) -> str:
        parts = [f"username={quote(self.username)}", f"realm={quote(self.realm)}", f"nonce={quote(self.nonce)}",
                 f"uri={quote(self.uri)}", f"response={quote(self.response)}", f"algorithm={self.algorithm}"]
        parts += [f"qop={self.qop}", f"nc={self.nc}"] if self.qop else []
        parts += [f"cnonce={quote(self.cnonce)}"] if self.cnonce else []
        parts += [f"opaque={quote(self.opaque)}"] if self.opaque else []
        return "Digest " + ", ".join(parts)


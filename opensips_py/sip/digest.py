"""Digest authentication: challenges, credentials and what proves them (RFC 2617, RFC 7616, RFC 8760)."""
from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from opensips_py.errors import MalformedMessage
from opensips_py.sip._uri import unquoted

ALGORITHMS = {"md5": "md5", "sha-256": "sha256", "sha-512-256": "sha512_256"}


def digest_hash(algorithm: str, data: str | bytes) -> str:
    """The hash of *data* as lower-case hex; *algorithm* may end in ``-sess``. ValueError for an unknown algorithm."""
    name = ALGORITHMS.get(algorithm.lower().removesuffix("-sess"))
    if name is None:
        raise ValueError(f"unknown digest algorithm {algorithm!r}; known are {', '.join(ALGORITHMS)}")
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return hashlib.new(name, raw, usedforsecurity=False).hexdigest()


def ha1(username: str, realm: str, password: str, algorithm: str = "MD5") -> str:
    """The hash of user, realm and password, which servers may store in place of the password."""
    return digest_hash(algorithm, f"{username}:{realm}:{password}")


def digest_response(ha1: str, method: str, uri: str, nonce: str, *, algorithm: str = "MD5", qop: str = "",
                    nc: str = "", cnonce: str = "", body: bytes = b"") -> str:
    """What a client must answer to a challenge; *ha1* is the hash of user, realm and password."""
    if algorithm.lower().endswith("-sess"):
        ha1 = digest_hash(algorithm, f"{ha1}:{nonce}:{cnonce}")
    subject = f"{method}:{uri}"
    if qop.lower() == "auth-int":
        subject += f":{digest_hash(algorithm, body)}"
    ha2 = digest_hash(algorithm, subject)
    if qop:
        return digest_hash(algorithm, f"{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}")
    return digest_hash(algorithm, f"{ha1}:{nonce}:{ha2}")


def parse_parameters(source: str) -> dict[str, str]:
    """The comma-separated ``name=value`` pairs of a challenge or of credentials, names in lower case."""
    out: dict[str, str] = {}
    rest = source.strip()
    while rest:
        name, equals, rest = rest.partition("=")
        name, rest = name.strip().lower(), rest.lstrip()
        if not equals or not name:
            raise MalformedMessage(f"digest parameter without a value: {source!r}")
        if name in out:
            raise MalformedMessage(f"digest parameter given twice: {name}")
        end = value_end(rest)
        out[name] = unquoted(rest[:end].strip())
        rest = rest[end + 1:].lstrip()
    return out


def value_end(source: str) -> int:
    """Where the first value of *source* ends: at a comma outside of quotes, or with the text."""
    quoted = escaped = False
    for i, c in enumerate(source):
        if escaped:
            escaped = False
        elif c == "\\" and quoted:
            escaped = True
        elif c == '"':
            quoted = not quoted
        elif c == "," and not quoted:
            return i
    if quoted:
        raise MalformedMessage("quoted string that never closes")
    return len(source)


def split_scheme(value: str) -> tuple[str, str]:
    """The scheme of an Authorization or WWW-Authenticate value in lower case, and the rest."""
    scheme, _, rest = value.strip().partition(" ")
    return scheme.lower(), rest


def quote(value: str) -> str:
    """*value* as a quoted string."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
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
        offered = [q.strip().lower() for q in self.qop.split(",") if q.strip()]
        qop = "auth" if "auth" in offered else "auth-int" if "auth-int" in offered else ""
        nc = f"{count:08x}" if qop else ""
        response = digest_response(
            ha1(username, self.realm, password, self.algorithm), method, uri, self.nonce,
            algorithm=self.algorithm, qop=qop, nc=nc, cnonce=cnonce, body=body)
        keep = cnonce if qop or self.algorithm.lower().endswith("-sess") else ""
        return Credentials(username, self.realm, self.nonce, uri, response, self.algorithm, qop, nc, keep, self.opaque)


@dataclass(frozen=True, slots=True)
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


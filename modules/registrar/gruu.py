"""Globally routable user agent URIs (RFC 5627): public ones name the instance, temporary ones hide everything."""
from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from opensips_py.sip import Uri

MARK = "tgruu."
SEAL = 8  # bytes


@dataclass(frozen=True, slots=True)
class Gruu:
    """What a GRUU says: one instance; a temporary one also of which address-of-record, and for which Call-ID."""

    instance: str
    aor: str = ""
    call_id: str | None = None


def public(uri: Uri, instance: str) -> str:
    """The public GRUU of an instance of the address-of-record *uri*."""
    return f"{uri.scheme}:{uri.user}@{uri.host};gr={instance.strip('<>')}"


def temporary(uri: Uri, aor: str, instance: str, call_id: str, secret: str, now: float | None = None) -> str:
    """A new temporary GRUU; nobody without *secret* can read or make one."""
    moment = time.time_ns() if now is None else int(now * 1e9)
    plain = "\0".join((f"{moment:x}", aor, instance, call_id)).encode("utf-8", "surrogateescape")
    seal = hmac.digest(secret.encode(), plain, "sha256")[:SEAL]
    hidden = seal + covered(plain, seal, secret)
    return f"{uri.scheme}:{MARK}{urlsafe_b64encode(hidden).decode().rstrip('=')}@{uri.host};gr"


def read(uri: Uri, secret: str) -> Gruu | None:
    """What a URI with a parameter gr says; None where it is no GRUU of ours."""
    value = uri.parameter("gr")
    if value:
        return Gruu(value.strip("<>"))
    if not uri.user.startswith(MARK):
        return None
    try:
        text = uri.user.removeprefix(MARK)
        hidden = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    seal, plain = hidden[:SEAL], covered(hidden[SEAL:], hidden[:SEAL], secret)
    if not hmac.compare_digest(seal, hmac.digest(secret.encode(), plain, "sha256")[:SEAL]):
        return None
    _, name, instance, call_id = plain.decode("utf-8", "surrogateescape").split("\0")
    return Gruu(instance.strip("<>"), name, call_id)


def covered(data: bytes, seal: bytes, secret: str) -> bytes:
    """*data* xored with a stream that *secret* and *seal* make; twice gives it back."""
    stream = hashlib.shake_256(secret.encode() + seal).digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")

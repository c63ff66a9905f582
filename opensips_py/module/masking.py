"""What must not be shown of a call: passwords, answers to challenges, keys of media."""
from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"
LONGEST = 512  # characters of a value that are kept
# Parameters of digest answers (RFC 7616), other schemes whole, SDP keys (RFC 4568, RFC 8866). All are our own patterns.
DIGEST = re.compile(r'(?i)\b((?:response|cnonce|rspauth)\s*=\s*)(?:"[^"]*"|[^\s",;]+)')
SCHEME = re.compile(r"(?i)((?:^|:\s*|\b)(?:basic|bearer)\s+)(?=\S*[A-Z0-9+/_.=-]{8})[^\s,]+")
# What stands between user and host of a subscriber's socket or of a URL: no password has a slash
LOGIN = re.compile(r"\b(rabbitmq:|\w+://)([^\s:@/]*):[^/]*@")
MEDIA_KEY = re.compile(r"(?im)^(a=crypto:.*?inline:|k=\w+:?)[^\s|]+")
SECRET = re.compile(r"(?i)pass(?:wd|word|phrase)?(?:$|[\W_\d])|secret|ha1|token|api_?key|credential")


def is_secret(name: str) -> bool:
    """Whether a variable or an argument called *name* holds what nobody else is to see."""
    return SECRET.search(name) is not None


def masked(text: str) -> str:
    """*text* without the secrets in it."""
    text = DIGEST.sub(rf"\g<1>{HIDDEN}", text)
    text = SCHEME.sub(rf"\g<1>{HIDDEN}", text)
    text = without_password(text)
    return MEDIA_KEY.sub(rf"\g<1>{HIDDEN}", text)


def without_password(text: str) -> str:
    """The sockets of subscribers and the URLs in *text* with the users alone."""
    return LOGIN.sub(r"\1\2@", text)


def readable(data: bytes | str) -> str:
    """Text that any format can carry, whatever bytes it was made of."""
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "replace")


def shown(value: Any, name: str = "") -> Any:
    """A value of the script as an account keeps it: a number, a text of bounded length, or None."""
    if value is None or isinstance(value, bool):
        return value
    if name and is_secret(name):
        return HIDDEN
    if isinstance(value, int):
        return int(value)
    text = masked(readable(value if isinstance(value, (bytes, str)) else str(value)))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"

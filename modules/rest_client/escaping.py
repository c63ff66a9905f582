"""Texts in URLs (RFC 3986, 2)."""
from __future__ import annotations

from urllib.parse import quote, unquote


def escaped(text: str) -> str:
    """*text* with all but the unreserved characters as %XX."""
    return quote(text.encode("utf-8", "surrogateescape"), safe="-._~")


def unescaped(text: str) -> str:
    """*text* with its %XX resolved."""
    return unquote(text, "utf-8", "surrogateescape")

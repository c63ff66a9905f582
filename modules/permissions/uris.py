"""URIs as rules see them: scheme, user and host, without anything that says how to get there."""
from __future__ import annotations

import re

from opensips_py.errors import MalformedMessage
from opensips_py.sip import Uri

# RFC 3261, 19.1.4: a character that need not be escaped is the same as its escape, so nobody hides a digit from a rule
ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()+")


def plain(uri: Uri) -> str:
    """*uri* for rules: ``sip:user@host``, for SIPS as well."""
    if not uri.is_sip:
        return unescaped(f"{uri.scheme}:{uri.user or uri.host}")
    user = unescaped(uri.user)
    return f"sip:{user}@{uri.host}" if user else f"sip:{uri.host}"


def plain_text(text: str) -> str | None:
    """The same of a URI that is text; None where it is none."""
    try:
        return plain(Uri.parse(text))
    except (MalformedMessage, ValueError):
        return None


def unescaped(text: str) -> str:
    """*text* without the escapes that it does not need."""
    if "%" not in text:
        return text

    def character(found: re.Match[str]) -> str:
        meant = chr(int(found.group(1), 16))
        return meant if meant in PLAIN else found.group(0)
    return ESCAPED.sub(character, text)

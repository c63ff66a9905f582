"""The characters that hosts and users of URIs are made of (RFC 3261, 25.1)."""
from __future__ import annotations

from string import ascii_letters, digits, hexdigits

from opensips_py.sip import is_ip

IN_USER = frozenset(ascii_letters + digits + "-_.!~*'()" + "&=+$,;?/")


def is_host(text: str) -> bool:
    """Whether *text* is a host name or an IP address, IPv6 in brackets."""
    if text.startswith("["):
        return text.endswith("]") and is_ip(text[1:-1])
    return all(is_label(each) for each in text.removesuffix(".").split("."))


def is_label(text: str) -> bool:
    """Whether *text* can stand between the dots of a host name."""
    return text.isascii() and text.replace("-", "").isalnum() and text[0] != "-" and text[-1] != "-"


def is_user(text: str) -> bool:
    """Whether *text* can be the user of a URI; other characters have to be escaped (%23)."""
    first, *escaped = text.split("%")
    return IN_USER.issuperset(first) and all(
        len(each) >= 2 and each[0] in hexdigits and each[1] in hexdigits and IN_USER.issuperset(each[2:])
        for each in escaped)

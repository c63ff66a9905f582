"""The methods that a contact takes, as a bit for each."""
from __future__ import annotations

METHODS = {name: 1 << bit for bit, name in enumerate((
    "INVITE", "CANCEL", "ACK", "BYE", "INFO", "OPTIONS", "UPDATE", "REGISTER", "MESSAGE", "SUBSCRIBE", "NOTIFY",
    "PRACK", "REFER", "PUBLISH"))}
OTHER = 1 << 14
ALL = 0xFFFFFFFF


def bits(names: str) -> int:
    """The bits of a list of methods."""
    found = 0
    for name in names.split(","):
        found |= METHODS.get(name.strip().upper(), OTHER)
    return found


def takes(methods: int, method: str) -> bool:
    """Whether a contact with *methods* takes requests of *method*."""
    return bool(methods & METHODS.get(method, OTHER))

"""Identifiers of dialogs: an entry, which is the slot of the call, and a number, in the forms that OpenSIPS has."""
from __future__ import annotations

import re

SHAPE = re.compile(r"[0-9a-f]{1,8}\.[0-9a-f]{1,8}", re.ASCII)


def did_of(entry: int, number: int) -> str:
    """As Record-Route and management have it: both in hexadecimal digits, the lowest first."""
    return f"{entry:x}"[::-1] + "." + f"{number:x}"[::-1]


def parts_of(did: str) -> tuple[int, int] | None:
    """Entry and number of an identifier; None for any other text."""
    if SHAPE.fullmatch(did) is None:
        return None
    entry, _, number = did.partition(".")
    return int(entry[::-1], 16), int(number[::-1], 16)


def database_id(entry: int, number: int) -> int:
    """Both in one number, as databases have it."""
    return entry << 32 | number


def parts_of_database_id(number: int) -> tuple[int, int]:
    """Entry and number of an identifier that a database has."""
    return number >> 32 & 0xFFFFFFFF, number & 0xFFFFFFFF

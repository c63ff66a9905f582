"""Values as tables of OpenSIPS hold them."""
from __future__ import annotations

import time
from datetime import datetime
from typing import Any

FORMAT = "%Y-%m-%d %H:%M:%S"


def as_text(value: Any) -> str:
    """A column as text; drivers give bytes for those that are binary or compared as such. NULL is empty."""
    if value is None:
        return ""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def signs(text: str) -> str:
    """*text* as databases of UTF-8 take it: U+FFFD stands for each byte that is none."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def as_bytes(value: Any) -> bytes:
    """A column as bytes. NULL is empty."""
    if value is None:
        return b""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    return str(value).encode("utf-8", "surrogateescape")


def timestamp(seconds: float) -> datetime:
    """What a datetime column holds for *seconds* since 1970: local time without a zone, as OpenSIPS writes it."""
    return datetime.fromtimestamp(int(seconds))


def moment(value: Any) -> float:
    """Seconds since 1970 of a datetime column, whatever the driver makes of it; a number is that already. NULL is 0."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, (int, float)):
        return float(value)
    text = as_text(value)
    if text[:4] == "0000" or "-00" in text[:10]:  # MySQL's zero date, which is no moment
        return 0.0
    return float(text) if text.isdigit() else time.mktime(time.strptime(text[:19], FORMAT))

"""A request that a script with textops has worked on: what leaves, and what the script found."""
from __future__ import annotations

from typing import Any

from tests.modules.bench import Bench, options

BODY = "First line\r\nfirst again\r\nLast"


def sent(body: str, dialect: Any = "4.0", content: str = BODY, headers: str = "Subject: One two one\r\n",
         **how: Any) -> tuple[str, dict[str, Any]]:
    """The request as it leaves, and the variables of the script; $var(rc) is the code of the last call."""
    bench = Bench("textops", f"{body} $var(rc) = $rc;", dialect=dialect)
    message = bench.message(options(headers=headers, body=content, **how))
    found = bench.run_on(message).variables
    return message.edited().decode(), found


def body_after(call: str, dialect: Any = "4.0", content: str = BODY) -> tuple[str, int]:
    """The body that leaves, and what the call answered; Content-Length always fits."""
    text, found = sent(f"{call};", dialect, content)
    head, _, body = text.partition("\r\n\r\n")
    assert f"Content-Length: {len(body)}\r\n" in head + "\r\n"
    return body, found["rc"]


def header_after(call: str, name: str = "Subject", dialect: Any = "4.0") -> tuple[list[str], int]:
    """The values of a header that leave, and what the call answered."""
    text, found = sent(f"{call};", dialect)
    lines = text.partition("\r\n\r\n")[0].split("\r\n")
    return [each.partition(": ")[2] for each in lines if each.startswith(f"{name}: ")], found["rc"]

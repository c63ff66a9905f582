"""Requests and responses of the HTTP server, as the modules see them that answer below a path."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Request:
    """One HTTP request as the module of its root sees it."""

    method: str
    path: list[str]  # what follows the root
    query: dict[str, str]
    body: bytes
    content_type: str = ""


@dataclass(slots=True)
class Response:
    """The answer."""

    body: str
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)


Handler = Callable[[Request], Response]
Refusal = Callable[[int, str], Response]  # of a status and the reason
JSON, TEXT = "application/json", "text/plain; charset=utf-8"


def refusal(status: int, reason: str) -> Response:
    """What is said to a request that never reaches its handler, or whose answer does not reach the client."""
    return Response(reason, TEXT, status)

"""The CSeq number that a request leaves with, where modules let it grow: each on top of the others."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.sip import HeaderId

if TYPE_CHECKING:
    from opensips_py.sip import Message, Request

Scope = Any  # None: all branches; Edits: the branches that have these


class Numbering:
    """The text of the number in all edits of one request: whichever of them counts, it is the sum."""

    __slots__ = ("cseq", "steps")

    def __init__(self, cseq: int) -> None:
        self.cseq = cseq
        self.steps: list[tuple[Scope, int]] = []

    def __call__(self, outgoing: Any) -> bytes:
        return b"%d" % (self.cseq + total(self.steps, outgoing))


def count_up(request: Request, step: int, scope: Scope = None) -> None:
    """Let the CSeq number grow by *step* more, in the branches of *scope*."""
    context = request.context
    if context is None:
        context = request.context = {}
    found: Numbering | None = context.get("numbering")
    if found is None:
        found = context["numbering"] = Numbering(request.cseq)
    found.steps.append((scope, step))
    request.edits.replace(*number_span(request), found)


def total(steps: list[tuple[Scope, int]], outgoing: Any) -> int:
    """The sum of the *steps* that what leaves has."""
    return sum(step for scope, step in steps if covers(scope, outgoing))


def covers(scope: Scope, outgoing: Any) -> bool:
    """Whether what leaves has the edits of *scope*."""
    return scope is None or getattr(outgoing, "run_edits", None) is scope or getattr(outgoing, "edits", None) is scope


def number_span(message: Message, name: HeaderId = HeaderId.CSEQ, place: int = 0) -> tuple[int, int]:
    """Where the number of CSeq stands, or word *place* of another header."""
    header = message.headers(name)[0]
    words = message.data[header.value_start:header.value_end].split(None, place + 1)
    start = message.data.index(words[place], header.value_start + sum(map(len, words[:place])))
    return start, start + len(words[place])


def acknowledged(request: Request) -> int | None:
    """The CSeq number that a PRACK acknowledges (RFC 3262, 7.2)."""
    words = (request.header(HeaderId.RACK) or "").split()
    return int(words[1]) if len(words) == 3 and words[1].isascii() and words[1].isdigit() else None


def acknowledge_up(request: Request, step: int) -> None:
    """Let a PRACK acknowledge a number higher by *step*, if it is one."""
    number = acknowledged(request)
    if number is not None and step:
        request.edits.replace(*number_span(request, HeaderId.RACK, 1), str(number + step))

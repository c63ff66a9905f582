"""Changes that take the place of an earlier one of ours: of edits that overlap, the first would win."""
from __future__ import annotations

from opensips_py.sip import Message


def replace_again(message: Message, start: int, end: int, text: str | bytes) -> None:
    """Put *text* in place of the bytes from *start* up to *end*, whatever an earlier call put there."""
    edits = message.edits
    others = [each for each in edits if each[:2] != (start, end)]
    edits.clear()
    edits.replace(start, end, text)
    for first, last, other in others:
        edits.replace(first, last, other)

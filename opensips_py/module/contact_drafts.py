"""Contacts while a script changes them: another address in their URI, where theirs leads nowhere."""
from __future__ import annotations

from typing import Any

from opensips_py.module.drafts import departing, pieces
from opensips_py.sip import Message

URI = "uri"  # the place of the splice that writes the URI


def key_of(number: int) -> tuple[str, int]:
    """What the draft of a Contact is found by."""
    return "contact", number


def contact_left(message: Message, outgoing: Any = None) -> str:
    """The first Contact of a message as it leaves, which is how its sender is reached; *outgoing* is the branch of a
    request. Empty where it has none."""
    lists = departing(outgoing) if outgoing is not None else [message.edits] if message.has_edits else []
    for piece in pieces(lists, key_of(0)):
        if piece.place == URI:
            text = piece(outgoing).decode("utf-8", "surrogateescape")
            return text if text.startswith("<") else f"<{text}>"
    return message.header("Contact") or ""

"""What is kept with a message beyond its bytes."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opensips_py.sip import Message


def context_of(message: Message) -> dict[str, Any]:
    """The context of a message; made when first asked for."""
    if message.context is None:
        message.context = {}
    context: dict[str, Any] = message.context
    return context

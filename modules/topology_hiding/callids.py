"""Call-IDs that tell the callee nothing: encoded as they leave for it, decoded as they come from it."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opensips_py.module.hidden import Hidden
    from opensips_py.sip import Message


class CallIds:
    """Encodes Call-IDs behind *prefix*; *with_tag*: together with the From tag of the caller."""

    def __init__(self, prefix: str, hidden: Hidden, *, with_tag: bool) -> None:
        self.prefix, self.hidden, self.with_tag = prefix, hidden, with_tag

    def encode(self, call_id: str, from_tag: str) -> str:
        """The Call-ID that the callee of a call sees; always the same."""
        texts = (call_id, from_tag) if self.with_tag else (call_id,)
        return self.prefix + self.hidden.hide(*texts)

    def decode(self, message: Message) -> str | None:
        """The Call-ID that the caller knows the call of *message* by; None where that stands in the message."""
        if not message.call_id.startswith(self.prefix):
            return None
        texts = self.hidden.show(message.call_id[len(self.prefix):])
        if texts is None or (message.is_request and message.from_tag in texts[1:]):
            return None  # of somebody else; or a request of the caller that has come round: there the call is another
        return texts[0]

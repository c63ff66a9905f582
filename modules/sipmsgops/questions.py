"""Questions about a message: its method, its headers, its dialog."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import OneOf, script
from opensips_py.modules.sipmsgops.words import EVERYWHERE, Methods, Name
from opensips_py.sip import Message

Privacy = Annotated[str, OneOf("id", "user", "header", "session", "critical", "none", "history")]


class Questions:
    """Functions that only look at the message."""

    @script(EVERYWHERE)
    def is_method(self, message: Message, name: Methods) -> bool:
        """Whether the method is one of those in *name* ("INVITE|ACK"); that of a reply is the one in its CSeq."""
        method = message.cseq_method  # a request whose CSeq tells another method is refused before the script
        return method in name or (not method.isupper() and method.upper() in name)

    @script(EVERYWHERE)
    def is_present_hf(self, message: Message, hf_name: Name) -> bool:
        """Whether the message has a header *hf_name*; long and short names are the same."""
        return message.header(hf_name) is not None

    @script(EVERYWHERE, dialect="4.0")
    def has_totag(self, message: Message) -> bool:
        """Whether To has a tag, so that the message belongs to a dialog."""
        return bool(message.to_tag)

    @script(EVERYWHERE)
    def is_privacy(self, message: Message, privacy_type: Privacy) -> bool:
        """Whether Privacy (RFC 3323) asks for *privacy_type*."""
        return any(each.strip().lower() == privacy_type for header in message.headers("Privacy")
                   for each in header.value.replace(",", ";").split(";"))

"""Headers that a script adds."""
from __future__ import annotations

from opensips_py.module import script
from opensips_py.modules.sipmsgops.words import EVERYWHERE, Line, Name
from opensips_py.sip import Message


class Headers:
    """Functions that add headers to what is sent."""

    @script(EVERYWHERE)
    def append_hf(self, message: Message, txt: Line, hdr_anchor: Name | None = None) -> bool:
        """Add the header line *txt* behind the last header, or behind the first *hdr_anchor* of the message."""
        anchor = None if hdr_anchor is None else next(iter(message.headers(hdr_anchor)), None)
        if anchor is None:
            message.append_header(txt)
        else:
            message.edits.insert(anchor.end, txt)
        return True

"""Headers that a script adds."""
from __future__ import annotations

from opensips_py.module import Route, script
from opensips_py.modules.sipmsgops.words import EVERYWHERE, Line, Name, whole_line
from opensips_py.sip import Message, Request


class Headers:
    """Functions that add headers to what is sent. A line without its end gets one: no message is left unreadable."""

    @script(EVERYWHERE)
    def append_hf(self, message: Message, txt: Line, hdr_anchor: Name | None = None) -> bool:
        """Add the header line *txt* behind the last header, or behind the first *hdr_anchor* of the message."""
        anchor = None if hdr_anchor is None else next(iter(message.headers(hdr_anchor)), None)
        if anchor is None:
            message.append_header(txt)
        else:
            message.edits.insert(anchor.end, txt)
        return True

    @script(EVERYWHERE)
    def insert_hf(self, message: Message, txt: Line, hdr: Name | None = None) -> bool:
        """Add the header line *txt* before the first header, or before the first *hdr* of the message."""
        anchor = None if hdr is None else next(iter(message.headers(hdr)), None)
        if anchor is None:
            message.insert_header(txt)
        else:
            message.edits.insert(anchor.start, txt)
        return True

    @script(Route.REQUEST | Route.FAILURE | Route.BRANCH)
    def append_urihf(self, request: Request, prefix: str, suffix: str) -> bool:
        """Add a header behind the last one: the Request-URI as it was received, between *prefix* and *suffix*."""
        if not request.is_request:
            return False
        request.append_header(whole_line(f"{prefix}{request.original_uri}{suffix}"))
        return True

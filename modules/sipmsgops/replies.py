"""Replies: headers that our own carry, and another status for those that pass."""
from __future__ import annotations

from email.utils import formatdate
from typing import Annotated

from opensips_py.module import Between, Route, script
from opensips_py.modules.sipmsgops.splices import replace_again
from opensips_py.modules.sipmsgops.words import Line
from opensips_py.sip import Message, Request, Response

Code = Annotated[int, Between(100, 699)]
STATUS_START = 8  # in "SIP/2.0 200 OK"


class Replies:
    """Functions on replies."""

    @script(Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.ERROR)
    def append_to_reply(self, request: Request, txt: Line) -> bool:
        """Add the header line *txt* to all replies that this server itself gives to the request."""
        add_to_replies(request, txt)
        return True

    @script(Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.LOCAL)
    def append_time(self, request: Request) -> bool:
        """Add a Date (RFC 3261, 20.17) with the time of now to all replies that this server gives to the request."""
        add_to_replies(request, f"Date: {formatdate(usegmt=True)}\r\n")
        return True

    @script(Route.ONREPLY)
    def change_reply_status(self, response: Response, code: Code, reason: str) -> bool:
        """Pass the reply on with another status. Only among failures may its class change: what was provisional or a
        success stays so, and a failure never becomes one."""
        if response.is_request or (min(code, response.status) < 300 and code // 100 != response.status // 100):
            return False
        rewrite_line(response, f"{code} {reason}")
        context_of(response)["reply_status"] = code  # for the transaction, which chooses among failures
        return True


def context_of(message: Message) -> dict[str, object]:
    """What is kept with a message."""
    if message.context is None:
        message.context = {}
    context: dict[str, object] = message.context
    return context


def add_to_replies(request: Request, line: str) -> None:
    """Keep a header line for our own replies; whoever builds one looks there."""
    context = context_of(request)
    earlier = context.get("reply_headers", b"")
    assert isinstance(earlier, bytes)
    context["reply_headers"] = earlier + line.encode("utf-8", "surrogateescape")


def rewrite_line(response: Response, text: str) -> None:
    """Make *text* the status and reason; the last change counts, though of edits that overlap the first one wins."""
    end = len(response.data.partition(b"\n")[0].rstrip(b"\r"))
    replace_again(response, STATUS_START, end, text)

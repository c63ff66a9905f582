"""One request across us: what each side is shown of the other, in the request and in the responses to it."""
from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from opensips_py.dialog import contact_in
from opensips_py.sip import HeaderId, Via, via_lines
from opensips_py.transaction import SURVIVES, Branch, Happening

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opensips_py.dialog.record import Dialog
    from opensips_py.module import Run
    from opensips_py.modules.topology_hiding.showing import Showing
    from opensips_py.modules.topology_hiding.shown import Shown
    from opensips_py.modules.topology_hiding.words import Names, Routes
    from opensips_py.sip import Message, Request, Response
    from opensips_py.transaction import Transaction

WATCHED = int(Happening.RESPONSE_FORWARDED)
KEY = "topology_hiding"  # in the context of a request
OF_PATH = (HeaderId.VIA, HeaderId.RECORD_ROUTE)


class Crossing:
    """A request of *side* that goes to the other one; an observer of its transaction.

    Where a dialog keeps what there is to know, *dialog* is it; else *users_shown* and *names* say it, and *routes*:
    those from us to caller and callee, as far as they are known, for those of the beginning stay (RFC 3261, 12.2).
    """

    __slots__ = ("dialog", "module", "names", "routes", "side", "users_shown")

    def __init__(self, module: Showing, side: int, *, dialog: Dialog | None = None, users_shown: bool = False,
                 names: Names = ("", ""), routes: tuple[Routes, Routes] = ((), ())) -> None:
        self.module, self.side, self.dialog = module, side, dialog
        self.users_shown, self.names, self.routes = users_shown, names, list(routes)

    # --- the request ------------------------------------------------------------------------------------------------

    def conceal(self, run: Run) -> None:
        """Take out of the request of *run* what tells of its side, and have its responses seen to."""
        request: Request = run.message
        context = request.context
        if context is None:
            context = request.context = {}
        context[KEY] = self
        remove(request, OF_PATH)
        if self.module.rr is not None:
            self.module.rr.hide(request)
        if not self.routes[self.side]:
            self.routes[self.side] = tuple(request.values(HeaderId.RECORD_ROUTE))
        self.replace_contact(request, self.routes[self.side], request.listener, 1 - self.side)
        if self.dialog is not None:
            self.show_call_id(request, self.module.call_id_shown(self.dialog, 1 - self.side))
        elif request.method == "INVITE":
            context[SURVIVES] = KEY, partial(self.kept, request)
        if request.method == "ACK":
            return
        if run.transaction is not None:
            run.transaction.observe(WATCHED, self)
        else:
            context.setdefault("observers", []).append((WATCHED, self))

    def show_call_id(self, message: Message, call_id: str | None) -> None:
        """Let a message leave with the Call-ID that its receiver knows."""
        if call_id is not None and call_id != message.header(HeaderId.CALL_ID):
            message.set_header_value(message.headers(HeaderId.CALL_ID)[0], call_id)

    def replace_contact(self, message: Message, routes: Routes, socket: Any, to: int, leaving: Any = None) -> None:
        """Show side *to* ours in place of the Contact of a message, which came by *socket*; *leaving*: the socket that
        it leaves by, where nothing else will tell."""
        headers, contact = message.headers(HeaderId.CONTACT), contact_in(message)
        if not headers or contact is None or contact == "*":
            return
        message.remove_headers(HeaderId.CONTACT)
        shown = self.module.shown(self, contact, routes, socket, to)
        message.edits.insert(headers[0].end, Line(self, shown, to, leaving or message.listener, message.context))

    # --- its responses ----------------------------------------------------------------------------------------------

    def __call__(self, happening: Happening, transaction: Transaction, branch: Branch, response: Response,
                 status: int) -> None:
        """A response goes back to whoever sent the request."""
        request = transaction.request
        self.bring_back(response, lines_of(request), branch.listener)
        self.show_call_id(response, request.header(HeaderId.CALL_ID))

    def bring_back(self, response: Response, lines: bytes, socket: Any, leaving: Any = None) -> None:
        """Show whoever sent the request a response that came by *socket*, with the *lines* that were taken out."""
        remove(response, OF_PATH)
        response.insert_header(lines)
        if not 300 <= response.status < 400:  # those who are to ask elsewhere have to know where
            routes = self.routes[1 - self.side] or tuple(response.values(HeaderId.RECORD_ROUTE)[::-1])
            self.replace_contact(response, routes, socket, self.side, leaving)

    # --- where its transaction has died with its worker -------------------------------------------------------------

    def kept(self, request: Request) -> str:
        """What it takes to bring responses back that come when this process is no more."""
        lines = lines_of(request).decode("utf-8", "surrogateescape")
        return json.dumps([self.side, self.users_shown, self.names, self.routes, lines, request.listener.uri_text])


def restore(module: Showing, response: Response, text: str) -> Via:
    """Bring a response back by what kept() said; the Via that is on top next."""
    side, users_shown, names, routes, lines, socket = json.loads(text)
    to_caller, to_callee = map(tuple, routes)
    crossing = Crossing(module, side, users_shown=users_shown, names=tuple(names), routes=(to_caller, to_callee))
    leaving = module.services.transports.listener_named(socket)
    crossing.bring_back(response, lines.encode("utf-8", "surrogateescape"), response.listener, leaving)
    return Via.parse(lines.partition("\r\n")[0].partition(":")[2].strip())


def lines_of(request: Request) -> bytes:
    """What is put back into responses to *request*."""
    recorded = request.headers(HeaderId.RECORD_ROUTE)
    return via_lines(request) + b"".join(request.data[each.start:each.end] for each in recorded)


class Line:
    """The Contact header that side *to* is shown, written when it is known what a message leaves through."""

    __slots__ = ("context", "crossing", "listener", "shown", "to")

    def __init__(self, crossing: Crossing, shown: Shown, to: int, listener: Any, context: Any) -> None:
        self.crossing, self.shown, self.to, self.listener, self.context = crossing, shown, to, listener, context

    def __call__(self, outgoing: Any) -> bytes:
        """The header for what leaves by *outgoing*: a branch, the transaction that a response goes back by, or nothing
        yet. What the script says of our address holds for the request alone."""
        listener = getattr(outgoing, "listener", None) or self.listener
        context = self.context if isinstance(outgoing, Branch) else None
        value = self.crossing.module.lasting(self.crossing.dialog, self.shown.value(listener, context), self.to)
        return f"Contact: {value}\r\n".encode("utf-8", "surrogateescape")


def remove(message: Message, names: Iterable[HeaderId]) -> None:
    """Take all headers of these names out of a message."""
    for name in names:
        message.remove_headers(name)

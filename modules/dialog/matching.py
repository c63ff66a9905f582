"""Finding the dialog of a request within it, and checking the request against it."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.dialog import CALLEE, CALLER, Leg, route_values, way
from opensips_py.dialog.record import HIDDEN, Dialog
from opensips_py.errors import MalformedMessage
from opensips_py.module import OneOf, ReturnCode, Route, script
from opensips_py.modules.dialog.creation import dialog_at
from opensips_py.modules.dialog.parameters import DID_NONE, DID_ONLY, MODES
from opensips_py.modules.dialog.table import Dialogs, Place
from opensips_py.sip import Uri

if TYPE_CHECKING:
    import logging

    from opensips_py.sip._scan import Request

Mode = Annotated[str, OneOf(*MODES)]


class Validity(ReturnCode):
    """Whether a request fits its dialog."""

    VALID, WRONG_CSEQ, WRONG_TARGET, WRONG_ROUTES, UNKNOWN = 1, -1, -2, -3, -4


class Matching:
    """Requests within dialogs."""

    dialogs: Dialogs
    log: logging.Logger
    rr: Any
    rr_param: str
    dlg_match_mode: int
    ours: Callable[[Dialog], Callable[[str], bool]]

    def match_route(self, request: Request, parameters: str) -> None:
        """A Route of ours led a request here: it may belong to a dialog."""
        if request.to_tag and dialog_at(request) is None:
            self.match(request, parameters, self.dlg_match_mode)

    def match(self, request: Request, parameters: str, mode: int) -> bool:
        """Find the dialog of *request* by the parameters of its Route, by Call-ID and tags, or both."""
        did = parameter(parameters, self.rr_param) if mode != DID_NONE else ""
        if did:
            dialog = self.dialogs.by_did.get(did) or self.dialogs.hung_up_before.get(did)
            side = side_of(dialog, request) if dialog is not None and dialog.call_id == request.call_id else None
            if dialog is not None and side is None and dialog.early and dialog.call_id == request.call_id:
                return self.match_further(dialog, request)
        elif mode == DID_ONLY:
            return False
        else:
            dialog, side = self.by_elements(request)
        if dialog is None or side is None:
            return False
        self.dialogs.sequential(dialog, request, side)
        return True

    def match_further(self, dialog: Dialog, request: Request) -> bool:
        """A request of a branch that answered as well: it belongs to the dialog, but nothing in it ends that."""
        for side, own, tag in ((CALLER, request.from_tag, request.to_tag), (CALLEE, request.to_tag, request.from_tag)):
            if own == dialog.from_tag and tag in (dialog.early or ()):
                request.context["dialog"] = dialog, side, 0
                return True
        return False

    def by_elements(self, request: Request) -> tuple[Dialog | None, int | None]:
        """The dialog with the Call-ID and the tags of *request* (RFC 3261, 12.2.2), and who sent it."""
        dialog = self.dialogs.by_call.get(request.call_id)
        while dialog is not None:
            side = side_of(dialog, request)
            if side is not None:
                return dialog, side
            dialog = dialog.other
        return None, None

    def match_as(self, request: Request, mode: int | None, parameters: str | None = None) -> bool:
        """match_dialog in one of its modes, None: in that of the parameter; other modules call this, also with
        *parameters* that did not come in a Route."""
        if dialog_at(request) is not None:
            return True
        if not request.to_tag:
            return False
        if request.context is None:
            request.context = {}
        if parameters is None:
            parameters = self.rr.route_parameters(request) or ""
        return self.match(request, parameters, self.dlg_match_mode if mode is None else mode)

    @script(Route.REQUEST, name="match_dialog", dialect="2.1")
    def match_dialog_21(self, request: Request) -> bool:
        """Find the dialog that this request belongs to, where loose_route has not: by its identifier, else by Call-ID
        and tags."""
        return self.match_as(request, MODES["DID_FALLBACK"])

    @script(Route.REQUEST, dialect="4.0")
    def match_dialog(self, request: Request, dlg_match_mode: Mode = "") -> bool:
        """Find the dialog that this request belongs to, where loose_route has not; in another way than the parameter
        dlg_match_mode says, where DID_ONLY, DID_FALLBACK or DID_NONE is given."""
        return self.match_as(request, MODES.get(dlg_match_mode, self.dlg_match_mode))

    @script(Route.REQUEST)
    def validate_dialog(self, request: Request) -> Validity:
        """Whether a request that was matched to a dialog fits it: by its CSeq, its Request-URI and its Routes."""
        place = place_of(request)
        legs = self.dialogs.legs(place[0]) if place is not None else None
        if place is None or legs is None:
            return Validity.UNKNOWN
        _, side, before = place
        if not fits(request, before):
            return Validity.WRONG_CSEQ
        leg = legs[1 - side]
        if place[0].flags & HIDDEN:  # neither side knows where the other one is
            return Validity.VALID
        try:
            if not is_target(request, leg):
                return Validity.WRONG_TARGET
            ours = self.ours(place[0])
            further = [each for each in route_values(request.values("Route")) if not ours(each)]
            return Validity.VALID if further == leg.routes else Validity.WRONG_ROUTES
        except MalformedMessage as error:
            self.log.info("validate_dialog: %s", error)
            return Validity.UNKNOWN

    @script(Route.REQUEST)
    def fix_route_dialog(self, request: Request) -> bool:
        """Have a request that was matched to a dialog go where the dialog says, whatever its Request-URI and its
        Routes are."""
        place = place_of(request)
        legs = self.dialogs.legs(place[0]) if place is not None else None
        if place is None or legs is None:
            return False
        leg = legs[1 - place[1]]
        if not leg.target:
            return False
        request.remove_headers("Route")
        going = way(leg.target, leg.routes)
        request.uri = going.uri
        request.destination = going.next_hop
        if going.routes:
            request.insert_header(going.lines)
        return True


def parameter(parameters: str, name: str) -> str:
    """The value of one of the parameters of a Route; empty where it is not there."""
    start = parameters.find(f"{name}=")
    while start > 0 and parameters[start - 1] != ";":
        start = parameters.find(f"{name}=", start + 1)
    if start < 0:
        return ""
    start += len(name) + 1
    end = parameters.find(";", start)
    return parameters[start:end] if end >= 0 else parameters[start:]


def side_of(dialog: Dialog, request: Request) -> int | None:
    """Who sent a request within a dialog; None where its tags are not those of the dialog. Before the answer each
    branch of a fork has a tag of its own; an ACK that comes then is one of an INVITE with the same Call-ID before."""
    unanswered = dialog.state < 3 and request.method != "ACK"
    if request.from_tag == dialog.from_tag and (request.to_tag == dialog.to_tag or unanswered):
        return CALLER
    if request.to_tag == dialog.from_tag and (request.from_tag == dialog.to_tag or unanswered):
        return CALLEE
    return None


def place_of(message: Any) -> Place | None:
    """The place of a message in its dialog."""
    context = message.context if message is not None else None
    place: Place | None = context.get("dialog") if context is not None else None
    return place


def fits(request: Request, before: int) -> bool:
    """Whether the CSeq is one that may come (RFC 3261, 12.2.2); an ACK has that of its INVITE."""
    return request.cseq >= before if request.method in ("ACK", "CANCEL") else request.cseq > before or before == 0


def is_target(request: Request, leg: Leg) -> bool:
    """Whether the Request-URI is the contact of the other side."""
    if not leg.target or request.uri == leg.target:
        return True
    return request.parsed_uri.equals(Uri.parse(leg.target))


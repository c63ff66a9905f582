"""topology_hiding_match: requests within what is hidden find their way by what their Request-URI says."""
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from opensips_py.dialog import CALLER, way
from opensips_py.dialog.record import HIDDEN, Dialog
from opensips_py.module import OneOf, Route, Run, script
from opensips_py.modules.topology_hiding.crossing import KEY, Crossing, remove
from opensips_py.modules.topology_hiding.showing import Showing
from opensips_py.modules.topology_hiding.words import beyond
from opensips_py.sip import HeaderId
from opensips_py.sip.uris import uri_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opensips_py.sip import Request, Uri

MODES = ("DID_ONLY", "DID_FALLBACK", "DID_NONE")  # of dialog, by their numbers there


class Matching(Showing):
    """How it goes on."""

    @script(Route.REQUEST, name="topology_hiding_match", dialect="2.1")
    def topology_hiding_match_21(self, run: Run) -> bool:
        """Find what this request within a dialog belongs to, where topology_hiding() has hidden it, and let it go to
        the other side, as hidden; false where it belongs to nothing."""
        return self.match(run, MODES.index("DID_FALLBACK"))

    @script(Route.REQUEST, dialect="4.0")
    def topology_hiding_match(self, run: Run, dlg_match_mode: Annotated[str, OneOf(*MODES)] = "") -> bool:
        """Find what this request within a dialog belongs to, where topology_hiding() has hidden it, and let it go to
        the other side, as hidden; false where it belongs to nothing. *dlg_match_mode*: how its dialog is found, see
        match_dialog() of module dialog."""
        if dlg_match_mode:
            return self.match(run, MODES.index(dlg_match_mode))
        return self.match(run, self.dialog.dlg_match_mode if self.dialog is not None else 0)

    def match(self, run: Run, mode: int) -> bool:
        """Whether the request of *run* belongs to something hidden; it is aimed, and hidden itself, then."""
        request: Request = run.message
        if not request.to_tag:
            return False
        if request.context is not None and KEY in request.context:
            return True
        uri = uri_of(request.uri)
        if uri is None or not uri.is_sip:
            return False
        word = uri.parameter(self.th_contact_encode_param)
        return self.by_word(run, request, word) if word else self.by_dialog(run, request, uri, mode)

    def by_word(self, run: Run, request: Request, word: str) -> bool:
        """Follow what the word in the Request-URI says."""
        found = beyond(word, self.hidden)
        if found is None:
            return False
        routes = (found.routes, found.back) if found.side == CALLER else (found.back, found.routes)
        Crossing(self, 1 - found.side, users_shown=found.users_shown, names=found.names, routes=routes).conceal(run)
        self.aim(request, found.target, found.routes, found.socket)
        return True

    def by_dialog(self, run: Run, request: Request, uri: Uri, mode: int) -> bool:
        """Follow what a dialog knows."""
        if self.dialog is None or not self.dialog.match_as(request, mode, self.dialog_parameters(uri)):
            return False
        dialog: Dialog = self.dialog.dialog_of(request)
        side = self.dialog.side_of(request)
        if not dialog.flags & HIDDEN:
            return False
        legs = self.dialog.dialogs.legs(dialog, request.to_tag if side == CALLER else request.from_tag)
        if legs is None or not legs[1 - side].target:
            return False
        leg = legs[1 - side]
        Crossing(self, side, dialog=dialog).conceal(run)
        self.aim(request, leg.target, leg.routes, leg.socket)
        return True

    def dialog_parameters(self, uri: Uri) -> str:
        """The parameters of a Request-URI, that which stands in its user as one of them."""
        name = re.escape(self.dialog.rr_param)
        in_user = re.search(rf"(?:^|\.){name}\.([0-9a-f]+\.[0-9a-f]+)$", uri.user)
        return f"{self.dialog.rr_param}={in_user[1]}" if in_user else uri.parameters

    def aim(self, request: Request, target: str, routes: Sequence[str], socket: str) -> None:
        """Let a request go to *target* along *routes*, by the socket that is known there."""
        remove(request, (HeaderId.ROUTE,))
        going = way(target, routes)
        request.uri = going.uri
        request.destination = going.next_hop
        request.send_socket = self.services.transports.listener_named(socket)
        if going.routes:
            request.insert_header(going.lines)

"""The registrar: which contacts a user can be reached at (RFC 3261, 10.3)."""
from __future__ import annotations

from typing import Any

from opensips_py.module import Module, Route, script, uses
from opensips_py.modules.registrar.asking import Asking
from opensips_py.modules.registrar.finding import Finding
from opensips_py.modules.registrar.removing import Removing
from opensips_py.modules.registrar.saving import Saver, Saving
from opensips_py.sip import Request


class Registrar(Saving, Finding, Asking, Removing, Module, name="registrar"):
    """Process REGISTER requests, and send requests for a user to the contacts registered. With Path (RFC 3327), GRUUs
    (RFC 5627) and several flows to one device (RFC 5626)."""

    usrloc: Any = uses("usrloc")
    signaling: Any = uses("signaling")

    def load(self) -> None:
        self.check_numbers()

    def start(self) -> None:
        self.saver = Saver(self)

    @script(Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.ONREPLY | Route.LOCAL)
    def add_sock_hdr(self, request: Request, hdr_name: str) -> bool:
        """Add a header *hdr_name* that names the socket which received the request, protocol:address:port."""
        if request.listener is None:
            return False
        request.append_header(f"{hdr_name}: {request.listener.uri_text}\r\n")
        return True


__all__ = ["Registrar"]

"""Routes that run as a dialog is answered, as its time is over, as it ends."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.dialog.record import ON_ANSWER, ON_HANGUP, ON_TIMEOUT, Dialog
from opensips_py.module import Route, RouteName, Run, script
from opensips_py.modules.dialog.table import Dialogs
from opensips_py.modules.dialog.variables import LOADED
from opensips_py.sip import Request, scan

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services

WHERE = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH
Name = Annotated[str, RouteName(Route.REQUEST)]


class Following:
    """Arming routes and running them."""

    dialogs: Dialogs
    services: Services
    log: logging.Logger
    current: Callable[[Run], Dialog | None]

    @script(WHERE, dialect="4.0")
    def dlg_on_answer(self, run: Run, route_name: Name = "") -> bool:
        """Run route *route_name* once the dialog has been answered; without a name none."""
        return self.arm(run, ON_ANSWER, route_name)

    @script(WHERE, dialect="4.0")
    def dlg_on_timeout(self, run: Run, route_name: Name = "") -> bool:
        """Run route *route_name* when the time of the dialog is over: it ends after that, unless the route has given it
        more by $DLG_timeout; without a name none."""
        return self.arm(run, ON_TIMEOUT, route_name)

    @script(WHERE, dialect="4.0")
    def dlg_on_hangup(self, run: Run, route_name: Name = "") -> bool:
        """Run route *route_name* when the dialog has ended; without a name none."""
        return self.arm(run, ON_HANGUP, route_name)

    def arm(self, run: Run, occasion: str, name: str) -> bool:
        """Have a route run at an *occasion*."""
        dialog = self.current(run)
        if dialog is None:
            return False
        if name:
            dialog.armed = {**(dialog.armed or {}), occasion: name}
        elif dialog.armed:
            dialog.armed = {each: route for each, route in dialog.armed.items() if each != occasion} or None
        self.dialogs.changed(dialog)
        return True

    def run_armed(self, dialog: Dialog, occasion: str) -> None:
        """Run the route that was armed for *occasion*, in the context of the dialog."""
        name = dialog.armed.get(occasion) if dialog.armed else None
        if name is None:
            return
        route = self.services.generation.route(Route.REQUEST, name)
        if route is None:
            self.log.error("there is no route %s any more, which dialog %s wants to run", name, dialog.did)
            return
        request = self.stand_in(dialog)
        run = Run(self.services, self.services.generation, Route.REQUEST, request)
        run.extra = {LOADED: dialog}
        try:
            route(run)
        except Exception:
            self.log.exception("route %s failed", name)
        finally:
            run.finish()

    def stand_in(self, dialog: Dialog) -> Any:
        """A request that stands for the message that such a route does not have: From, To and Call-ID are right."""
        legs = self.dialogs.legs(dialog)
        from_, to = (legs[0].address, legs[0].peer) if legs is not None else ("<sip:nobody@invalid>", "<sip:invalid>")
        text = (f"DIALOG sip:dialog@invalid SIP/2.0\r\nVia: SIP/2.0/UDP 0.0.0.0;branch=z9hG4bK0\r\nFrom: {from_}\r\n"
                f"To: {to}\r\nCall-ID: {dialog.call_id}\r\nCSeq: 1 DIALOG\r\nContent-Length: 0\r\n\r\n")
        request = scan(text.encode("utf-8", "surrogateescape"), self.services.transports.listeners[0])
        assert isinstance(request, Request)
        return request

"""How dialogs are ended by us: requests within them, BYEs to both sides, CANCELs of what still rings."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from opensips_py.dialog import CALLEE, CALLER, Leg, way_to
from opensips_py.dialog.record import HIDDEN, Dialog
from opensips_py.errors import MalformedMessage
from opensips_py.modules.dialog.table import Dialogs
from opensips_py.sip import Request

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services
    from opensips_py.sip import Response
    from opensips_py.transaction import Branch, Transaction

AT_ONCE = 20  # dialogs that a restarted worker ends in a row ...
REPEATS = 32.0  # seconds for which a BYE is sent again (RFC 3261, 17.1.2.2)
PAUSE = 0.1  # ... and the seconds until the next ones
Answered = Callable[[int], object]  # called with the status that a request came to
Report = Callable[["Response | None", int], object]


class Ending:
    """Requests of our own within dialogs."""

    dialogs: Dialogs
    services: Services
    log: logging.Logger
    dlg_extra_hdrs: str
    tm: Any
    disguise: Any

    def terminate(self, dialog: Dialog, reason: str, *, byes: bool = True, headers: str = "", at: float = 0.0) -> None:
        """End an answered dialog, with a BYE to both sides; other modules call this."""
        if dialog.is_over:
            return
        legs = self.dialogs.legs(dialog) if byes else None
        self.dialogs.end(dialog, reason, at=at, repeating=legs is not None)
        if legs is not None:
            self.services.spawn(self.hang_up, dialog, legs, headers)

    def hang_up(self, dialog: Dialog, legs: tuple[Leg, Leg], headers: str = "") -> None:
        """Send a BYE to both sides; the store remembers the dialog until both have answered, so that whoever takes over
        sends the same BYEs again."""
        waiting = {CALLER, CALLEE}

        def answered(side: int, _: Response | None, status: int) -> None:
            if status >= 200:
                waiting.discard(side)
                if not waiting and dialog.stored:
                    self.dialogs.store.delete(dialog)
        for side in (CALLER, CALLEE):
            if not self.send(dialog, legs, side, "BYE", partial(answered, side), headers):
                answered(side, None, 500)

    def send(self, dialog: Dialog, legs: tuple[Leg, Leg], side: int, method: str, report: Report, headers: str = "",
             body: bytes = b"", content_type: str = "", cseq: int = 0, *, contact: bool = False) -> bool:
        """Send a request to one side, with *cseq* where it has its number already, with a *contact* even where it needs
        none; may wait for DNS. False: it cannot be sent."""
        leg = legs[side]
        if not leg.target:
            return False
        cseq = cseq or dialog.next_cseq(side)
        going = way_to(leg)
        socket = self.sockets.get(leg.socket)
        lines = going.lines + (self.dlg_extra_hdrs + headers).encode("utf-8", "surrogateescape")
        if (contact or method in ("INVITE", "UPDATE")) and legs[1 - side].target:
            shown = f"<{legs[1 - side].target}>"
            if dialog.flags & HIDDEN and self.disguise is not None:
                shown = self.disguise.contact(dialog, side, socket)
            lines += f"Contact: {shown}\r\n".encode("utf-8", "surrogateescape")
        try:
            return self.services.transactions.originate(
                method, going.uri, from_=leg.peer, to=leg.address, call_id=leg.call_id, cseq=cseq, headers=lines,
                body=body, content_type=content_type, next_hop=going.next_hop, socket=socket,
                report=partial(told, report), generation=self.services.generation,
                contexts={"dialog": dialog}) is not None
        except MalformedMessage as error:
            self.log.error("a %s within dialog %s: %s", method, dialog.did, error)
            return False

    @property
    def sockets(self) -> dict[str, Any]:
        """Our sockets by their names."""
        return {each.uri_text: each for each in self.services.transports.listeners}

    def end_by_hand(self, dialog: Dialog, reason: str = "MI Termination", headers: str = "") -> bool:
        """End a dialog with BYEs, or with a CANCEL where nobody has answered yet. False: it cannot be ended."""
        if dialog.is_answered:
            self.terminate(dialog, reason, headers=headers)
            return True
        request: Request | None = dialog.request
        transaction = self.services.transactions.by_call(request.call_id, request.cseq) if request is not None else None
        if transaction is None:
            return False
        self.services.transactions.cancel(transaction)
        return True

    def expect_again(self, dialog: Dialog) -> None:
        """The BYE of a dialog was renumbered. While it may be sent again, the store knows by how much: should this
        process be killed, whoever takes over has it go on as the same request."""
        self.services.timers.start(REPEATS, self.forget_numbers, dialog)

    def forget_numbers(self, dialog: Dialog) -> None:
        """Its BYE does not come again."""
        self.dialogs.hung_up_before.pop(dialog.did, None)
        if dialog.stored:
            self.dialogs.store.delete(dialog)

    # --- after a restart --------------------------------------------------------------------------------------------

    def resume(self, dialog: Dialog) -> None:
        """End a dialog that should have ended while nobody was here, soon: not all of them at once."""
        if not self.dialogs.overdue:
            self.services.timers.start(PAUSE, self.end_some)
        self.dialogs.overdue.append(dialog)

    def end_some(self, _: object = None) -> None:
        """End some of those whose time was over."""
        overdue = self.dialogs.overdue
        for _ in range(min(AT_ONCE, len(overdue))):
            self.dialogs.module.end_overdue(overdue.popleft())
        if overdue:
            self.services.timers.start(PAUSE, self.dialogs.module.end_some)

    def end_overdue(self, dialog: Dialog) -> None:
        """End a dialog whose time was over while nobody was here, or send its BYEs again."""
        if dialog.is_over:
            legs = self.dialogs.legs(dialog)
            if legs is not None:
                self.hang_up(dialog, legs)
        elif dialog.is_answered:
            self.dialogs.due(dialog)


def told(report: Report, transaction: Transaction, branch: Branch | None, response: Response | None,
         status: int) -> None:
    """A response to a request of our own, or the status that stands for one."""
    report(response, status)

"""Requests within a dialog that the script or management wants sent."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from gevent.event import AsyncResult

from opensips_py.dialog import CALLEE, CALLER, Leg
from opensips_py.dialog.record import Dialog
from opensips_py.module import MIError, OneOf, Route, Run, mi, script
from opensips_py.modules.dialog.management import one_of
from opensips_py.modules.dialog.table import Dialogs
from opensips_py.sip import Response

SIDES = {"caller": CALLER, "callee": CALLEE}
CHALLENGES = {"challenge": CALLER, "challenge-caller": CALLER, "challenge-callee": CALLEE}
BAD, FAILED = 400, 500


def lines_of(text: str) -> str:
    """Header lines as they are given, each with its end."""
    lines = text.replace("\\r\\n", "\r\n").replace("\r\n", "\n").strip("\n").replace("\n", "\r\n")
    return f"{lines}\r\n" if lines else ""


def acknowledging(response: Response) -> str:
    """The header line by which a PRACK acknowledges a reliable response (RFC 3262, 7.2); empty where it is none."""
    number = response.header("RSeq")
    return f"RAck: {number} {response.cseq} {response.cseq_method}\r\n" if number else ""


class Sequential:
    """dlg_send_sequential."""

    dialogs: Dialogs
    current: Callable[[Run], Dialog | None]
    named: Callable[[str], Dialog | None]
    send: Callable[..., bool]

    @script(Route.ANY, waits=True, dialect="4.0")
    def dlg_send_sequential(self, run: Run, method: str, leg: Annotated[str, OneOf(*SIDES)], body: str = "",
                            content_type: str = "", headers: str = "") -> bool:
        """Send a request within the dialog to its caller or its callee; from the reply route of a provisional response
        also before the dialog is answered, for example the PRACK for that response."""
        dialog = self.current(run)
        legs = self.legs_at(run, dialog) if dialog is not None else None
        if dialog is None or legs is None:
            return False
        lines = lines_of(headers)
        if method == "PRACK" and isinstance(run.message, Response):
            lines += acknowledging(run.message)
        return self.send_one(dialog, legs, SIDES[leg], method, lambda response, status: None,
                             body.encode("utf-8", "surrogateescape"), content_type, lines)

    def legs_at(self, run: Run, dialog: Dialog) -> tuple[Leg, Leg] | None:
        """Both sides of a dialog, as far as they are known where *run* is."""
        if dialog.is_answered:
            return self.dialogs.legs(dialog)
        response = run.message
        if dialog.is_over or run.branch is None or not isinstance(response, Response) or not response.to_tag:
            return None
        return self.dialogs.early_legs(dialog, run.transaction, run.branch, response)

    def send_one(self, dialog: Dialog, legs: tuple[Leg, Leg], side: int, method: str, report: Any, body: bytes,
                 content_type: str, headers: str) -> bool:
        """Send a request to one side, which counts from now on."""
        if not self.send(dialog, legs, side, method, report, headers, body, content_type, contact=method != "PRACK"):
            return False
        dialog.add_shift(side, 1)
        self.dialogs.changed(dialog)
        return True

    @mi(None, "dlg_send_sequential", v40="dialog:send_sequential", dialect="4.0", scope="each",
        merge=lambda answers: one_of(answers, "Dialog Not Found"))
    def send_by_hand(self, callid: str, method: str = "INVITE", mode: str = "caller", body: str = "none",
                     headers: str = "") -> dict[str, Any] | None:
        """Send a request within the dialog with that Call-ID; tells the status it came to. *mode*: to the caller or the
        callee; challenge-caller (challenge) or challenge-callee: ask that side for its session description, and send
        it on to the other. *body*: none; inbound: what the other side has sent last; outbound: what this side was sent
        last; custom:TYPE:BODY."""
        dialog = self.named(callid)
        if dialog is None:
            return None
        legs = self.dialogs.legs(dialog) if dialog.is_answered else None
        if legs is None:
            raise MIError(FAILED, "the dialog is not established")
        if mode not in SIDES and mode not in CHALLENGES:
            raise MIError(BAD, f"mode is one of {', '.join((*SIDES, *CHALLENGES))}")
        challenges = mode in CHALLENGES
        side = CHALLENGES[mode] if challenges else SIDES[mode]
        content, kind = content_of(body, legs, side)
        response, status = self.ask(dialog, legs, side, method, content, kind, lines_of(headers))
        if challenges and response is not None and status // 100 == 2 and response.body:
            response, status = self.ask(dialog, legs, 1 - side, method, response.body, response.content_type or "", "")
        return {"Code": status, "Reason": response.reason if response is not None else "Request Timeout"}

    def ask(self, dialog: Dialog, legs: tuple[Leg, Leg], side: int, method: str, body: bytes, content_type: str,
            headers: str) -> tuple[Response | None, int]:
        """Send a request to one side and wait for its final response."""
        answered: AsyncResult[tuple[Response | None, int]] = AsyncResult()
        if not self.send_one(dialog, legs, side, method, partial(heard, answered), body, content_type, headers):
            raise MIError(FAILED, "the request cannot be sent")
        return answered.get() or (None, 408)  # comes at the latest when the transaction times out


def heard(answered: AsyncResult[tuple[Response | None, int]], response: Response | None, status: int) -> None:
    """A response has come; the first final one counts."""
    if status >= 200 and not answered.ready():
        answered.set((response, status))


def content_of(body: str, legs: tuple[Leg, Leg], side: int) -> tuple[bytes, str]:
    """The body that a command asks for, and its type."""
    if body in ("", "none"):
        return b"", ""
    if body == "inbound":
        return legs[1 - side].body, legs[1 - side].body_type
    if body == "outbound":
        return legs[side].told, legs[side].told_type
    what, _, rest = body.partition(":")
    kind, colon, text = rest.partition(":")
    if what != "custom" or not colon:
        raise MIError(BAD, "body is none, inbound, outbound or custom:TYPE:BODY")
    return text.encode("utf-8", "surrogateescape"), kind

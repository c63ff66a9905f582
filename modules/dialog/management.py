"""The management commands on single dialogs and lists of them."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.dialog import did_of, parts_of_database_id
from opensips_py.dialog.record import Dialog
from opensips_py.mi.tree import rendered
from opensips_py.module import MIError, mi
from opensips_py.modules.dialog import listing
from opensips_py.modules.dialog.table import Dialogs

if TYPE_CHECKING:
    from opensips_py.module.declare import Dialect
    from opensips_py.module.services import Services

NOT_FOUND, FAILED = 404, 403
NUMBER = re.compile(r"[0-9]+", re.ASCII)


def one_of(answers: list[Any], none: str = "Requested Dialog not found") -> Any:
    """The answer of the worker that has the dialog."""
    found = [each for each in answers if each is not None]
    if not found:
        raise MIError(NOT_FOUND, none)
    if isinstance(found[0], str) and found[0] != "OK":
        raise MIError(FAILED, found[0])
    return found[0]


def window(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Some of the dialogs of all workers, in one order."""
    whole = sorted((each for answer in answers for each in answer["Dialogs"]), key=lambda each: int(each["db_id"]))
    first, wanted = answers[0]["window"]
    shown = whole if wanted is None else whole[first:first + wanted]
    count = sum(answer["count"] for answer in answers)
    if answers[0]["single"] and not shown:
        raise MIError(NOT_FOUND, "No such dialog")
    if answers[0]["single"] and len(shown) == 1:
        return {"Dialog": shown[0]}
    return {"Dialogs": shown} if wanted is None else {"count": count, "Dialogs": shown}


class Management:
    """Listing dialogs and ending them."""

    dialogs: Dialogs
    dialect: Dialect
    services: Services
    end_by_hand: Callable[..., bool]
    flags_shown: Callable[[Dialog], int | str]

    def named(self, identifier: str) -> Dialog | None:
        """A dialog that goes on, by any of its identifiers: the one in Record-Route, that of databases, its Call-ID."""
        found = self.dialogs.find(identifier)
        if found is None and NUMBER.fullmatch(identifier):
            found = self.dialogs.by_did.get(did_of(*parts_of_database_id(int(identifier))))
        return found if found is not None and not found.is_over else None

    # --- lists ------------------------------------------------------------------------------------------------------

    @mi("dlg_list", v40="dialog:list", dialect="4.0", scope="each", merge=window)
    def list(self, callid: str = "", from_tag: str = "", index: int = 0, counter: int = -1) -> dict[str, Any]:
        """List all dialogs, that of a Call-ID (and From tag), or *counter* dialogs from *index* on."""
        return self.listed(callid, from_tag, index, counter, False)

    @mi("dlg_list_ctx", v40="dialog:list_ctx", dialect="4.0", scope="each", merge=window)
    def list_context(self, callid: str = "", from_tag: str = "", index: int = 0, counter: int = -1) -> dict[str, Any]:
        """As dialog:list, with the values and profiles of each dialog."""
        return self.listed(callid, from_tag, index, counter, True)

    @mi("dlg_list", dialect="2.1", scope="each", merge=window)
    @rendered(listing.tree)
    def list_21(self, first: str = "", second: str = "") -> dict[str, Any]:
        """List all dialogs, those of a Call-ID (and From tag), or by two numbers: from where on, and how many."""
        return self.listed(*arguments_21(first, second), False)

    @mi("dlg_list_ctx", dialect="2.1", scope="each", merge=window)
    @rendered(listing.tree)
    def list_context_21(self, first: str = "", second: str = "") -> dict[str, Any]:
        """As dlg_list, with the values and profiles of each dialog."""
        return self.listed(*arguments_21(first, second), True)

    def listed(self, call_id: str, from_tag: str, index: int, counter: int, whole: bool) -> dict[str, Any]:
        """What this worker has of a listing: no more than may be shown of it."""
        wanted = self.dialogs.of_call(call_id) if call_id else list(self.dialogs)
        chosen = sorted((each for each in wanted if not from_tag or each.from_tag == from_tag),
                        key=lambda each: (each.entry, each.number))
        shown = chosen if counter < 0 else chosen[:index + counter]
        return {"window": (index, None if counter < 0 else counter), "count": len(chosen), "single": bool(call_id),
                "Dialogs": [self.entry(each, whole) for each in shown]}

    def entry(self, dialog: Dialog, whole: bool) -> dict[str, Any]:
        """One dialog as it is listed; the *whole* has what the script keeps with it."""
        found = listing.entry(dialog, self.dialogs.legs(dialog), self.flags_shown(dialog), self.ringing_at(dialog))
        if whole:
            found["context"] = listing.context(dialog)
        return found

    def ringing_at(self, dialog: Dialog) -> str | None:
        """The socket from which the callee is reached who rings."""
        if dialog.request is None or not dialog.to_tag:
            return None
        transaction = self.services.transactions.find(dialog.request, "INVITE")
        return next((each.target.listener.uri_text for each in (transaction.branches if transaction is not None else ())
                     if 100 < each.status < 300), None)

    # --- ending -----------------------------------------------------------------------------------------------------

    @mi("dlg_end_dlg", v40="dialog:end_dlg", dialect="4.0", scope="each", merge=one_of)
    def end_dialog(self, dialog_id: str, extra_hdrs: str = "") -> str | None:
        """End a dialog, named by its identifier or its Call-ID: both sides get a BYE, with the lines *extra_hdrs*; what
        still rings is cancelled."""
        return self.ended(self.named(dialog_id), extra_hdrs)

    @mi("dlg_end_dlg", dialect="2.1", scope="each", merge=one_of)
    def end_dialog_21(self, first: str, second: str = "", third: str = "") -> str | None:
        """End a dialog: dlg_end_dlg hash_entry hash_id [headers], or dlg_end_dlg dialog_id [headers]."""
        if NUMBER.fullmatch(first) and NUMBER.fullmatch(second):
            return self.ended(self.named(did_of(int(first), int(second))), third)
        return self.ended(self.named(first), second)

    def ended(self, dialog: Dialog | None, headers: str) -> str | None:
        """What became of a wish to end a dialog; None: it is not ours."""
        if dialog is None:
            return None
        lines = headers.replace("\\r\\n", "\r\n")
        if lines and not lines.endswith("\r\n"):
            lines += "\r\n"
        return "OK" if self.end_by_hand(dialog, headers=lines) else "Operation failed"


def arguments_21(first: str, second: str) -> tuple[str, str, int, int]:
    """Call-ID, From tag, index and counter of what 2.1 gives by position."""
    if NUMBER.fullmatch(first) and NUMBER.fullmatch(second):
        return "", "", int(first), int(second)
    return first, second, 0, -1

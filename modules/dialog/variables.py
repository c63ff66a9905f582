"""The pseudo-variables of dialog."""
from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.dialog import CALLER
from opensips_py.dialog.record import Dialog
from opensips_py.module import Run, pvar
from opensips_py.modules.dialog import listing
from opensips_py.modules.dialog.creation import INTENDED, intended_lifetime
from opensips_py.modules.dialog.matching import place_of
from opensips_py.modules.dialog.table import Dialogs

if TYPE_CHECKING:
    from opensips_py.module.declare import Dialect
    from opensips_py.module.registry import Registry
    from opensips_py.module.services import Services

Value = int | str | None
LOADED = "loaded dialog"  # in Run.extra


class Variables:
    """$DLG_… and $dlg_val."""

    dialogs: Dialogs
    dialect: Dialect
    registry: Registry
    services: Services
    delete_delay: int
    active_dialogs: Any
    entry: Callable[[Dialog, bool], dict[str, Any]]

    def current(self, run: Run) -> Dialog | None:
        """The dialog that a route works on: the loaded one, else that of the request at hand."""
        if run.extra is not None and (loaded := run.extra.get(LOADED)) is not None:
            found: Dialog | None = loaded
            return found
        place = place_of(run.request)
        if place is not None:
            return place[0]
        if run.transaction is not None and run.transaction.contexts is not None:
            found = run.transaction.contexts.get("dialog")
            return found
        return None

    @pvar("DLG_count")
    def count(self) -> int:
        """How many dialogs have been answered and have not ended, on all workers."""
        return int(self.active_dialogs.value)

    @pvar("DLG_status")
    def status(self, run: Run) -> int | None:
        """State of the dialog: 1 no response yet, 2 early, 3 answered, 4 acknowledged, 5 ended; NULL without one."""
        dialog = self.current(run)
        return dialog.state if dialog is not None else None

    @pvar("DLG_lifetime")
    def duration(self, run: Run) -> int | None:
        """Seconds since the dialog was answered."""
        dialog = self.current(run)
        if dialog is None:
            return None
        return max(int(dialog.lasted(dialog.ended or time.time())), 0) if dialog.started else 0

    @pvar("DLG_flags")
    def script_flags(self, run: Run) -> int | str | None:
        """The flags that the script has set on the dialog: their names, with blanks between; in 2.1 a number."""
        dialog = self.current(run)
        return self.flags_shown(dialog) if dialog is not None else None

    def flags_shown(self, dialog: Dialog) -> int | str:
        """The flags of a dialog as the dialect shows them."""
        if self.dialect == "2.1":
            return dialog.user_flags
        return self.flag_names(dialog.user_flags)

    def flag_names(self, bits: int) -> str:
        """Flags of dialogs by name."""
        return self.registry.flag_text("dialog", bits) if self.registry.flag_text is not None else str(bits)

    def flag_bits(self, names: str) -> int:
        """Flags of dialogs by their names."""
        bits = 0
        for name in names.split():
            bits |= 1 << (self.registry.flag("dialog", name) if self.registry.flag is not None else int(name))
        return bits

    @script_flags.setter
    def set_script_flags(self, run: Run, value: int | str | None) -> None:
        """A number, or names with blanks between."""
        dialog = self.current(run)
        if dialog is not None:
            text = str(value or 0)
            dialog.user_flags = int(text) & 0xFFFFFFFF if text.isdecimal() else self.flag_bits(text)
            self.dialogs.changed(dialog)

    @pvar("DLG_dir")
    def direction(self, run: Run) -> str | None:
        """downstream where the message comes from the caller, upstream where it comes from the callee."""
        place = place_of(run.message) or place_of(run.request)
        if place is None or place[0] is not self.current(run):
            return None
        text = "downstream" if (place[1] == CALLER) == run.message.is_request else "upstream"
        return text.upper() if self.dialect == "2.1" else text

    @pvar("DLG_did")
    def identifier(self, run: Run) -> str | None:
        """Identifier of the dialog, as Record-Route has it; in 2.1 two numbers, as dlg_list has them."""
        dialog = self.current(run)
        if dialog is None:
            return None
        return f"{dialog.entry}:{dialog.number}" if self.dialect == "2.1" else dialog.did

    @pvar("DLG_end_reason")
    def end_reason(self, run: Run) -> str | None:
        """Why the dialog ended; NULL as long as it has not."""
        dialog = self.current(run)
        return dialog.end_reason if dialog is not None else None

    @pvar("DLG_timeout")
    def timeout(self, run: Run) -> int | None:
        """Seconds until the dialog is over; before it is answered, what it will be given then."""
        dialog = self.current(run)
        if dialog is None:
            return intended_lifetime(run)
        if dialog.is_over:
            return 0
        return max(0, round(dialog.expires - time.time())) if dialog.expires else dialog.lifetime

    @timeout.setter
    def set_timeout(self, run: Run, value: int | None) -> None:
        """Seconds from now on, or from the answer on where there is none yet; also of the dialog that create_dialog()
        makes later of the same request."""
        dialog = self.current(run)
        if dialog is None and run.request is not None and value is not None:
            if run.request.context is None:
                run.request.context = {}
            run.request.context[INTENDED] = max(value, 1)
        elif dialog is not None and value is not None and not dialog.is_over:
            self.dialogs.set_lifetime(dialog, max(value, 1))

    @pvar("DLG_del_delay", dialect="4.0")
    def deletion_delay(self, run: Run) -> int | None:
        """Seconds for which the dialog is still found after its end."""
        dialog = self.current(run)
        if dialog is None:
            return None
        return dialog.delay if dialog.delay >= 0 else self.delete_delay

    @deletion_delay.setter
    def set_deletion_delay(self, run: Run, value: int | None) -> None:
        """NULL is delete_delay again."""
        dialog = self.current(run)
        if dialog is not None:
            dialog.delay = -1 if value is None else max(value, 0)
            self.dialogs.changed(dialog)

    @pvar("DLG_json", dialect="4.0")
    def as_json(self, run: Run) -> str | None:
        """What dialog:list shows of the dialog, as JSON."""
        dialog = self.current(run)
        return self.json_of(dialog, False) if dialog is not None else None

    @pvar("DLG_ctx_json", dialect="4.0")
    def context_as_json(self, run: Run) -> str | None:
        """What dialog:list_ctx shows of the dialog, as JSON."""
        dialog = self.current(run)
        return self.json_of(dialog, True) if dialog is not None else None

    def json_of(self, dialog: Dialog, whole: bool) -> str:
        """A dialog as JSON; the *whole* has what the script keeps with it."""
        return json.dumps(listing.as_json(self.entry(dialog, whole)))

    @pvar("dlg_val")
    def dialog_value(self, run: Run, name: str) -> Value:
        """A value that is kept with the dialog."""
        dialog = self.current(run)
        return dialog.values.get(name) if dialog is not None and dialog.values else None

    @dialog_value.setter
    def set_dialog_value(self, run: Run, name: str, value: Value) -> None:
        """NULL takes the value away."""
        dialog = self.current(run)
        if dialog is not None:
            self.keep_value(dialog, name, value)

    def keep_value(self, dialog: Dialog, name: str, value: Value) -> None:
        """Keep a value with a dialog, or none of that name any more."""
        if value is None:
            if dialog.values is None or dialog.values.pop(name, None) is None:
                return
        else:
            if dialog.values is None:
                dialog.values = {}
            elif dialog.values.get(name) == value:
                return
            dialog.values[name] = value
        self.dialogs.changed(dialog)


__all__ = ["LOADED", "Variables"]

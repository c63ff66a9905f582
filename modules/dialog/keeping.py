"""Functions on what the script keeps with a dialog: values and flags."""
from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from opensips_py.dialog.record import Dialog
from opensips_py.module import Between, Flag, Route, Run, Variable, Writable, first, mi, script
from opensips_py.modules.dialog.table import Dialogs

WITH_DIALOG = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL
DialogFlag = Annotated[int, Flag(scope="dialog")]


class Keeping:
    """Values and flags of the current dialog."""

    dialogs: Dialogs
    current: Callable[[Run], Dialog | None]
    named: Callable[[str], Dialog | None]
    keep_value: Callable[[Dialog, str, int | str | None], None]

    # --- values -----------------------------------------------------------------------------------------------------

    @script(WITH_DIALOG, dialect="2.1", name="store_dlg_value")
    def store_value_21(self, run: Run, name: str, val: str) -> bool:
        """Keep the text *val* with the dialog under *name*."""
        return self.store_value(run, name, val)

    @script(WITH_DIALOG, dialect="4.0", name="store_dlg_value")
    def store_variable(self, run: Run, name: str, val: Variable) -> bool:
        """Keep the value of a variable with the dialog under *name*; false where it is NULL."""
        value = val.get()
        return value is not None and self.store_value(run, name, value)

    def store_value(self, run: Run, name: str, value: Any) -> bool:
        """Keep a value with the dialog of a run; false where it has none."""
        dialog = self.current(run)
        if dialog is None:
            return False
        self.keep_value(dialog, name, value)
        return True

    @script(WITH_DIALOG, name="fetch_dlg_value")
    def fetch_value(self, run: Run, name: str, val: Writable) -> bool:
        """Put what is kept with the dialog under *name* into *val*; false where nothing is."""
        dialog = self.current(run)
        value = dialog.values.get(name) if dialog is not None and dialog.values else None
        if value is None:
            return False
        val.set(value)
        return True

    @mi(None, "dlg_push_var", v40="dialog:push_var", dialect="4.0", scope="each", merge=first)
    def push_value(self, dlg_val_name: str, dlg_val_value: str, DID: list[str]) -> str:
        """Keep *dlg_val_value* under *dlg_val_name* with the dialogs that *DID* names, by identifiers or Call-IDs."""
        for each in DID:
            dialog = self.named(each)
            if dialog is not None:
                self.keep_value(dialog, dlg_val_name, dlg_val_value)
        return "OK"

    # --- flags ------------------------------------------------------------------------------------------------------

    @script(WITH_DIALOG, name="set_dlg_flag")
    def set_flag(self, run: Run, flag: DialogFlag) -> bool:
        """Set a flag of the dialog: by name, in 2.1 by a number from 0 to 31."""
        return self.change_flags(run, 1 << flag, 0)

    @script(WITH_DIALOG, name="reset_dlg_flag")
    def reset_flag(self, run: Run, flag: DialogFlag) -> bool:
        """Reset a flag of the dialog."""
        return self.change_flags(run, 0, 1 << flag)

    @script(WITH_DIALOG, name="is_dlg_flag_set")
    def is_flag_set(self, run: Run, flag: DialogFlag) -> bool:
        """Whether a flag of the dialog is set."""
        dialog = self.current(run)
        return dialog is not None and bool(dialog.user_flags >> flag & 1)

    @script(WITH_DIALOG, name="test_and_set_dlg_flag")
    def test_and_set_flag(self, run: Run, flag: DialogFlag, value: Annotated[int, Between(0, 1)]) -> bool:
        """Where a flag of the dialog is *value* (0 or 1), change it; false where it is not."""
        dialog = self.current(run)
        if dialog is None or dialog.user_flags >> flag & 1 != value:
            return False
        return self.change_flags(run, 0 if value else 1 << flag, 1 << flag)

    def change_flags(self, run: Run, more: int, less: int) -> bool:
        """Set some flags of the dialog, after having reset others."""
        dialog = self.current(run)
        if dialog is None:
            return False
        before, dialog.user_flags = dialog.user_flags, dialog.user_flags & ~less | more
        if dialog.user_flags != before:
            self.dialogs.changed(dialog)
        return True

"""Finding other dialogs, whichever worker has them, and what is kept with them."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.dialog.record import Dialog
from opensips_py.module import Route, Variable, Writable, script
from opensips_py.modules.dialog.table import Dialogs

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services

WITH_VALUE, OF_CALL, IN_PROFILE = "dialog with value", "dialog of call", "dialog in profile"  # between workers
BEFORE_4 = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL


class Lookups:
    """Functions that look at all dialogs."""

    dialogs: Dialogs
    services: Services
    log: logging.Logger
    json_of: Callable[[Dialog, bool], str]
    members: Callable[[str, str | None], list[Dialog]]
    profile: Callable[[str], Any]

    def answer_lookups(self) -> None:
        """Answer other workers."""
        links = self.services.links
        links.on_call(WITH_VALUE, lambda *asked: self.dialogs.module.with_value(*asked))
        links.on_call(OF_CALL, lambda *asked: self.dialogs.module.values_of_call(*asked))
        links.on_call(IN_PROFILE, lambda *asked: self.dialogs.module.in_profile(*asked))

    def everywhere(self, operation: str, *asked: Any) -> list[Any]:
        """The answers of all workers to an operation, one after the other; one that does not answer is logged."""
        answers = self.services.links.call_each(range(self.services.workers), operation, *asked)
        found = []
        for index, answer in sorted(answers.items()):
            if isinstance(answer, Exception):
                self.log.error("worker %d did not tell its dialogs: %s", index, answer)
            else:
                found += answer
        return found

    # --- what each worker answers -----------------------------------------------------------------------------------

    def with_value(self, name: str, value: str, wanted: str | None) -> list[Any]:
        """Of the dialogs here with that value, the value *wanted*, or all that is known where none is."""
        return [(each.values or {}).get(wanted) if wanted is not None else self.json_of(each, True)
                for each in self.dialogs
                if not each.is_over and each.values and str(each.values.get(name)) == value and name in each.values]

    def values_of_call(self, call_id: str) -> list[Any]:
        """The values of the newest dialog here with a Call-ID."""
        return [list((each.values or {}).items()) for each in self.dialogs.of_call(call_id) if not each.is_over][:1]

    def in_profile(self, name: str, value: str | None) -> list[str]:
        """All that is known of the dialogs here in a profile."""
        return [self.json_of(each, True) for each in self.members(name, value)]

    # --- functions --------------------------------------------------------------------------------------------------

    @script(BEFORE_4, waits=True, dialect="2.1", name="get_dialog_info")
    def dialog_info_21(self, attr: str, var: Writable, key: str, key_val: str) -> bool:
        """Find a dialog whose value *key* is *key_val*, and put its value *attr* into *var*."""
        found = self.everywhere(WITH_VALUE, key, key_val, attr)
        if not found:
            return False
        var.set(found[0])
        return True

    @script(Route.ANY, waits=True, dialect="4.0", name="get_dialog_info")
    def dialog_info(self, attr: str, avp: Writable, key: str, key_val: Variable, no_dlgs: Writable) -> bool:
        """Find all dialogs whose value *key* is *key_val*; their values *attr* go into *avp*, their number into
        *no_dlgs*."""
        return self.hand_out(self.everywhere(WITH_VALUE, key, str(key_val.get()), attr), avp, no_dlgs)

    @script(Route.ANY, waits=True, dialect="4.0")
    def get_dialog_vals(self, names: Writable, vals: Writable, callid: str) -> bool:
        """Put the names of all values of the dialog with that Call-ID into *names*, the values into *vals*, in the same
        order."""
        found = self.everywhere(OF_CALL, callid)
        if not found:
            return False
        for name, value in found[0]:
            names.set(name)
            vals.set(value)
        return True

    @script(Route.ANY, waits=True, dialect="4.0")
    def get_dialogs_by_val(self, name: str, value: Variable, out_avp: Writable, dlg_no: Writable) -> bool:
        """Find all dialogs whose value *name* is *value*; what dialog:list_ctx shows of them goes as JSON into
        *out_avp*, their number into *dlg_no*."""
        return self.hand_out(self.everywhere(WITH_VALUE, name, str(value.get()), None), out_avp, dlg_no)

    @script(Route.ANY, waits=True, dialect="4.0")
    def get_dialogs_by_profile(self, name: str, value: str | None, out_avp: Writable, dlg_no: Writable) -> bool:
        """Find all dialogs in profile *name*, with *value* if one is given; what dialog:list_ctx shows of them goes as
        JSON into *out_avp*, their number into *dlg_no*."""
        if self.profile(name) is None:
            return False
        return self.hand_out(self.everywhere(IN_PROFILE, name, value), out_avp, dlg_no)

    def hand_out(self, found: list[Any], values: Writable, number: Writable) -> bool:
        """Put what was found into one variable, how much it is into another."""
        for each in found:
            values.set(each)
        number.set(len(found))
        return bool(found)

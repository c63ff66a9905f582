"""load_dialog_ctx: another dialog in place of the current one, be it of another worker."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.dialog import CALLEE, CALLER, parts_of
from opensips_py.dialog.record import Dialog, pack, unpack
from opensips_py.module import OneOf, Route, Run, script
from opensips_py.modules.dialog.table import Dialogs
from opensips_py.modules.dialog.variables import LOADED

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services

COPY, CHANGED = "dialog copy", "dialog changed"  # between workers
BEFORE = "loaded dialog before"  # in Run.extra: what a copy was like
Changes = dict[str, Any]


class Loading:
    """Switching to another dialog. That of another worker is a copy; what the route changes of it goes to its owner
    when the route has done with it."""

    dialogs: Dialogs
    services: Services
    log: logging.Logger
    flag_names: Callable[[int], str]
    flag_bits: Callable[[str], int]
    keep_value: Callable[[Dialog, str, int | str | None], None]
    profiles: dict[str, Any]
    enter: Callable[..., None]
    leave: Callable[..., bool]

    def answer_copies(self) -> None:
        """Answer other workers."""
        links = self.services.links
        links.on_call(COPY, lambda *asked: self.dialogs.module.copy(*asked))
        links.on_send(CHANGED, lambda peer, *told: self.dialogs.module.change(*told))

    # --- what the owner does ----------------------------------------------------------------------------------------

    def copy(self, identifier: str, by_did: bool, active: bool) -> list[Any] | None:
        """A dialog of ours for another worker."""
        dialog = self.here(identifier, by_did, active)
        if dialog is None:
            return None
        facts = self.dialogs.facts(dialog)
        return [dialog.entry, dialog.number, pack(dialog, self.flag_names(dialog.user_flags)),
                facts.packed() if facts is not None else None]

    def change(self, did: str, changes: Changes) -> None:
        """Another worker has changed its copy of a dialog of ours."""
        dialog = self.dialogs.by_did.get(did)
        if dialog is None or dialog.is_over:
            return
        for name, value in changes.get("values", {}).items():
            self.keep_value(dialog, name, value)
        for name, value in changes.get("left", ()):
            self.leave(dialog, self.profiles[name], value)
        for name, value in changes.get("entered", ()):
            self.enter(dialog, self.profiles[name], value)
        for side in (CALLER, CALLEE):
            if changes.get("shifts", (0, 0))[side]:
                dialog.add_shift(side, changes["shifts"][side])
        if "flags" in changes:
            dialog.user_flags = self.flag_bits(changes["flags"])
        if "armed" in changes:
            dialog.armed = changes["armed"]
        if "delay" in changes:
            dialog.delay = changes["delay"]
        if "expires" in changes:
            self.dialogs.set_lifetime(dialog, max(1, round(changes["expires"] - self.dialogs.module.now())))
        self.dialogs.changed(dialog)

    def here(self, identifier: str, by_did: bool, active: bool) -> Dialog | None:
        """A dialog of this worker."""
        dialog = self.dialogs.by_did.get(identifier) if by_did else self.dialogs.by_call.get(identifier)
        return None if dialog is not None and active and dialog.is_over else dialog

    # --- what the route does ----------------------------------------------------------------------------------------

    @script(Route.ANY, waits=True, dialect="4.0")
    def load_dialog_ctx(self, run: Run, dialog: str, id_type: Annotated[str, OneOf("callid", "did")] = "callid",
                        active_only: int = 0) -> bool:
        """Have the route work on another dialog, named by its Call-ID or its identifier, until unload_dialog_ctx;
        *active_only*: on one that has not ended."""
        if run.extra is not None and run.extra.get(LOADED) is not None:
            self.log.error("load_dialog_ctx: a dialog is loaded already")
            return False
        by_did, active = id_type == "did", bool(active_only)
        found = self.here(dialog, by_did, active)
        if run.extra is None:
            run.extra = {}
        if found is None:
            found = self.elsewhere(dialog, by_did, active)
            if found is None:
                return False
            run.extra[BEFORE] = self.state_of(found)
            run.at_end(partial(self.unload, run))
        run.extra[LOADED] = found
        return True

    def elsewhere(self, identifier: str, by_did: bool, active: bool) -> Dialog | None:
        """A copy of a dialog of another worker."""
        if self.services.workers < 2:
            return None
        parts = parts_of(identifier) if by_did else None
        slot = parts[0] if parts is not None else self.services.slots.slot_of_call_id(identifier)
        if slot >= 1024 or self.services.slots.worker_of(slot) == self.services.index:
            return None
        answer = self.services.owner_call(slot, COPY, identifier, by_did, active)
        if answer is None:
            return None
        *packed, facts = answer
        copied, flags = unpack(*packed)
        copied.user_flags = self.flag_bits(flags)
        copied.facts = facts
        return copied

    @script(Route.ANY, dialect="4.0")
    def unload_dialog_ctx(self, run: Run) -> bool:
        """Have the route work on its own dialog again; false where no other one is loaded."""
        return self.unload(run)

    def unload(self, run: Run) -> bool:
        """Done with a loaded dialog; its owner is told what has changed of a copy."""
        dialog: Dialog | None = run.extra.pop(LOADED, None) if run.extra is not None else None
        if dialog is None or run.extra is None:
            return False
        before = run.extra.pop(BEFORE, None)
        if before is not None:
            changes = changes_of(before, self.state_of(dialog))
            if changes:
                owner = self.services.slots.owner_of_call_id(dialog.call_id)
                self.services.links.send(owner, CHANGED, dialog.did, changes)
        return True

    def state_of(self, dialog: Dialog) -> Changes:
        """What a route may change of a dialog."""
        return {"values": dict(dialog.values or {}), "profiles": list(dialog.profiles or ()),
                "shifts": [dialog.shift(CALLER), dialog.shift(CALLEE)], "flags": self.flag_names(dialog.user_flags),
                "armed": dialog.armed, "delay": dialog.delay, "expires": dialog.expires}


def changes_of(before: Changes, now: Changes) -> Changes:
    """What is different *now*."""
    changes = {name: now[name] for name in ("flags", "armed", "delay", "expires") if now[name] != before[name]}
    values = {name: now["values"].get(name) for name in {**before["values"], **now["values"]}
              if now["values"].get(name) != before["values"].get(name)}
    shifts = [now["shifts"][side] - before["shifts"][side] for side in (CALLER, CALLEE)]
    left = [each for each in before["profiles"] if each not in now["profiles"]]
    entered = [each for each in now["profiles"] if each not in before["profiles"]]
    more = {"values": values, "left": left, "entered": entered, "shifts": shifts if any(shifts) else None}
    return {**changes, **{name: each for name, each in more.items() if each}}

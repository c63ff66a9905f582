"""Following calls from their INVITE to their BYE (RFC 3261, 12)."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from opensips_py.dialog import uri_of
from opensips_py.dialog.record import PINGED, Dialog
from opensips_py.errors import MalformedMessage
from opensips_py.module import Module, counter, gauge, hookimpl, process_state, uses
from opensips_py.module.statistic import Tally
from opensips_py.modules.dialog.creation import Creation, dialog_at
from opensips_py.modules.dialog.database import DatabaseMirror
from opensips_py.modules.dialog.disguise import Disguise
from opensips_py.modules.dialog.ending import Ending
from opensips_py.modules.dialog.events import E_DLG_STATE_CHANGED, NAME, state_changed
from opensips_py.modules.dialog.following import Following
from opensips_py.modules.dialog.keeping import Keeping
from opensips_py.modules.dialog.loading import Loading
from opensips_py.modules.dialog.lookups import Lookups
from opensips_py.modules.dialog.management import Management
from opensips_py.modules.dialog.matching import Matching, place_of
from opensips_py.modules.dialog.observers import Observers
from opensips_py.modules.dialog.parameters import DID_NONE, Parameters
from opensips_py.modules.dialog.pinging import Pinging
from opensips_py.modules.dialog.pracking import Pracking
from opensips_py.modules.dialog.profiles import Sizes
from opensips_py.modules.dialog.profiling import Profiling
from opensips_py.modules.dialog.refreshing import Refreshing
from opensips_py.modules.dialog.sequencing import Sequencing
from opensips_py.modules.dialog.sequential import Sequential
from opensips_py.modules.dialog.sharing import Shares, Sharing
from opensips_py.modules.dialog.storage import Store
from opensips_py.modules.dialog.table import BYES, Dialogs
from opensips_py.modules.dialog.timekeeping import Timekeeping, move
from opensips_py.modules.dialog.variables import Variables
from opensips_py.sip import Request, Uri


class DialogModule(Parameters, Creation, Matching, Ending, Management, Variables, Keeping, Profiling, Lookups, Loading,
                   Following, Pinging, Sequencing, Sequential, Pracking, Refreshing, Sharing, DatabaseMirror,
                   Timekeeping, Module,
                   name="dialog", events=[E_DLG_STATE_CHANGED]):
    """Follow the dialogs that INVITEs begin: what goes on in them, how long they last, and what the script keeps with
    them. They end with a BYE, when their time is over, or by hand. A dialog that has been answered outlives the end of
    any process, a crash included.

    Other modules build on this one: `dialog: Any = uses("dialog")` gives them, in load(), the method observe(), which
    has them told of every dialog as it is created, rings, is answered, fails, brings a request, ends; at any time
    dialog_of(message), the dialog that a message belongs to; of a dialog, legs(), terminate(), keep() and kept().
    """

    tm: Any = uses("tm")
    rr: Any = uses("rr")
    dialogs: Dialogs = process_state()

    active_dialogs = gauge("Dialogs that have been answered, acknowledged or not, and have not ended.")
    early_dialogs = gauge("Dialogs that ring.")
    processed_dialogs = counter("Dialogs that there have been.")
    expired_dialogs = counter("Dialogs whose time was over.")
    failed_dialogs = counter("Dialogs that never came to be: the INVITE was refused, cancelled, or not answered.")

    def load(self) -> None:
        """Check the parameters."""
        self.news = Observers()
        self.disguise: Disguise | None = None
        self.read_profiles()
        self.check_database()
        self.check_sharing()
        self.keeps_bodies = self.dialect == "4.0"

    def prepare(self) -> None:
        """Get ready what dialogs are written to, beside the files of this machine."""
        self.open_database()
        self.open_cache()

    def start(self) -> None:
        """Go on with the dialogs of the process, or with those that an earlier one has left."""
        self.slot_of_call_id: Callable[[str], int] = self.services.slots.slot_of_call_id
        self.is_heard: bool = self.services.events.is_heard(NAME)  # by a route of the script, as a rule not
        self.counters = Counters(self)
        before: DialogModule | None = getattr(self.dialogs, "module", None)
        self.dialogs.module, self.dialogs.observers = self, self.news
        if before is None:
            self.open()
        elif before is not self:
            for dialog in self.dialogs:
                if dialog.user_flags:  # names may have other bits now
                    dialog.user_flags = self.flag_bits(before.flag_names(dialog.user_flags))
        self.dialogs.store.flag_names = self.flag_names
        self.answer_lookups()
        self.answer_copies()

    def open(self) -> None:
        """Open the store, and take over what is in it."""
        boot, control = self.services.boot, self.services.control
        store = self.dialogs.store = Store(boot.state_dir, max(self.services.index, 0), control.set_writing)
        self.services.transports.loop_end.precede(store.environment.commits.flush)
        if not boot.restarted:
            index, owner = self.services.index, self.services.slots.owner_of_call_id
            store.collect(lambda dialog: owner(dialog.call_id) == index, self.services.workers)
        sizes = self.dialogs.sizes = Sizes(store)
        sizes.others = [Store(boot.state_dir, worker, control.set_writing) for worker in range(self.services.workers)
                        if worker != self.services.index]
        self.dialogs.shares = Shares(store.shares())
        self.restore(not boot.restarted, self.begin_watching())
        self.tell_soon()
        if self.db_mode:
            self.services.spawn(self.meet_table)

    @hookimpl
    def route_followed(self, request: Request, parameters: str) -> None:
        """A Route of ours led a request here: it may belong to a dialog."""
        self.match_route(request, parameters)

    def restore(self, first: bool, moved: float) -> None:
        """Go on with stored dialogs; those whose time is over are ended soon. *moved*: so far was the clock set."""
        owner = self.services.slots.owner_of_call_id
        for dialog, flags in self.dialogs.store.load():
            if owner(dialog.call_id) != self.services.index:
                continue
            if dialog.is_over:
                if dialog.end_reason in BYES:
                    self.dialogs.hung_up_before[dialog.did] = dialog
                    self.expect_again(dialog)
                else:
                    self.resume(dialog)
                continue
            if first:
                self.counters.processed.add()
            if moved:
                move(dialog, moved)
                dialog.stored = True
                self.dialogs.changed(dialog)
            self.adopt(dialog, flags)
        self.dialogs.sizes.rebuild(self.dialogs)

    def adopt(self, dialog: Dialog, flags: str) -> None:
        """Go on with an answered dialog that was stored, with the flags of these names."""
        dialog.user_flags = self.flag_bits(flags)
        dialog.state = 4  # whether the ACK has come was not worth a write of its own
        self.dialogs.add(dialog)
        self.counters.active.add()
        if dialog.profiles:
            self.share([(each, 1) for each in dialog.profiles])
        left = dialog.expires - self.now()
        if left <= 0:
            self.resume(dialog)
        else:
            dialog.timer = self.services.timers.start(left, self.dialogs.due, dialog)
            if dialog.flags & PINGED:
                self.begin_pings(dialog)

    def stop(self) -> None:
        """Leave the store as the last generation."""
        if getattr(self.dialogs, "module", None) is self:  # it may not have come so far
            self.write_at_end()
            self.dialogs.store.environment.commits.flush()

    # --- for other modules ------------------------------------------------------------------------------------------

    def observe(self, **observers: Callable[..., object]) -> None:
        """Have functions told of dialogs, from load() on; each by its kind of news:

        created(dialog, request): create_dialog was called;
        early(dialog, request, response): a provisional response goes to the caller;
        confirmed(dialog, request, response): a 2xx is about to go to the caller, None where it is our own;
        failed(dialog, request, status): the INVITE comes to nothing; status 0: nobody answered it;
        within(dialog, request, side): a request within the dialog, side 0 from the caller, 1 from the callee;
        ended(dialog, request): it is over: dialog.end_reason and dialog.ended tell why and when, request is the BYE if
        it was one. The store forgets the dialog after that, so whoever crashes in between is told once more.
        """
        for kind, observer in observers.items():
            setattr(self.news, kind, (*getattr(self.news, kind), observer))

    def dialog_of(self, message: Any) -> Dialog | None:
        """The dialog that a request belongs to: after create_dialog, or once it was matched."""
        return dialog_at(message)

    def side_of(self, message: Any) -> int | None:
        """Who has sent a request within a dialog: CALLER or CALLEE."""
        place = place_of(message)
        return place[1] if place is not None else None

    def keep(self, dialog: Dialog, name: str, data: Any) -> None:
        """Keep *data* (numbers, texts, bytes, lists and maps of them) of module *name* with a dialog; None: no more."""
        if dialog.kept is None:
            dialog.kept = {}
        dialog.kept[name] = data
        if data is None:
            del dialog.kept[name]
        self.dialogs.changed(dialog)

    def kept(self, dialog: Dialog, name: str) -> Any:
        """What module *name* keeps with a dialog."""
        return dialog.kept.get(name) if dialog.kept is not None else None

    # --- for the parts of this one ----------------------------------------------------------------------------------

    def ours(self, dialog: Dialog) -> Callable[[str], bool]:
        """Whether a Record-Route value is ours."""
        mark = f";{self.rr_param}={dialog.did}" if self.dlg_match_mode != DID_NONE else ""

        def is_ours(value: str) -> bool:
            if mark and mark in value:
                return True
            try:
                uri = Uri.parse(uri_of(value))
            except MalformedMessage:
                return False
            protocol = uri.transport or "udp"
            return bool(self.services.transports.is_local(uri.host, uri.port or 5060, protocol))
        return is_ours

    def state_changed(self, dialog: Dialog, before: int) -> None:
        """A dialog has gone on to another state."""
        if self.is_heard or NAME in self.services.events.subscriptions:
            self.raise_event(state_changed(dialog, before, self.dialect))

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()


class Counters:
    """The statistics as they are counted; what nobody wants to see is counted beside."""

    def __init__(self, module: DialogModule) -> None:
        given = module.enable_stats
        self.active: Any = module.active_dialogs  # $DLG_count wants it in any case
        self.early: Any = module.early_dialogs if given else Tally()
        self.processed: Any = module.processed_dialogs if given else Tally()
        self.expired: Any = module.expired_dialogs if given else Tally()
        self.failed: Any = module.failed_dialogs if given else Tally()


__all__ = ["Dialog", "DialogModule"]

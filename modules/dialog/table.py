"""The dialogs of one worker: how each comes to be, goes on and ends."""
from __future__ import annotations

import logging
import time
from collections import deque
from itertools import count
from random import getrandbits
from typing import TYPE_CHECKING, Any

from opensips_py.dialog import CALLEE, CALLER, Event, State, following
from opensips_py.dialog.legs import Leg, contact_in
from opensips_py.dialog.record import (
    CALL_ID_HIDDEN,
    END_ON_RACE,
    HIDDEN,
    ON_ANSWER,
    ON_HANGUP,
    ON_TIMEOUT,
    PINGED,
    PRACK,
    RACED,
    Dialog,
    Facts,
    pack_facts,
)
from opensips_py.modules.dialog.observers import Observers, tell
from opensips_py.modules.dialog.profiles import Membership, Sizes
from opensips_py.modules.dialog.sides import facts_of, note_further, told
from opensips_py.transaction import Happening
from opensips_py.transaction._record import Branch, Transaction

if TYPE_CHECKING:
    from opensips_py.modules.dialog import DialogModule
    from opensips_py.modules.dialog.sharing import Shares
    from opensips_py.modules.dialog.storage import Store
    from opensips_py.sip._scan import Request, Response

log = logging.getLogger(__name__)

UNCONFIRMED, EARLY, ANSWERED, CONFIRMED, DELETED = (int(state) for state in State)
EARLY_BY, LONG = 0.5, 60.0  # seconds that a dialog may end before its time is over; that a timer may be wrong by
PROVISIONAL, SUCCESS, FAILURE, ACK, BYE, END = (int(event) for event in Event)
BYES = ("Downstream BYE", "Upstream BYE")  # reasons, by side
REFRESHING = ("INVITE", "UPDATE")  # methods
TRANSACTION_DELETED = int(Happening.DELETED)
WATCHED = int(Happening.RESPONSE_FORWARDED | Happening.LOCAL_REPLY | Happening.DELETED)
Place = tuple[Dialog, int, int]  # of a message: its dialog, which side sent it, the CSeq number of that side before


class Dialogs:
    """All dialogs of this process; *module* is the module as the current generation has it."""

    module: DialogModule
    store: Store
    sizes: Sizes
    shares: Shares

    def __init__(self) -> None:
        self.by_did: dict[str, Dialog] = {}
        self.by_call: dict[str, Dialog] = {}  # by Call-ID; further ones hang on `other`
        self.observers = Observers()
        self.overdue: deque[Dialog] = deque()  # their time was over before this process began
        self.hung_up_before: dict[str, Dialog] = {}  # by a BYE that came before this process, and may come again
        self.unwritten: dict[str, Dialog] = {}  # what the database does not know yet
        self.writing = False
        self._numbers = count(getrandbits(28))

    def __len__(self) -> int:
        return len(self.by_did)

    # --- finding ----------------------------------------------------------------------------------------------------

    def find(self, identifier: str) -> Dialog | None:
        """A dialog by its identifier or its Call-ID."""
        return self.by_did.get(identifier) or self.by_call.get(identifier)

    def of_call(self, call_id: str) -> list[Dialog]:
        """All dialogs with a Call-ID."""
        found, dialog = [], self.by_call.get(call_id)
        while dialog is not None:
            found.append(dialog)
            dialog = dialog.other
        return found

    def add(self, dialog: Dialog) -> None:
        """Have a dialog found from now on."""
        self.by_did[dialog.did] = dialog
        other = self.by_call.get(dialog.call_id)
        if other is not None:
            dialog.other = other
        self.by_call[dialog.call_id] = dialog

    def remove(self, dialog: Dialog) -> None:
        """Have a dialog found no more."""
        if self.by_did.pop(dialog.did, None) is None:
            return
        first = self.by_call.get(dialog.call_id)
        if first is dialog:
            if dialog.other is None:
                del self.by_call[dialog.call_id]
            else:
                self.by_call[dialog.call_id] = dialog.other
        else:
            while first is not None and first.other is not dialog:
                first = first.other
            if first is not None:
                first.other = dialog.other
        dialog.other = None

    # --- beginning --------------------------------------------------------------------------------------------------

    def create(self, request: Request, flags: int) -> Dialog:
        """A new dialog for an INVITE."""
        module = self.module
        call_id = request.call_id
        dialog = Dialog(module.slot_of_call_id(call_id), next(self._numbers) & 0x7FFFFFFF, call_id, request.from_tag)
        dialog.request = request
        dialog.caller_cseq = request.cseq
        module.notice()
        dialog.created = time.time()
        dialog.lifetime = module.default_timeout
        dialog.flags = flags
        self.add(dialog)
        module.counters.processed.add()
        return dialog

    def happened(self, happening: Happening, transaction: Transaction, branch: Branch | None, message: Any,
                 status: int) -> None:
        """The transaction of an INVITE with a dialog tells: it is being answered, or over."""
        request = transaction.request
        dialog: Dialog = request.context["dialog"][0]
        if dialog.state > EARLY:  # a 2xx that is sent again, or that of another branch
            if dialog.flags & HIDDEN and 200 <= status < 300 and branch is not None and not dialog.is_over:
                note_further(dialog, transaction, branch, message)
            return
        if happening == TRANSACTION_DELETED:
            self.fail(dialog, request, 0)
        elif status < 200:
            if status > 100 and branch is not None:
                if dialog.flags & PRACK:
                    self.module.acknowledge(dialog, transaction, branch, message)
                self.ring(dialog, transaction, branch, message)
        elif status < 300:
            if branch is not None:
                self.answer(dialog, transaction, branch, message)
            else:
                self.answer_here(dialog, transaction)
        else:
            self.fail(dialog, request, status)

    def ring(self, dialog: Dialog, transaction: Transaction, branch: Branch, response: Response) -> None:
        """A provisional response goes to the caller."""
        request = transaction.request
        if dialog.flags & HIDDEN and response.to_tag:
            note_further(dialog, transaction, branch, response)
        dialog.to_tag = response.to_tag or dialog.to_tag
        if dialog.state == UNCONFIRMED:
            self.module.counters.early.add()
            self.move(dialog, EARLY)
        if self.observers.early:
            tell(self.observers.early, dialog, request, response)

    def answer(self, dialog: Dialog, transaction: Transaction, branch: Branch, response: Response) -> None:
        """A 2xx is about to go to the caller."""
        request = transaction.request
        dialog.to_tag = response.to_tag
        if transaction.cancelled:
            dialog.flags |= RACED
        self.begin(dialog, request, response, facts_of(transaction, branch, response, self.module.keeps_bodies))

    def answer_here(self, dialog: Dialog, transaction: Transaction) -> None:
        """We answer an INVITE ourselves: there is no other side that could be sent anything."""
        request = transaction.request
        dialog.to_tag = self.module.tm.local_tag(transaction)
        from_, to = request.header("From"), f"{request.header('To')};tag={dialog.to_tag}"
        self.begin(dialog, request, None, (
            (from_, from_), (to, to), (dialog.call_id, dialog.call_id), (contact_in(request), ""),
            (request.values("Record-Route"), []), (request.listener.uri_text, ""), (b"", b""), ("", "")))

    def begin(self, dialog: Dialog, request: Request, response: Response | None, facts: tuple[Any, ...]) -> None:
        """An answered dialog is stored, then told, and its time begins."""
        counters = self.module.counters
        if dialog.state == EARLY:
            counters.early.add(-1)
        counters.active.add()
        dialog.request = dialog.early = None
        dialog.facts = pack_facts(facts)
        self.module.notice()
        dialog.started = now = time.time()
        dialog.expires = now + dialog.lifetime
        before, dialog.state = dialog.state, ANSWERED
        if self.observers.confirmed:
            tell(self.observers.confirmed, dialog, request, response)
        self.store.insert(dialog)
        if self.module.db_mode:
            self.module.to_write(dialog)
        timers = self.module.services.timers
        dialog.timer = timers.start(dialog.lifetime, self.due, dialog)
        flags = dialog.flags
        if flags:
            if flags & PINGED:
                self.module.begin_pings(dialog)
            if flags & END_ON_RACE and flags & RACED:
                timers.start(self.module.race_condition_timeout, self.raced, dialog)
        self.module.state_changed(dialog, before)
        if dialog.armed:
            self.module.services.spawn(self.module.run_armed, dialog, ON_ANSWER)

    def raced(self, dialog: Dialog) -> None:
        """A call that was given up as it was answered has gone on for as long as it may."""
        if not dialog.is_over:
            self.module.terminate(dialog, "SIP Race Condition")

    def fail(self, dialog: Dialog, request: Request, status: int) -> None:
        """The INVITE comes to nothing."""
        if dialog.state > EARLY:
            return
        counters = self.module.counters
        if dialog.state == EARLY:
            counters.early.add(-1)
        counters.failed.add()
        dialog.request = dialog.early = None
        dialog.ended = time.time()
        before, dialog.state = dialog.state, DELETED
        if self.observers.failed:
            tell(self.observers.failed, dialog, request, status)
        leaving = self.leaving(dialog)
        if leaving is not None:
            self.store.run(leaving)
        self.remove(dialog)
        self.module.state_changed(dialog, before)

    def move(self, dialog: Dialog, state: int) -> None:
        """Go on to another state."""
        before, dialog.state = dialog.state, state
        self.module.state_changed(dialog, before)

    # --- going on ---------------------------------------------------------------------------------------------------

    def sequential(self, dialog: Dialog, request: Request, side: int) -> None:
        """A request of one side within a dialog."""
        method = request.method
        before = dialog.caller_cseq if side == CALLER else dialog.callee_cseq
        request.context["dialog"] = dialog, side, before
        state = dialog.state
        if state == DELETED:
            if method == "BYE" and dialog.shifts is not None:  # it goes on with the number that it had before
                self.module.count_on(dialog, request, side)
            return
        if method == "ACK":
            if state == ANSWERED and side == CALLER:
                self.move(dialog, CONFIRMED)
                if self.module.db_mode:
                    self.module.to_write(dialog)
        elif method == "BYE":
            if dialog.shifts is not None:
                self.module.count_on(dialog, request, side)
            self.within(dialog, request, side)
            self.hung_up(dialog, request, side)
            return
        elif request.cseq > before and method != "CANCEL":
            if side == CALLER:
                dialog.caller_cseq = request.cseq
            else:
                dialog.callee_cseq = request.cseq
            self.changed(dialog)
            if method in REFRESHING and state > EARLY:
                self.module.follow_refresh(request)
        if dialog.shifts is not None:
            self.module.count_on(dialog, request, side)
        self.within(dialog, request, side)

    def refreshed(self, happening: Happening, transaction: Transaction, branch: Branch | None, message: Any,
                  status: int) -> None:
        """A re-INVITE or UPDATE is being answered."""
        if 200 <= status < 300:
            request = transaction.request
            dialog, side, _ = request.context["dialog"]
            self.module.refresh(dialog, side, request, message, told(transaction, branch, request, message))

    def within(self, dialog: Dialog, request: Request, side: int) -> None:
        """Tell of a request within a dialog."""
        if self.observers.within:
            tell(self.observers.within, dialog, request, side)

    def hung_up(self, dialog: Dialog, request: Request, side: int) -> None:
        """One side ends the call."""
        if following(dialog.state, BYE) == DELETED:
            self.end(dialog, BYES[side], request)
        elif dialog.state == EARLY:
            dialog.flags |= RACED

    def set_lifetime(self, dialog: Dialog, seconds: int) -> None:
        """Let a dialog end *seconds* after its answer, or from now on if it has been answered."""
        dialog.lifetime = seconds
        if not dialog.is_answered:
            return
        now = time.time()
        dialog.expires = now + seconds
        dialog.lifetime = int(dialog.lasted(dialog.expires))
        if dialog.timer is not None:
            dialog.timer.stop()
        dialog.timer = self.module.services.timers.start(seconds, self.due, dialog)
        self.changed(dialog)

    def changed(self, dialog: Dialog, facts: bytes | None = None, at_once: bool = False) -> None:
        """Something of a dialog is to be stored anew, if it is stored; *facts*, too, where some are given. *at_once*:
        wait until it is."""
        if dialog.stored:
            if at_once:
                self.store.update_now(dialog)
            else:
                self.store.update(dialog, facts=facts)
            if self.module.db_mode:
                self.module.to_write(dialog)

    def recount(self, dialog: Dialog, changes: list[tuple[Membership, int]]) -> None:
        """A dialog has entered profiles, or left them."""
        if dialog.did not in self.by_did:  # a copy: its owner counts
            return
        self.module.share(changes)
        counting = self.sizes.changing(changes)
        if dialog.stored:
            self.store.update_now(dialog, counting)
            if self.module.db_mode:
                self.module.to_write(dialog)
        else:
            self.store.run(counting)

    def leaving(self, dialog: Dialog) -> Any:
        """The operation that counts a dialog out of its profiles; None where it is in none."""
        if dialog.profiles:
            self.module.share([(each, -1) for each in dialog.profiles])
        return self.sizes.leaving(dialog)

    def facts(self, dialog: Dialog) -> Facts | None:
        """What its INVITE and the answer said; None before there is one."""
        return self.store.facts(dialog)

    def early_legs(self, dialog: Dialog, transaction: Transaction, branch: Branch, response: Response
                   ) -> tuple[Leg, Leg] | None:
        """Both sides of a dialog that is not answered yet, as a provisional response of its callee has them."""
        return self.legs(dialog, facts=Facts(pack_facts(facts_of(transaction, branch, response, False))))

    def legs(self, dialog: Dialog, tag: str = "", facts: Facts | None = None) -> tuple[Leg, Leg] | None:
        """Both sides of an answered dialog; of a hidden one with the callee of a fork who has *tag*, before it, too; or
        as *facts* have them."""
        if facts is None:
            facts = Facts(dialog.early[tag]) if dialog.early and tag in dialog.early else self.facts(dialog)
        if facts is None:
            return None
        legs = facts.legs(self.module.ours(dialog), bool(dialog.flags & HIDDEN))
        if dialog.flags & CALL_ID_HIDDEN and self.module.disguise is not None:
            legs[CALLEE].call_id = self.module.disguise.call_id(dialog)
        return legs

    # --- ending -----------------------------------------------------------------------------------------------------

    def due(self, dialog: Dialog) -> None:
        """The time of a dialog is over, unless its route gives it more."""
        if dialog.state == DELETED:
            return
        if dialog.armed:
            self.module.run_armed(dialog, ON_TIMEOUT)
            if dialog.is_over:
                return
        if dialog.timer is not None and dialog.timer.pending:  # prolonged
            return
        left = dialog.expires - time.time()
        if EARLY_BY < left < LONG:  # the clock of timers was late; one of the machine that jumps has no say
            dialog.timer = self.module.services.timers.start(left, self.due, dialog)
            return
        self.module.counters.expired.add()
        self.module.terminate(dialog, "Lifetime Timeout", byes=bool(dialog.flags & 1), at=dialog.expires)

    def end(self, dialog: Dialog, reason: str, request: Request | None = None, at: float = 0.0, *,
            repeating: bool = False) -> None:
        """A dialog is over; *repeating*: what its end brings about is still to come, and the store remembers that."""
        if dialog.state == DELETED:
            return
        dialog.end_reason = reason
        self.module.notice()
        dialog.ended = at or time.time()
        before, dialog.state = dialog.state, DELETED
        if dialog.timer is not None:
            dialog.timer.stop()
            dialog.timer = None
        for pinger in dialog.pingers or ():
            pinger.stop()
        dialog.pingers = None
        self.module.counters.active.add(-1)
        if self.observers.ended:
            tell(self.observers.ended, dialog, request)
        leaving = self.leaving(dialog)
        renumbered = request is not None and dialog.shifts is not None
        if repeating or renumbered:
            self.store.update_now(dialog, leaving)
        else:
            self.store.delete(dialog, leaving)
        if renumbered:
            self.module.expect_again(dialog)
        if self.module.db_mode:
            self.module.to_write(dialog)
        delay = dialog.delay if dialog.delay >= 0 else self.module.delete_delay
        if delay > 0:
            self.module.services.timers.start(delay, self.remove, dialog)
        else:
            self.remove(dialog)
        self.module.state_changed(dialog, before)
        if dialog.armed:
            self.module.services.spawn(self.module.run_armed, dialog, ON_HANGUP)

    def __iter__(self) -> Any:
        return iter(list(self.by_did.values()))


__all__ = ["BYES", "CALLEE", "CALLER", "WATCHED", "Dialogs", "Place"]

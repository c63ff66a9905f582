"""The transaction layer: finds the transaction of each message and lets its events happen one at a time."""
from __future__ import annotations

import logging
from collections.abc import Callable
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from opensips_py.errors import TransportError
from opensips_py.transaction import cancelling, originating, relaying, replying, responding, ringing, stray
from opensips_py.transaction._record import Branch, Cancel, Half, Timing, Transaction, key_of
from opensips_py.transaction.counters import Counters
from opensips_py.transaction.ringing import Ringing
from opensips_py.transaction.settings import Settings
from opensips_py.transaction.tables import Do, Event
from opensips_py.transaction.targets import response_target
from opensips_py.transaction.user import Happening, NoUser, TransactionUser

if TYPE_CHECKING:
    from opensips_py.sip import Via
    from opensips_py.sip._scan import Request, Response
    from opensips_py.transport.blacklists import Blacklists
    from opensips_py.transport.target import Target

log = logging.getLogger(__name__)

Work = tuple[Callable[[Any, Any, Any], object], Any, Any]  # called with the layer and the two values

RETRANSMIT, TIMED_OUT, SEND_CANCEL, DELIVER = int(Do.RESEND), int(Do.TIMED_OUT), int(Do.SEND_CANCEL), int(Do.DELIVER)
HAPPENINGS = {int(each): each for each in Happening}  # a call of the enumeration costs four times as much
ACKNOWLEDGED, DELETED = int(Happening.ACKNOWLEDGED), int(Happening.DELETED)
ACK, REQUEST, PARK, RELEASE = (int(event) for event in (Event.ACK, Event.REQUEST, Event.PARK, Event.RELEASE))


class TransactionLayer:
    """All transactions of one worker.

    *services* gives transports, resolver, timers and slots; *user* decides, by running routes, unless a transaction
    was opened under another one.
    """

    def __init__(self, services: Any, user: TransactionUser | None = None) -> None:
        self.services = services
        self.transports: Any = services.transports
        self.resolver: Any = services.resolver
        self.slots: Any = services.slots
        self.user: TransactionUser = user or NoUser()
        self.settings = Settings()
        self.counters = Counters()
        self.timing = Timing(services.timers, self.retransmit, self.expire)
        self.servers: dict[str, Transaction] = {}  # by the key of their request
        self.clients: dict[str, Branch] = {}  # by Via branch
        self.cancels: dict[str, Cancel] = {}  # by Via branch too: a CANCEL travels under that of its INVITE
        # INVITEs that were refused or that we answered, by Call-ID and CSeq: some ACKs come with a branch of their own.
        self.answered: dict[tuple[str, int], Transaction] = {}
        self.ids: dict[str, Transaction] = {}  # those whose identifier was asked for
        self.created: tuple[Callable[[Transaction], object], ...] = ()  # hooks
        self.stateless = Transaction(self.timing, None, "ACK", True)  # stands for that of an ACK, which has none
        self._new: Any = None  # the request that was looked up last, in vain, and its key
        self._key = ""
        self.ack_filter: Callable[[Request], bool] | None = None  # takes ACKs of stateless answers
        self.on_own_request: Callable[[Transaction, bytes], object] | None = None  # is shown what leaves
        self.on_own_response: Callable[[Transaction, bytes], object] | None = None
        self.blacklists: Blacklists | None = None  # where requests must not go
        self.pending: Ringing | None = None  # where ringing branches are noted for whoever takes over after a crash
        self.restorers: dict[str, Callable[[Response, str], Via]] = {}  # modules that see to responses of such branches

    def __len__(self) -> int:
        return len(self.servers)

    # --- messages -------------------------------------------------------------------------------------------------

    def find(self, request: Request, method: str) -> Transaction | None:
        """The transaction that a *method* like *request* opened."""
        settings = self.settings
        return self.servers.get(key_of(request, method, settings.ruri_matching, settings.via_matching))

    def knows_invite(self, cancel: Request) -> bool:
        """Whether a CANCEL means an INVITE of ours, or one that still rings for a worker that died."""
        if self.find(cancel, "INVITE") is not None:
            return True
        return self.pending is not None and bool(ringing.orphans_of(self, self.pending, cancel))

    def receive_request(self, request: Request) -> bool:
        """Handle a request that belongs to a transaction; False: it is new, and the script's business."""
        method = request.method
        if method == "ACK":
            return self._receive_ack(request)
        settings = self.settings
        key = key_of(request, method, settings.ruri_matching, settings.via_matching)
        transaction = self.servers.get(key)
        if transaction is None:
            self._new, self._key = request, key
            return False
        if transaction.stateless and not transaction.busy and request.data != transaction.request.data:
            self.end(transaction)  # of a client without branches, which has put its credentials in, say
            self._new, self._key = request, key
            return False
        if transaction.step(REQUEST) & RETRANSMIT and transaction.last is not None:
            self.transmit(transaction.target, transaction.last)
        return True

    def _receive_ack(self, request: Request) -> bool:
        if self.ack_filter is not None and self.ack_filter(request):
            return True
        transaction = self.find(request, "INVITE")
        if transaction is None or transaction.status < 300:
            transaction = self.answered.get((request.call_id, request.cseq)) if self.answered else None
            if transaction is None or request.to_tag != transaction.answered_tag:
                return False  # the ACK of a 2xx is a request of its own
        transaction.step(ACK)
        self.notify(transaction, ACKNOWLEDGED, None, request, transaction.status)
        return bool(transaction.status >= 300)

    def receive_response(self, response: Response) -> bool:
        """Handle a response to one of our requests; False: it belongs to no transaction."""
        branch = self.clients.get(response.via_branch)
        if branch is None or branch.method != response.cseq_method:
            cancel = self.cancels.get(response.via_branch)
            if cancel is None or response.cseq_method != "CANCEL":
                return False
            cancelling.cancel_answered(cancel, response)
            return True
        transaction = branch.transaction
        if transaction.busy:
            if responding.take(self, branch, response):
                transaction.queue.append((responding.deliver, branch, response))
            return True
        transaction.busy = True
        try:
            responding.receive(self, branch, response)
        finally:
            self.leave(transaction)
        return True

    # --- one event at a time --------------------------------------------------------------------------------------

    def happen(self, transaction: Transaction, function: Callable[[Any, Any, Any], object], first: Any,
               second: Any = None) -> None:
        """Call ``function(layer, first, second)`` now, or when the event at hand is done."""
        if transaction.busy:
            transaction.queue.append((function, first, second))
            return
        transaction.busy = True
        try:
            function(self, first, second)
        finally:
            self.leave(transaction)

    def leave(self, transaction: Transaction) -> None:
        """An event of *transaction* is done: handle what came meanwhile."""
        queue = transaction.queue
        while queue:
            function, first, second = queue.pop(0)
            try:
                function(self, first, second)
            except Exception:
                log.exception("an event of a %s transaction failed", transaction.method)
            except BaseException:  # a stray Timeout: whatever happens next goes on with the queue
                transaction.busy = False
                raise
        transaction.busy = False
        if transaction.alive <= 0:
            self.end(transaction)

    def retransmit(self, half: Transaction | Branch | Cancel) -> None:
        """A retransmission timer fired."""
        if not half.retransmit() & RETRANSMIT:
            return
        if isinstance(half, Transaction):
            self.counters.response_retransmissions.add()
            self.transmit(half.target, half.last)
        else:
            self.counters.retransmissions[min(half.sends, 4) - 1].add()
            self.transmit(half.target, half.data)

    def expire(self, half: Transaction | Branch | Cancel) -> None:
        """A timer that ends waiting fired."""
        transaction: Transaction | None = half if isinstance(half, Transaction) else half.transaction
        if transaction is None or not half.due:  # an event of the same turn of the loop stopped it or started it again
            return
        if transaction is half and transaction.busy:
            _expire(self, half, half.ticket)  # no route hears of it: a 100 must leave just while a route waits
        else:
            self.happen(transaction, _expire, half, half.ticket)

    def transmit(self, target: Target, data: bytes | None) -> bool:
        """Send what has no report; False where it cannot be sent."""
        try:
            self.transports.send(target, data)
        except TransportError as error:
            log.info("cannot send to %s: %s", target, error)
            return False
        return True

    def undelivered(self, branch: Branch, error: Exception) -> None:
        """The transport could not deliver the request of *branch*."""
        if branch.transaction is not None:
            self.happen(branch.transaction, responding.undelivered, branch, error)

    def end(self, transaction: Transaction) -> None:
        """Forget a transaction and all that belongs to it."""
        if transaction.ended:
            return
        transaction.ended = True
        del self.servers[transaction.key]
        if transaction.observed & DELETED:
            self.notify(transaction, DELETED, None, transaction.request, transaction.status)
        for branch in transaction.branches:
            self.clients.pop(branch.id, None)
            if branch.awaiting and self.pending is not None:
                self.pending.forget(branch.id)
            if branch.cancel is not None:
                self.cancels.pop(branch.id, None)
        if transaction.invite and self.answered:
            key = transaction.request.call_id, transaction.request.cseq
            if self.answered.get(key) is transaction:
                del self.answered[key]
        if transaction.id is not None:
            self.ids.pop(transaction.id, None)
        self.counters.in_use.add(-1)
        transaction.end()

    # --- what the transaction user does ----------------------------------------------------------------------------

    def open(self, request: Request, generation: Any = None, *, trying: bool = True) -> Transaction | None:
        """Open a transaction for *request*; None where it has one already. Its events queue until leave()."""
        settings = self.settings
        method = request.method
        if self._new is request:
            key = self._key
        else:
            key = key_of(request, method, settings.ruri_matching, settings.via_matching)
        if key in self.servers:
            return None
        transaction = Transaction(self.timing, request, method)
        transaction.key = key
        transaction.queue = []
        transaction.busy = transaction.script = True
        transaction.generation = generation
        transaction.user = self.user
        transaction.flags = request.flags
        transaction.listener = request.listener
        transaction.target = target = response_target(request)
        transaction.reliable = target.protocol != "udp"
        if request.context is not None:
            for wanted, observer in request.context.pop("observers", ()):  # of a module that came before it
                transaction.observe(wanted, observer)
        self.servers[key] = transaction
        self.counters.server.add()
        self.counters.in_use.add()
        for hook in self.created:
            try:
                hook(transaction)
            except Exception:  # a transaction that nobody holds would never end
                log.exception("%s failed", getattr(hook, "__qualname__", hook))
        if method == "INVITE" and settings.auto_trying:
            transaction.trying_due = True
            if trying:
                replying.send_trying(self, transaction)
        return transaction

    def new_transaction(self, run: Any, *, trying: bool = True) -> Transaction | None:
        """Open the transaction of a request route's run; None where its request is a retransmission."""
        transaction = self.open(run.message, run.generation, trying=trying)
        if transaction is not None:
            run.attach(transaction)
            if run.extra:
                for name, value in run.extra.pop("transaction", {}).items():  # armed before it existed
                    setattr(transaction, name, value)
        return transaction

    def adopt(self, transaction: Transaction, *, trying: bool = True) -> bool:
        """The script opens the transaction that a function which waits has opened before it."""
        if transaction.implicit:
            transaction.implicit = False
            transaction.flags = transaction.request.flags  # set since
            if trying and transaction.trying_due:
                replying.send_trying(self, transaction)
        return True

    def prepare_wait(self, run: Any) -> None:
        """A request route is about to wait: open its transaction, so that 100, CANCEL and retransmissions work."""
        if run.message.method in ("ACK", "CANCEL"):
            return
        transaction = self.new_transaction(run, trying=False)
        if transaction is not None:
            transaction.implicit = True
            transaction.step(PARK)

    def route_done(self, run: Any) -> None:
        """The request route of *run* has ended, that of an async resume included."""
        transaction = run.transaction
        if transaction is None or not transaction.script:
            return
        transaction.script = False
        if transaction.implicit and not transaction.acted and not transaction.cancelled:
            transaction.busy = False
            self.end(transaction)  # the script knows nothing of it: a retransmission is its business again
            return
        if not transaction.acted and not transaction.awaited and not transaction.cancelled:
            log.warning("the script neither relayed nor answered a %s for %s; its transaction is released",
                        transaction.method, transaction.request.uri)
            transaction.step(RELEASE)
        self.leave(transaction)

    def relay(self, run: Any, flags: int = 0, proxy: str | None = None) -> int:
        """Send the request of a run to its targets; 1, or a code of Fault, 0: failed and answered."""
        return relaying.relay_run(self, run, flags, proxy)

    def reply(self, transaction: Transaction, status: int, reason: str, headers: bytes = b"", body: bytes = b"",
              content_type: str = "", to_tag: str = "") -> bool:
        """Answer the request of *transaction*; False where it has been answered finally."""
        return replying.reply(self, transaction, status, reason, headers, body, content_type, to_tag)

    def local_tag(self, transaction: Transaction) -> str:
        """The To tag of our own responses in *transaction*."""
        return replying.tag_of(self, transaction)

    def forward_stray(self, response: Response) -> bool:
        """Forward a response that receive_response() did not know; False: it is not ours to forward."""
        return stray.forward_stray(self, response)

    def originate(self, method: str, uri: str, **how: Any) -> Transaction | None:
        """Send a request of our own: see originating.originate."""
        return originating.originate(self, method, uri, **how)

    def cancel(self, transaction: Transaction, reason: bytes | None = None) -> None:
        """Cancel whatever is pending of an INVITE of our own."""
        if reason is not None:
            transaction.cancel_headers = reason
        transaction.cancelled = True
        self.happen(transaction, cancelling.cancel_all, transaction)

    def notify(self, transaction: Transaction, happening: int, branch: Branch | None, message: Any,
               status: int) -> None:
        """Tell observers what happens."""
        if not transaction.observed or not transaction.observed & happening:
            return
        for wanted, observer in list(transaction.observers):
            if wanted & happening:
                try:
                    observer(HAPPENINGS[happening], transaction, branch, message, status)
                except Exception:
                    log.exception("an observer of a %s transaction failed", transaction.method)

    def identify(self, transaction: Transaction) -> str:
        """The identifier of a transaction ($T_id), which carries its slot."""
        if transaction.id is None:
            transaction.id = self.slots.mint(self.slots.slot_of_call_id(transaction.request.call_id))
            self.ids[transaction.id] = transaction
        return transaction.id

    def is_our_answer(self, request: Request) -> bool:
        """Whether *request* is the ACK for a 2xx of our own."""
        transaction = self.answered.get((request.call_id, request.cseq))
        return transaction is not None and transaction.status < 300 and transaction.answered_tag == request.to_tag

    def new_call_id(self) -> str:
        """A Call-ID of our own that falls into a slot of this worker, so that what answers it comes here."""
        slots, index = self.slots, max(self.services.index, 0)
        while True:
            call_id = f"{token_hex(12)}@{self.host}"
            if slots.workers <= 1 or slots.owner_of_call_id(call_id) == index:
                return call_id

    def own_slot(self, call_id: str) -> int:
        """The slot that responses to a request of our own come back by: that of its Call-ID, if it is ours."""
        slots, index = self.slots, max(self.services.index, 0)
        slot: int = slots.slot_of_call_id(call_id)
        if slots.workers <= 1 or slots.worker_of(slot) == index:
            return slot
        mine: list[int] = slots.owned_by(index)
        return mine[slot % len(mine)]

    @property
    def host(self) -> str:
        """What we call ourselves in identifiers."""
        listeners = self.transports.listeners
        return listeners[0].host if listeners else "localhost"

    def by_call(self, call_id: str, cseq: int, method: str = "INVITE") -> Transaction | None:
        """A transaction by Call-ID and CSeq number; looks at all of them."""
        for transaction in list(self.servers.values()):
            if transaction.method == method:
                request = transaction.request
                if request.call_id == call_id and request.cseq == cseq:
                    return transaction
        return None


def _expire(layer: TransactionLayer, half: Half, ticket: int) -> None:
    """A timer fired; it counts only if no event before it in the queue has stopped it or started another."""
    if half.expiring is None or half.ticket != ticket:
        return
    todo = half.expire()
    if isinstance(half, Branch):
        if todo & SEND_CANCEL:
            if half.reason is None and half.transaction.cancel_headers is None:
                half.reason = cancelling.NO_ANSWER
            cancelling.send_cancel(layer, half)
        if todo & TIMED_OUT:
            responding.time_out(layer, half)
    elif isinstance(half, Transaction):
        if todo & Do.SEND_TRYING and half.trying_due:
            replying.send_trying(layer, half)
        elif todo & TIMED_OUT:
            layer.notify(half, Happening.TIMED_OUT, None, half.request, half.status)

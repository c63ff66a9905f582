"""Sending a request on: branches, their routes, their targets (RFC 3261, 16.6)."""
from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from opensips_py.errors import TransportError
from opensips_py.sip import Edits, forward_request
from opensips_py.sip._scan import BranchTarget, Request
from opensips_py.transaction import cancelled, replying, targets
from opensips_py.transaction._record import Branch, Transaction
from opensips_py.transaction.ringing import SURVIVES
from opensips_py.transaction.settings import FAULT_RESPONSES, Fault, Flags
from opensips_py.transaction.tables import Event
from opensips_py.transaction.user import Happening
from opensips_py.transport.via import via_line

if TYPE_CHECKING:
    from opensips_py.transaction.layer import TransactionLayer

log = logging.getLogger(__name__)


NO_TRYING, QUIET, NO_FAILOVER = Flags.NO_TRYING, Flags.NO_ERROR_REPLY | Flags.REPLICATE, Flags.NO_FAILOVER
BUILT, SENT = int(Happening.REQUEST_BUILT), int(Happening.REQUEST_SENT)


def relay_run(layer: TransactionLayer, run: Any, flags: int, proxy: str | None) -> int:
    """Send the request of a run to its targets, opening its transaction on need."""
    request: Request = run.request
    method = request.method
    if method == "ACK":
        return relay_ack(layer, request, proxy)
    if method == "CANCEL":
        invite = layer.find(request, "INVITE")
        if invite is not None:
            return cancelled.relay_cancel(layer, run, invite, flags)
        if cancelled.relay_orphans(layer, run):
            return 1
    transaction: Transaction | None = run.transaction
    fresh = transaction is None
    if transaction is None:
        transaction = layer.new_transaction(run, trying=not flags & NO_TRYING)
        if transaction is None:
            return 0  # a retransmission: it has been answered, the script has nothing to do
    elif transaction.implicit:
        fresh, transaction.implicit = True, False
        if flags & NO_TRYING:
            transaction.trying_due = False
        elif transaction.trying_due:
            replying.send_trying(layer, transaction)
    transaction.relay_flags = flags
    code = relay(layer, transaction, request, flags, proxy)
    if code < 0:
        run.extra = run.extra or {}
        run.extra["fault"] = code
    if code < 0 and fresh and not flags & QUIET:
        status, reason = FAULT_RESPONSES.get(code, FAULT_RESPONSES[Fault.INTERNAL])
        if transaction.cancelled:
            status, reason = 487, "Request Terminated"
        if replying.reply(layer, transaction, status, reason):
            return 0
    return code


def relay_ack(layer: TransactionLayer, request: Request, proxy: str | None) -> int:
    """Send the ACK of a 2xx on: it is a transaction of its own, without any state (RFC 3261, 16.11)."""
    transaction = layer.stateless
    transaction.listener = request.listener
    branch = Branch(transaction, 0, "ACK").take(request)
    code = address(layer, branch, request, proxy, False)
    if code == 0:
        if request.context is not None and "observers" in request.context:
            tell_of_ack(transaction, branch, request)
        build(layer, transaction, branch, request)
        code = 1 if layer.transmit(branch.target, branch.data) else Fault.UNSENT
    branch.end()
    return code


def tell_of_ack(transaction: Transaction, branch: Branch, request: Request) -> None:
    """Tell those who would observe its transaction that an ACK is about to be sent: they may still change its edits."""
    for wanted, observer in request.context["observers"]:
        if wanted & BUILT:
            try:
                observer(Happening.REQUEST_BUILT, transaction, branch, request, 0)
            except Exception:
                log.exception("an observer of an ACK failed")
    transaction.listener = request.listener  # an observer may have waited, and other ACKs have left meanwhile


def relay(layer: TransactionLayer, transaction: Transaction, request: Request, flags: int = 0,
          proxy: str | None = None) -> int:
    """Add the request's current target set to *transaction* as new branches, and send them; 1, or a code of Fault."""
    if transaction.cancelled:
        return Fault.NO_DESTINATION
    if transaction.status >= 200 or transaction.blocked:
        return Fault.INTERNAL
    proxy = targets.proxy_uri(proxy) if proxy else None
    transaction.first = len(transaction.branches)
    if not transaction.failing:
        transaction.edits = request.edits if request.has_edits else None
    transaction.flags = request.flags
    branches = [Branch(transaction, transaction.first, transaction.method).take(request)]
    if request.branches:
        for target in request.branches:
            branch = Branch(transaction, transaction.first + len(branches), transaction.method)
            branches.append(take_from_target(branch, target))
    return fork(layer, transaction, request, branches, flags, proxy)


def fork(layer: TransactionLayer, transaction: Transaction, request: Request, branches: list[Branch], flags: int,
         proxy: str | None) -> int:
    """Prepare every one of *branches*, then send those that can be sent; 1, or the code of Fault of the last."""
    code: int = Fault.NO_DESTINATION
    ready = []
    failover = layer.settings.dns_failover and not flags & NO_FAILOVER
    for branch in branches:
        transaction.branches.append(branch)
        result = prepare(layer, transaction, branch, request, proxy, failover)
        if result == 0:
            ready.append(branch)
        else:
            code = result
    if transaction.cancelled:  # while a branch route or DNS waited
        return Fault.NO_DESTINATION
    for branch in ready:
        result = send(layer, transaction, branch)
        if result < 0 and fail_over(layer, branch):
            result = 0
        code = 1 if result == 0 or code == 1 else result
    if code == 1:
        transaction.acted = True
    return code


def prepare(layer: TransactionLayer, transaction: Transaction, branch: Branch, request: Request, proxy: str | None,
            failover: bool) -> int:
    """Run the branch route, find the target and build the message; 0, or a code of Fault."""
    minor = layer.settings.minor_flag
    if transaction.failing and request.has_edits:
        branch.run_edits = request.edits
    if transaction.on_branch is not None and not run_branch_route(transaction, branch, request):
        return Fault.NO_DESTINATION
    branch.minor = bool(minor and branch.flags & minor)
    code = address(layer, branch, request, proxy, failover)
    if code == 0:
        build(layer, transaction, branch, request)
    return code


def address(layer: TransactionLayer, branch: Branch, request: Request, proxy: str | None, failover: bool) -> int:
    """Find the target of *branch*; 0, or a code of Fault."""
    hop = targets.next_hop(branch, request, proxy)
    if hop is None:
        return Fault.MALFORMED
    return targets.locate(layer, branch, hop, failover)


def build(layer: TransactionLayer, transaction: Transaction, branch: Branch, request: Request) -> None:
    """Mint the Via branch and build the bytes to send."""
    if transaction.local and transaction.method != "ACK":
        build_local(layer, transaction, branch, request)
        return
    slots = layer.slots
    call_id = request.call_id
    branch.id = slots.via_branch(request.via_branch, call_id, request.from_tag, request.cseq, branch.index,
                                 slots.slot_of_call_id(call_id))
    if transaction.observed & BUILT:
        layer.notify(transaction, BUILT, branch, request, 0)
    via = via_line(branch.target.listener, branch.id, request.context)
    routes = targets.routes_of(branch.path)
    if transaction.headers:
        routes = transaction.headers + routes
    branch.data = forward_request(request, via, branch.uri, edits_of(transaction, branch), branch, -1, routes)


def build_local(layer: TransactionLayer, transaction: Transaction, branch: Branch, request: Request) -> None:
    """Build a request of our own: its edits carried out, under a Via of this branch alone."""
    slot = layer.own_slot(request.call_id)
    branch.id = layer.slots.via_branch("", request.call_id, request.from_tag, request.cseq, branch.index, slot)
    layer.notify(transaction, BUILT, branch, request, 0)
    line = request.original_uri.encode("utf-8", "surrogateescape")
    via = request.headers("Via")[0]
    edits, own = Edits(), request.edits if request.has_edits else None
    edits.replace(via.start, via.end, via_line(branch.target.listener, branch.id, request.context))
    if branch.uri != request.original_uri:
        start = request.data.index(line)
        edits.replace(start, start + len(line), branch.uri)
    routes = targets.routes_of(branch.path) + (transaction.headers or b"")
    if routes:
        edits.insert(via.end, routes)
    for start, end, text in own or ():
        edits.replace(start, end, text)
    request.edits = edits
    branch.data = request.edited(branch)
    request.edits = own


def edits_of(transaction: Transaction, branch: Branch) -> tuple[Edits, ...]:
    """Edits of the request, the failure route and the branch route, in this order."""
    if branch.edits is None and branch.run_edits is None and transaction.edits is None:
        return ()
    return tuple([edits for edits in (transaction.edits, branch.run_edits, branch.edits) if edits is not None])


def send(layer: TransactionLayer, transaction: Transaction, branch: Branch) -> int:
    """Send a branch that has been built and start its timers; 0, or a code of Fault."""
    if layer.blacklists is not None and layer.blacklists.blocks(branch.target, branch.data,
                                                                transaction.request.context):
        return Fault.FILTERED
    layer.clients[branch.id] = branch
    branch.begin()
    try:
        target = branch.target
        if target.protocol == "udp":
            layer.transports.send(target, branch.data)
        else:
            if branch.flags & layer.settings.stay_connected_branch:
                target.may_connect = False
            layer.transports.send(target, branch.data, partial(sent, layer, branch))
    except TransportError:
        branch.step(Event.ERROR)
        branch.awaiting = False
        return Fault.UNSENT
    if layer.pending is not None and transaction.invite:
        context = transaction.request.context
        layer.pending.note(branch.id, branch.target, branch.uri, context.get(SURVIVES) if context else None)
    if transaction.observed & SENT:
        layer.notify(transaction, SENT, branch, transaction.request, 0)
    return 0


def sent(layer: TransactionLayer, branch: Branch, error: Exception | None) -> None:
    """A stream reports what became of a request."""
    transaction = branch.transaction
    if error is not None and transaction is not None:
        layer.undelivered(branch, error)


def run_branch_route(transaction: Transaction, branch: Branch, request: Request) -> bool:
    """Run the branch route with the request as this branch has it; what the route changes stays in the branch."""
    saved = Branch(transaction, 0, transaction.method).take(request)
    edits, branches = request.edits if request.has_edits else None, request.branches
    request.edits = None
    branch.show(request)
    try:
        kept = transaction.user.run_branch_route(transaction, branch)
        branch.take(request)
        branch.edits = request.edits if request.has_edits else None
    finally:
        saved.show(request)
        request.edits, request.branches = edits, branches
    return bool(kept)


def run_failure_route(transaction: Transaction, branch: Branch) -> None:
    """Run the failure route: the request shows the branch that failed, its edits go into new branches alone."""
    request = transaction.request
    edits = request.edits if request.has_edits else None
    request.edits = None
    request.branches = None
    branch.show(request)
    transaction.failing = True
    try:
        transaction.user.run_failure_route(transaction, branch, branch.response)
    finally:
        transaction.failing = False
        request.edits = edits


def take_from_target(branch: Branch, target: BranchTarget) -> Branch:
    """Give *branch* what an appended branch says."""
    branch.uri = target.uri
    branch.destination = target.destination
    branch.path = target.path
    branch.send_socket = target.send_socket
    branch.flags = target.flags
    branch.q = target.q
    branch.instance = target.instance
    branch.attributes = target.attributes
    return branch


def fail_over(layer: TransactionLayer, branch: Branch) -> bool:
    """Send *branch* once more, as a new one, to its next target (RFC 3263, 4.3); False: there is none."""
    transaction = branch.transaction
    if not branch.others or transaction.cancelled or transaction.status >= 200:
        return False
    if layer.blacklists is not None:
        layer.blacklists.failed(branch.target)
    again = Branch(transaction, len(transaction.branches), branch.method)
    for name in ("uri", "destination", "path", "send_socket", "flags", "q", "instance", "on_reply", "edits",
                 "run_edits", "minor"):
        setattr(again, name, getattr(branch, name))
    again.others = branch.others[1:]
    transaction.branches.append(again)
    if targets.settle(again, branch.others[0]) == 0:
        build(layer, transaction, again, transaction.request)
        if send(layer, transaction, again) == 0:
            return True
    return fail_over(layer, again)

"""The way of a message into a worker: scanned, given to the worker that owns it, matched, or handed to the script."""
from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module.run import Route, Run
from opensips_py.restraint import Restraint
from opensips_py.script.pvars_run import RouteError
from opensips_py.server.core_events import Stopwatch
from opensips_py.server.links import key_from_wire, key_to_wire
from opensips_py.sip import build_response
from opensips_py.sip._scan import Message, Request, Response, scan
from opensips_py.transaction import response_target
from opensips_py.transaction.unreachable import Unreachable
from opensips_py.transport import Connection, Listener
from opensips_py.transport.listener import DEFAULT_PORTS

if TYPE_CHECKING:
    from opensips_py.server.core_statistics import CoreStatistics
    from opensips_py.server.generation import Generation
    from opensips_py.server.worker import Worker
    from opensips_py.transaction.layer import TransactionLayer

log = logging.getLogger(__name__)

REQUEST = Route.REQUEST
HAND_OVER, NOT_REACHED = "message", "unreachable"  # the operations between workers
METHODS = frozenset(("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "PRACK", "SUBSCRIBE", "NOTIFY",
                     "UPDATE", "MESSAGE", "REFER", "PUBLISH"))
SERVER_ERROR = "Server Internal Error"


class Reception:
    """Takes what the transports of one worker have read."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.index, self.alone = worker.index, worker.workers == 1
        self.runners = worker.runners
        self.slots = worker.slots
        self.layer: TransactionLayer = worker.transactions
        self.follow(worker.generation)
        self.handed_over = worker.statistics.counter("net", "handed_over", "Messages read for another worker.")
        self.refused = worker.statistics.counter("net", "handed_over_lost", "Messages that the other had no room for.")
        self.complaints = Restraint(log)
        self.runners.refused = self.overloaded
        worker.links.on_send(HAND_OVER, self.taken)
        self.not_reached = Unreachable(worker.transactions)
        worker.transports.on_unreachable = self.unreachable
        worker.links.on_send(NOT_REACHED, self.told)

    def follow(self, generation: Generation) -> None:
        """Work by *generation* from now on: what every message needs of it is looked up once."""
        self.generation = generation
        tracing = self.worker.tracing
        self.main = tracing.watched(generation.main, REQUEST)
        self.on_reply = tracing.watched(generation.on_reply, Route.ONREPLY)
        hooks = generation.registry.hooks
        self.message_read = hooks.message_read
        self.request_received, self.response_received = hooks.request_received, hooks.response_received
        self.route_begins, self.request_done = tracing.before(hooks.request_route_begins), hooks.request_done
        counters: Any = generation.registry.modules["core_statistics"]
        self.counters: CoreStatistics = counters
        self.rcv_requests, self.rcv_replies = counters.rcv_requests, counters.rcv_replies
        limit = generation.globals["execmsgthreshold"]
        self.stopwatch = Stopwatch(self.worker.events, limit, "msg processing", counters.slow_messages.add)
        entry: Callable[[Any], object] = self.timed if limit else self.receive
        if generation.globals["check_via"]:
            entry = partial(self.checked, entry)
        if generation.registry.dialect == "2.1":
            entry = partial(self.noted, entry)
        if hooks.message_refused:
            entry = partial(self.guarded, hooks.message_refused, entry)
        self.entry = tracing.entry(entry)

    # In the event loop: nothing here may wait, nothing may raise.

    def datagrams(self, listener: Listener, batch: list[tuple[bytes, int]]) -> None:
        """Take a batch of datagrams."""
        queue = self.runners.queue
        receive = self.entry
        for data, source in batch:
            message = scan(data, listener, source)
            if self.message_read:
                self.read(message)
            if message is None:
                self.counters.err_requests.add()
            elif self.alone or self.is_ours(message, data, source, 0):
                queue.append((receive, message))
        self.runners.drain()

    def stream(self, data: bytes, source: int, listener: Listener, connection: Connection) -> None:
        """Take one message of a connection."""
        message = scan(data, listener, source, connection)
        if message is None:
            self.counters.err_requests.add()
            return
        if self.message_read:
            self.read(message)
        if isinstance(message, Request) and message.fault is None:
            with contextlib.suppress(MalformedMessage):  # the script is told of that
                self.worker.transports.accept_alias(message)
        if self.alone or self.is_ours(message, data, source, connection.id):
            self.runners.queue.append((self.entry, message))
            self.runners.drain()

    def read(self, message: Message | None) -> None:
        """Let modules see a message first."""
        if message is not None and message.fault is None:
            with contextlib.suppress(MalformedMessage):  # whoever reads on finds that, too
                observe(self.message_read, message)

    def is_ours(self, message: Request | Response, data: bytes, source: int, connection: int) -> bool:
        """Whether this worker owns *message*; one that it does not is handed over."""
        if message.fault is not None and message.method != "ACK":
            return True
        if message.is_request:
            owner = self.slots.owner_of_call_id(message.call_id)
        else:
            slot = self.slots.owned(message.via_branch)
            owner = self.index if slot is None else self.slots.worker_of(slot)
        if owner == self.index:
            return True
        self.handed_over.add()
        if not self.worker.links.send(owner, HAND_OVER, message.listener.index, key_to_wire(source), data, connection):
            self.refused.add()
        return False

    def taken(self, peer: int, index: int, source: int | bytes, data: bytes, identifier: int) -> None:
        """Take a message that worker *peer* has read for us."""
        transports = self.worker.transports
        listener, key = transports.numbered.get(index), key_from_wire(source)
        if listener is None:
            return  # of a generation that has not come here, or has gone
        connection = transports.remote_connection(peer, identifier, key, listener) if identifier else None
        message = scan(data, listener, key, connection)
        if self.message_read:
            self.read(message)
        if message is not None:
            self.runners.submit(self.entry, message)

    def unreachable(self, listener: Listener, key: int, error: int) -> None:
        """An address cannot be reached; the kernel tells one worker, whoever it was that sent there."""
        if self.not_reached.report(listener, key, error):
            for peer in range(self.worker.workers):
                if peer != self.index:
                    self.worker.links.send(peer, NOT_REACHED, listener.index, key_to_wire(key), error)

    def told(self, peer: int, index: int, key: int | bytes, error: int) -> None:
        """Worker *peer* was told that an address cannot be reached."""
        listener = self.worker.transports.numbered.get(index)
        if listener is not None:
            self.not_reached.report(listener, key_from_wire(key), error)

    def overloaded(self, message: Any) -> bool:
        """All runners wait for something: whoever asks for more is told to come back. False: it is no new request."""
        if not isinstance(message, Request) or message.fault is not None or message.method in ("ACK", "CANCEL") \
                or self.worker.transactions.find(message, message.method) is not None:
            return False
        self.counters.rcv_requests.add()
        self.counters.drop_requests.add()
        self.answer(message, 503, "Service Unavailable")
        return True

    # In a runner

    def guarded(self, guards: Iterable[Callable[[Any], bool]], entry: Callable[[Any], object],
                message: Request | Response) -> None:
        """Handle a message by *entry*, unless one of *guards* refuses it."""
        for refuses in guards:
            try:
                if refuses(message):
                    (self.counters.drop_requests if message.is_request else self.counters.drop_replies).add()
                    return
            except Exception:
                log.exception("%s failed", getattr(refuses, "__qualname__", refuses))
        entry(message)

    def noted(self, entry: Callable[[Any], object], message: Request | Response) -> None:
        """Handle a message by *entry*; requests of a method that nobody knows are counted."""
        if message.is_request and message.fault is None and message.method not in METHODS:
            self.counters.unsupported_methods.add()
        entry(message)

    def checked(self, entry: Callable[[Any], object], message: Request | Response) -> None:
        """Handle a message by *entry*, unless it is a response that was meant for somebody else."""
        if not message.is_request and message.fault is None and not self.is_for_us(message):
            self.rcv_replies.add()
            self.counters.drop_replies.add()
        else:
            entry(message)

    def is_for_us(self, response: Any) -> bool:
        """Whether the top Via of *response* names us (RFC 3261, 18.1.2)."""
        via, protocol = response.top_via, response.listener.protocol
        port = via.port or DEFAULT_PORTS[protocol]
        return bool(self.worker.transports.is_local(via.host, port, protocol))

    def timed(self, message: Request | Response) -> None:
        """Handle a message to its end, and report it where that takes too long."""
        began = time.monotonic()
        try:
            self.receive(message)
        finally:
            self.stopwatch.report(time.monotonic() - began, message.call_id)

    def receive(self, message: Message) -> None:
        """Handle a message to its end."""
        try:
            if message.fault is not None:
                self.unusable(message)
            elif message.is_request:
                self.request(message)  # type: ignore[arg-type]
            else:
                self.response(message)  # type: ignore[arg-type]
        except MalformedMessage as error:
            self.counters.bad_msg_hdr.add()
            self.malformed(message, error.status, str(error))

    def request(self, request: Request) -> None:
        """A request: its transaction knows it, or the script decides."""
        self.rcv_requests.add()
        main, request_done, layer = self.main, self.request_done, self.layer
        if self.request_received:
            observe(self.request_received, request)
        if layer.receive_request(request):
            return
        run: Run = Run(self.worker, self.generation, REQUEST, request)  # type: ignore[arg-type]
        try:
            if not self.route_begins or not is_done(self.route_begins, run):
                main(run)
        except MalformedMessage:
            raise
        except Exception:
            log.exception("the request route failed")
            self.failed(run)
        finally:
            if run.transaction is not None:
                layer.route_done(run)
            if request_done:
                observe(request_done, request)
            if run.endings is not None:
                run.finish()

    def failed(self, run: Run) -> None:
        """An error of ours ended the request route: the client need not try again to find that out."""
        if run.transaction is not None:
            self.worker.transactions.reply(run.transaction, 500, SERVER_ERROR)
        elif run.message.method != "ACK":
            self.answer(run.message, 500, SERVER_ERROR)

    def response(self, response: Response) -> None:
        """A response: the script's onreply_route sees it, then its transaction, or it goes on without one."""
        self.rcv_replies.add()
        counters, layer, on_reply = self.counters, self.layer, self.on_reply
        if self.response_received and observe(self.response_received, response):
            return
        if on_reply is not None:
            run: Run = Run(self.worker, self.generation, Route.ONREPLY, response)  # type: ignore[arg-type]
            try:
                on_reply(run)
            except MalformedMessage:
                raise
            except Exception:
                log.exception("the onreply_route failed")  # the response is for its transaction all the same
            finally:
                run.finish()
            if run.dropped and response.status < 200:
                counters.drop_replies.add()
                return
        if layer.receive_response(response):
            return
        if not self.worker.forwards_strays:
            counters.drop_replies.add()
        elif layer.forward_stray(response):
            counters.fwd_replies.add()
        else:
            counters.err_replies.add()

    # What cannot be used

    def unusable(self, message: Message) -> None:
        """A message that breaks RFC 3261: answered where it can be, never shown to the request route."""
        if message.is_request:
            self.counters.rcv_requests.add()
            self.counters.err_requests.add()
        else:
            self.counters.rcv_replies.add()
            self.counters.err_replies.add()
        self.counters.bad_msg_hdr.add()
        self.malformed(message, message.fault_status, message.fault or "")

    def malformed(self, message: Message, status: int, why: str) -> None:
        """Let the error_route decide, else answer *status*."""
        self.complaints.say("unusable message from %s:%d: %s", message.source_host, message.source_port, why)
        if "URI" in why:
            self.counters.bad_uris.add()
        on_error = self.worker.generation.on_error
        if not isinstance(message, Request):
            return
        if message.method == "ACK":  # whatever is wrong with it, it ends what it acknowledges
            with contextlib.suppress(MalformedMessage):
                self.layer.receive_request(message)
            return
        if on_error is None:
            self.answer(message, status, why)
            return
        run = Run(self.worker, self.worker.generation, Route.ERROR, message)  # type: ignore[arg-type]
        run.extra = {RouteError: RouteError(why, status, reason_of(status, why))}
        try:
            on_error(run)
        finally:
            run.finish()

    def answer(self, request: Any, status: int, why: str) -> None:
        """Answer without a transaction, where the request shows where to."""
        try:
            data = build_response(request, status, reason_of(status, why), self.worker.tag(request))
            target = response_target(request)
        except (MalformedMessage, ValueError):
            self.counters.drop_requests.add()
            return
        self.worker.transactions.transmit(target, data)


def is_done(hooks: Iterable[Callable[[Any], object]], run: Run) -> bool:
    """Whether a module has done all that is to be done for the request of *run*."""
    return any(hook(run) for hook in hooks)


def observe(hooks: Iterable[Callable[[Any], object]], message: Any) -> bool:
    """Show *message* to modules, whether one of them is done with it; one that fails does not keep it from the others,
    nor from the script."""
    done = False
    for hook in hooks:
        try:
            done = hook(message) is True or done
        except MalformedMessage:
            raise
        except Exception:
            log.exception("%s failed", getattr(hook, "__qualname__", hook))
    return done


def reason_of(status: int, why: str) -> str:
    """The reason phrase: what is wrong, in a form that a status line may carry."""
    text = "".join(char for char in why if char.isprintable() and ord(char) < 128)
    return text[:80] or ("Bad Request" if status == 400 else "Error")

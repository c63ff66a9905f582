"""One stream: framing what arrives, queueing what leaves, and the times after which it is given up."""
from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage, TransportError
from opensips_py.sip import Framer, address_host, address_port
from opensips_py.timers import Timer
from opensips_py.transport.listener import Listener, bracketed

if TYPE_CHECKING:
    from opensips_py.transport.pool import Pool

Report = Callable[[TransportError | None], object]

READ, WRITE = 1, 2
READ_SIZE = 65536
READS = 4  # in one callback: other connections want their turn
PIECES = 64  # messages joined into one write
ONE_PIECE = 0.02  # seconds; what comes within them was cut by the network, not by a slow or hostile peer
LINGER = 1.0  # seconds that a connection stays for replies when its peer has ended or broken the stream
CONNECTING, OPEN, ENDING, CLOSED = "connecting", "open", "ending", "closed"


class Connection:
    """A connection of a stream transport; it costs a watcher, not a greenlet.

    *fault*, when set, says why the stream cannot be followed any further: the message being handed over is its last,
    and once it is answered the connection closes.
    """

    __slots__ = ("active_at", "aliases", "blocked_at", "chunks", "due", "fault", "fd", "framer", "id", "inbound", "key",
                 "lifetime", "listener", "opened_at", "piece_at", "pool", "protocol", "queue", "reader", "received",
                 "sent", "state", "timer", "until", "waiting", "writer")

    def __init__(self, pool: Pool, identifier: int, fd: int, key: int, listener: Listener, inbound: bool) -> None:
        self.pool = pool
        self.id = identifier
        self.fd = fd
        self.key = key
        self.listener = listener
        self.protocol = listener.protocol
        self.inbound = inbound
        self.state = OPEN if inbound else CONNECTING
        self.framer = Framer(pool.settings.tcp_max_message)
        self.fault: str | None = None
        self.lifetime = pool.settings.tcp_connection_lifetime
        self.opened_at = self.active_at = pool.now()
        self.aliases: list[int] = []
        self.queue: deque[tuple[bytes, Report | None]] | None = None
        self.waiting = False  # for the end of the loop's turn, to write the queue
        self.blocked_at = 0.0  # since when the kernel takes nothing; 0: it does
        self.chunks = 0  # pieces so far of the message that is not complete
        self.piece_at = 0.0  # when the last of them came
        self.received = self.sent = 0  # messages
        self.until = 0.0  # while ending: the end
        self.reader: Any = pool.loop.io(fd, READ)
        self.writer: Any = None
        self.due = 0.0
        self.timer: Timer | None = None
        self.watch()

    def __str__(self) -> str:
        return f"{self.protocol}:{bracketed(address_host(self.key))}:{address_port(self.key)}"

    @property
    def is_open(self) -> bool:
        """Whether it takes messages, at once or when it is connected."""
        return self.state != CLOSED

    @property
    def is_reusable(self) -> bool:
        """Whether further requests may use it: its peer has neither ended nor broken it."""
        return self.state == OPEN or self.state == CONNECTING

    @property
    def queued(self) -> int:
        """Messages that wait to be written."""
        return len(self.queue) if self.queue is not None else 0

    # Sending

    def send(self, data: bytes, report: Report | None = None) -> None:
        """Queue *data*; *report* is called with None once the kernel has it, or with the error."""
        if self.state == CLOSED:
            self.pool.tell(report, TransportError(f"{self} is closed"))
            return
        if self.pool.sent_after is not None:
            report = timed(self, report, self.pool.sent_after)
        if self.queue is None:
            self.queue = deque()
        if len(self.queue) >= self.pool.settings.tcp_max_postponed:
            if not self.blocked_at and self.state != CONNECTING:
                self.pool.loop_end.call_preceding()
                self.flush()
            if len(self.queue) >= self.pool.settings.tcp_max_postponed:
                self.pool.counters.queue_full.add(1)
                self.pool.tell(report, TransportError(f"{self}: the peer does not read"))
                self.close("the peer does not read")
                return
        self.queue.append((data, report))
        if not self.waiting and not self.blocked_at and self.state != CONNECTING:
            self.waiting = True
            self.pool.loop_end.add(self)

    def flush(self) -> None:
        """Write what is queued, as far as the kernel takes it."""
        self.waiting = False
        if self.state == CONNECTING:
            return
        while self.queue and self.state != CLOSED:
            pieces = [entry[0] for entry in self.queue] if len(self.queue) < PIECES else \
                [self.queue[i][0] for i in range(PIECES)]
            try:
                written = os.write(self.fd, pieces[0] if len(pieces) == 1 else b"".join(pieces))
            except (BlockingIOError, InterruptedError):
                self.block()
                return
            except OSError as error:
                self.close(f"cannot write: {os.strerror(error.errno or 0)}")
                return
            self.account(written)
        self.unblock()
        self.end_if_answered()

    def account(self, written: int) -> None:
        """Take *written* bytes off the queue and report the messages that have left whole."""
        assert self.queue is not None
        self.active_at = self.pool.now()
        if self.blocked_at:
            self.blocked_at = self.active_at
        while written:
            data, report = self.queue[0]
            if len(data) > written:
                self.queue[0] = (data[written:], report)
                return
            written -= len(data)
            self.queue.popleft()
            self.sent += 1
            if report is not None:
                self.pool.tell(report, None)

    def block(self) -> None:
        """Wait until the kernel takes more."""
        if not self.blocked_at:
            self.blocked_at = self.pool.now()
            self.watch()
        self.wait_writable(self.flush)

    def unblock(self) -> None:
        self.blocked_at = 0.0
        if self.writer is not None:
            self.writer.stop()

    def wait_writable(self, callback: Callable[[], object]) -> None:
        """Call *callback* when the descriptor is writable; whatever it raises ends the connection alone."""
        if self.writer is None:
            self.writer = self.pool.loop.io(self.fd, WRITE)
        if not self.writer.active:
            self.writer.start(self.guarded, callback)

    # Receiving

    def start(self) -> None:
        """Read from now on."""
        if self.reader is not None and not self.reader.active:
            self.reader.start(self.guarded, self.readable)

    def guarded(self, callback: Callable[[], object]) -> None:
        """The edge to the event loop, which stops a watcher whose callback raises."""
        try:
            callback()
        except BaseException:
            self.pool.log.exception("%s: closing it after an error", self)
            self.close("an error of ours")

    def readable(self) -> None:
        """Read what there is, at most a few buffers full."""
        for _ in range(READS):
            try:
                data = os.read(self.fd, READ_SIZE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.close(os.strerror(error.errno or 0))
                return
            if not data:
                self.end("closed by the peer")
                return
            self.take(data)
            if len(data) < READ_SIZE or self.state != OPEN:
                return

    def take(self, data: bytes) -> None:
        """Hand over the messages that *data* completes."""
        now = self.active_at = self.pool.now()
        framer = self.framer
        try:
            messages = framer.feed(data, now)
        except MalformedMessage as error:
            self.break_off(error.reason)
            return
        if framer.pings:
            self.answer_pings()
        self.received += len(messages)
        self.pool.loop_end.note(len(messages))
        last = messages.pop() if framer.fault is not None else None
        for message in messages:
            self.pool.on_message(message, self.key, self.listener, self)
        if last is not None and self.state == OPEN:
            self.sent = self.received - 1 - self.queued  # whatever went out before: one more answer is due
            self.break_off(framer.fault or "")
            self.pool.on_message(last, self.key, self.listener, self)
        if not framer.pending:
            self.chunks = 0
        elif self.state == OPEN:
            self.count_piece(now, bool(messages))

    def answer_pings(self) -> None:
        """RFC 5626, 4.4.1: a double CRLF is a ping, one CRLF its pong."""
        pings, self.framer.pings = self.framer.pings, 0
        self.pool.counters.pings.add(pings)
        if self.pool.settings.tcp_crlf_pingpong:
            self.sent -= 1  # no message
            self.send(b"\r\n" * pings)

    def count_piece(self, now: float, first: bool) -> None:
        """A message is not complete: bound how long it may take, and in how many pieces it may come."""
        if first or not self.chunks:
            self.chunks = 1
        elif now - self.piece_at >= ONE_PIECE:
            self.chunks += 1
        self.piece_at = now
        if self.chunks >= self.pool.settings.tcp_max_message_chunks:
            self.pool.counters.slow.add(1)
            self.close("a message came in too many pieces")
        else:
            self.watch()

    def break_off(self, reason: str) -> None:
        """The stream cannot be followed: read no more, and close once the last request is answered."""
        self.fault = reason
        self.pool.counters.broken.add(1)
        self.pool.complaints.say("%s: %s", self, reason)
        self.end(reason)

    def end(self, reason: str) -> None:
        """Nothing more will be read; what was received may still be answered."""
        if self.state in (ENDING, CLOSED):
            return
        self.reader.stop()
        self.pool.withdraw(self)
        self.state = ENDING
        if self.received <= self.sent and not self.queue:
            self.close(reason)
            return
        self.until = self.pool.now() + LINGER
        self.watch()

    def end_if_answered(self) -> None:
        """An ended connection closes with its last answer."""
        if self.state != ENDING or self.queue or self.sent < self.received:
            return
        if self.fault is None:
            self.close("answered")
        elif not self.reader.active:
            # Closed with bytes unread, the kernel would reset the connection and the answer might be lost.
            self.pool.finish_writing(self.fd)
            self.reader.start(self.guarded, self.discard)

    def discard(self) -> None:
        """Read on to the peer's end without looking."""
        try:
            for _ in range(READS):
                if not os.read(self.fd, READ_SIZE):
                    self.close(self.fault or "")
                    return
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.close(os.strerror(error.errno or 0))

    # Connecting

    def connect(self, in_progress: bool) -> None:
        """Wait for a connection that we open."""
        if in_progress:
            self.wait_writable(self.connected)
        else:
            self.connected()

    def connected(self) -> None:
        """The connection stands, or failed."""
        error = self.pool.error_of(self.fd)
        if error:
            self.close(os.strerror(error))
            return
        self.state = OPEN
        self.active_at = self.pool.now()
        if self.writer is not None:
            self.writer.stop()
        self.pool.counters.connected.add(1)
        self.start()
        self.flush()

    # Times

    def deadline(self) -> tuple[float, str]:
        """When it closes if nothing happens, and why it then does."""
        settings = self.pool.settings
        if self.state == CONNECTING:
            return self.opened_at + settings.tcp_connect_timeout, "no connection in time"
        if self.state == ENDING:
            return self.until, "ended"
        ends = [(self.active_at + max(self.lifetime, LINGER), "idle")]
        if self.framer.pending:
            ends.append((self.framer.since + settings.tcp_max_message_time, "a message took too long to arrive"))
        if self.blocked_at and not settings.tcp_async:
            ends.append((self.blocked_at + settings.tcp_send_timeout, "the peer does not read"))
        return min(ends)

    def watch(self) -> None:
        """See to it that the timer rings no later than the deadline."""
        due, _ = self.deadline()
        if self.timer is not None:
            if self.due <= due:
                return
            self.timer.stop()
        self.due = due
        self.timer = self.pool.wheel.start(max(0.0, due - self.pool.now()), Connection.ring, self)

    def ring(self) -> None:
        """The timer: close, or wait on if something happened meanwhile."""
        self.timer = None
        if self.state == CLOSED:
            return
        due, reason = self.deadline()
        if self.pool.now() < due:
            self.watch()
            return
        if self.framer.pending and reason != "idle":
            self.pool.counters.slow.add(1)
        self.close(reason)

    def keep(self, seconds: float) -> None:
        """Stay open for *seconds* without traffic, if that is longer than now (as for the time of a binding)."""
        self.lifetime = max(self.lifetime, seconds)

    def alias(self, port: int) -> None:
        """RFC 5923: have requests to *port* of the peer's address use this connection as well."""
        self.pool.alias(self, port)

    # The end

    def close(self, reason: str = "closed") -> None:
        """Close at once; what was not written is reported as failed."""
        if self.state == CLOSED:
            return
        was_connecting, self.state = self.state == CONNECTING, CLOSED
        if was_connecting:
            self.pool.counters.unconnected.add(1)
        if self.timer is not None:
            self.timer.stop()
            self.timer = None
        for watcher in (self.reader, self.writer):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self.reader = self.writer = None
        os.close(self.fd)
        self.pool.closed(self, reason)
        queue, self.queue = self.queue, None
        for _, report in queue or ():
            self.pool.tell(report, TransportError(f"{self}: {reason}"))


def timed(connection: Connection, report: Report | None, sent_after: Callable[[float, str], object]) -> Report:
    """*report*, and with it *sent_after*, which is told how many seconds the message took to leave, and where to."""
    began = time.monotonic()

    def told(error: TransportError | None) -> None:
        if error is None:
            sent_after(time.monotonic() - began, str(connection))
        if report is not None:
            report(error)
    return told

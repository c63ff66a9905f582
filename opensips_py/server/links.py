"""Links between the processes of one server: messages handed over, calls with an answer.

A link is a connected pair of packet sockets that the supervisor keeps open, so a replacement goes on with the packets
its predecessor had not read. A packet holds any number of frames, a frame is one msgpack array. Frames longer than a
packet travel in parts.
"""
from __future__ import annotations

import itertools
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gevent
import msgpack
from gevent.event import AsyncResult

from opensips_py.errors import MIError

log = logging.getLogger(__name__)

PACKET = 60_000  # bytes; a Unix socket takes about 200,000 on its way
BOUND = 8 << 20  # bytes queued towards one peer before frames are refused
READS = 32  # packets taken in one callback: other watchers want their turn

SEND, CALL, ANSWER, FAILURE, PART = range(5)

Handler = Callable[..., object]


class LinkError(Exception):
    """A peer that did not answer, refused, or whose queue is full."""


class Link:
    """The way to one peer: a bounded queue in user space before the socket."""

    __slots__ = ("_fd", "_flushing", "_parts", "_queue", "_reader", "_writer", "dropped", "peer", "queued",
                 "received")

    def __init__(self, peer: int, fd: int, received: Callable[[int, list[Any]], object]) -> None:
        self.peer = peer
        self.queued = 0
        self.dropped = 0  # frames refused because the queue was full
        self.received = received
        self._fd = fd  # read and written directly: a socket object would be gevent's, which waits
        os.set_blocking(fd, False)
        self._queue: deque[bytes] = deque()
        self._parts: dict[int, list[bytes]] = {}
        loop = gevent.get_hub().loop
        self._reader = loop.io(fd, 1)
        self._writer = loop.io(fd, 2)
        self._flushing = False

    def put(self, frame: bytes) -> bool:
        """Queue *frame*; False and counted where the queue is full."""
        if self.queued + len(frame) > BOUND:
            self.dropped += 1
            return False
        if len(frame) > PACKET:
            for part in parts(frame):
                self._queue.append(part)
                self.queued += len(part)
        else:
            self._queue.append(frame)
            self.queued += len(frame)
        return True

    def flush(self) -> None:
        """Write what is queued, as far as the socket takes it; a watcher goes on with the rest."""
        queue = self._queue
        while queue:
            packet = [queue[0]]
            size = len(queue[0])
            for frame in itertools.islice(queue, 1, None):
                size += len(frame)
                if size > PACKET:
                    size -= len(frame)
                    break
                packet.append(frame)
            try:
                os.write(self._fd, b"".join(packet))
            except (BlockingIOError, InterruptedError):
                if not self._flushing:
                    self._flushing = True
                    self._writer.start(self.flush)
                return
            except OSError as error:
                log.error("link to process %d: %s", self.peer, error)
                queue.clear()
                self.queued = 0
                break
            for _ in packet:
                queue.popleft()
            self.queued -= size
        if self._flushing:
            self._flushing = False
            self._writer.stop()

    def start(self) -> None:
        """Begin to read."""
        self._reader.start(self._readable)

    def close(self) -> None:
        """Leave the link; what is queued is lost."""
        for watcher in (self._reader, self._writer):
            watcher.stop()
            watcher.close()
        os.close(self._fd)

    def _readable(self) -> None:
        for _ in range(READS):
            try:
                packet = os.read(self._fd, PACKET + 1000)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.error("link to process %d: %s", self.peer, error)
                self._reader.stop()
                return
            if not packet:
                self._reader.stop()
                return
            unpacker = msgpack.Unpacker(None, max_buffer_size=0, **UNPACKING)
            unpacker.feed(packet)
            for frame in unpacker:
                self._frame(frame)

    def _frame(self, frame: list[Any]) -> None:
        try:
            if frame[0] == PART:
                self._join(*frame[1:])
            else:
                self.received(self.peer, frame)
        except Exception:
            # gevent stops a watcher whose callback raises: this process would be deaf for that peer.
            log.exception("a frame of process %d", self.peer)

    def _join(self, serial: int, index: int, total: int, data: bytes) -> None:
        if index == 0:
            # The writer sends the parts of one frame in a row: whatever else is incomplete lost its writer.
            self._parts = {serial: []}
        collected = self._parts.get(serial)
        if collected is None or len(collected) != index:
            return
        collected.append(data)
        if len(collected) == total:
            del self._parts[serial]
            self.received(self.peer, msgpack.unpackb(b"".join(collected), **UNPACKING))


UNPACKING: dict[str, Any] = {"unicode_errors": "surrogateescape", "strict_map_key": False, "use_list": True}
_serials = itertools.count(os.getpid() << 24)


def pack(frame: Iterable[Any]) -> bytes:
    """One frame; text may hold any byte (surrogateescape)."""
    packed: bytes = msgpack.packb(list(frame), unicode_errors="surrogateescape")
    return packed


def parts(frame: bytes) -> list[bytes]:
    """*frame* as several that each fit into a packet."""
    size = PACKET - 64
    serial = next(_serials)
    total = -(-len(frame) // size)
    return [pack((PART, serial, i, total, frame[i * size:(i + 1) * size])) for i in range(total)]


class Links:
    """All links of one process; a peer is named by its index (management: -1).

    *spawn* runs a handler of calls, which may wait. Handlers of one-way sends run in the event loop and must not.
    """

    def __init__(self, index: int, fds: Mapping[int, int], spawn: Callable[..., object]) -> None:
        self.index = index
        self._spawn = spawn
        self._sends: dict[str, Handler] = {}
        self._calls: dict[str, Handler] = {}
        self._losses: dict[str, Callable[[int], object]] = {}
        self._waiting: dict[int, tuple[int, AsyncResult[Any]]] = {}
        self._links = {peer: Link(peer, fd, self._received) for peer, fd in fds.items()}
        self._loop = gevent.get_hub().loop
        self._flushes = False
        self.before: Callable[[], object] | None = None  # is called first: what is told to others has happened by then

    @property
    def peers(self) -> list[int]:
        """The other processes, management among them."""
        return list(self._links)

    @property
    def dropped(self) -> int:
        """Frames refused so far because a queue was full."""
        return sum(link.dropped for link in self._links.values())

    def on_send(self, operation: str, handler: Handler) -> None:
        """*handler*(peer, *arguments) takes what others send() as *operation*; it runs in the loop, must not wait."""
        self._sends[operation] = handler

    def on_call(self, operation: str, handler: Handler) -> None:
        """*handler*(*arguments) answers what others call() as *operation*; it may wait, and raise to refuse."""
        self._calls[operation] = handler

    def on_lost(self, operation: str, handler: Callable[[int], object]) -> None:
        """*handler*(peer) is told when a process died; what the dead one owned is *operation*'s to give up."""
        self._losses[operation] = handler

    def start(self) -> None:
        """Begin to read; call it when all handlers are known."""
        for link in self._links.values():
            link.start()

    def send(self, peer: int, operation: str, *arguments: Any) -> bool:
        """Send without an answer; False where the peer's queue is full. Leaves at the end of the loop's turn."""
        return self._put(peer, (SEND, operation, arguments))

    def call(self, peer: int, operation: str, *arguments: Any, deadline: float = 5.0) -> Any:
        """Call *operation* in another process and wait for its answer; our own index is called right here."""
        if peer == self.index:
            return self._calls[operation](*arguments)
        return self._result(self._begin(peer, operation, arguments), peer, operation, deadline)

    def call_each(self, peers: Iterable[int], operation: str, *arguments: Any,
                  deadline: float = 5.0) -> dict[int, Any]:
        """Call *operation* in all *peers* at once, our own index right here; the exception stands in for the answer of
        one that failed."""
        asked = list(peers)
        began = {peer: self._begin(peer, operation, arguments) for peer in asked if peer != self.index}
        answers: dict[int, Any] = {}
        if self.index in asked:
            answers[self.index] = self._here(operation, arguments)
        gevent.wait([waiting for _, waiting in began.values()], timeout=deadline)
        for peer, begun in began.items():
            try:
                answers[peer] = self._result(begun, peer, operation, 0)
            except (LinkError, MIError) as error:
                answers[peer] = error
        return answers

    def _here(self, operation: str, arguments: tuple[Any, ...]) -> Any:
        try:
            return self._calls[operation](*arguments)
        except MIError as error:
            return error
        except Exception as error:
            log.exception("operation %s, asked by this process", operation)
            return LinkError(f"{type(error).__name__}: {error}")

    def peer_lost(self, peer: int) -> None:
        """Process *peer* died: what waits for its answers need not wait any longer."""
        for serial, (asked, waiting) in list(self._waiting.items()):
            if asked == peer:
                del self._waiting[serial]
                waiting.set_exception(LinkError(f"process {peer} died"))
        for handler in self._losses.values():
            handler(peer)

    def flush(self) -> None:
        """Write all that is queued."""
        if self.before is not None:
            self.before()
        for link in self._links.values():
            if link.queued:
                link.flush()
        self._flushes = False

    def close(self) -> None:
        """Write what can be written at once and leave all links."""
        self.flush()
        for link in self._links.values():
            link.close()

    def _put(self, peer: int, frame: tuple[Any, ...]) -> bool:
        link = self._links.get(peer)
        if link is None or not link.put(pack(frame)):
            return False
        if not self._flushes:
            self._flushes = True
            # Not a prepare watcher: greenlets run in one of gevent's, and one started there waits for the next turn.
            self._loop.run_callback(self.flush)
        return True

    def _begin(self, peer: int, operation: str, arguments: tuple[Any, ...]) -> tuple[int, AsyncResult[Any]]:
        serial = next(_serials)
        waiting: AsyncResult[Any] = AsyncResult()
        self._waiting[serial] = peer, waiting
        if not self._put(peer, (CALL, operation, arguments, serial)):
            waiting.set_exception(LinkError(f"the link to process {peer} is full or closed"))
        return serial, waiting

    def _result(self, begun: tuple[int, AsyncResult[Any]], peer: int, operation: str, deadline: float) -> Any:
        serial, waiting = begun
        try:
            return waiting.get(block=deadline > 0, timeout=deadline or None)
        except gevent.Timeout:
            raise LinkError(f"process {peer} did not answer {operation} in time") from None
        finally:
            self._waiting.pop(serial, None)

    def _received(self, peer: int, frame: list[Any]) -> None:
        kind = frame[0]
        if kind == SEND:
            handler = self._sends.get(frame[1])
            if handler is not None:
                handler(peer, *frame[2])
        elif kind == CALL:
            self._spawn(self._answer, peer, *frame[1:])
        else:
            asked = self._waiting.get(frame[1])
            if asked is None:
                return  # it came too late, or was asked by the process that we replace
            if kind == ANSWER:
                asked[1].set(frame[2])
            else:
                asked[1].set_exception(MIError(frame[2], frame[3]) if frame[2] else LinkError(frame[3]))

    def _answer(self, peer: int, operation: str, arguments: list[Any], serial: int) -> None:
        try:
            handler = self._calls.get(operation)
            if handler is None:
                raise LinkError(f"process {self.index} knows no operation {operation!r}")
            self._put_answer(peer, (ANSWER, serial, handler(*arguments)))
        except MIError as error:
            self._put_answer(peer, (FAILURE, serial, error.code, error.message))
        except Exception as error:
            log.exception("operation %s, asked by process %d", operation, peer)
            self._put_answer(peer, (FAILURE, serial, 0, f"{type(error).__name__}: {error}"))

    def _put_answer(self, peer: int, frame: tuple[Any, ...]) -> None:
        if not self._put(peer, frame):
            log.error("the link to process %d is full: an answer is lost", peer)


def key_to_wire(key: int) -> int | bytes:
    """An address key as msgpack can carry it; those of IPv6 are longer than its integers."""
    return key if key < 1 << 64 else key.to_bytes(19, "big")


def key_from_wire(value: int | bytes) -> int:
    """The address key again."""
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value

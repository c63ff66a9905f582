"""Which INVITEs of this worker wait for their final response: whoever takes over after a crash reads it.

A transaction dies with its worker, but the call rings on. Responses find their way by their Via alone; to acknowledge a
failure or to pass a CANCEL on takes the target and the Request-URI of the branch, and they are kept here. Where a
module has changed the request so that its responses do not find their way by themselves, what it needs to bring them
back in order is kept as well: its name, and a text of its own.
"""
from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.sip import build_request
from opensips_py.transport.via import via_line

if TYPE_CHECKING:
    from opensips_py.sip import Request, Response, Via
    from opensips_py.transaction.layer import TransactionLayer

ENTRY = struct.Struct("<BBHd32s19sH")  # used, protocol, listener, since, Via branch, address, length of the URI
SIZE = 384  # bytes of an entry, the Request-URI included; a branch with a longer one is not noted
WITH_MORE = 2  # in place of 1: an entry with what a module needs
PROTOCOLS = ("udp", "tcp", "tls", "sctp", "ws", "wss")
CHUNK = 1 << 16  # bytes of a file that are allocated at a time
MORE = 4096  # bytes for what a module needs; it has a file of its own, for it is rare
LENGTH = struct.Struct("<H")
SURVIVES = "survives"  # in the context of an INVITE: the name of such a module, and what makes its text
BRANCHES = 16  # of one INVITE that a CANCEL is passed on to
LONGEST = 300.0  # seconds after which no call rings any more


@dataclass(slots=True)
class Orphan:
    """A branch whose transaction died with its worker."""

    place: int
    protocol: str
    listener: int
    address: int
    uri: str
    module: str = ""
    text: str = ""


class Ringing:
    """The notes of one worker in the file *path*, which the worker in its place inherits."""

    def __init__(self, path: str | os.PathLike[str], room: int = 32768,
                 clock: Callable[[], float] | None = None) -> None:
        self.clock = clock or time.time
        self._path = f"{os.fspath(path)}.more"
        self._notes = Mapped(path, room * SIZE)
        self._more = Mapped(self._path, room * MORE) if os.path.exists(self._path) else None
        used = min(-(-self._notes.written // SIZE), room)  # places are taken from the first on: the rest is a hole
        self._free = list(range(room - 1, used - 1, -1))
        self._places: dict[str, int] = {}
        self.orphans: dict[str, Orphan] = {}
        self._now = self.clock()
        for place in range(used - 1, -1, -1):
            self._read(place)

    def _read(self, place: int) -> None:
        at, memory = place * SIZE, self._notes.memory
        if not memory[at]:
            self._free.append(place)
            return
        _, protocol, listener, since, branch, address, length = ENTRY.unpack_from(memory, at)
        if not -LONGEST <= self._now - since <= LONGEST or protocol >= len(PROTOCOLS):  # the clock may have been set
            memory[at] = 0
            self._free.append(place)
            return
        uri = memory[at + ENTRY.size:at + ENTRY.size + length].decode("utf-8", "surrogateescape")
        module, _, more = self._read_more(place).partition("\0") if memory[at] == WITH_MORE else ("", "", "")
        self.orphans[branch.decode("ascii")] = Orphan(place, PROTOCOLS[protocol], listener,
                                                      int.from_bytes(address, "little"), uri, module, more)

    def _read_more(self, place: int) -> str:
        if self._more is None:
            return ""
        memory, at = self._more.memory, place * MORE
        length, = LENGTH.unpack_from(memory, at)
        found: bytes = memory[at + LENGTH.size:at + LENGTH.size + length]
        return found.decode("utf-8", "surrogateescape")

    def _write_more(self, place: int, module: tuple[str, Callable[[], str]]) -> bool:
        text = f"{module[0]}\0{module[1]()}".encode("utf-8", "surrogateescape")
        if len(text) > MORE - LENGTH.size:
            return False
        if self._more is None:
            self._more = Mapped(self._path, self._notes.size // SIZE * MORE)
        at = place * MORE
        if not self._more.has_room(at + MORE):
            return False
        memory = self._more.memory
        LENGTH.pack_into(memory, at, len(text))
        memory[at + LENGTH.size:at + LENGTH.size + len(text)] = text
        return True

    def note(self, branch: str, target: Any, uri: str, module: tuple[str, Callable[[], str]] | None = None) -> None:
        """A branch of an INVITE has been sent; *module* is what SURVIVES says."""
        text = uri.encode("utf-8", "surrogateescape")
        if not self._free or len(text) > SIZE - ENTRY.size:
            return
        place = self._free.pop()
        at = place * SIZE
        if at + SIZE > self._notes.allocated and not self._notes.has_room(at + SIZE):
            self._free.append(place)
            return
        memory = self._notes.memory
        ENTRY.pack_into(memory, at, 0, PROTOCOLS.index(target.protocol), target.listener.index, self.clock(),
                        branch.encode("ascii"), target.address.to_bytes(19, "little"), len(text))
        memory[at + ENTRY.size:at + ENTRY.size + len(text)] = text
        more = module is not None and self._write_more(place, module)
        memory[at] = WITH_MORE if more else 1  # last: an entry that counts is complete
        self._places[branch] = place

    def forget(self, branch: str) -> None:
        """Its final response has come, or is not waited for any more."""
        place = self._places.pop(branch, None)
        if place is not None:
            self._notes.memory[place * SIZE] = 0
            self._free.append(place)

    def adopted(self, branch: str, success: bool = False) -> None:
        """An orphan has had its final response; with *success* the same may come again, and again find its way."""
        orphan = self.orphans.get(branch)
        if orphan is None:
            return
        if orphan.place >= 0:
            self._notes.memory[orphan.place * SIZE] = 0
            self._free.append(orphan.place)
            orphan.place = -1
        if not (success and orphan.module):
            del self.orphans[branch]

    def close(self) -> None:
        """Let go of the file."""
        self._notes.close()
        if self._more is not None:
            self._more.close()


class Mapped:
    """A file as memory of *size* bytes, which takes room on the disk piece by piece: to write where there is none
    would end the process, so has_room() asks before."""

    def __init__(self, path: str | os.PathLike[str], size: int) -> None:
        self.size = size
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # How many bytes of its beginning have ever been written.
        self.written = os.lseek(self._descriptor, 0, os.SEEK_HOLE) if os.fstat(self._descriptor).st_size else 0
        os.ftruncate(self._descriptor, size)
        self.memory = mmap.mmap(self._descriptor, size)
        self.allocated = 0
        if self.written:
            self.has_room(self.written)

    def has_room(self, end: int) -> bool:
        """Whether everything before *end* may be written."""
        while self.allocated < min(end, self.size):
            try:
                os.posix_fallocate(self._descriptor, self.allocated, min(CHUNK, self.size - self.allocated))
            except OSError:
                return False
            self.allocated = min(self.allocated + CHUNK, self.size)
        return True

    def close(self) -> None:
        """Let go of the file."""
        self.memory.close()
        os.close(self._descriptor)


def restored(layer: TransactionLayer, notes: Ringing, response: Response) -> Via | None:
    """Have the module that knows bring a response for an orphan back in order; the Via that is on top next, or None
    where no module had a hand in it."""
    orphan = notes.orphans.get(response.via_branch)
    restore = layer.restorers.get(orphan.module) if orphan is not None and orphan.module else None
    return None if restore is None or orphan is None else restore(response, orphan.text)


def orphan_answered(layer: TransactionLayer, notes: Ringing, response: Response) -> None:
    """A final response for an orphan: acknowledge a failure, as its transaction would have done."""
    branch = response.via_branch
    orphan = notes.orphans.get(branch)
    if orphan is None or response.cseq_method != "INVITE" or response.status < 200:
        return
    if response.status >= 300:
        send(layer, orphan, branch, "ACK", response)
    notes.adopted(branch, response.status < 300)


def orphans_of(layer: TransactionLayer, notes: Ringing, cancel: Request) -> list[tuple[str, Orphan]]:
    """The branches, with their Via branches, of the INVITE that *cancel* means, if its transaction died."""
    if not notes.orphans:
        return []
    slots = layer.slots
    slot = slots.slot_of_call_id(cancel.call_id)
    names = [slots.via_branch(cancel.via_branch, cancel.call_id, cancel.from_tag, cancel.cseq, index, slot)
             for index in range(BRANCHES)]
    found = [(name, notes.orphans.get(name)) for name in names]
    return [(name, each) for name, each in found if each is not None and each.place >= 0]


def cancel_orphans(layer: TransactionLayer, notes: Ringing, request: Request) -> bool:
    """Pass a CANCEL on to the branches of an INVITE whose transaction died; False: there are none."""
    sent = [send(layer, orphan, branch, "CANCEL", request) for branch, orphan in orphans_of(layer, notes, request)]
    return any(sent)


def send(layer: TransactionLayer, orphan: Orphan, branch: str, method: str, like: Request | Response) -> bool:
    """Send a request of an orphan's transaction, with From, To, Call-ID and CSeq number of *like*."""
    listeners = layer.transports.listeners
    if orphan.listener >= len(listeners):
        return False
    listener = listeners[orphan.listener]
    try:
        data = build_request(method, orphan.uri, via=via_line(listener, branch), from_=like.header("From") or "",
                             to=like.header("To") or "", call_id=like.call_id, cseq=like.cseq)
    except MalformedMessage:
        return False
    return layer.transmit(layer.transports.target(orphan.protocol, orphan.address, listener), data)

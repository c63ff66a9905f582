"""Which INVITEs of this worker wait for their final response: whoever takes over after a crash reads it.

A transaction dies with its worker, but the call rings on. Responses find their way by their Via alone; to acknowledge a
failure or to pass a CANCEL on takes the target and the Request-URI of the branch, and they are kept here.
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
    from opensips_py.sip import Request, Response
    from opensips_py.transaction.layer import TransactionLayer

ENTRY = struct.Struct("<BBHd32s19sH")  # used, protocol, listener, since, Via branch, address, length of the URI
SIZE = 384  # bytes of an entry, the Request-URI included; a branch with a longer one is not noted
PROTOCOLS = ("udp", "tcp", "tls", "sctp", "ws", "wss")
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


class Ringing:
    """The notes of one worker in the file *path*, which the worker in its place inherits."""

    def __init__(self, path: str | os.PathLike[str], room: int = 32768,
                 clock: Callable[[], float] | None = None) -> None:
        self.clock = clock or time.time
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            written = os.lseek(descriptor, 0, os.SEEK_HOLE) if os.fstat(descriptor).st_size else 0
            os.ftruncate(descriptor, room * SIZE)
            self._memory = mmap.mmap(descriptor, room * SIZE)
        finally:
            os.close(descriptor)
        used = min(-(-written // SIZE), room)  # places are taken from the first on: the others are a hole in the file
        self._free = list(range(room - 1, used - 1, -1))
        self._places: dict[str, int] = {}
        self.orphans: dict[str, Orphan] = {}
        self._now = self.clock()
        for place in range(used - 1, -1, -1):
            self._read(place)

    def _read(self, place: int) -> None:
        at = place * SIZE
        if not self._memory[at]:
            self._free.append(place)
            return
        _, protocol, listener, since, branch, address, length = ENTRY.unpack_from(self._memory, at)
        if not 0 <= self._now - since <= LONGEST or protocol >= len(PROTOCOLS):
            self._memory[at] = 0
            self._free.append(place)
            return
        uri = self._memory[at + ENTRY.size:at + ENTRY.size + length].decode("utf-8", "surrogateescape")
        self.orphans[branch.decode("ascii")] = Orphan(place, PROTOCOLS[protocol], listener,
                                                      int.from_bytes(address, "little"), uri)

    def note(self, branch: str, target: Any, uri: str) -> None:
        """A branch of an INVITE has been sent."""
        text = uri.encode("utf-8", "surrogateescape")
        if not self._free or len(text) > SIZE - ENTRY.size:
            return
        place = self._free.pop()
        at = place * SIZE
        memory = self._memory
        ENTRY.pack_into(memory, at, 0, PROTOCOLS.index(target.protocol), target.listener.index, self.clock(),
                        branch.encode("ascii"), target.address.to_bytes(19, "little"), len(text))
        memory[at + ENTRY.size:at + ENTRY.size + len(text)] = text
        memory[at] = 1  # last: an entry that counts is complete
        self._places[branch] = place

    def forget(self, branch: str) -> None:
        """Its final response has come, or is not waited for any more."""
        place = self._places.pop(branch, None)
        if place is not None:
            self._memory[place * SIZE] = 0
            self._free.append(place)

    def adopted(self, branch: str) -> None:
        """An orphan has had its final response."""
        orphan = self.orphans.pop(branch, None)
        if orphan is not None:
            self._memory[orphan.place * SIZE] = 0
            self._free.append(orphan.place)

    def close(self) -> None:
        """Let go of the file."""
        self._memory.close()


def orphan_answered(layer: TransactionLayer, notes: Ringing, response: Response) -> None:
    """A final response for an orphan: acknowledge a failure, as its transaction would have done."""
    branch = response.via_branch
    orphan = notes.orphans.get(branch)
    if orphan is None or response.cseq_method != "INVITE" or response.status < 200:
        return
    if response.status >= 300:
        send(layer, orphan, branch, "ACK", response)
    notes.adopted(branch)


def orphans_of(layer: TransactionLayer, notes: Ringing, cancel: Request) -> list[tuple[str, Orphan]]:
    """The branches, with their Via branches, of the INVITE that *cancel* means, if its transaction died."""
    if not notes.orphans:
        return []
    slots = layer.slots
    slot = slots.slot_of_call_id(cancel.call_id)
    names = [slots.via_branch(cancel.via_branch, cancel.call_id, cancel.from_tag, cancel.cseq, index, slot)
             for index in range(BRANCHES)]
    return [(name, notes.orphans[name]) for name in names if name in notes.orphans]


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

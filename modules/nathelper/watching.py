"""Contacts that do not answer their pings are taken out; how long the others take is measured."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.state._bindings import Binding, Record

if TYPE_CHECKING:
    from opensips_py.modules.usrloc.table import Table

PATIENCE = 3  # intervals after which a contact that nobody pings any more is forgotten


class Awaited:
    """A contact whose answer is awaited: how many pings in a row have none, and when the last one left."""

    __slots__ = ("aor", "lost", "sent", "serial", "table")

    def __init__(self, table: Table, aor: str) -> None:
        self.table, self.aor = table, aor
        self.serial = self.lost = 0
        self.sent = 0.0


class Watching:
    """What becomes of pings that want an answer."""

    usrloc: Any
    services: Any
    log: Any
    pings: Any
    natping_interval: int
    ping_threshold: int
    max_pings_lost: int
    remove_on_timeout_bflag: int
    sipping_latency_flag: int
    ignored: frozenset[int]
    clock: Any

    def watch(self, table: Table, aor: str, binding: Binding, serial: int) -> None:
        """A ping is about to leave: await its answer, where somebody cares for that."""
        removes = self.remove_on_timeout_bflag >= 0 and binding.cflags >> self.remove_on_timeout_bflag & 1
        measures = self.sipping_latency_flag >= 0 and binding.cflags >> self.sipping_latency_flag & 1
        if not removes and not measures:
            return
        awaited = self.pings.awaited.get(binding.id)
        if awaited is None:
            awaited = self.pings.awaited[binding.id] = Awaited(table, aor)
        awaited.serial, awaited.sent = serial, self.clock()
        if removes:
            self.services.timers.start(self.ping_threshold, self.overdue, (binding.id, serial))

    def answered(self, identifier: int, serial: int, status: int) -> None:
        """A contact has answered a ping."""
        if status in self.ignored:
            return
        awaited = self.pings.awaited.pop(identifier, None)
        if awaited is None or awaited.serial != serial:
            return
        latency = max(1, round((self.clock() - awaited.sent) * 1_000_000))
        self.usrloc.note_latency(awaited.table, awaited.aor, identifier, latency,
                                 lambda binding: self.sipping_latency_flag >= 0
                                 and binding.cflags >> self.sipping_latency_flag & 1)

    def overdue(self, ping: tuple[int, int]) -> None:
        """ping_threshold has passed since a ping left."""
        identifier, serial = ping
        awaited = self.pings.awaited.get(identifier)
        if awaited is None or awaited.serial != serial:
            return
        awaited.lost += 1
        if awaited.lost >= self.max_pings_lost:
            del self.pings.awaited[identifier]
            self.remove(awaited, identifier)

    def remove(self, awaited: Awaited, identifier: int) -> None:
        """Take a contact out that does not answer."""
        def edit(record: Record) -> str:
            for binding in list(record.bindings):
                if binding.id == identifier:
                    record.delete(binding)
                    return binding.contact
            return ""
        contact = self.usrloc.change(awaited.table, awaited.aor, edit)
        if contact:
            self.log.info("%s of %s has not answered %d pings and is taken out", contact, awaited.aor, awaited.lost)

    def forget_old(self) -> None:
        """Forget contacts that are not pinged any more."""
        oldest = self.clock() - PATIENCE * self.natping_interval
        for identifier in [key for key, each in self.pings.awaited.items() if each.sent < oldest]:
            del self.pings.awaited[identifier]

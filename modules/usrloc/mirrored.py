"""A table of bindings in memory whose changes an SQL database is told."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from opensips_py.modules.usrloc.marks import Mark, Marking, Marks
from opensips_py.modules.usrloc.memory import MemoryTable
from opensips_py.modules.usrloc.record import Record
from opensips_py.modules.usrloc.table import NEW, Table
from opensips_py.state._bindings import Binding, Change, unpack

if TYPE_CHECKING:
    from opensips_py.modules.usrloc.mirror import Mirror

T = TypeVar("T")
DIRTY = "CS_DIRTY"


class MirroredTable(MemoryTable):
    """A table that keeps, with each change, what the database is to be told. Where it is told at once, whoever changes
    something waits for that."""

    def __init__(self, name: str, services: Any, worker: int, mirror: Mirror, clock: Callable[[], float]) -> None:
        super().__init__(name, services.environment, services.slots, worker, clock)
        self.mirror = mirror
        self.marks = Marks(name, services.environment, self._database)
        self.words = services.shared_words(f"contacts of {name}", 2)
        self.changes_wait = mirror.at_once

    def apply(self, aor: str, edit: Callable[[Record], T]) -> Change[T]:
        return self.apply_all([aor], edit)[0]

    def enlist(self, aor: str, edit: Callable[[Record], T]) -> Change[T]:
        return self.apply(aor, edit)  # the database is told at once

    def apply_all(self, aors: list[str], edit: Callable[[Record], T]) -> list[Change[T]]:
        if not self.mirror.writes:
            return super().apply_all(aors, edit)
        markings = [self.marking(aor, edit) for aor in aors]
        self._submit(lambda transaction: [each(transaction) for each in markings])
        marked = [each.key for each in markings if each.marked]
        if marked and self.mirror.at_once:
            self.mirror.tell(self, marked)
        return [each.change for each in markings]

    def marking(self, aor: str, edit: Callable[[Record], T]) -> Marking:
        """A change of *aor* that leaves a mark, as an operation for a write transaction."""
        return Marking(self.change(aor, edit), self.key(aor), self.marks, self.new_id())

    def mark_all(self, aor: str) -> None:
        """Mark all contacts of *aor* as what the database does not know."""
        key = self.key(aor)

        def operation(transaction: Any) -> None:
            mark = self.marks.get(transaction, key) or Mark(aor)
            record = transaction.get(key, db=self._database)
            for each in [] if record is None else unpack(record):
                mark.note_change(None, each)
            mark.serial, mark.at, mark.refused = self.new_id(), self.clock(), False
            self.marks.put(transaction, key, mark)
        self._submit(operation)

    def state_of(self, aor: str) -> Callable[[Binding], str]:
        mark = self.marks.find(self.key(aor))
        known = Table.state_of(self, aor)
        if mark is None:
            return known
        changed, keys = mark.changed, mark.keys
        return lambda binding: (NEW if changed[binding.id] else DIRTY) if binding.id in changed else \
            DIRTY if keys else known(binding)

"""What every table of bindings offers, wherever it keeps them."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count as counting
from typing import Any, Protocol, TypeVar

from opensips_py.modules.usrloc.record import Record
from opensips_py.state._bindings import Binding
from opensips_py.state._words import Keyed

T = TypeVar("T")
R = TypeVar("R", covariant=True)

NEW, SYNCHRONIZED = "CS_NEW", "CS_SYNC"


class Applied(Protocol[R]):
    """A change that was carried out: what the edit returned, and the record that it left."""

    @property
    def result(self) -> R:
        """What the edit returned."""

    @property
    def record(self) -> Record:
        """What it left."""


class Table:
    """The contacts of each address-of-record under one name.

    What reads or changes them may wait where that is said here, and then raises a DatabaseError or an OSError where the
    database that keeps them fails.
    """

    reads_wait = False
    changes_wait = False

    def __init__(self, name: str, slots: Any, worker: int = 0, clock: Callable[[], float] | None = None) -> None:
        self.name = name
        self.clock = clock or time.time
        self.newest_first = False
        self._slots: Keyed = slots
        # Identifiers go on where no earlier process of this worker can have been.
        self._identifiers = counting((int(self.clock() * 1000) & 0xFFFFFFFFFF) << 22 | (worker & 63) << 16)

    def slot(self, aor: str) -> int:
        """The slot of *aor*: its worker looks after it."""
        return self._slots.slot_of_name(aor)

    def new_id(self) -> int:
        """An identifier for a new binding."""
        return next(self._identifiers)

    def stored(self, aor: str) -> list[Binding]:
        """The bindings of *aor* as they are stored, those that have ended since included."""
        raise NotImplementedError

    def find(self, aor: str) -> list[Binding]:
        """The bindings of *aor* that are valid now, the best one first."""
        raise NotImplementedError

    def has(self, aor: str) -> bool:
        """Whether *aor* has a binding that is valid now."""
        return bool(self.find(aor))

    def keys(self, aor: str) -> dict[str, str] | None:
        """The key/value pairs kept with *aor*; None where it is not registered."""
        raise NotImplementedError

    def apply(self, aor: str, edit: Callable[[Record], T]) -> Applied[T]:
        """Apply *edit* to the record of *aor*; it is committed then. *edit* may be called more than once."""
        raise NotImplementedError

    def enlist(self, aor: str, edit: Callable[[Record], T]) -> Applied[T]:
        """As apply(), but where that is cheaper it is committed a little later, before anything that is sent leaves."""
        return self.apply(aor, edit)

    def apply_all(self, aors: list[str], edit: Callable[[Record], T]) -> Sequence[Applied[T]]:
        """Apply *edit* to the records of *aors*, in one transaction where that is possible."""
        return [self.apply(each, edit) for each in aors]

    def users(self) -> int:
        """How many addresses-of-record there are; 0 where that is not counted."""
        return 0

    def contacts(self) -> int:
        """How many bindings there are; 0 where that is not counted."""
        return 0

    def records(self, slots: list[int] | None = None) -> Iterator[tuple[str, bytes]]:
        """Every address-of-record (of *slots*) with its record; other work may run between two of them."""
        raise NotImplementedError

    def ended(self, slots: list[int]) -> Iterator[str]:
        """The addresses-of-record in *slots* of which a binding has ended."""
        raise NotImplementedError

    def state_of(self, aor: str) -> Callable[[Binding], str]:
        """What tells of each binding of *aor* whether a database knows it, as management lists it."""
        return lambda binding: SYNCHRONIZED

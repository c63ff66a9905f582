"""Slots: which worker owns a call, and identifiers that carry the answer."""
from __future__ import annotations

from collections.abc import Sequence
from secrets import token_bytes, token_hex

from opensips_py.state._words import Keyed

COUNT = 1024


class Slots(Keyed):
    """The 1,024 slots that calls fall into, and the worker that each belongs to.

    A request falls into a slot by the hash of its Call-ID; what we mint ourselves (Via branches, dialog identifiers)
    carries its slot. All workers of an installation share *multiplier*, *start* and *key*.
    """

    def __init__(self, multiplier: int, start: int, key: bytes, workers: int = 1,
                 owners: Sequence[int] | None = None) -> None:
        super().__init__(multiplier, start, key)
        self.workers = workers
        self.owners = list(owners) if owners is not None else [slot % workers for slot in range(COUNT)]
        if len(self.owners) != COUNT:
            raise ValueError(f"there are {COUNT} slots")

    @classmethod
    def random(cls, workers: int = 1) -> Slots:
        """Slots with secrets of their own: for a server that keeps no state, and for tests."""
        secret = token_bytes(8)
        return cls(int.from_bytes(secret[:4], "little"), int.from_bytes(secret[4:], "little"), token_bytes(16), workers)

    def worker_of(self, slot: int) -> int:
        """The worker that owns *slot*."""
        return self.owners[slot]

    def owner_of_call_id(self, call_id: str | bytes) -> int:
        """The worker that owns requests with *call_id*."""
        return self.owners[self.slot_of_call_id(call_id)]

    def owned_by(self, worker: int) -> list[int]:
        """The slots of *worker*."""
        return [slot for slot, owner in enumerate(self.owners) if owner == worker]

    def mint(self, slot: int) -> str:
        """A new identifier that carries *slot*, unlike any other."""
        return self.seal(slot, token_hex(8))

    def slot_of(self, identifier: str) -> int | None:
        """The slot that an identifier of ours carries; None where it is not ours."""
        opened = self.unseal(identifier)
        return None if opened is None else opened[0]

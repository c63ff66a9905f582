"""What a REGISTER does to the bindings of its address-of-record (RFC 3261, 10.3 step 6 and 7)."""
from __future__ import annotations

from opensips_py.state import matching
from opensips_py.state._bindings import Binding, Record

FEW = 16  # contacts of a request that are compared with each binding


class Refused(Exception):
    """The request fails, with this status, and changes nothing; P-Registrar-Error says the *reason*."""

    def __init__(self, status: int, reason: str, headers: bytes = b"") -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, headers


class Registration:
    """The change that one REGISTER asks for; called with the record, inside the write transaction.

    *expires* of a new binding is already a moment; those in *removed* are to go. The answer is the list of bindings
    that are valid afterwards, or the reason why nothing has changed.
    """

    def __init__(self, call_id: str, cseq: int, new: list[Binding], mode: matching.Mode = matching.CONTACT_ONLY,
                 limit: int = 0, force: bool = False, retransmission: int = 0, allow_duplicate: bool = True) -> None:
        self.call_id, self.cseq = call_id, cseq
        self.new = new
        self.removed: set[Binding] | None = None
        self.everything = False  # Contact: *
        self.flows = 0  # how many of the contacts are flows of RFC 5626
        self.mode, self.limit, self.force = mode, limit, force
        self.retransmission, self.allow_duplicate = retransmission, allow_duplicate

    def __call__(self, record: Record) -> list[Binding] | Refused:
        # All or nothing: what has been checked first needs no undoing. Usually there is one contact and one binding.
        bindings = record.bindings
        if self.everything:
            for old in bindings:
                if old.call_id == self.call_id and old.cseq >= self.cseq:
                    return OUT_OF_ORDER
            for old in list(bindings):
                record.delete(old)
            return []
        if not bindings and len(self.new) == 1 and self.removed is None:
            record.insert(self.new[0])  # the usual first registration, which breaks no rule
            return bindings
        removed = self.removed or ()
        known = matching.Known(bindings) if len(self.new) > FEW else None
        find = matching.find if known is None else known.find
        pairs = [(new, find(bindings, new, self.mode)) for new in self.new]
        for _, found in pairs:
            if found is not None and found.call_id == self.call_id and found.cseq >= self.cseq \
                    and not self.is_repetition(found, record.now):
                return OUT_OF_ORDER
        if self.limit:
            added = sum(found is None and new not in removed for new, found in pairs)
            gone = sum(found is not None and new in removed for new, found in pairs)
            surplus = len(bindings) + added - gone - self.limit
            if added and surplus > 0 and not self.make_room(record, pairs, surplus):
                return TOO_MANY
        for new, found in pairs:
            self.apply(record, new, found, new in removed, known)
        return record.bindings

    def apply(self, record: Record, new: Binding, old: Binding | None, goes: bool,
              known: matching.Known | None = None) -> None:
        """Carry out one contact."""
        if old is None and len(self.new) > 1:  # the same contact twice in one request
            old = (matching.find if known is None else known.find)(record.bindings, new, self.mode)
        elif old is not None and old not in record.bindings:
            old = None
        if old is None:
            if not goes:
                record.insert(new)
                if known is not None:
                    known.add(new)
        elif goes:
            record.delete(old)
        elif not self.is_retransmission(old, record.now):
            record.update(old, new)

    def is_repetition(self, old: Binding, now: float) -> bool:
        """Whether a CSeq that is not higher may pass: the same one, as a retransmission or because that is allowed."""
        return old.cseq == self.cseq and (self.allow_duplicate or self.is_retransmission(old, now))

    def is_retransmission(self, old: Binding, now: float) -> bool:
        """Whether the binding was written by this very request a short while ago."""
        return old.cseq == self.cseq and old.call_id == self.call_id and now - old.modified < self.retransmission

    def make_room(self, record: Record, pairs: list[tuple[Binding, Binding | None]], surplus: int) -> bool:
        """Take out the oldest contacts that the request does not name, and then the first of its own; False where that
        is not wanted."""
        if not self.force:
            return False
        named = [found for _, found in pairs if found is not None]
        oldest = sorted((each for each in record.bindings if each not in named), key=lambda each: each.modified)
        for each in oldest[:surplus]:
            record.delete(each)
        added = [pair for pair in pairs if pair[1] is None and pair[0] not in (self.removed or ())]
        for pair in added[:max(0, surplus - len(oldest))]:
            pairs.remove(pair)
        return True


OUT_OF_ORDER = Refused(400, "Invalid CSeq number")
TOO_MANY = Refused(503, "Too many registered contacts")

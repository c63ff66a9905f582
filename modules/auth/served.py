"""The memory of nonces that have served."""
from __future__ import annotations

import hashlib
import os
from typing import Protocol

from opensips_py.errors import ConfigError
from opensips_py.state._words import Words
from opensips_py.state.directory import current_boot

SIZE = 1 << 18  # nonces that are remembered at a time: 8,700 challenges a second for half a minute
BOOT, NEXT, FIRST = 0, 1, 8  # words: which boot of the machine, the next serial number, where the memory begins
ROUNDS, COUNTS, WINDOW = (1 << 24) - 1, (1 << 16) - 1, (1 << 23) - 1  # the parts of a word, from the top


class Memory(Protocol):
    """Words that all workers share."""

    def load(self, index: int, /) -> int: ...
    def fetch_add(self, index: int, amount: int, /) -> int: ...
    def cas(self, index: int, old: int, new: int, /) -> bool: ...
    def store(self, index: int, value: int, /) -> None: ...


class Served:
    """Which nonces have served, and with which counts, in words that all workers share.

    Serial numbers go round a ring with one word each: the round in its top bits, then the highest count that has
    served, then one bit for each of the counts just below it. A word is written when its nonce has proved something,
    never for a challenge, so that strangers cannot push anything out; a nonce whose place has gone to a later one is
    stale.
    """

    words: Memory | None = None

    def open(self, path: str) -> None:
        """Share the file *path*, which is made where there is none; once is enough."""
        if self.words is None:
            try:
                self.words = mapped(path)
            except OSError as error:
                raise ConfigError(f"the memory of nonces, {path}, cannot be used: {error.strerror}", "auth") from None
            self.begin(int.from_bytes(hashlib.blake2b(current_boot().encode(), digest_size=7).digest()))

    def begin(self, boot: int) -> None:
        """Forget all nonces of another boot of the machine: what it left in the file may be older than they are."""
        assert self.words is not None
        if self.words.load(BOOT) != boot:
            self.words.fetch_add(NEXT, SIZE + 1)  # done twice by two workers at once, it does no harm
            self.words.store(BOOT, boot)

    def next(self) -> int:
        """A serial number that no other nonce has."""
        assert self.words is not None
        return self.words.fetch_add(NEXT, 1)

    def claim(self, serial: int, count: int) -> bool:
        """Let the nonce *serial* serve under *count*; False where it has, or where it can no longer be told."""
        words = self.words
        assert words is not None
        following = words.load(NEXT)
        if not following - SIZE <= serial < following or not 0 < count <= COUNTS:
            return False
        place, round_ = FIRST + serial % SIZE, serial // SIZE & ROUNDS
        while True:
            old = words.load(place)
            new = counted(old, count) if old >> 39 == round_ else round_ << 39 | count << 23
            if new == old:
                return False
            if words.cas(place, old, new):
                return True


def counted(word: int, count: int) -> int:
    """*word* after *count* has served; the same where it had, or is too far behind the highest to tell."""
    highest, seen = word >> 23 & COUNTS, word & WINDOW
    if count > highest:
        ahead = count - highest
        seen = (seen << 1 | 1) << ahead - 1 & WINDOW if ahead <= 23 else 0
        return word >> 39 << 39 | count << 23 | seen
    behind = highest - count - 1
    return word | 1 << behind if 0 <= behind < 23 else word


def mapped(path: str) -> Words:
    """The words in the file *path*, which is made, all zero, where there is none."""
    size = 8 * (FIRST + SIZE)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(fd, 0, size)  # a full disk is told now, not by a signal later
        return Words(fd, 0, FIRST + SIZE)
    finally:
        os.close(fd)

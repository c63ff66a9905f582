"""A lock of processes in one word of shared memory, for work that no other process may see half done."""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from opensips_py.state._words import Words
from opensips_py.state.names import is_running


@contextmanager
def locked(words: Words, place: int) -> Iterator[None]:
    """Hold the lock in word *place*, which is 0 while it is free; nothing inside the block may wait or switch.

    A holder that was killed is passed over, so whatever the lock guards must bear being half written.
    """
    me = os.getpid()
    while not words.cas(place, 0, me):
        holder = words.load(place)
        if holder and not is_running(holder) and words.cas(place, holder, me):
            break
        os.sched_yield()  # not time.sleep(): gevent's would leave the process to others, which the hub must not
    try:
        yield
    finally:
        words.store(place, 0)

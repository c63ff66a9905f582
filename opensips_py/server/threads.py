"""Long work in a thread beside the event loop, which goes on meanwhile."""
from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN = sys.getswitchinterval()  # seconds that a thread may go on while others wait
SHORT_COLLECTIONS = (1000, 10)  # new objects until the youngest are searched for cycles; how often until all young are


@contextmanager
def polite() -> Iterator[None]:
    """Let threads give way to the event loop ten times as often: it waits half a millisecond for its turn, not five.

    Nobody gives way inside a garbage collection. A thread that makes 100,000 objects which stay would have one of
    20 ms; here there are more of them, none of which takes longer than 3 ms.
    """
    thresholds = gc.get_threshold()
    sys.setswitchinterval(TURN / 10)
    gc.set_threshold(*SHORT_COLLECTIONS, thresholds[2])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(TURN)

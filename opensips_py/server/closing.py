"""Descriptors are closed at once.

gevent puts os.close() off until its loop has looked for events, and lets the loop wait for the next one as if nothing
were to be done: whoever reads at the other end of a pipe or connection learns of its end by our next timer, 0.1 to 0.25
seconds later.
"""
from __future__ import annotations

import os

from gevent._hub_local import get_hub_if_exists

deferred = os.close


def close(fd: int) -> None:
    """Close *fd* as gevent does, and let its loop come to that without waiting."""
    deferred(fd)
    hub = get_hub_if_exists()
    if hub is not None:  # in a thread without one, it is closed
        hub.loop.timer(0).start(nothing)


def nothing() -> None:
    """There was nothing to wait for."""


def at_once() -> None:
    """Have all of this process close so; to be called behind monkey.patch_all()."""
    os.close = close

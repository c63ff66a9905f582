"""A process of the server begins and ends without the collector's searches through all that is just being loaded, and
without taking apart what the kernel takes back anyway: a third of what its start and end cost."""
from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from typing import NoReturn


def begin() -> None:
    """Have no garbage collected until settled(): what is loaded is there to stay."""
    gc.disable()


def settled(search: bool = True) -> None:
    """Collect garbage again. What there is now is searched once, if at all, and never again: that takes longer than
    calls may wait."""
    if search:
        gc.collect()
    gc.freeze()
    gc.enable()


def end(status: int) -> NoReturn:
    """End this process with *status*, once what was registered for its end has run and all output is out."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
    os._exit(status)

"""A process of the server begins and ends without the collector's searches through all that is just being loaded, and
without taking apart what the kernel takes back anyway: an eighth of what a start and a stop of the server cost."""
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


def settled() -> None:
    """Collect garbage again, but of what comes from now on. To search all that was loaded takes longer than calls may
    wait, and finds some 2,000 objects among 100,000."""
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

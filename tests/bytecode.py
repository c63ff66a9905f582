"""A place for bytecode even where we are told to leave none: tests and the servers that they start would else compile
everything again in each process, which took longer than what most of them then do."""
from __future__ import annotations

import os
import pathlib
import sys
import tempfile


def keep() -> None:
    """Have this process and those that it starts keep their bytecode outside the checkout."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        sys.pycache_prefix = str(pathlib.Path(tempfile.gettempdir(), f"opensips-py-bytecode-{os.getuid()}"))
        sys.dont_write_bytecode = False
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

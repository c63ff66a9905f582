"""How the supervisor starts Python again: never with the working directory among the places to import from."""
from __future__ import annotations

import os
import pathlib
import site
import sys

PROGRAM = [sys.executable, "-P", "-m"]  # -P: anybody may write a module into a working directory such as /tmp


def environment() -> dict[str, str]:
    """Our environment; a checkout that nobody installed has to be named to the processes that we start."""
    root = str(pathlib.Path(__file__).absolute().parents[2])
    values = dict(os.environ)
    if root not in [*site.getsitepackages(), site.getusersitepackages()]:
        values["PYTHONPATH"] = os.pathsep.join(filter(None, [root, values.get("PYTHONPATH", "")]))
    return values

"""Errors of the user's Python, as the log shows them: the frames of the user, and what Python 2 had other names for."""
from __future__ import annotations

import os
import traceback

import opensips_py
from opensips_py.modules.python import two

OURS = os.path.dirname(os.path.abspath(opensips_py.__file__)) + os.sep


def described(error: BaseException) -> str:
    """The traceback of *error* without our own frames."""
    frames = [each for each in traceback.extract_tb(error.__traceback__)
              if not os.path.abspath(each.filename).startswith(OURS)]
    lines = [*traceback.format_list(frames), *traceback.format_exception_only(error)]
    return "".join(lines).rstrip() + two.renamed(error)

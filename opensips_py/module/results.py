"""What script functions return."""
from __future__ import annotations

from enum import IntEnum
from typing import Final

STOP: Final = 0  # the whole script ends, as with exit


class ReturnCode(IntEnum):
    """Base of a function's return codes: one member per value that the manual gives for `$rc`; 0 stops the script."""

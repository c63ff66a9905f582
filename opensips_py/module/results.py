"""What script functions return."""
from __future__ import annotations

from enum import IntEnum
from typing import Final

STOP: Final = 0  # the whole script ends, as with exit


class ReturnCode(IntEnum):
    """Base of a function's return codes: one member per value that the manual gives for `$rc`; 0 stops the script."""


class AuthResult(ReturnCode):
    """What checking credentials has shown, in every module that does; negative ones ask for a challenge. The
    script ends where the request was REFUSED: it has been answered."""

    AUTHORIZED, REFUSED, NO_USER, WRONG_PASSWORD, STALE_NONCE, NO_CREDENTIALS, ERROR = 1, 0, -1, -2, -3, -4, -5

"""The module OpenSIPS, which the files of users import: writing to the log."""
from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import ModuleType

from opensips_py.modules.python.message import Message

NAME = "OpenSIPS"
LEVELS = {"ALERT": (-3, logging.CRITICAL), "CRIT": (-2, logging.CRITICAL), "ERR": (-1, logging.ERROR),
          "WARN": (1, logging.WARNING), "NOTICE": (2, 25), "INFO": (3, logging.INFO), "DBG": (4, logging.DEBUG)}
BY_NUMBER = dict(LEVELS.values())
log = logging.getLogger("opensips_py.script")


def write(level: int, text: object) -> None:
    """Write a line to the log."""
    log.log(level, "%s", str(text).rstrip("\r\n"), extra={"bare": True})


def writer(level: int) -> Callable[[object], None]:
    """What writes to the log at *level*."""
    return lambda text: write(level, text)


def write_at(level: int, text: object) -> None:
    """LM_GEN1(level, text): write to the log at a level of OpenSIPS, L_ALERT to L_DBG."""
    write(BY_NUMBER.get(max(-3, min(4, int(level))), logging.WARNING), text)


def write_to(_: object, level: int, text: object) -> None:
    """LM_GEN2(facility, level, text): as LM_GEN1; the facility is that of the whole server."""
    write_at(level, text)


def install() -> None:
    """Let `import OpenSIPS` find it."""
    if NAME in sys.modules:
        return
    module = ModuleType(NAME, "What OpenSIPS offers to Python.")
    for name, (number, level) in LEVELS.items():
        setattr(module, f"LM_{name}", writer(level))
        setattr(module, f"L_{name}", number)
    vars(module).update(LM_GEN1=write_at, LM_GEN2=write_to, Message=Message)
    sys.modules[NAME] = module

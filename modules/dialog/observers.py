"""What other modules are told of dialogs."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from opensips_py.dialog.record import Dialog
from opensips_py.sip import Request, Response

Created = Callable[[Dialog, Request], object]
Early = Callable[[Dialog, Request, Response], object]
Confirmed = Callable[[Dialog, Request, Response | None], object]
Failed = Callable[[Dialog, Request, int], object]
Within = Callable[[Dialog, Request, int], object]
Ended = Callable[[Dialog, Request | None], object]
log = logging.getLogger(__name__)


class Observers:
    """Who wants to know what; a tuple for each kind of news, empty as a rule."""

    __slots__ = ("confirmed", "created", "early", "ended", "failed", "within")

    def __init__(self) -> None:
        self.created: tuple[Created, ...] = ()
        self.early: tuple[Early, ...] = ()
        self.confirmed: tuple[Confirmed, ...] = ()
        self.failed: tuple[Failed, ...] = ()
        self.within: tuple[Within, ...] = ()
        self.ended: tuple[Ended, ...] = ()


def tell(observers: tuple[Callable[..., object], ...], *news: Any) -> None:
    """Tell all *observers*; one that fails does not keep the others."""
    for observer in observers:
        try:
            observer(*news)
        except Exception:
            log.exception("%s failed", getattr(observer, "__qualname__", observer))

"""Addresses that no datagram reaches: requests that wait for a first word from there fail at once (RFC 3261, 18.4)."""
from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from opensips_py.errors import TransportError

if TYPE_CHECKING:
    from opensips_py.transaction.layer import TransactionLayer
    from opensips_py.transport import Listener

PAUSE = 0.1  # seconds between two looks through all branches, however many errors come


class Unreachable:
    """What the network said of addresses since the branches were looked through last."""

    def __init__(self, layer: TransactionLayer) -> None:
        self.layer = layer
        self._errors: dict[tuple[int, int], int] = {}  # by index of the listener and address

    def report(self, listener: Listener, address: int, error: int) -> bool:
        """An ICMP *error* came, or a datagram could not be sent; False: no news. To be called in the event loop."""
        if error == errno.EMSGSIZE:  # the next retransmission leaves in smaller fragments
            return False
        place = (listener.index, address)
        if place in self._errors:
            return False
        if not self._errors:
            self.layer.services.timers.start(PAUSE, self._look)
        self._errors[place] = error
        return True

    def _look(self, _: object) -> None:
        errors, self._errors = self._errors, {}
        failed = []
        for branch in self.layer.clients.values():
            target = branch.target
            if branch.awaiting and not branch.received and target.protocol == "udp":
                error = errors.get((target.listener.index, target.address))
                if error is not None:
                    failed.append((branch, error))
        for branch, error in failed:
            self.layer.undelivered(branch, TransportError(os.strerror(error)))

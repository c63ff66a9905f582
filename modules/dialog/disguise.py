"""How another module has the sides of hidden dialogs see us (topology_hiding)."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from opensips_py.dialog.record import Dialog


class Disguise(Protocol):
    """What our own requests within a hidden dialog say; a module sets `disguise` of this one to it, in load()."""

    def contact(self, dialog: Dialog, side: int, socket: Any) -> str:
        """The Contact that *side* is shown in place of that of the other side, who is sent to by *socket*."""

    def call_id(self, dialog: Dialog) -> str:
        """The Call-ID that the callee knows."""

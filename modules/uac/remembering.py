"""What uac keeps with dialogs of module dialog, which Record-Route keeps without them."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from opensips_py.dialog import CALLER
from opensips_py.module import Route, Run
from opensips_py.module.numbering import Scope
from opensips_py.modules.uac.changes import changes_of

if TYPE_CHECKING:
    from opensips_py.sip import Request

NAME = "uac"


class Remembering:
    """Keeps with a dialog what its later requests need."""

    dialog: Any
    force_dialog: bool
    put_back: Callable[..., bool]

    def followed(self, request: Request) -> Any:
        """The dialog of a request; None where nobody follows it."""
        return self.dialog.dialog_of(request) if self.dialog is not None else None

    def keep_with_dialog(self, run: Run, request: Request, name: str, old: str, new: str, scope: Scope) -> bool:
        """Keep both URIs of a header with the dialog; False where there is none."""
        dialog = self.followed(request)
        if dialog is None:
            if not self.force_dialog or run.kind != Route.REQUEST or request.method != "INVITE":
                return False
            dialog = self.dialog.create(run, request, 0)
        if scope is None:
            self.remember(dialog, name, old, new)
        else:  # others may be answered
            changes_of(request, self).kept.append((scope, partial(self.remember, dialog, name, old, new)))
        return True

    def remember(self, dialog: Any, name: str, old: str, new: str) -> None:
        """Keep both URIs of a header with a dialog."""
        before = self.dialog.kept(dialog, NAME) or {}
        if before.get(name) != [old, new]:
            self.dialog.keep(dialog, NAME, {**before, name: [old, new]})

    def within(self, dialog: Any, request: Request, side: int) -> None:
        """A later request of a dialog: change it as the first one was."""
        for name, (old, new) in (self.dialog.kept(dialog, NAME) or {}).items():
            self.put_back(request, name, old, new, downstream=side == CALLER)

    def count_with_dialog(self, request: Request, step: int) -> bool:
        """Have what comes later in the dialog count on; False where nobody follows it."""
        if self.followed(request) is None:
            return False
        self.dialog.counted_up(request, step)
        return True

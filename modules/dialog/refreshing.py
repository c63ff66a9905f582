"""Target refreshes (RFC 3261, 12.2): a re-INVITE or UPDATE tells where each side is reached from now on."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.dialog.legs import contact_in
from opensips_py.dialog.record import Dialog
from opensips_py.modules.dialog.table import Dialogs
from opensips_py.transaction import Happening

if TYPE_CHECKING:
    from collections.abc import Callable

    from opensips_py.sip import Message, Request

FORWARDED = int(Happening.RESPONSE_FORWARDED)


class Refreshing:
    """Follows contacts and session descriptions as they change."""

    dialogs: Dialogs
    keeps_bodies: bool
    watch: Callable[[Request, int, Any], None]

    def follow_refresh(self, request: Request) -> None:
        """See what becomes of a request that may change targets."""
        self.watch(request, FORWARDED, self.dialogs.refreshed)

    def refresh(self, dialog: Dialog, side: int, request: Message, response: Message,
                told: list[list[bytes]]) -> None:
        """A request of *side* has been accepted; *told* are the session descriptions that go on, if they are others."""
        facts = self.dialogs.facts(dialog)
        if facts is None or dialog.is_over:
            return
        before = facts.packed()
        contacts, texts, types = list(facts.contacts), list(facts.texts), list(facts.types)
        for place, message in ((side, request), (1 - side, response)):
            contacts[place] = contact_in(message) or contacts[place]
            if self.keeps_bodies and message.body:
                texts[place], types[place] = message.body, message.content_type or ""
        facts.contacts, facts.texts, facts.types = contacts, texts, types
        if self.keeps_bodies and (request.body or response.body):
            facts.told = (told[0][side], told[0][1 - side]) if told else None
        after = facts.packed()
        if after != before and dialog.stored:
            self.dialogs.changed(dialog, after)


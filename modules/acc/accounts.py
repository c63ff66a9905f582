"""What a request is accounted for, and where: marks per back end, and the values that the script puts with it."""
from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opensips_py.module import Run
    from opensips_py.sip import Message

Value = int | str | None
LOG, EVENTS, DATABASE = 0, 8, 16  # how far a back end's marks are shifted


class Mark(IntFlag):
    """What a back end is told; shifted by the back end's place."""

    SUCCESS = 1  # what was answered with a 2xx
    MISSED = 2  # an INVITE that one of its targets did not accept
    FAILED = 4  # SUCCESS tells failures too
    CDR = 8  # a call is told when it is over, in place of its INVITE


EVERYWHERE = 1 << LOG | 1 << EVENTS | 1 << DATABASE  # a mark times this: that mark of every back end


class Account:
    """What the script says about one request, from the first word of it on."""

    __slots__ = ("call", "dialog", "extras", "legs", "marks", "table")

    def __init__(self) -> None:
        self.marks = 0
        self.extras: dict[str, Value] = {}
        self.legs: list[dict[str, Value]] = []  # none before do_accounting()
        self.table = ""  # of the database, in place of the usual one
        self.dialog: Any = None  # which keeps it, if one does
        self.call: dict[str, Any] | None = None  # what else it keeps for its CDR

    def kept(self) -> dict[str, Any]:
        """What a dialog keeps."""
        assert self.call is not None
        return {**self.call, "extras": self.extras, "legs": self.legs}


def known_account(message: Message | None) -> Account | None:
    """What was said about *message*; None where nothing was."""
    context: dict[str, Any] | None = message.context if message is not None else None
    return context.get("acc") if context else None


def account_of(run: Run) -> Account | None:
    """The account of the request at hand, made when first asked for; None without any message."""
    message: Message | None = run.request
    if message is None:
        return None
    if message.context is None:
        message.context = {}
    account: Account | None = message.context.get("acc")
    if account is None:
        account = message.context["acc"] = Account()
    return account

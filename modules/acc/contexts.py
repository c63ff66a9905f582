"""Which account a message belongs to: its own, that of the dialog it is in, or one that the script has loaded."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.module import uses
from opensips_py.modules.acc.accounts import Account, account_of, known_account

if TYPE_CHECKING:
    from opensips_py.module import Run
    from opensips_py.sip import Message

NAME = "acc"  # under which dialogs keep accounts
LOADED = "loaded account"  # in Run.extra


class Contexts:
    """Finds accounts."""

    dialog: Any = uses("dialog", optional=True)

    def known(self, run: Run) -> Account | None:
        """The account that a route works on; None where nothing was said about the request."""
        if run.extra is not None and (loaded := run.extra.get(LOADED)) is not None:
            found: Account | None = loaded
            return found
        return self.known_of(run.request)

    def known_of(self, message: Message | None) -> Account | None:
        """The account of a message: within a dialog that is accounted, that of the dialog."""
        account = known_account(message)
        if account is None and message is not None and self.dialog is not None:
            dialog = self.dialog.dialog_of(message)
            account = self.account_in(dialog) if dialog is not None else None
            if account is not None and account.dialog is not None:  # before the answer it is that of the INVITE
                message.context["acc"] = account
        return account

    def made(self, run: Run) -> Account | None:
        """The account that a route works on, made when first asked for."""
        return self.known(run) or account_of(run)

    def account_in(self, dialog: Any) -> Account | None:
        """The account that is kept with a dialog."""
        kept = self.dialog.kept(dialog, NAME)
        if kept is None:
            return known_account(dialog.request)
        account = Account()
        account.dialog, account.call = dialog, kept
        account.extras, account.legs = dict(kept["extras"]), [dict(each) for each in kept["legs"]]
        return account

    def remember(self, account: Account) -> None:
        """The values of an account have changed: have its dialog keep them."""
        if account.dialog is not None and not account.dialog.is_over:
            self.dialog.keep(account.dialog, NAME, account.kept())

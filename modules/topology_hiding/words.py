"""What a Contact says of the side that it stands for where no dialog keeps that: one word, which only we can read."""
from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opensips_py.dialog import CALLEE, CALLER

if TYPE_CHECKING:
    from opensips_py.module.hidden import Hidden

Routes = tuple[str, ...]  # Route values
Names = tuple[str, str]  # the users in the Contacts that caller and callee are shown


class Beyond(NamedTuple):
    """One side, as its Contact and its Record-Routes have told where it is reached."""

    side: int  # CALLER or CALLEE
    users_shown: bool
    names: Names
    socket: str  # the socket of ours that it talks with
    target: str  # the URI of its Contact
    routes: Routes  # from us to it
    back: Routes = ()  # from us to the other one, whom the Contact is shown: its later requests need not say them again

    def word(self, hidden: Hidden) -> str:
        """This side as a word."""
        how = f"{self.side:x}{self.users_shown:x}"
        back = ("", *self.back) if self.back else ()
        return hidden.hide(how, *self.names, self.socket, self.target, *self.routes, *back)


def beyond(word: str, hidden: Hidden) -> Beyond | None:
    """The side that a word stands for; None where we have not made it."""
    texts = hidden.show(word)
    if texts is None or len(texts) < 5 or texts[0][:1] not in (f"{CALLER}", f"{CALLEE}"):
        return None
    how, to_caller, to_callee, socket, target, *routes = texts
    end = routes.index("") if "" in routes else len(routes)
    return Beyond(int(how[0]), how[1:] == "1", (to_caller, to_callee), socket, target, tuple(routes[:end]),
                  tuple(routes[end + 1:]))


def names_of(text: str) -> Names:
    """The users that a script gives: one for both sides, or /that which the caller is shown/that of the callee."""
    if not text.startswith("/"):
        return text, text
    to_caller, _, to_callee = text[1:].partition("/")
    return to_caller, to_callee

"""Drafts: what scripts make of a part of a message, step by step, until it leaves.

Some parts are changed again and again: an SDP, the parts of a body, a list in a header. Their state lies in the edits
of the message, so it has their scope: what the request route writes holds for all branches, what a branch route writes
for its branch alone, on top of that. The splices ask for the state when the message leaves.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from opensips_py.module.run import Route, Run
from opensips_py.sip import Edits, Header, Message
from opensips_py.transaction import Branch

Render = Callable[[Any], bytes]


class Draft:
    """The state of one part in one list of edits."""

    __slots__ = ("key", "value")

    def __init__(self, key: Hashable, value: Any) -> None:
        self.key, self.value = key, value


class Piece:
    """The text of a splice: what the draft makes of its place; innermost is the draft of the branch that leaves."""

    __slots__ = ("draft", "place", "render")

    def __init__(self, draft: Draft, place: Hashable, render: Render) -> None:
        self.draft, self.place, self.render = draft, place, render

    def __call__(self, outgoing: object) -> bytes:
        found = find(departing(outgoing), self.draft.key) or self.draft
        return self.render(found.value)


class View(NamedTuple):
    """Stands for what a message leaves through while somebody only looks."""

    scopes: list[Edits]


def scopes(run: Run, message: Message) -> list[Edits]:
    """The lists of edits that hold where *run* is, the innermost first."""
    found = [message.edits if message.has_edits else None]
    if run.transaction is not None and message.is_request:
        if run.kind == Route.BRANCH:
            found.append(run.branch.run_edits)
        found.append(run.transaction.edits)
    return [each for each in found if each is not None]


def departing(outgoing: object) -> list[Edits]:
    """The lists of edits of what leaves, the innermost first."""
    if isinstance(outgoing, Branch):
        found = (outgoing.edits, outgoing.run_edits, outgoing.transaction.edits)
        return [each for each in found if each is not None]
    return outgoing.scopes if isinstance(outgoing, View) else []


def pieces(lists: Iterable[Edits], key: Hashable) -> Iterable[Piece]:
    """The splices of a part in *lists*."""
    for edits in lists:
        for _, _, text in edits:
            if type(text) is Piece and text.draft.key == key:
                yield text


def find(lists: Iterable[Edits], key: Hashable) -> Draft | None:
    """The draft of a part in the first of *lists* that has one."""
    return next((each.draft for each in pieces(lists, key)), None)


def current(run: Run, message: Message, key: Hashable) -> Any:
    """The state of a part as the script sees it; None where nobody has changed it."""
    found = find(scopes(run, message), key)
    return None if found is None else found.value


def write(message: Message, key: Hashable, value: Any) -> Draft:
    """Make *value* the state of a part; the splices that show it are the caller's."""
    found = find([message.edits], key)
    if found is None:
        found = Draft(key, value)
        message.edits.insert(message.body_offset, Piece(found, None, nothing))  # keeps it where it is found
    found.value = value
    return found


def nothing(_: Any) -> bytes:
    """The text of a splice that only holds a draft."""
    return b""


def is_placed(run: Run, message: Message, key: Hashable, place: Hashable) -> bool:
    """Whether a splice for that place of a part stands already where it holds for *run*."""
    return any(each.place == place for each in pieces(scopes(run, message), key))


def place_header(run: Run, message: Message, draft: Draft, header: Header, place: Hashable, render: Render) -> None:
    """Have *render* give the lines of a header, its name included, or none; where it does not yet."""
    if not is_placed(run, message, draft.key, place):
        # Two splices: a later deletion of the whole header covers either and so wins, one of just its extent would not.
        message.edits.delete(header.start, header.start + 1)
        message.edits.replace(header.start + 1, header.end, Piece(draft, place, render))


def edited_body(run: Run, message: Message) -> bytes:
    """The body as it would leave now."""
    lists = scopes(run, message)
    together = Edits()
    for edits in reversed(lists):
        for start, end, text in edits:
            if start >= message.body_offset:
                together.replace(start, end, text)
    return together.apply(message.data, View(lists))[message.body_offset:]

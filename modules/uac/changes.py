"""What uac keeps with a request that it changes, so that what follows it fits."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Route, Run
from opensips_py.module.numbering import Scope, count_up, covers, number_span, total
from opensips_py.transaction import Happening

if TYPE_CHECKING:
    from collections.abc import Callable

    from opensips_py.sip import Edits, Message, NameAddr, Request, Response
    from opensips_py.transaction import Branch, Transaction
    from opensips_py.transaction.layer import TransactionLayer

WATCHED = Happening.REQUEST_BUILT | Happening.RESPONSE_FORWARDED


class Changes:
    """The changes of one request; an observer of its transaction."""

    __slots__ = ("attempts", "cseq", "kept", "owner", "parameters", "replaced", "request", "restored", "steps", "told",
                 "watched")

    def __init__(self, request: Request, owner: Any) -> None:
        self.request, self.cseq, self.owner = request, request.cseq, owner
        self.steps: list[tuple[Scope, int]] = []  # by how much the CSeq number grows
        self.told = 0  # what the dialog knows of that
        self.parameters: list[tuple[Edits, str]] = []  # of Record-Route, for some branches
        self.kept: list[tuple[Scope, Callable[[], object]]] = []  # what is kept with the dialog if they are answered
        self.attempts: list[Any] = []  # to answer challenges
        self.replaced: list[tuple[str, Scope]] = []  # the headers that the script has replaced
        self.restored: dict[str, bytes] = {}  # those that responses have as the request came with them
        self.watched = False

    def watch(self, transaction: Transaction) -> None:
        """Observe *transaction*, once."""
        if not self.watched:
            self.watched = True
            transaction.observe(WATCHED, self)

    def __call__(self, happening: Happening, transaction: Transaction, branch: Branch | None, message: Any,
                 status: int) -> None:
        """The transaction layer tells."""
        if happening is Happening.REQUEST_BUILT:
            for scope, text in self.parameters:
                if branch is not None and covers(scope, branch):
                    self.owner.rr.add_to_branch(message, branch.index, text)
            if self.request.to_tag:
                self.tell_dialog(branch)
        else:
            self.restore(message)
            if 100 < status < 300 and not self.request.to_tag:
                for scope, keep in self.kept:
                    if covers(scope, branch):
                        keep()
                self.tell_dialog(branch)

    def tell_dialog(self, branch: Branch | None) -> None:
        """Let the dialog know by how much the number has grown that the other side has seen."""
        step = total(self.steps, branch) - self.told
        if step and self.owner.count_with_dialog(self.request, step):
            self.told += step

    def restore(self, response: Response) -> None:
        """Let a response say what the client said, not what we made of it."""
        if self.steps and response.cseq != self.cseq:
            response.edits.replace(*number_span(response), str(self.cseq))
        for name, ours in self.restored.items():
            try:
                theirs = getattr(response, name)
            except MalformedMessage:
                continue
            response.edits.replace(*span(response, theirs), ours)

    # What requests say

    def swap(self, request: Request, name: str, address: NameAddr, text: bytes, *, back: bool) -> None:
        """Put *text* in place of *address* in a header; *back*: responses have it as it was."""
        start, end = span(request, address)
        request.edits.replace(start, end, text)
        if back:
            self.restored.setdefault(name, request.data[start:end])

    def count_up(self, request: Request, scope: Scope, step: int) -> None:
        """Let the CSeq number grow by *step* more, in the branches of *scope*."""
        self.steps.append((scope, step))
        count_up(request, step, scope)


def changes_of(request: Request, owner: Any) -> Changes:
    """The changes that module *owner* makes in *request*."""
    context = request.context
    if context is None:
        context = request.context = {}
    found: Changes | None = context.get("uac")
    if found is None:
        found = context["uac"] = Changes(request, owner)
    return found


def scope_of(run: Run) -> Scope:
    """The branches that a route changes: a branch route its own, a failure route those that it makes."""
    return run.message.edits if run.kind in (Route.BRANCH, Route.FAILURE) else None


def watch_now(layer: TransactionLayer, request: Request, changes: Changes) -> None:
    """Observe the transaction of *request*, if it is open; else that is done when it is opened."""
    transaction = layer.find(request, request.method)
    if transaction is not None:
        changes.watch(transaction)


def span(message: Message, address: NameAddr) -> tuple[int, int]:
    """Where display name and URI of *address* stand, without its parameters."""
    end = address.uri_end
    return address.start, end + (message.data[end:end + 1] == b">")

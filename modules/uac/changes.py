"""What uac keeps with a request that it changes, so that what follows it fits."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Route, Run
from opensips_py.sip import HeaderId
from opensips_py.transaction import Happening

if TYPE_CHECKING:
    from opensips_py.sip import Edits, Message, NameAddr, Request, Response
    from opensips_py.transaction import Branch, Transaction
    from opensips_py.transaction.layer import TransactionLayer

Scope = Any  # None: all branches; Edits: the branches that have these
WATCHED = Happening.REQUEST_BUILT | Happening.RESPONSE_FORWARDED


class Changes:
    """The changes of one request; an observer of its transaction."""

    __slots__ = ("attempts", "cseq", "parameters", "replaced", "restored", "rr", "steps", "watched")

    def __init__(self, request: Request, rr: Any) -> None:
        self.cseq, self.rr = request.cseq, rr
        self.steps: list[tuple[Scope, int]] = []  # by how much the CSeq number grows
        self.parameters: list[tuple[Edits, str]] = []  # of Record-Route, for some branches
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
                    self.rr.add_to_branch(message, branch.index, text)
        else:
            self.restore(message)

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
        request.edits.replace(*number_span(request), self.number)

    def number(self, outgoing: Any) -> bytes:
        """The CSeq number of what leaves."""
        return b"%d" % (self.cseq + sum(step for scope, step in self.steps if covers(scope, outgoing)))


def covers(scope: Scope, outgoing: Any) -> bool:
    """Whether what leaves has the edits of *scope*."""
    return scope is None or getattr(outgoing, "run_edits", None) is scope or getattr(outgoing, "edits", None) is scope


def changes_of(request: Request, rr: Any) -> Changes:
    """The changes of *request*, made when first asked for."""
    context = request.context
    if context is None:
        context = request.context = {}
    found: Changes | None = context.get("uac")
    if found is None:
        found = context["uac"] = Changes(request, rr)
    return found


def scope_of(run: Run) -> Scope:
    """The branches that a route changes: a branch route its own, a failure route those that it makes."""
    return run.message.edits if run.kind in (Route.BRANCH, Route.FAILURE) else None


def watch_now(layer: TransactionLayer, request: Request, changes: Changes) -> None:
    """Observe the transaction of *request*, if it is open; else that is done when it is opened."""
    transaction = layer.find(request, request.method)
    if transaction is not None:
        changes.watch(transaction)


def number_span(message: Message, name: HeaderId = HeaderId.CSEQ, place: int = 0) -> tuple[int, int]:
    """Where the number of CSeq stands, or word *place* of another header."""
    header = message.headers(name)[0]
    words = message.data[header.value_start:header.value_end].split(None, place + 1)
    start = message.data.index(words[place], header.value_start + sum(map(len, words[:place])))
    return start, start + len(words[place])


def span(message: Message, address: NameAddr) -> tuple[int, int]:
    """Where display name and URI of *address* stand, without its parameters."""
    end = address.uri_end
    return address.start, end + (message.data[end:end + 1] == b">")

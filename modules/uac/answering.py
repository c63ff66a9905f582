"""uac_auth: answering the challenges of other servers (RFC 3261, 22.3)."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Bits, Dialect, Route, Run, Services, script
from opensips_py.module.numbering import acknowledge_up
from opensips_py.modules.uac.changes import Changes, changes_of, scope_of, watch_now
from opensips_py.sip import Credentials, Edits
from opensips_py.sip.digest import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from opensips_py.sip import Request

ANYWHERE = Route.REQUEST | Route.FAILURE | Route.BRANCH
Algorithms = Annotated[int, Bits(words=tuple((each.name.lower(), 1 << each.number) for each in ALGORITHMS),
                                 numbers=False)]
PARAMETER = "aci"  # of Record-Route: by how much later requests of the caller count up
MOST_ATTEMPTS = 5  # a server that never has enough is left
LARGEST_STEP = 1 << 16


class Answer:
    """The answer to one challenge; *served* counts the requests that it went with."""

    __slots__ = ("answerable", "served")

    def __init__(self, answerable: Any) -> None:
        self.answerable, self.served = answerable, 0

    @property
    def place(self) -> tuple[str, str]:
        """The header and the realm: a request has one answer for each."""
        return self.answerable.header, self.answerable.challenge.realm

    def line(self, method: str, uri: str, body: bytes) -> str:
        """The header line for one more request (RFC 7616, 3.4: the nonce count grows with each)."""
        self.served += 1
        credentials = self.answerable.answer(method, uri, self.served, body)
        return f"{self.answerable.header}: {credentials}\r\n"


class Attempt:
    """The answers that the branches of one failure route carry, each for the URI that it goes to."""

    def __init__(self, request: Request, edits: Edits, answers: list[Answer], step: int) -> None:
        self.request, self.edits, self.answers, self.step = request, edits, answers, step
        self.made: dict[int, bytes] = {}

    def __call__(self, outgoing: Any) -> bytes:
        """The header lines for what leaves; the same if it is asked for again."""
        index = getattr(outgoing, "index", -1)
        lines = self.made.get(index)
        if lines is None:
            uri = getattr(outgoing, "uri", None) or self.request.uri
            needs_body = any(each.answerable.challenge.chosen_qop == "auth-int" for each in self.answers)
            body = body_of(self.request, outgoing) if needs_body else b""
            text = "".join(each.line(self.request.method, uri, body) for each in self.answers)
            lines = self.made[index] = text.encode("utf-8", "surrogateescape")
        return lines


class Answering:
    """Functions that make a request acceptable to a server that asks who we are."""

    dialect: Dialect
    log: logging.Logger
    services: Services
    uac_auth: Any
    rr: Any
    followed: Callable[[Request], Any]

    @script(Route.FAILURE, name="uac_auth", dialect="2.1")
    def uac_auth_21(self, run: Run) -> bool:
        """Answer the challenge of the branch that failed: the request is sent with credentials if it is relayed again.
        False where the response is no challenge, none of module uac_auth's credentials is for its realm, or they were
        refused. The CSeq number stays."""
        return self.answer(run, 0)

    @script(ANYWHERE, name="uac_auth", dialect="4.0")
    def uac_auth_40(self, run: Run, algorithms: Algorithms | None = None) -> bool:
        """Answer the challenge of the branch that failed: the request is sent with credentials if it is relayed again.
        *algorithms*, with commas between, are those that may be used. False outside of failure routes, or where the
        response is no challenge, none of module uac_auth's credentials is for its realm, or they were refused.
        The CSeq number grows, which responses and later requests of the dialog do not show to the caller; so within a
        dialog that module dialog does not follow only a BYE can be answered for."""
        return self.answer(run, algorithms or 0)

    @script(ANYWHERE, dialect="4.0")
    def uac_inc_cseq(self, run: Run, cseq: int) -> bool:
        """Let the CSeq number of the request grow by *cseq*; responses have the old one again."""
        changes = changes_of(run.message, self)
        changes.count_up(run.message, scope_of(run), cseq)
        watch_now(self.services.transactions, run.message, changes)
        return True

    def answer(self, run: Run, algorithms: int) -> bool:
        """Put credentials into the branches that this failure route makes."""
        request: Request = run.request
        response = run.branch.response if run.kind == Route.FAILURE and run.branch is not None else None
        if self.uac_auth is None:
            self.log.error("uac_auth() needs module uac_auth")
            return False
        if response is None:
            self.log.info("uac_auth: there is no response to take a challenge from")
            return False
        counts_up = self.dialect != "2.1"
        if counts_up and request.to_tag and request.method != "BYE" and self.followed(request) is None:
            self.log.error("uac_auth: without module dialog, within a dialog only a BYE can be answered for, not a %s",
                           request.method)
            return False
        answerable = self.uac_auth.choose(response, algorithms, run)
        if answerable is None:
            self.log.info("uac_auth: no challenge that there are credentials for, in a %d", response.status)
            return False
        return self.attempt(run, request, Answer(answerable), int(counts_up))

    def attempt(self, run: Run, request: Request, answer: Answer, step: int) -> bool:
        """Answer once more, unless the same credentials were refused."""
        changes = changes_of(request, self)
        before = next((each for each in changes.attempts if each.edits is run.branch.run_edits), None)
        known = {each.place: each for each in before.answers} if before is not None else {}
        refused = answer.place in known and not answer.answerable.challenge.stale
        if refused or len(changes.attempts) >= MOST_ATTEMPTS:
            self.log.info("uac_auth: the credentials for %s were refused", answer.place[1])
            return False
        known[answer.place] = answer
        made = Attempt(request, request.edits, list(known.values()), step + (before.step if before is not None else 0))
        changes.attempts.append(made)
        self.put(request, changes, made)
        return True

    def put(self, request: Request, changes: Changes, made: Attempt) -> None:
        """Carry *made* out in the edits of the failure route."""
        for each in made.answers:
            drop_other(request, *each.place)
        request.append_header(made)
        if made.step:
            changes.count_up(request, made.edits, made.step)
            if self.rr is not None and not request.to_tag and self.followed(request) is None:
                changes.parameters.append((made.edits, f";{PARAMETER}={made.step}"))
            watch_now(self.services.transactions, request, changes)

    def follow_count(self, request: Request) -> None:
        """Count on where an INVITE of this dialog was sent with credentials: the callee has seen higher numbers."""
        text = self.rr.route_parameter(request, PARAMETER) or ""
        step = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
        if not 0 < step <= LARGEST_STEP or self.rr.direction(request) != "downstream":
            return
        changes = changes_of(request, self)
        changes.count_up(request, None, step)
        acknowledge_up(request, step)
        watch_now(self.services.transactions, request, changes)


def drop_other(request: Request, name: str, realm: str) -> None:
    """Take credentials of the client's out that are for the realm which we answer for."""
    for header in request.headers(name):
        try:
            if Credentials.parse(header.value).realm == realm:
                request.remove_header(header)
        except MalformedMessage:
            continue


def body_of(request: Request, branch: Any) -> bytes:
    """The body of *request* as *branch* has it."""
    edits = Edits()
    seen: list[Edits] = []
    for each in (getattr(branch, "run_edits", None), getattr(branch.transaction, "edits", None) if branch else None,
                 getattr(branch, "edits", None)):
        if each is not None and not any(each is other for other in seen):
            seen.append(each)
            for start, end, text in each:
                if start >= request.body_offset:
                    edits.replace(start, end, text)
    return edits.apply(request.data, branch)[request.body_offset:] if edits else request.body

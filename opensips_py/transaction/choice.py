"""Which of several failures goes to the client (RFC 3261, 16.7 steps 6 and 7)."""
from __future__ import annotations

from opensips_py.sip import Edits, Response
from opensips_py.transaction._record import Branch, Transaction

REASONS = {408: "Request Timeout", 487: "Request Terminated", 503: "Service Unavailable", 500: "Server Internal Error"}
HELPFUL = {401: 0, 407: 0, 415: 1, 420: 1, 484: 1}  # 16.7 step 6: they tell the client how to do better


def rank(branch: Branch) -> tuple[int, int, int]:
    """The order in which failures are chosen, the smallest first."""
    status = branch.status
    family = status // 100
    if family == 6:
        return (0, 0, status)
    if family != 4:
        return (family, 1 if status == 503 else 0, status)
    if status in HELPFUL:
        return (4, HELPFUL[status], status)
    return (4, 3 if branch.response is None or status in (408, 487) else 2, status)


def best(transaction: Transaction) -> Branch | None:
    """The branch whose failure represents the newest set of branches; None where there is none."""
    candidates = [branch for branch in transaction.branches[transaction.first:]
                  if branch.status >= 300 and not branch.minor] or \
                 [branch for branch in transaction.branches if branch.status >= 300]
    if not candidates:
        return None
    heard = [branch for branch in candidates if not branch.phone]
    return min(heard or candidates, key=rank)


def with_challenges(transaction: Transaction, winner: Branch, response: Response) -> tuple[Edits, ...]:
    """The challenges of the other branches, where the best response is one (RFC 3261, 16.7 step 7)."""
    if response.status not in (401, 407):
        return ()
    lines = []
    for branch in transaction.branches[transaction.first:]:
        other = branch.response
        if branch is not winner and other is not None and other.status in (401, 407):
            for name in ("WWW-Authenticate", "Proxy-Authenticate"):
                lines += [f"{header.name}: {header.value}\r\n" for header in other.headers(name)]
    if not lines:
        return ()
    edits = Edits()
    place = response.headers()[-1].end
    edits.insert(place, "".join(lines))
    return (edits,)


def as_500(response: Response) -> Edits:
    """A 503 says "this server": to the client, that is not the server that meant it (RFC 3261, 16.7 step 6)."""
    edits = Edits()
    edits.replace(8, 11, b"500")  # behind "SIP/2.0 "
    return edits


def reason_of(status: int) -> str:
    """The reason phrase of a failure that we make up."""
    return REASONS.get(status, "Failure")

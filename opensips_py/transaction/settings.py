"""How a layer behaves where RFC 3261 leaves a choice."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """The switches of a layer; timer lengths are in Timing."""

    auto_trying: bool = True  # a 100 as soon as an INVITE opens a transaction
    block_on_6xx: bool = True  # RFC 3261, 16.7: a 6xx ends the search
    minor_flag: int = 0  # branches with this branch flag (a mask) are not waited for
    ruri_matching: bool = True  # of clients before RFC 3261: compare the Request-URI too
    via_matching: bool = True  # ... and the top Via
    dns_failover: bool = True
    translate_503: bool = True  # a 503 from a server means that server, so the client gets a 500
    reply_headers: bytes = b""  # header lines of every response of our own: Server
    request_headers: bytes = b""  # ... and of every request of our own: User-Agent
    warns: bool = False  # put what we know of the request into a Warning header of our responses
    stay_connected_branch: int = 0  # branch flag (a mask): send over a connection that exists, or not at all
    stay_connected_reply: int = 0  # the same for responses, by flags of the request


class Flags:
    """What t_relay may be told."""

    NO_TRYING = 0x01
    NO_ERROR_REPLY = 0x02
    NO_FAILOVER = 0x04
    PASS_REASON = 0x08
    ALLOW_NO_CANCEL = 0x10
    REPLICATE = 0x100  # nothing of what comes back goes upstream


class Fault:
    """Why relaying failed: the codes that the script sees."""

    INTERNAL = -1
    MALFORMED = -2
    NO_DESTINATION = -3
    UNRESOLVED = -4
    FILTERED = -5
    UNSENT = -6


# What the client is told then.
FAULT_RESPONSES: dict[int, tuple[int, str]] = {
    Fault.INTERNAL: (500, "Server Internal Error"),
    Fault.MALFORMED: (479, "Unusable Address (479/TM)"),
    Fault.NO_DESTINATION: (404, "Not Found"),
    Fault.UNRESOLVED: (478, "Unresolvable Destination (478/TM)"),
    Fault.FILTERED: (473, "Filtered Destination (473/TM)"),
    Fault.UNSENT: (477, "Send Failed (477/TM)"),
}

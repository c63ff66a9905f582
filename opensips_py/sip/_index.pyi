from typing import Any

from typing_extensions import disjoint_base

@disjoint_base
class Index:
    """What reading and checking a message leaves: the places of its headers, and the first fault."""

    listener: Any
    source: int
    connection: Any
    context: Any
    received_at: float
    destination: str | None
    path: str | None
    send_socket: Any
    flags: int
    branch_flags: int
    q: int
    force_rport: bool
    branches: Any
    @property
    def data(self) -> bytes: ...
    @property
    def is_request(self) -> bool: ...
    @property
    def body_offset(self) -> int: ...

from typing import Any

from typing_extensions import disjoint_base

@disjoint_base
class Index:
    """What reading and checking a message leaves: the places of its headers, and the first fault."""

    call_id: str
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
    def method(self) -> str: ...
    @property
    def from_tag(self) -> str: ...
    @property
    def to_tag(self) -> str: ...
    @property
    def cseq(self) -> int: ...
    @property
    def cseq_method(self) -> str: ...
    @property
    def via_branch(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def is_request(self) -> bool: ...
    @property
    def body_offset(self) -> int: ...

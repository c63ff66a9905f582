from collections.abc import Callable
from typing import Any, final

from typing_extensions import disjoint_base

from opensips_py._timers import Wheel
from opensips_py.sip import Edits, Message, Request, Response

def key_of(request: Message, method: str, whole_uri: bool = True, whole_via: bool = True) -> str: ...
def answers_source(request: Message) -> bool: ...
def sent_by_port(request: Message) -> int: ...
def names_maddr(request: Message) -> bool: ...

@final
class Timing:
    t1: float
    t2: float
    fr: float
    fr_inv: float
    wait: float
    trying: float
    restart_on_provisional: bool
    @property
    def wheel(self) -> Wheel: ...
    @property
    def on_retransmit(self) -> Callable[[Any], object]: ...
    @property
    def on_expire(self) -> Callable[[Any], object]: ...
    def __init__(self, wheel: Wheel, on_retransmit: Callable[[Any], object],
                 on_expire: Callable[[Any], object]) -> None: ...

@disjoint_base
class Half:
    reliable: bool
    fr: float
    fr_inv: float
    @property
    def machine(self) -> int: ...
    @property
    def state(self) -> int: ...
    @property
    def sends(self) -> int: ...
    @property
    def ticket(self) -> int: ...
    @property
    def expiring(self) -> int | None: ...
    @property
    def interval(self) -> float: ...
    @property
    def due(self) -> bool: ...
    def step(self, event: int) -> int: ...
    def retransmit(self) -> int: ...
    def expire(self) -> int: ...
    def restart(self) -> None: ...
    def stop(self) -> None: ...

@final
class Transaction(Half):
    id: str | None
    key: str
    request: Request
    @property
    def method(self) -> str: ...
    @property
    def timing(self) -> Timing: ...
    @property
    def pending(self) -> bool: ...
    invite: bool
    local: bool
    alive: int
    target: Any
    generation: Any
    user: Any
    branches: list[Branch]
    first: int
    status: int
    last: bytes | None
    local_tag: str | None
    answered_tag: str | None
    avps: dict[str, list[Any]]
    contexts: dict[Any, Any] | None
    on_failure: Any
    on_reply: Any
    on_branch: Any
    cancelled: bool
    answered_here: bool
    blocked: bool
    busy: bool
    script: bool
    implicit: bool
    stateless: bool
    failing: bool
    ended: bool
    acted: bool
    trying_due: bool
    queue: Any
    awaited: int
    flags: int
    relay_flags: int
    headers: bytes | None
    cancel_headers: bytes | None
    edits: Edits | None
    listener: Any
    observed: int
    observers: Any
    report: Callable[[Transaction, Branch | None, Response | None, int], object] | None
    auto_ack: bool
    winner: Branch | None
    def __init__(self, timing: Timing, request: Request | None, method: str, local: bool = False) -> None: ...
    def observe(self, happenings: int, observer: Any) -> None: ...
    def end(self) -> None: ...

@final
class Branch(Half):
    transaction: Transaction
    id: str
    @property
    def index(self) -> int: ...
    @property
    def method(self) -> str: ...
    @property
    def listener(self) -> Any: ...
    awaiting: bool
    minor: bool
    status: int
    received: int
    response: Response | None
    data: bytes
    message: Request | None
    ack: bytes | None
    target: Any
    others: list[Any] | None
    uri: str
    destination: str | None
    path: str | None
    send_socket: Any
    flags: int
    q: int
    instance: Any
    on_reply: Any
    edits: Edits | None
    run_edits: Edits | None
    avps: dict[str, list[Any]] | None
    attributes: dict[str, Any] | None
    cancel: Cancel | None
    reason: bytes | None
    phone: bool
    def __init__(self, transaction: Transaction, index: int, method: str) -> None: ...
    def take(self, request: Request) -> Branch: ...
    def show(self, request: Request) -> None: ...
    def begin(self) -> None: ...
    def end(self) -> None: ...

@final
class Cancel(Half):
    branch: Branch
    data: bytes
    target: Any
    @property
    def transaction(self) -> Transaction | None: ...
    def __init__(self, branch: Branch, data: bytes, target: Any) -> None: ...
    def end(self) -> None: ...

__pyx_capi__: dict[str, object]

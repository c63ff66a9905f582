from typing import final

FOREVER: int

@final
class Binding:
    contact: str
    received: str
    path: str
    call_id: str
    user_agent: str
    instance: str
    attr: str
    socket: str
    tag: str
    id: int
    expires: int
    modified: float
    cseq: int
    flags: int
    cflags: int
    methods: int
    latency: int
    q: int
    reg_id: int
    def __init__(self, contact: str, *, expires: int = 0, call_id: str = "", cseq: int = 0, q: int = -1,
                 received: str = "", path: str = "", user_agent: str = "", instance: str = "", attr: str = "",
                 socket: str = "", tag: str = "", id: int = 0, modified: float = 0.0, flags: int = 0, cflags: int = 0,
                 methods: int = 0xFFFFFFFF, reg_id: int = 0, latency: int = 0) -> None: ...
    def is_valid(self, now: float) -> bool: ...

def pack(bindings: list[Binding], data: bytes = b"") -> bytes: ...
def unpack(record: bytes) -> list[Binding]: ...
def earliest(record: bytes) -> int: ...
def count(record: bytes) -> int: ...
def data_of(record: bytes) -> bytes: ...

from dataclasses import dataclass
from typing import final

@final
@dataclass(frozen=True)
class Nonce:
    """What a nonce of ours says."""

    serial: int
    issued: int
    algorithm: int
    qop: int

    def suits(self, algorithm: int, qop: int) -> bool: ...

@final
class Nonces:
    """Makes and reads nonces with one *key*."""

    def __init__(self, key: bytes) -> None: ...
    def issue(self, serial: int, now: int, algorithm: int, qop: int) -> str: ...
    def read(self, text: str) -> Nonce | None: ...

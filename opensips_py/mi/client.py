"""Ask a running server over its pipe, as the command line does."""
from __future__ import annotations

import json
import os
import secrets
import select
from typing import Any

from opensips_py.errors import MIError

PATIENCE = 30.0  # seconds for an answer
UNREACHABLE = 503


def ask(fifo: str, method: str, params: list[Any] | dict[str, Any] | None = None, reply_dir: str = "/tmp",
        patience: float = PATIENCE) -> Any:
    """The answer of the server behind the pipe *fifo* to *method*; MIError where it refuses or is not there."""
    name = f"opensips_py_mi_{os.getpid()}_{secrets.token_hex(8)}"
    request = {"jsonrpc": "2.0", "method": method, "id": 1, **({"params": params} if params else {})}
    path = os.path.join(reply_dir, name)
    os.mkfifo(path, 0o600)
    try:
        os.chmod(path, 0o666)  # the server may run as another user
        reply = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            send(fifo, f":{name}:{json.dumps(request)}\n".encode())
            text = receive(reply, patience)
        finally:
            os.close(reply)
    finally:
        os.unlink(path)
    answer = json.loads(text)
    if "error" in answer:
        raise MIError(answer["error"]["code"], answer["error"].get("data") or answer["error"]["message"])
    return answer["result"]


def send(fifo: str, data: bytes) -> None:
    """Write a request; a pipe that no server reads is an error at once."""
    try:
        fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise MIError(UNREACHABLE, f"no server answers at {fifo}: {error.strerror}") from None
    try:
        os.set_blocking(fd, True)
        os.write(fd, data)
    finally:
        os.close(fd)


def receive(fd: int, patience: float) -> bytes:
    """What the server writes until it closes the pipe."""
    poll = select.poll()
    poll.register(fd, select.POLLIN | select.POLLHUP)
    collected = b""
    while True:
        if not poll.poll(patience * 1000):
            raise MIError(UNREACHABLE, "the server did not answer in time")
        data = os.read(fd, 65536)
        if not data and collected:
            return collected
        collected += data

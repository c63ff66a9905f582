"""Ask a running server over its pipe, as the command line does."""
from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import time
from typing import Any

from opensips_py.errors import MIError

PATIENCE = 90.0  # seconds for an answer: a reload may have to wait for a check and for all processes
LAST_WORDS = 5.0  # seconds for an answer once the server has left its pipe, as when a reload moves it
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
            text = exchange(fifo, f":{name}:{json.dumps(request)}\n".encode(), reply, patience)
        finally:
            os.close(reply)
    finally:
        os.unlink(path)
    answer = json.loads(text)
    if "error" in answer:
        raise MIError(answer["error"]["code"], answer["error"].get("data") or answer["error"]["message"])
    return answer["result"]


def exchange(fifo: str, data: bytes, reply: int, patience: float) -> bytes:
    """Write a request, and read what is answered; a pipe that no server reads is an error at once."""
    with contextlib.ExitStack() as at_end:
        try:
            fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
            at_end.callback(os.close, fd)
            os.set_blocking(fd, True)
            os.write(fd, data)
        except OSError as error:
            raise MIError(UNREACHABLE, f"no server answers at {fifo}: {error.strerror}") from None
        return receive(reply, patience, fd)


def receive(fd: int, patience: float, server: int) -> bytes:
    """What the server writes until it closes the pipe; *server* is the one it reads, which tells that it has gone."""
    poll, until, why = select.poll(), time.monotonic() + patience, "the server did not answer in time"
    poll.register(fd, select.POLLIN | select.POLLHUP)
    poll.register(server, 0)
    collected = b""
    while events := dict(poll.poll(max(0.0, until - time.monotonic()) * 1000)):
        if fd not in events:  # who has read the request may be dead, and whoever takes its place knows nothing of it
            poll.unregister(server)
            until, why = min(until, time.monotonic() + LAST_WORDS), "the server went away before it answered"
            continue
        data = os.read(fd, 65536)
        if not data and collected:
            return collected
        if not data:
            why = "the server closed the pipe without an answer"
            break
        collected += data
    raise MIError(UNREACHABLE, why)

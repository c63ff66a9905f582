"""Commands over stream sockets: a connection each, the command in one line, the answer in another."""
from __future__ import annotations

from typing import Any

from gevent import Timeout, socket

from opensips_py.module.cookies import NoAnswer

LONGEST = 65_535  # bytes of an answer


def ask(url: str, command: bytes, seconds: float, attempts: int) -> bytes:
    """The answer to *command* from ``tcp:host:port``, ``tcp6:host:port`` or the path of a Unix socket. Waits; NoAnswer
    where none comes within *seconds*, *attempts* times."""
    why = ""
    for _ in range(max(1, attempts)):
        late = Timeout(seconds)
        try:
            with late:
                return exchange(url, command)
        except Timeout as timeout:
            if timeout is not late:
                raise
            why = "no answer in time"
        except (OSError, ValueError) as error:
            raise NoAnswer(f"{url}: {error}") from None
    raise NoAnswer(f"{url}: {why}")


def exchange(url: str, command: bytes) -> bytes:
    """Send a command over a connection of its own and read the answer."""
    with connected(url) as stream:
        stream.sendall(command + b"\n")
        answer = b""
        while b"\n" not in answer and len(answer) < LONGEST:
            more = stream.recv(LONGEST)
            if not more:
                break
            answer += more
        if not answer:
            raise OSError("the connection was closed without an answer")
        return answer


def connected(url: str) -> socket.socket:
    """A connection to a relay."""
    scheme, _, place = url.partition(":")
    address: Any
    if scheme in ("tcp", "tcp6"):
        host, _, port = place.rpartition(":")
        family = socket.AF_INET6 if scheme == "tcp6" or ":" in host else socket.AF_INET
        address = socket.getaddrinfo(host.strip("[]"), int(port), family, socket.SOCK_STREAM)[0][4]
        opened = socket.socket(family, socket.SOCK_STREAM)
    else:
        address = place if scheme == "unix" else url
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.connect(address)
    except BaseException:
        opened.close()
        raise
    return opened

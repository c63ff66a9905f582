"""Asking over datagrams: each question begins with a cookie, its answer with the same one.

Whoever asks waits alone; the socket is shared by all runners of a worker.
"""
from __future__ import annotations

import itertools
import os
import tempfile
from secrets import token_hex

import gevent
from gevent import socket
from gevent.event import AsyncResult

LONGEST = 65_535  # bytes of an answer
BUFFER = 1 << 20  # bytes that may wait to be read


class NoAnswer(OSError):
    """Whoever was asked has not answered."""


class Channel:
    """A socket connected to one place: ``udp:host:port``, ``udp6:host:port``, or the path of a Unix socket."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.strays = 0  # datagrams that answered nothing
        self._prefix = token_hex(6)
        self._serials = itertools.count(1)
        self._waiting: dict[bytes, AsyncResult[bytes]] = {}
        self._socket: socket.socket | None = None
        self._reader: gevent.Greenlet[..., None] | None = None
        self._path = ""

    def ask(self, question: bytes, seconds: float, attempts: int) -> bytes:
        """The answer to *question*, which is sent up to *attempts* times, every *seconds*; NoAnswer where none comes,
        or where nobody listens there. Waits."""
        cookie = f"{self._prefix}_{next(self._serials)}".encode()
        result: AsyncResult[bytes] = AsyncResult()
        self._waiting[cookie] = result
        try:
            for _ in range(max(1, attempts)):
                self._open().send(cookie + b" " + question)
                result.wait(seconds)
                if result.ready():
                    answer: bytes = result.get(block=False)  # type: ignore[assignment]
                    return answer
        except OSError as error:
            self.close()
            raise NoAnswer(f"{self.url}: {error}") from None
        finally:
            del self._waiting[cookie]
        raise NoAnswer(f"{self.url}: no answer to {max(1, attempts)} requests")

    def close(self) -> None:
        """Close the socket; the next question opens another one."""
        if self._reader is not None:
            self._reader.kill(block=False)
        if self._socket is not None:
            self._socket.close()
        if self._path and os.path.exists(self._path):
            os.unlink(self._path)
        self._socket = self._reader = None
        self._path = ""

    def _open(self) -> socket.socket:
        if self._socket is None:
            opened = self._connected()
            if self._socket is not None:  # somebody else has been faster while the name was looked up
                opened.close()
                return self._socket
            self._socket = opened
            self._reader = gevent.spawn(self._read, opened)
        return self._socket

    def _connected(self) -> socket.socket:
        scheme, _, place = self.url.partition(":")
        if scheme not in ("udp", "udp6"):
            return self._unix(place if scheme == "unix" else self.url)
        host, _, port = place.rpartition(":")
        family = socket.AF_INET6 if scheme == "udp6" or ":" in host else socket.AF_INET
        found = socket.getaddrinfo(host.strip("[]"), int(port), family, socket.SOCK_DGRAM)
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            opened.connect(found[0][4])
        except OSError:
            opened.close()
            raise
        return opened

    def _unix(self, path: str) -> socket.socket:
        """A Unix socket has to have a name of its own for an answer to come back."""
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            own = os.path.join(tempfile.gettempdir(), f"opensips-py-{self._prefix}-{next(self._serials)}")
            opened.bind(own)
            self._path = own
            opened.connect(path)
        except OSError:
            opened.close()
            raise
        return opened

    def _read(self, opened: socket.socket) -> None:
        while True:
            try:
                data = opened.recv(LONGEST)
            except OSError as error:
                if self._socket is opened:  # nobody listens there: who waits need not wait on
                    self._reader = None
                    self.close()
                    for each in list(self._waiting.values()):
                        each.set_exception(error)
                return
            cookie, _, answer = data.partition(b" ")
            waiting = self._waiting.get(cookie)
            if waiting is None:
                self.strays += 1  # late, or none of ours
            else:
                waiting.set(answer)


class Channels:
    """The channels of a process, by URL."""

    def __init__(self) -> None:
        self.by_url: dict[str, Channel] = {}

    def to(self, url: str) -> Channel:
        """The channel to *url*."""
        found = self.by_url.get(url)
        if found is None:
            found = self.by_url[url] = Channel(url)
        return found

    def keep(self, urls: set[str]) -> None:
        """Close all others."""
        for url in set(self.by_url) - urls:
            self.by_url.pop(url).close()

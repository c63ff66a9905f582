"""The socket at which relays tell of their sessions."""
from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import gevent
from gevent import socket

from opensips_py.errors import ConfigError

LONGEST = 4096  # bytes of a line
Hear = Callable[[str], object]


class Notifications:
    """The listening socket of this process; the module of each generation in turn hears what comes."""

    def __init__(self) -> None:
        self.name = ""
        self.owner: Any = None
        self._socket: socket.socket | None = None
        self._greenlets: list[gevent.Greenlet[..., Any]] = []

    def listen(self, name: str, owner: Any) -> None:
        """Listen at *name*: tcp:address:port, or the path of a Unix socket; '' ends that."""
        self.owner = owner
        if name == self.name:
            return
        self.end()
        if name:
            self._socket = bound(name)
            self.name = name
            self._greenlets.append(gevent.spawn(self._accept, self._socket))

    def end(self) -> None:
        """Close everything."""
        for each in self._greenlets:
            each.kill(block=False)
        self._greenlets.clear()
        if self._socket is not None:
            self._socket.close()
            path = unix_path(self.name)
            if path and os.path.exists(path):
                os.unlink(path)
        self._socket, self.name = None, ""

    def _accept(self, listening: socket.socket) -> None:
        while True:
            stream, _ = listening.accept()
            self._greenlets = [each for each in self._greenlets if not each.dead]
            self._greenlets.append(gevent.spawn(self._read, stream))

    def _read(self, stream: socket.socket) -> None:
        """Hear line by line what a relay says, until it closes."""
        rest = b""
        with stream:
            while True:
                try:
                    data = stream.recv(LONGEST)
                except OSError:
                    return
                *found, rest = (rest + data).split(b"\n")
                if not data and rest:
                    found.append(rest)
                for line in found:
                    text = line.decode("utf-8", "surrogateescape").strip()
                    if text and self.owner is not None:
                        self.owner.services.spawn(self.owner.notified, text)
                if not data or len(rest) > LONGEST:
                    return


def unix_path(name: str) -> str:
    """The path of a Unix socket; '' for any other."""
    return "" if name.startswith("tcp:") else name.removeprefix("unix:")


def bound(name: str) -> socket.socket:
    """A listening socket."""
    path = unix_path(name)
    host, _, port = name.removeprefix("tcp:").rpartition(":")
    try:
        if path:
            if os.path.exists(path):
                os.unlink(path)
            opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            opened.bind(path)
        else:
            opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((host.strip("[]"), int(port)))
        opened.listen(16)
    except (OSError, ValueError) as error:
        raise ConfigError(f"rtpp_notify_socket {name} cannot be used: {error}", "rtpproxy",
                          "rtpp_notify_socket") from None
    return opened

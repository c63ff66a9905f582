"""Leave the terminal, and tell whoever started us when calls are taken: the parent, the pid file, systemd."""
from __future__ import annotations

import os
import pathlib
import socket
import sys
from collections.abc import Callable

from opensips_py.errors import ConfigError

Ready = Callable[[], object]


def daemonize(run: Callable[[Ready], int], keep_stderr: bool) -> int:
    """Run *run* in a process of its own session; the caller returns as soon as that is ready, or has failed."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.close(writer)
        os.waitpid(child, 0)  # it ends at once, its child goes on
        with os.fdopen(reader, "rb") as file:
            return 0 if file.read() == b"ready" else 1
    os.close(reader)
    os.setsid()
    if os.fork():
        os._exit(0)  # not a session leader any more: no terminal can become ours

    def ready() -> None:
        os.write(writer, b"ready")
        os.close(writer)
        leave_terminal(keep_stderr)

    status = 1
    try:
        status = run(ready)
    except ConfigError as error:
        print(f"opensips-py: {error.message}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def leave_terminal(keep_stderr: bool) -> None:
    """Give up standard input and output, and the error output where nothing is logged to it."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1) if keep_stderr else (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)


def tell_systemd(state: str) -> None:
    """Send *state* ("READY=1") to systemd, where it started us and listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(state.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)
        except OSError:
            pass  # nobody listens any more


class PidFiles:
    """The files with our process id and process group; gone when the server ends."""

    def __init__(self, pid_file: str, group_file: str, uid: int, gid: int) -> None:
        self._paths = [pathlib.Path(path).absolute() for path in (pid_file, group_file) if path]
        for path, number in ((pid_file, os.getpid()), (group_file, os.getpgrp())):
            if path:
                self._write(path, number, uid, gid)

    def _write(self, path: str, number: int, uid: int, gid: int) -> None:
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(f"{number}\n")
            if os.geteuid() == 0:
                os.chown(path, uid, gid)  # so that the server may empty it once it is no longer root
        except OSError as error:
            raise ConfigError(f"the pid file {path} cannot be written: {error.strerror}") from None

    def remove(self) -> None:
        """Remove the files, or empty those in a directory that is no longer ours."""
        for path in self._paths:
            try:
                path.unlink(missing_ok=True)
            except OSError:
                try:
                    path.write_text("", encoding="ascii")
                except OSError:
                    pass  # another root directory, or a mode that somebody changed

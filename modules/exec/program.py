"""Programs as children of a worker: started, fed, read and ended without holding up anybody."""
from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import signal
import subprocess
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.socket import wait_read, wait_write

from opensips_py.module import deadline

log = logging.getLogger("opensips_py.exec")

MOST = 1 << 20  # bytes that are read of one stream; the rest is thrown away
PATIENCE = 1.0  # seconds between SIGTERM and SIGKILL

def unpatched(name: str) -> Any:
    """A module of Python's own once more, as it is where gevent has patched nothing."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def original_popen() -> type[subprocess.Popen[bytes]]:
    """Python's Popen: gevent's forks the whole process, which takes long for a large one. Python's needs functions
    that gevent takes out of subprocess, and an os.close that closes at once: it waits for what follows from that."""
    module = unpatched("subprocess")
    module.os = unpatched("os")
    found: type[subprocess.Popen[bytes]] = module.Popen
    return found


Popen = original_popen()


@dataclass(frozen=True, slots=True)
class Output:
    """What a program printed, and its exit status; None where it goes on although its output has ended."""

    out: str
    errors: str
    status: int | None


def begin(command: str, stdin: bytes, environment: dict[str, str], out: int, errors: int) -> subprocess.Popen[bytes]:
    """Start *command* in a session of its own, so that it can be ended with all that it starts."""
    return Popen(command, shell=True, executable="/bin/sh", env=environment, start_new_session=True,
                 stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=out, stderr=errors)


def launch(command: str, stdin: bytes, environment: dict[str, str], seconds: int) -> None:
    """Start *command* and return at once; somebody waits for its end, and ends it after *seconds* (0: never)."""
    process = begin(command, stdin, environment, subprocess.DEVNULL, subprocess.DEVNULL)

    def watch() -> None:
        try:
            with deadline(seconds) if seconds else contextlib.nullcontext():
                feed(process, stdin)
                ended(process)
        except TimeoutError:
            log.error("exec: a program took longer than %d s and has been ended", seconds)
            end(process)
    gevent.spawn(watch)


def output_of(command: str, stdin: bytes, environment: dict[str, str], seconds: int, errors: bool) -> Output:
    """Run *command* until its output is complete; TimeoutError, and its end, after *seconds* (0: never)."""
    process = begin(command, stdin, environment, subprocess.PIPE,
                    subprocess.PIPE if errors else subprocess.DEVNULL)
    assert process.stdout is not None
    helpers: list[Any] = [gevent.spawn(feed, process, stdin)]
    if process.stderr is not None:
        helpers.append(gevent.spawn(read, process.stderr.fileno()))
    try:
        with deadline(seconds) if seconds else contextlib.nullcontext():
            out = read(process.stdout.fileno())
            complaints: bytes = helpers[1].get() if errors else b""
    except BaseException:
        gevent.killall(helpers)
        end(process)
        raise
    finally:
        close(process)
    helpers[0].kill()
    status = soon(process)
    if status is None:
        gevent.spawn(ended, process)
    return Output(text(out), text(complaints), status)


def soon(process: subprocess.Popen[bytes]) -> int | None:
    """The exit status of a program that has closed its output, if it ends with that as nearly all do."""
    try:
        with deadline(PATIENCE):
            return ended(process)
    except TimeoutError:
        return None


def feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Give a program its input, at its own speed."""
    if process.stdin is None:
        return
    fd = process.stdin.fileno()
    os.set_blocking(fd, False)
    view = memoryview(data)
    try:
        while view:
            wait_write(fd)
            view = view[os.write(fd, view):]
    except (BrokenPipeError, OSError):
        pass  # it does not want all of it
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()


def read(fd: int) -> bytes:
    """All that comes out of *fd*, as far as MOST."""
    os.set_blocking(fd, False)
    pieces: list[bytes] = []
    size = 0
    while True:
        try:
            piece = os.read(fd, 65536)
        except BlockingIOError:
            wait_read(fd)
            continue
        if not piece:
            return b"".join(pieces)
        if size < MOST:
            pieces.append(piece[:MOST - size])
        size += len(piece)


def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a program; its exit status."""
    descriptor = os.pidfd_open(process.pid)
    try:
        wait_read(descriptor)
    finally:
        os.close(descriptor)
    return process.wait()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        if soon(process) is not None:
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # what the shell has left behind


def close(process: subprocess.Popen[bytes]) -> None:
    """Close our ends of its streams."""
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def text(data: bytes) -> str:
    """Output as the script has texts."""
    return data.decode("utf-8", "surrogateescape")

"""Management over a named pipe: requests are written to it, answers go to pipes that the clients make."""
from __future__ import annotations

import errno
import os
import stat
from typing import Any

import gevent
import gevent.pool
import gevent.socket

from opensips_py.mi import carrier
from opensips_py.mi.requests import Reader, Request
from opensips_py.module import ConfigError, Module, by_dialect, param, process_state

CHECK_SECONDS = 30  # between two looks whether the pipe is still there
PATIENCE = 2.0  # seconds for a client to open its reply pipe, or to end a request that it began
CLIENTS = 100  # requests in work at once


class Pipe:
    """The pipe of this process; the module of each generation in turn serves it."""

    def __init__(self) -> None:
        self.path = ""
        self.fd = -1
        self.identity: tuple[int, int] | None = None
        self.owner: MiFifo | None = None
        self.tasks: list[gevent.Greenlet[..., Any]] = []
        self.workers = gevent.pool.Pool(CLIENTS)


class MiFifo(Module, name="mi_fifo", provides=("management",)):
    """Management commands over a named pipe, in JSON-RPC and in the lines of 2.1, told apart by each request."""

    fifo_name: str = param(by_dialect(v21="", v40="/tmp/opensips_fifo"), "The pipe that requests are written to.")
    fifo_mode: int = param(0o660, "Permissions of the pipe.")
    fifo_user: int | str = param("", "Owner of the pipe, by number or name; as the server, if not given.")
    fifo_group: int | str = param("", "Group of the pipe, by number or name; as the server, if not given.")
    reply_dir: str = param("/tmp/", "The directory of the reply pipes.")
    reply_indent: str = param("\t", "What a level of an answer in lines is indented by.")
    pretty_printing: bool = param(0, "Whether JSON answers take several lines.")

    pipe: Pipe = process_state(Pipe)

    def load(self) -> None:
        """Check the parameters."""
        if not self.fifo_name:
            raise ConfigError("the pipe has no name", self.name, "fifo_name")
        carrier.check_owner(self.name, ("fifo_user", self.fifo_user), ("fifo_group", self.fifo_group))
        if not carrier.has_folder(self.fifo_name):
            folder = os.path.dirname(self.fifo_name)
            raise ConfigError(f"the folder {folder} of the pipe does not exist", self.name, "fifo_name")

    def start(self) -> None:
        """Open the pipe, or go on with the one that the generation before has."""
        pipe = self.pipe
        pipe.owner = self
        if pipe.path and pipe.path != self.fifo_name:
            self.end()
        if pipe.fd < 0:
            self.open()
            pipe.tasks = [gevent.spawn(self.serve, pipe), gevent.spawn(watch, pipe)]

    def stop(self) -> None:
        """Close the pipe, unless the next generation has taken it over."""
        if self.pipe.owner is self:
            self.end()

    def open(self) -> None:
        """Make the pipe with its owner and permissions."""
        path = self.fifo_name
        try:
            carrier.make_folder(path)
            if os.path.exists(path):
                if not stat.S_ISFIFO(os.stat(path).st_mode):
                    raise ConfigError(f"{path} is there and is no pipe", self.name, "fifo_name")
                os.unlink(path)
            os.mkfifo(path, self.fifo_mode)
            os.chmod(path, self.fifo_mode)  # whatever the umask says
            carrier.hand_over(path, self.fifo_user, self.fifo_group)
            # Opened for writing as well: else it would be at its end whenever no client has it open.
            fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise ConfigError(f"the pipe {path} cannot be made: {error.strerror}", self.name, "fifo_name") from None
        info = os.fstat(fd)
        self.pipe.fd, self.pipe.path, self.pipe.identity = fd, path, (info.st_dev, info.st_ino)

    def end(self) -> None:
        """Close the pipe and take it away."""
        pipe = self.pipe
        gevent.killall(pipe.tasks)
        if pipe.fd >= 0:
            if is_ours(pipe):
                os.unlink(pipe.path)
            os.close(pipe.fd)
            pipe.fd = -1

    @staticmethod
    def serve(pipe: Pipe) -> None:
        """Take requests from the pipe, for ever."""
        reader, fd = Reader(), pipe.fd
        while True:
            try:
                gevent.socket.wait_read(fd, PATIENCE if reader.is_waiting else None)
            except TimeoutError:
                reader.clear()  # its writer has gone away in the middle
                continue
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                continue
            assert pipe.owner is not None
            for request in reader.feed(data):
                pipe.workers.spawn(pipe.owner.handle, request)

    def handle(self, request: Request) -> None:
        """Run one request and write its answer."""
        reply = carrier.respond(self.services.mi, request, self.reply_indent, self.pretty_printing)
        if reply is not None and request.reply:
            try:
                write(self.reply_path(request.reply), reply.encode("utf-8", "surrogateescape"))
            except (OSError, ValueError) as error:
                self.log.error("no answer through %r: %s", request.reply, error)

    def reply_path(self, name: str) -> str:
        """The reply pipe that a client calls *name*; it has to lie in the directory for them."""
        if "/" in name or name in (".", ".."):
            raise ValueError("the name of a reply pipe has no slash in it")
        return os.path.join(self.reply_dir, name)


def watch(pipe: Pipe) -> None:
    """Make the pipe again when somebody has deleted it."""
    while True:
        gevent.sleep(CHECK_SECONDS)
        renew(pipe)


def renew(pipe: Pipe) -> None:
    """Make the pipe again if it is not there; the old one has no way in any more."""
    if pipe.owner is None or is_ours(pipe):
        return
    owner, old = pipe.owner, pipe.fd
    owner.log.warning("the pipe %s is gone: made again", pipe.path)
    try:
        owner.open()
    except ConfigError as error:
        owner.log.error("%s", error)
        return
    pipe.tasks[0].kill()
    os.close(old)
    pipe.tasks[0] = gevent.spawn(owner.serve, pipe)


def is_ours(pipe: Pipe) -> bool:
    """Whether the path still leads to the pipe that is open."""
    try:
        info = os.stat(pipe.path)
    except OSError:
        return False
    return (info.st_dev, info.st_ino) == pipe.identity


def write(path: str, data: bytes) -> None:
    """Write *data* to the pipe at *path*, as soon as somebody reads it."""
    fd = opened(path)
    try:
        if not stat.S_ISFIFO(os.fstat(fd).st_mode):
            raise ValueError("it is no pipe")
        while data:
            try:
                data = data[os.write(fd, data):]
            except BlockingIOError:
                gevent.socket.wait_write(fd, PATIENCE)
    finally:
        os.close(fd)


def opened(path: str, patience: float = PATIENCE) -> int:
    """The pipe at *path* for writing; clients open their end only after they have asked."""
    with gevent.Timeout(patience, TimeoutError("nobody reads it")):
        while True:
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
            gevent.sleep(0.005)

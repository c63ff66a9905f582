"""Real servers and real SIP clients on loopback, for the tests that need them."""
from __future__ import annotations

import contextlib
import csv
import itertools
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

from tests import bytecode

bytecode.keep()
SIPP = shutil.which("sipp")
XML = pathlib.Path(__file__).parent / "scenarios" / "sipp"
ROOT = pathlib.Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
SHARES = 4  # test processes at a time that stay out of each other's ports
SHARE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SHARES
# Below what the kernel gives to sockets that ask for none in particular: it would give a port away between its choice
# here and its use by the program that it is for.
PORTS = range(10000 + 3000 * SHARE, 13000 + 3000 * SHARE)
MEDIA = range(22000 + 2000 * SHARE, 24000 + 2000 * SHARE, 4)  # each SIPp binds some of its own
_ports = itertools.islice(itertools.cycle(PORTS), os.getpid() * 997 % len(PORTS), None)  # far from a neighbour's
_media_ports = itertools.islice(itertools.cycle(MEDIA), os.getpid() * 97 % len(MEDIA), None)


def free_ports(count: int = 1) -> list[int]:
    """Ports that are free for UDP and TCP alike, and that nobody here was given for long."""
    ports: list[int] = []
    for port in itertools.islice(_ports, len(PORTS)):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                held.enter_context(socket.socket(socket.AF_INET, kind)).bind((HOST, port))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("no port is free")


def bound(port: int) -> bool:
    """Whether somebody serves *port*, over UDP or TCP, on whatever address."""
    wanted = f":{port:04X} "
    for table in ("udp", "tcp", "udp6", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/net/{table}") as file:
            if any(wanted in line[:50] for line in file):
                return True
    return False


def media_port() -> int:
    """A port for the media of one SIPp, which binds some of those that follow; other programs may hold one of them."""
    for port in itertools.islice(_media_ports, len(MEDIA)):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for each in range(port, port + MEDIA.step):
                held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind((HOST, each))
            return port
    raise RuntimeError("no port is free for the media of SIPp")


def python_of(user: str) -> tuple[str, dict[str, str]]:
    """An interpreter like ours that *user* may run, and the environment that it needs; ours may lie in a home."""
    packages = [path for path in sys.path if path.endswith("site-packages")]
    system = f"/usr/bin/python3.{sys.version_info.minor}"
    tried = [(sys.executable, str(ROOT)), (system, os.pathsep.join([str(ROOT), *packages]))]
    for executable, path in tried:
        environment = {**os.environ, "PYTHONPATH": path}
        with contextlib.suppress(OSError):
            if subprocess.run([executable, "-c", "import opensips_py.transport"], user=user, cwd="/", env=environment,
                              capture_output=True, check=False).returncode == 0:
                return executable, environment
    return "", {}


@contextlib.contextmanager
def open_folder() -> Iterator[pathlib.Path]:
    """A folder that other users may enter: those of pytest are for their owner alone, and each pytest that begins on
    this machine sees to that again."""
    with tempfile.TemporaryDirectory(prefix="opensips-py-test-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        yield folder


def options(port: int, own: int, sequence: int) -> bytes:
    return (f"OPTIONS sip:{HOST}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{own};branch=z9hG4bK-up-{own}-{sequence}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:probe@{HOST}>;tag=p{own}\r\nTo: <sip:{HOST}:{port}>\r\n"
            f"Call-ID: up-{own}-{sequence}\r\nCSeq: {sequence} OPTIONS\r\nContent-Length: 0\r\n\r\n").encode()


def ask(port: int, message: bytes, timeout: float = 5.0, own: socket.socket | None = None) -> bytes:
    """Send one datagram and return the first answer."""
    with contextlib.ExitStack() as stack:
        sock = own or stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sock.settimeout(timeout)
        sock.sendto(message, (HOST, port))
        return sock.recv(65535)


def descendants(root: int) -> list[int]:
    """All processes below *root*."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                parent = int(pathlib.Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry))
    found = list(children.get(root, []))
    for pid in found:
        found += children.get(pid, [])
    return found


class Server:
    """An opensips-py started on a configuration, for one ``with`` block.

    *config* is the text of a script or the path of one; @NAME@ in it is replaced by *values*, @PORT@ by a free port.
    """

    def __init__(self, config: str | pathlib.Path, *arguments: str, folder: pathlib.Path | None = None,
                 wait: bool = True, env: dict[str, str] | None = None, python: str = sys.executable,
                 **values: object) -> None:
        if folder is None:
            self._own_folder = tempfile.TemporaryDirectory(prefix="opensips-py-", ignore_cleanup_errors=True)
            folder = pathlib.Path(self._own_folder.name)  # it goes when this object does
        self.folder = folder
        self.port = int(str(values.pop("PORT", 0))) or free_ports()[0]
        text = config.read_text() if isinstance(config, pathlib.Path) else config
        self.values = {"PORT": self.port, "HOST": HOST, "RUN": self.folder, **values}
        for name, value in self.values.items():
            text = text.replace(f"@{name}@", str(value))
        self.config = self.folder / "opensips.cfg"
        self.config.write_text(text)
        self.command = [python, "-m", "opensips_py", "-F", "-E", "-f", str(self.config), *arguments]
        self.env = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "PYTHONPATH": str(ROOT),
                    "OPENSIPS_PY_STATE_DIR": str(self.folder / "state"), **(env or {})}
        self._wait = wait

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self.log_file = open(self.folder / "server.log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.log_file,
                                        stderr=self.log_file, env=self.env)
        if self._wait:
            self.wait_until_up()

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def wait_until_up(self, seconds: float = 20.0) -> None:
        """Until an OPTIONS to the server itself is answered, whatever the answer."""
        deadline = time.monotonic() + seconds
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((HOST, 0))
            sequence = 0
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    break
                sequence += 1
                with contextlib.suppress(OSError):
                    ask(self.port, options(self.port, sock.getsockname()[1], sequence), 0.2, sock)
                    return
        self.stop()
        raise AssertionError(f"the server did not come up: {self.command}\n{self.log[-4000:]}")

    def stop(self, timeout: float = 10.0) -> int:
        """SIGTERM, and by force after *timeout* seconds; returns the exit status."""
        below = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout)
        for pid in below:
            with contextlib.suppress(OSError):
                if str(self.config).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
        status = self.process.wait()
        self.log_file.close()
        return status

    def kill_all(self) -> None:
        """kill -9 of every process of the server."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.log_file.close()

    def workers(self) -> list[int]:
        """Process ids of the SIP workers."""
        found = []
        for pid in descendants(self.process.pid):
            with contextlib.suppress(OSError):
                if b"opensips_py.server.worker" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return sorted(found)


class Sipp:
    """One SIPp process; *calls* it makes or serves end it."""

    def __init__(self, scenario: str, port: int, *arguments: str, target: int | str | None = None, calls: int = 1,
                 rate: int = 10, transport: str = "u1", folder: pathlib.Path | None = None, timeout: int = 60,
                 keys: dict[str, str] | None = None, fields: str | None = None, host: str = HOST) -> None:
        if SIPP is None:
            raise RuntimeError("sipp is not installed")
        if folder is None:
            self._own_folder = tempfile.TemporaryDirectory(prefix="sipp-")  # it goes when this object does
            folder = pathlib.Path(self._own_folder.name)
        self.folder = folder
        stem = f"{pathlib.Path(scenario).stem}-{port}-{time.monotonic_ns()}"
        self.stats, self.errors = self.folder / f"{stem}.csv", self.folder / f"{stem}.err"
        command = [SIPP, "-sf", str(XML / scenario), "-i", host, "-p", str(port), "-t", transport, "-nostdin",
                   "-m", str(calls), "-trace_stat", "-stf", str(self.stats), "-fd", "1", "-timeout", f"{timeout}s",
                   "-timeout_error", "-trace_err", "-error_file", str(self.errors), "-buff_size", "1048576",
                   "-mp", str(media_port())]
        if target is not None:
            command += [f"{host}:{target}" if isinstance(target, int) else target, "-r", str(rate), "-l", str(calls)]
        if fields is not None:
            injected = self.folder / f"{stem}.fields"
            injected.write_text(fields)
            command += ["-inf", str(injected)]
        for name, value in (keys or {}).items():
            command += ["-key", name, value]
        self.timeout = timeout
        self.process = subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, cwd=self.folder)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._output = b""
        self._reader.start()
        if target is None:  # the first call may be sent at once
            deadline = time.monotonic() + 10
            while not bound(port) and self.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)

    def _read(self) -> None:
        assert self.process.stdout
        self._output = self.process.stdout.read()

    def finish(self) -> dict[str, int]:
        """Wait for the end; fails with SIPp's own words when a call failed."""
        try:
            status = self.process.wait(self.timeout + 10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._reader.join(5)
        counts = self.counts()
        errors = self.errors.read_text(errors="replace")[:3000] if self.errors.exists() else ""
        assert status == 0, (f"sipp ended with {status}: {counts}\n{errors}\n"
                             f"{self._output[-1500:].decode(errors='replace')}")
        return counts

    def counts(self) -> dict[str, int]:
        with contextlib.suppress(OSError, IndexError), open(self.stats) as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
            return {"done": int(last["SuccessfulCall(C)"]), "failed": int(last["FailedCall(C)"]),
                    "retransmissions": int(last["Retransmissions(C)"])}
        return {}

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class LossyLink:
    """A UDP relay in front of *target* that loses one datagram in *one_in*, each way, by a seeded dice; of 0 none.

    Clients talk to :attr:`port`; each gets a relay socket of its own, so that answers find their way back.
    """

    def __init__(self, target: int, one_in: int = 10, seed: int = 1) -> None:
        self.target, self.one_in, self.random = (HOST, target), one_in, random.Random(seed)
        self.lost = self.passed = 0
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((HOST, 0))
        self.port = self._front.getsockname()[1]
        self._ways: dict[tuple[str, int], socket.socket] = {}
        self._over = False
        self._threads = [threading.Thread(target=self._forward, daemon=True)]

    def __enter__(self) -> LossyLink:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        for sock in [self._front, *self._ways.values()]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _keep(self) -> bool:
        keep = self.one_in == 0 or self.random.randrange(self.one_in) != 0
        self.passed += keep
        self.lost += not keep
        return keep

    def _forward(self) -> None:
        while not self._over:
            try:
                data, client = self._front.recvfrom(65535)
            except OSError:
                return
            way = self._ways.get(client)
            if way is None:
                way = self._ways[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                way.bind((HOST, 0))
                back = threading.Thread(target=self._return, args=(way, client), daemon=True)
                self._threads.append(back)
                back.start()
            if self._keep():
                with contextlib.suppress(OSError):
                    way.sendto(data, self.target)

    def _return(self, way: socket.socket, client: tuple[str, int]) -> None:
        while not self._over:
            try:
                data = way.recv(65535)
            except ConnectionRefusedError:
                continue
            except OSError:
                return
            if self._keep():
                with contextlib.suppress(OSError):
                    self._front.sendto(data, client)

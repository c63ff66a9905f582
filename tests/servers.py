"""Database servers of Debian's packages, started for the tests on free ports of loopback with data of their own."""
from __future__ import annotations

import contextlib
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import TypeVar

import pytest

from tests.live import HOST, descendants, free_ports

USER, PASSWORD = "opensips", "opens:ips@rw/1"  # signs that a URL must take


def program(name: str, *folders: str) -> str:
    """The path of a program; the test is skipped where it is not installed."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *folders]))
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def owner(*names: str) -> str | None:
    """The first of the users *names* that this machine has, for servers that refuse to run as root."""
    if os.getuid():
        return None
    known = {each.pw_name for each in pwd.getpwall()}
    return next(each for each in (*names, "nobody") if each in known)


@contextlib.contextmanager
def folder_of(user: str | None) -> Iterator[pathlib.Path]:
    """A folder that belongs to *user*."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="opensips-py-db-"))
    if user is not None:
        shutil.chown(path, user)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class DatabaseServer:
    """A server that runs; stop() and start() again keep its data."""

    def __init__(self, command: list[str], user: str | None, folder: pathlib.Path, url: str, port: int) -> None:
        self.command, self.user, self.folder, self.url, self.port = command, user, folder, url, port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections. PostgreSQL refuses as long as a process of one that was killed
        is still there."""
        deadline = time.monotonic() + 30
        while True:
            if self.process is None or self.process.poll() is not None:
                with open(self.folder / "log", "ab") as log:
                    self.process = subprocess.Popen(self.command, user=self.user, cwd=self.folder, stdout=log,
                                                    stderr=log, stdin=subprocess.DEVNULL)
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self, hard: bool = False) -> None:
        """End it; *hard*: with its children, of which those of PostgreSQL would go on to answer for a moment."""
        if self.process is not None:
            below = descendants(self.process.pid) if hard else []
            self.process.kill() if hard else self.process.terminate()
            for each in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            self.process.wait(30)
            self.process = None


Server = TypeVar("Server", bound=DatabaseServer)


@contextlib.contextmanager
def serving(server: Server) -> Iterator[Server]:
    """*server*, started and in the end stopped."""
    server.start()
    try:
        yield server
    finally:
        server.stop(hard=True)


@contextlib.contextmanager
def postgres() -> Iterator[DatabaseServer]:
    """PostgreSQL with a database `opensips`."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    initdb, server, user = program("initdb", *folders), program("postgres", *folders), owner("postgres")
    with folder_of(user) as folder:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        subprocess.run([initdb, "-D", folder / "data", "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}",
                        "-E", "UTF8", "--no-sync", "--locale=C"], check=True, capture_output=True, user=user)
        port, = free_ports()
        command = [server, "-D", str(folder / "data"), "-p", str(port), "-h", HOST, "-k", str(folder), "-c",
                   "fsync=off", "-c", "dynamic_shared_memory_type=mmap"]  # in its folder: a killed one leaves nothing
        url = f"postgres://{USER}:{PASSWORD}@{HOST}:{port}/opensips"
        with serving(DatabaseServer(command, user, folder, url, port)) as running:
            import psycopg
            deadline = time.monotonic() + 20
            while True:  # it listens a moment before it lets anybody in
                try:
                    with psycopg.connect(host=HOST, port=port, user=USER, password=PASSWORD, dbname="postgres",
                                         autocommit=True) as made:
                        made.execute("CREATE DATABASE opensips")
                    break
                except psycopg.OperationalError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield running


@contextlib.contextmanager
def mariadb() -> Iterator[DatabaseServer]:
    """MariaDB with a database `opensips`."""
    install, server, user = program("mariadb-install-db"), program("mariadbd"), owner("mysql")
    with folder_of(user) as folder:
        subprocess.run([install, "--no-defaults", f"--datadir={folder}/data", "--skip-test-db",
                        *([f"--user={user}"] if user else [])], check=True, capture_output=True)
        first = folder / "first.sql"
        first.write_text(f"CREATE DATABASE IF NOT EXISTS opensips CHARACTER SET utf8mb4;\n"
                         f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
                         f"GRANT ALL ON opensips.* TO '{USER}'@'%';\n")
        first.chmod(0o644)
        port, = free_ports()
        command = [server, "--no-defaults", f"--datadir={folder}/data", f"--port={port}", f"--bind-address={HOST}",
                   f"--socket={folder}/socket", f"--init-file={first}", "--skip-name-resolve",
                   "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=32M"]
        url = f"mysql://{USER}:{PASSWORD}@{HOST}:{port}/opensips"
        with serving(DatabaseServer(command, user, folder, url, port)) as running:
            yield running


class RabbitMQ(DatabaseServer):
    """RabbitMQ: a group of processes, which end together, and the port mapper of Erlang's that it starts for itself."""

    def __init__(self, command: list[str], user: str | None, folder: pathlib.Path, ports: list[int]) -> None:
        super().__init__(command, user, folder, f"{HOST}:{ports[0]}", ports[0])
        self.erlang, self.mapper = ports[1:]

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command, user=self.user, cwd=self.folder, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True, env=self.environment())
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)

    def stop(self, hard: bool = False) -> None:
        """End all of it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
            self.process = None
            subprocess.run([program("epmd"), "-kill"], env=self.environment(), user=self.user, capture_output=True,
                           check=False)

    def environment(self) -> dict[str, str]:
        """Where it keeps everything: in its folder, away from a RabbitMQ that this machine may have."""
        folder = str(self.folder)
        return {"PATH": os.environ.get("PATH", ""), "HOME": folder, "LANG": "C.UTF-8",
                "RABBITMQ_NODENAME": f"opensips-py-{self.port}@localhost", "RABBITMQ_NODE_PORT": str(self.port),
                "RABBITMQ_NODE_IP_ADDRESS": HOST, "RABBITMQ_DIST_PORT": str(self.erlang),
                "RABBITMQ_MNESIA_BASE": f"{folder}/data", "RABBITMQ_LOG_BASE": f"{folder}/logs",
                "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins", "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
                "RABBITMQ_CONFIG_FILE": f"{folder}/none", "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/none",
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",
                "ERL_EPMD_PORT": str(self.mapper), "ERL_EPMD_ADDRESS": HOST}


@contextlib.contextmanager
def rabbitmq() -> Iterator[RabbitMQ]:
    """RabbitMQ, with its user guest."""
    server = program("rabbitmq-server", "/usr/lib/rabbitmq/bin")
    if os.path.exists("/usr/lib/rabbitmq/bin/rabbitmq-server"):  # the one in the path is a wrapper of Debian's
        server = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    user = owner("rabbitmq")
    with folder_of(user) as folder, serving(RabbitMQ([server], user, folder, free_ports(3))) as running:
        yield running


class RedisServer(DatabaseServer):
    """A Redis that runs; one with `--appendonly yes` keeps its data over stop() and start()."""

    def ask(self, *words: object) -> str:
        """The reply to a command, as Redis writes it."""
        with socket.create_connection((HOST, self.port), 10) as sock:
            data = [str(each).encode() for each in words]
            sock.sendall(b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in data))
            return sock.recv(65536).decode()

    def ready(self) -> None:
        """Wait until it is a part of a cluster that works, as it sees that itself."""
        deadline = time.monotonic() + 30
        while "cluster_state:ok" not in (info := self.ask("CLUSTER", "INFO")) or "fail" in self.ask("CLUSTER", "NODES"):
            assert time.monotonic() < deadline, info
            time.sleep(0.05)


@contextlib.contextmanager
def redis(*options: str, port: int = 0) -> Iterator[RedisServer]:
    """Redis with nothing in it, and *options* of its command line."""
    server = program("redis-server")
    with folder_of(None) as folder:
        port = port or free_ports()[0]
        command = [server, "--port", str(port), "--bind", HOST, "--dir", str(folder), "--save", "", "--appendonly",
                   "yes", *options]
        with serving(RedisServer(command, None, folder, f"redis://{HOST}:{port}/", port)) as running:
            yield running


@contextlib.contextmanager
def redis_cluster(count: int = 3) -> Iterator[list[RedisServer]]:
    """A cluster of Redis nodes that share the slots; while one is gone the others go on with theirs."""
    with contextlib.ExitStack() as stack:
        ports, buses = free_ports(count), free_ports(count)
        nodes = [stack.enter_context(redis(
            "--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "15000",
            "--cluster-require-full-coverage", "no", port=port)) for port, bus in zip(ports, buses, strict=True)]
        for number, node in enumerate(nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.ask("CLUSTER", "ADDSLOTSRANGE", 16384 * number // count, 16384 * (number + 1) // count - 1)
            if number:
                node.ask("CLUSTER", "MEET", HOST, ports[0], buses[0])
        for node in nodes:
            deadline = time.monotonic() + 30
            while f"cluster_known_nodes:{count}" not in node.ask("CLUSTER", "INFO") or "handshake" in node.ask(
                    "CLUSTER", "NODES") or node.ask("CLUSTER", "SLOTS").count(f"\r\n{HOST}\r\n") < count:
                assert time.monotonic() < deadline, node.ask("CLUSTER", "NODES")
                time.sleep(0.05)
            node.ready()
        yield nodes

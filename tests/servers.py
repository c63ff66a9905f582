"""Database servers of Debian's packages, started for the tests on free ports of loopback with data of their own."""
from __future__ import annotations

import contextlib
import glob
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest

from tests.live import HOST, free_ports

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
        """End it."""
        if self.process is not None:
            self.process.kill() if hard else self.process.terminate()
            self.process.wait(30)
            self.process = None


@contextlib.contextmanager
def serving(server: DatabaseServer) -> Iterator[DatabaseServer]:
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
                   "fsync=off"]
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

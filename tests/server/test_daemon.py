"""The daemon with real processes, from its command line to its end."""
import ast
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.live import free_ports, open_folder

ROOT = os.geteuid() == 0


class Daemon:
    """A place for a configuration, and how the daemon is started on it."""

    def __init__(self, path):
        self.path = path
        self.port = free_ports()[0]
        self.config = path / "sample.cfg"
        self.pid_file = path / "pid"
        self.write()
        self.started = []

    def write(self, *words):
        self.config.write_text(" ".join([f"port={self.port}", *words]))

    def environment(self):
        return {**os.environ, "OPENSIPS_PY_STATE_DIR": str(self.path / "state")}

    def run(self, *letters, config=None):
        """Start it and wait until the command returns."""
        with open(self.path / "err", "w+") as err:  # a file: a pipe would stay open as long as the server
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.server.sample_daemon", "-f", str(config or self.config), *letters],
                stderr=err, stdout=subprocess.DEVNULL, env=self.environment())
            self.started.append(process)
            status = process.wait(timeout=30)
            err.seek(0)
            return status, err.read()

    def start(self, *letters):
        """Start it in the foreground and wait until it serves."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.sample_daemon", "-F", "-f", str(self.config), *letters],
            stderr=subprocess.PIPE, text=True, env=self.environment())
        self.started.append(process)
        self.ask("pid")
        return process

    def ask(self, word, timeout=20.0):
        deadline = time.monotonic() + timeout
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            while time.monotonic() < deadline:
                try:
                    sock.sendto(word.encode(), ("127.0.0.1", self.port))
                    return ast.literal_eval(sock.recv(1000).decode())
                except (TimeoutError, ConnectionRefusedError):
                    continue
        raise AssertionError("it does not serve")

    def end(self):
        if self.pid_file.exists() and self.pid_file.read_text():
            number = int(self.pid_file.read_text())
            os.kill(number, signal.SIGTERM)
            deadline = time.monotonic() + 10
            while pathlib.Path(f"/proc/{number}").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
        for process in self.started:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=10)


@pytest.fixture
def daemon():
    with open_folder() as folder:
        made = Daemon(folder)
        yield made
        made.end()


def test_the_command_returns_when_calls_are_taken_and_the_pid_file_ends_with_the_server(daemon):
    status, text = daemon.run("-P", str(daemon.pid_file), "-m", "256", "-M", "8")
    assert status == 0
    assert "without effect: -m, -M (memory is taken from the system as needed)" in text
    assert daemon.ask("pid")
    supervisor = int(daemon.pid_file.read_text())
    assert os.getsid(supervisor) != os.getsid(0)
    assert os.getsid(supervisor) != supervisor  # no leader of its session: no terminal can become its own
    daemon.end()
    assert not daemon.pid_file.exists()
    assert (daemon.path / "state" / "boot").read_text().count('"clean": true') == 1


@pytest.mark.parametrize("letters", [[], ["-F"]])
def test_every_failure_is_a_line_and_a_status(daemon, letters):
    daemon.write("broken")
    status, text = daemon.run(*letters)
    assert status == 1
    assert "sample.cfg:1:1: it is broken" in text
    assert text.rstrip().endswith(f"opensips-py: {daemon.config}: 1 error, nothing was started")


@pytest.mark.parametrize("letters", [[], ["-F"]])
def test_a_port_in_use_is_named(daemon, letters):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", daemon.port))
        status, text = daemon.run(*letters)
    assert (status, text) == (1, f"opensips-py: udp:127.0.0.1:{daemon.port}: the port is in use by another program\n")


def test_a_worker_that_cannot_start_fails_the_command(daemon):
    daemon.write("fail0")
    status, text = daemon.run()
    assert status == 1
    assert "worker 0 could not start: told to fail" in text


def test_files_that_are_not_there_are_named(daemon, tmp_path):
    status, text = daemon.run(config=tmp_path / "other.cfg")
    assert (status, text) == (1, f"opensips-py: the configuration {tmp_path}/other.cfg does not exist\n")
    status, text = daemon.run("-F", "-P", str(tmp_path / "no" / "pid"))
    assert (status, text) == (1, f"opensips-py: the pid file {tmp_path}/no/pid cannot be written: "
                                 "No such file or directory\n")
    status, text = daemon.run("-F", "-w", str(tmp_path / "no"))
    assert (status, text) == (1, f"opensips-py: the working directory cannot become {tmp_path}/no: "
                                 "No such file or directory\n")


def test_a_second_server_is_refused(daemon):
    daemon.start()
    status, text = daemon.run("-F")
    assert (status, text) == (1, "opensips-py: another server is running with the state directory "
                                 f"{daemon.path / 'state'}\n")


def test_checking_starts_nothing(daemon):
    daemon.write("note")
    status, text = daemon.run("-c")
    assert (status, text) == (0, "a note\n")
    daemon.write("broken")
    assert daemon.run("-C")[0] == 1


def test_letters_reach_the_workers_and_the_check(daemon):
    process = daemon.start("-w", str(daemon.path), "-n", "2", "-G", str(daemon.path / "group"))
    assert os.readlink(f"/proc/{daemon.ask('pid')}/cwd") == str(daemon.path)
    cores = min(2, len(os.sched_getaffinity(0)))
    assert len(daemon.ask("ps")) == 2 + cores
    assert (daemon.path / "group").read_text() == f"{os.getpgid(process.pid)}\n"
    process.terminate()
    assert process.wait(timeout=10) == 0
    process.stderr.close()


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
def test_root_becomes_another_user_and_survives_as_it(daemon):
    installation = pathlib.Path(sys.executable).resolve()
    if installation.is_relative_to("/root"):
        status, text = daemon.run("-F", "-u", "nobody")
        assert status == 1
        assert "cannot be read by this user" in text
        return
    process = daemon.start("-u", "nobody")
    pid = daemon.ask("pid")
    assert os.stat(f"/proc/{pid}").st_uid == os.stat(f"/proc/{process.pid}").st_uid == pwd.getpwnam("nobody").pw_uid
    os.kill(pid, signal.SIGKILL)
    assert daemon.ask("pid") != pid
    process.terminate()
    assert process.wait(timeout=10) == 0
    process.stderr.close()


def test_systemd_is_told(daemon, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system:
        system.bind(str(tmp_path / "notify"))
        system.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        process = daemon.start()
        assert system.recv(100) == f"READY=1\nMAINPID={process.pid}".encode()
        process.terminate()
        process.wait(timeout=10)
        assert system.recv(100) == b"STOPPING=1"
        process.stderr.close()

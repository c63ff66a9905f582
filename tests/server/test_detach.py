"""Leaving the terminal, and telling whoever waits for the server."""
import os
import pathlib
import socket
import subprocess
import sys

import pytest

from opensips_py.errors import ConfigError
from opensips_py.server import detach

PROGRAM = """
import os, sys, time
from opensips_py.errors import ConfigError
from opensips_py.server import detach

def run(ready):
    if sys.argv[1] == "refuse":
        raise ConfigError("no port left")
    with open(sys.argv[2], "w") as file:
        file.write(f"{os.getpid()} {os.getsid(0)} {os.getppid()}")
    ready()
    print("nobody sees this")
    os.write(2, b"on standard error\\n")
    return 3

sys.exit(detach.daemonize(run, keep_stderr=sys.argv[1] == "keep"))
"""


def daemon(tmp_path, how):
    """The command that starts a daemon: its status, what it and the daemon print, and the daemon's ids."""
    run = subprocess.run([sys.executable, "-c", PROGRAM, how, str(tmp_path / "ids")], capture_output=True, text=True,
                         timeout=20, env={**os.environ, "PYTHONPATH": os.getcwd()})
    ids = tmp_path / "ids"
    return run.returncode, run.stdout, run.stderr, ids.read_text().split() if ids.exists() else []


def test_the_command_ends_when_the_server_is_ready(tmp_path):
    status, output, errors, (pid, session, _) = daemon(tmp_path, "leave")
    assert (status, output, errors) == (0, "", "")
    assert pid != session != str(os.getsid(0))  # a session of its own, without being its leader


def test_errors_are_kept_where_the_log_goes_there(tmp_path):
    assert daemon(tmp_path, "keep")[2] == "on standard error\n"


def test_a_server_that_cannot_start_says_so_to_the_command(tmp_path):
    assert daemon(tmp_path, "refuse") == (1, "", "opensips-py: no port left\n", [])


def test_systemd_is_told_where_it_listens(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        detach.tell_systemd("READY=1")
        assert systemd.recv(100) == b"READY=1"
    detach.tell_systemd("STOPPING=1")  # it is gone: no reason to fail
    monkeypatch.delenv("NOTIFY_SOCKET")
    detach.tell_systemd("READY=1")


def test_pid_files_come_and_go(tmp_path):
    files = detach.PidFiles(str(tmp_path / "pid"), str(tmp_path / "group"), os.geteuid(), os.getegid())
    assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"
    assert (tmp_path / "group").read_text() == f"{os.getpgrp()}\n"
    files.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_pid_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"the pid file .*/none/pid cannot be written: No such file"):
        detach.PidFiles(str(tmp_path / "none" / "pid"), "", os.geteuid(), os.getegid())


def test_a_pid_file_that_cannot_be_removed_is_emptied(tmp_path, monkeypatch):
    files = detach.PidFiles(str(tmp_path / "pid"), "", os.geteuid(), os.getegid())

    def refused(*given, **named):
        raise PermissionError

    monkeypatch.setattr(pathlib.Path, "unlink", refused)
    files.remove()
    assert (tmp_path / "pid").read_text() == ""

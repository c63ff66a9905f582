"""t_write_req and t_write_unix: what another program gets."""
from __future__ import annotations

import os
import socket

import pytest

from opensips_py.errors import ConfigError
from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request

APPEND = 'modparam("tm", "tw_append", "append1: Email=$avp(email);$ua;$rb")\n'


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield str(path), lambda: os.read(descriptor, 65536).decode()
    os.close(descriptor)


def test_pipe_gets_the_request_and_the_transaction_waits_for_the_answer(pipe):
    path, read = pipe
    s = stage(APPEND + f'route {{ $avp(email) = "a@b"; t_write_req("voicemail/append1", "{path}"); }}')
    s.receive(request(world=s, headers="User-Agent: phone\r\n"))
    lines = read().split("\n")
    identifier = next(iter(s.layer.ids))
    assert lines[:3] == ["0.3", "voicemail", "INVITE"] and lines[5] == "sip:bob@192.0.2.2"
    assert lines[13:17] == [identifier, "Email: a@b", "ua: phone", "."]
    s.pass_time(60)
    assert len(s.layer) == 1
    s.registry.commands["t_reply"].call(200, "OK", identifier, "tag")
    assert s.lines()[-1] == "200 192.0.2.1"


def test_nobody_answering_becomes_408(pipe):
    s = stage(f'route {{ t_write_req("voicemail", "{pipe[0]}"); }}')
    s.receive(request(world=s))
    s.take()
    s.pass_time(121)
    assert "408 192.0.2.1" in s.lines()


def test_pipe_without_reader_fails(tmp_path):
    os.mkfifo(tmp_path / "unread")
    for path in (tmp_path / "unread", tmp_path / "missing"):
        s = stage(f'route {{ if (!t_write_req("voicemail", "{path}")) t_reply(480, "Nobody"); }}')
        s.receive(request("OPTIONS", world=s))
        assert s.lines() == ["480 192.0.2.1"]


def test_socket_gets_the_request(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        s = stage(f'route {{ t_write_unix("logger", "{path}"); t_reply(200, "OK"); }}')
        s.receive(request("MESSAGE", world=s))
        assert receiver.recv(65536).startswith(b"0.3\nlogger\nMESSAGE\nbob\n192.0.2.2\n")
    assert s.lines() == ["200 192.0.2.1"]


def test_socket_without_reader_fails(tmp_path):
    s = stage(f'route {{ if (!t_write_unix("logger", "{tmp_path / "none"}")) t_reply(480, "Nobody"); }}')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["480 192.0.2.1"]


def test_full_socket_is_given_up_after_unix_tx_timeout(tmp_path, monkeypatch):
    path, timeouts = str(tmp_path / "socket"), []

    class Impatient(socket.socket):
        """It notes how long it shall wait, and does not wait that long."""

        def settimeout(self, seconds):
            timeouts.append(seconds)
            super().settimeout(0.01)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        s = stage('modparam("tm", "unix_tx_timeout", 1)\n'
                  f'route {{ if (!t_write_unix("logger", "{path}")) t_reply(480, "Full"); }}')
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    filler.sendto(b"x", path)
        monkeypatch.setattr(socket, "socket", Impatient)
        s.receive(request("OPTIONS", world=s))
    assert (timeouts, s.lines()) == ([1], ["480 192.0.2.1"])


def test_unknown_appendix_fails(pipe):
    s = stage(f'route {{ if (!t_write_req("voicemail/nothing", "{pipe[0]}")) t_reply(480, "Nobody"); }}')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["480 192.0.2.1"]


def test_appendix_without_elements_is_refused():
    with pytest.raises(ConfigError, match="tw_append"):
        stage('modparam("tm", "tw_append", "nothing")\nroute { exit; }')

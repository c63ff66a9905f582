"""Functions that wait, and the end of the server."""
from __future__ import annotations

import os
import socket

import gevent
import pytest

from tests import live
from tests.modules.bench import Bench, options, variables


@pytest.fixture
def slept(monkeypatch):
    found = []
    monkeypatch.setattr(gevent, "sleep", found.append)
    return found


@pytest.mark.parametrize(("dialect", "calls", "expected"), [
    ("4.0", '$var(t) = 2; sleep(1); sleep($var(t)); usleep(500000); sleep(-1); usleep(-1);', [1, 2, 0.5, 0, 0]),
    ("2.1", 'sleep("1"); $avp(s) = "2"; sleep("$avp(s)"); usleep("250000"); $avp(s) = "abc"; sleep("$avp(s)"); '
            'usleep("$avp(none)");', [1, 2, 0.25, 0, 0])])
def test_time_that_a_script_waits(slept, dialect, calls, expected):
    assert variables(f"{calls} $var(done) = 1;", "cfgutils", dialect=dialect)["done"] == 1
    assert slept == expected


def test_other_work_goes_on_meanwhile():
    bench = Bench("cfgutils", "usleep(1); $var(done) = 1;")
    done = []
    other = gevent.spawn(done.append, 1)
    assert bench.run_on(bench.message(options())).variables == {"done": 1}
    assert done == [1] and other.ready()


def test_the_script_goes_on_where_async_says(slept):
    bench = Bench("cfgutils", "async(sleep(3), later); $var(never) = 1;", routes="route[later] { $var(rc) = $rc; }")
    assert bench.run_on(bench.message(options())).variables == {"rc": 1} and slept == [3]


class Aborted(BaseException):
    """Stands for the end of the process."""


class Control:
    """The supervisor's answer to what a worker asks."""

    def __init__(self, trouble=None):
        self.asked, self.trouble = [], trouble

    def ask(self, command, status):
        assert status
        self.asked.append(command)
        if self.trouble is not None:
            raise self.trouble


@pytest.mark.parametrize("trouble", [None, gevent.Timeout(1), OSError()])
def test_abort_ends_all_processes(monkeypatch, trouble):
    def end():
        raise Aborted
    monkeypatch.setattr(os, "abort", end)
    bench = Bench("cfgutils", "abort();")
    bench.control = Control(trouble)
    with pytest.raises(Aborted):
        bench.run_on(bench.message(options()))
    assert bench.control.asked == ["stop"]


CONFIG = """
workers=2
socket=udp:@HOST@:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "cfgutils.so"
route { if ($rm == "INFO") abort(); sl_send_reply(200, "OK"); }
"""


def test_abort_ends_a_real_server():
    with live.Server(CONFIG) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((live.HOST, 0))
        message = live.options(server.port, own.getsockname()[1], 1).replace(b"OPTIONS", b"INFO")
        own.sendto(message, (live.HOST, server.port))
        assert server.process.wait(10) != 0
        assert "abort() ends the server" in server.log and "replaced in" not in server.log

"""A supervisor with real processes: they are asked over UDP who they are."""
import ast
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.live import descendants


class Server:
    """A started sample server."""

    def __init__(self, config, workers):
        self.config, self.workers = config, workers
        self.process = subprocess.Popen([sys.executable, "-m", "tests.server.sample_server", str(config), str(workers)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ports = [int(port) for port in self.process.stdout.readline().split()]

    def ask(self, word, timeout=10.0):
        """The answer of whichever worker the kernel chose, asked again until the time is over."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(1)
                sock.sendto(word.encode(), ("127.0.0.1", self.ports[0]))
                try:
                    return ast.literal_eval(sock.recv(65000).decode())
                except TimeoutError:
                    continue
        raise AssertionError(f"no answer to {word!r}")

    def until(self, condition, timeout=10.0):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.01)
        raise AssertionError("it did not come to pass")

    def wait(self):
        status = self.process.wait(timeout=10)
        return status, self.process.stderr.read()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def start(tmp_path):
    started = []

    def start(words="", workers=1):
        config = tmp_path / "sample.cfg"
        config.write_text(words)
        started.append(Server(config, workers))
        return started[-1]
    yield start
    for server in started:
        server.close()


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_all_processes_run_and_know_each_other_and_stop_on_sigterm(start):
    server = start(workers=2)
    assert server.ask("ps") == ["attendant", "SIP worker 0", "SIP worker 1", "management"]
    pids = [pid for _, pid in server.ask("peers")]
    assert len(pids) == 2  # the other worker and management
    server.process.terminate()
    assert server.wait()[0] == 0
    assert all(gone(pid) for pid in pids)


def test_a_process_that_does_not_stop_is_killed_in_time(start):
    server = start("stubborn")
    server.process.send_signal(signal.SIGINT)
    assert server.wait()[0] == 0  # it would take a minute if nobody killed it


@pytest.mark.parametrize("culprit", ["fail0", "fail-1"])
def test_a_failure_at_start_stops_the_server_with_one_line(start, culprit):
    server = start(culprit)
    assert server.ports == []
    status, text = server.wait()
    assert status == 1
    assert "could not start: told to fail" in text


def test_a_killed_worker_is_replaced_and_takes_the_same_sockets(start):
    server = start()
    pid = server.ask("pid")
    assert server.ask("restarted") is False
    os.kill(pid, signal.SIGKILL)
    assert server.ask("pid") != pid
    assert server.ask("restarted") is True
    assert server.ask("peers")  # its links as well


def test_a_worker_that_begins_goes_with_its_supervisor(start):
    server = start("slow-again")
    before = set(descendants(server.process.pid))
    os.kill(server.ask("pid"), signal.SIGKILL)
    server.until(lambda: set(descendants(server.process.pid)) - before)
    begins, = set(descendants(server.process.pid)) - before
    time.sleep(0.5)  # it has been busy with its configuration for a while
    server.process.kill()
    server.until(lambda: gone(begins), timeout=5)


@pytest.mark.parametrize("how", ["hang", "write"])
def test_a_stuck_worker_is_killed_and_replaced(start, how):
    server = start()
    pid = server.ask("pid")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(how.encode(), ("127.0.0.1", server.ports[0]))
    server.until(lambda: gone(pid), timeout=20)
    assert server.ask("pid") != pid
    server.process.terminate()
    assert server.wait()[1].count("is stuck") == 1


def test_one_that_is_held_up_as_it_begins_is_not(start):
    server = start("held-up", workers=2)  # each for longer than a heartbeat may be missing later
    assert server.ask("restarted") is False and server.ask("pid")
    server.process.terminate()
    status, text = server.wait()
    assert status == 0 and "is stuck" not in text


def test_sighup_swaps_the_generation_in_all_processes(start):
    server = start(workers=2)
    pid = server.ask("pid")
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: server.ask("generation") == 2)
    server.until(lambda: server.ask("reload") == {"ok": True, "reasons": [], "changes": []})  # once the first is over
    assert server.ask("generation") == 3
    assert gone(pid) is False


def test_a_reload_while_another_runs_is_refused_but_a_signal_which_hears_nothing_is_kept(start):
    server = start()
    pid = server.ask("pid")
    server.config.write_text("slow0")
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: server.ask("generation") == -1)  # it prepares
    assert server.ask("reload") == {"ok": False, "reasons": ["another reload, a start or a stop is on its way"]}
    server.config.write_text("")
    server.process.send_signal(signal.SIGHUP)
    os.kill(pid, signal.SIGKILL)  # which ends the first one
    server.until(lambda: server.ask("generation") == 2)


def test_a_process_that_dies_as_all_swap_comes_back_with_the_new_generation(start):
    server = start()
    pid = server.ask("pid")
    server.config.write_text("stay0")
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: server.ask("generation") == -2)  # told to swap, it does not come to it
    server.config.write_text("")
    os.kill(pid, signal.SIGKILL)
    assert server.ask("generation") == 2
    assert server.ask("pid") != pid


def test_a_reload_waits_for_a_process_that_is_just_being_replaced(start):
    server = start()
    pid = server.ask("pid")
    os.kill(pid, signal.SIGKILL)
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: server.ask("generation") == 2)  # its replacement began with the first
    assert server.ask("pid") != pid


def test_a_process_that_dies_while_it_prepares_cancels_the_reload_and_nothing_else(start):
    server = start()
    pid = server.ask("pid")
    server.config.write_text("slow0")
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: server.ask("generation") == -1)  # it prepares
    os.kill(pid, signal.SIGKILL)
    assert server.ask("pid") != pid
    assert server.ask("generation") == 1
    server.config.write_text("")
    assert server.ask("reload") == {"ok": True, "reasons": [], "changes": []}


def test_a_reload_helps_a_process_that_cannot_start(start):
    server = start()
    pid = server.ask("pid")
    server.config.write_text("fail0@1")
    os.kill(pid, signal.SIGKILL)
    server.until(lambda: gone(pid))
    server.process.send_signal(signal.SIGHUP)
    assert server.ask("generation", timeout=20.0) == 2


def test_a_broken_configuration_is_not_loaded(start):
    server = start()
    server.config.write_text("broken")
    assert server.ask("reload") == {"ok": False, "reasons": ["sample.cfg:1:1: it is broken"]}
    assert server.ask("generation") == 1


def test_one_process_that_refuses_keeps_all_at_the_old_generation(start):
    server = start()
    server.config.write_text("refuse-1")
    assert server.ask("reload") == {"ok": False, "reasons": ["process -1: this one says no"]}
    assert server.ask("generation") == 1


def test_a_rolling_restart_replaces_every_process(start):
    server = start()
    before = dict(server.ask("peers"))
    pid = server.ask("pid")
    server.process.send_signal(signal.SIGUSR2)
    server.until(lambda: server.ask("pid") != pid)
    server.until(lambda: dict(server.ask("peers"))[-1] not in (before[-1], None))
    assert gone(pid)


def test_a_rolling_restart_asked_for_meanwhile_begins_again_with_what_is_done(start):
    server = start(workers=2)
    pids = [server.ask("pid")]

    def again():
        pid = server.ask("pid")
        if pid != pids[-1]:
            pids.append(pid)
            server.process.send_signal(signal.SIGUSR2)
        return len(pids) > 2
    server.process.send_signal(signal.SIGUSR2)
    server.until(again)


def test_processes_end_when_their_supervisor_is_killed(start):
    server = start()
    pid = server.ask("pid")
    server.process.kill()
    server.until(lambda: gone(pid))

"""Management with real processes: asked over its pipe, it asks the workers."""
import os
import signal
import subprocess
import sys
import time

import pytest

from opensips_py.errors import MIError
from opensips_py.mi import client


class Server:
    """A started server with two workers, and its pipe."""

    def __init__(self, path):
        self.path = path
        self.config = path / "sample.cfg"
        self.write("fifo", "-")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.sample_server", str(self.config), "2", "tests.server.sample_mi"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout.readline()

    def write(self, name, indent):
        self.config.write_text(f"{self.path / name} {self.path} {indent}")

    def ask(self, method, params=None, name="fifo", patience=30.0):
        return client.ask(str(self.path / name), method, params, str(self.path), patience)

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path)
    yield made
    made.close()


def test_answers_are_those_of_the_whole_server(server):
    rows = server.ask("ps")["Processes"]
    assert [row["Type"] for row in rows] == ["attendant", "SIP worker 0", "SIP worker 1", "management"]
    assert rows[0]["PID"] == server.process.pid
    assert server.ask("get_statistics", [["sample:"]]) == {"sample:started": 2, "sample:here": 2}
    assert "core:ps" in server.ask("which")
    assert server.ask("uptime")["Up time"].endswith("[sec]")
    with pytest.raises(MIError, match="Method not found"):
        server.ask("nothing")


def test_a_killed_worker_is_waited_for_and_told_what_was_set(server):
    server.ask("log_level", [4])
    victim = server.ask("ps")["Processes"][1]["PID"]
    os.kill(victim, signal.SIGKILL)
    assert server.ask("get_statistics", [["sample:"]]) == {"sample:started": 2, "sample:here": 2}
    until(lambda: [row["Log level"] for row in server.ask("log_level")["Processes"]] == [4, 4, 4])
    assert victim not in [row["PID"] for row in server.ask("ps")["Processes"]]


def test_a_killed_management_process_is_replaced_with_its_pipe(server):
    os.kill(server.ask("ps")["Processes"][3]["PID"], signal.SIGKILL)
    until(lambda: answers(server))


def test_a_reload_moves_the_pipe_and_one_that_fails_moves_nothing(server):
    server.write("other", "-")
    assert server.ask("reload_routes") == "OK"
    assert server.ask("pwd", None, "other")
    assert not (server.path / "fifo").exists()
    server.write("no/such/place", "-")
    with pytest.raises(MIError, match="does not exist"):
        server.ask("reload_routes", None, "other")
    assert server.ask("pwd", None, "other")


def test_reading_the_next_generation_does_not_stop_the_heart(server):
    """Management that is killed as stuck takes with it the question of whoever asked for the reload."""
    pids = [row["PID"] for row in server.ask("ps")["Processes"]]
    server.write("fifo", "slow")
    assert server.ask("reload_routes") == "OK"
    assert [row["PID"] for row in server.ask("ps")["Processes"]] == pids


def test_the_server_is_stopped_and_takes_its_pipe_along(server):
    assert server.ask("kill") == "OK"
    assert server.process.wait(timeout=10) == 0
    assert not (server.path / "fifo").exists()


def until(condition, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def answers(server):
    try:
        return server.ask("pwd", patience=1.0)  # what the dying process took along is lost
    except MIError:
        return None

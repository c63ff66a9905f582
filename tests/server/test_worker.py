"""A real worker with a module that does what no module should; and what keeps a server from starting."""
from __future__ import annotations

import os
import pathlib
import pwd
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from opensips_py.mi import client
from tests.live import HOST, Server, free_ports, python_of
from tests.scenarios.phone import Phone, TcpPhone

FAULTS = pathlib.Path(__file__).parent / "faults"
SCRIPT = """
log_level=3
stderror_enabled=yes
syslog_enabled=no
workers=1
mpath="@FAULTS@"
socket=udp:127.0.0.1:@PORT@
socket=tcp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "proto_tcp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "faulty.so"
loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "@RUN@/fifo")
modparam("mi_fifo", "reply_dir", "@RUN@")
route {
	if ($rU == "raise" && !fault_raise())
		sl_send_reply(200, "False");
	else if ($rU == "timeout" && fault_timeout())
		sl_send_reply(200, "Struck");
	else if ($rU == "wait" && fault_wait(1))
		sl_send_reply(200, "Waited");
	else if ($rU == "write" && fault_write())
		sl_send_reply(200, "Written");
	else if ($rU == "hang")
		fault_hang();
	else
		sl_send_reply(200, "Here");
}
"""


class Place:
    """The server and a phone."""

    def __init__(self, server: Server) -> None:
        self.server, self.phone = server, Phone(server.port)

    def send(self, user: str, count: int = 1, phone: Phone | None = None, *lines: str) -> list[str]:
        phone = phone or self.phone
        ids = [f"{user}-{time.monotonic_ns()}-{number}" for number in range(count)]
        for each in ids:
            phone.send(phone.request("OPTIONS", f"sip:{user}@{HOST}", each, 1, *lines, tag="t", to=f"<sip:x@{HOST}>"))
        return ids

    def ask(self, user: str, count: int = 1, phone: Phone | None = None, *lines: str) -> set[str]:
        """The reason phrases of the answers to *count* requests."""
        taken = (phone or self.phone).take("200 OPTIONS", self.send(user, count, phone, *lines))
        return {each.first.partition(" 200 ")[2] for each in taken.values()}


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server(SCRIPT, FAULTS=FAULTS) as server:
        yield server


@pytest.fixture
def place(running: Server) -> Iterator[Place]:
    made = Place(running)
    yield made
    made.phone.close()


def test_an_error_in_a_function_is_logged_once_with_its_line_and_counts_as_false(place: Place) -> None:
    before = place.server.log.count("RuntimeError: raised by a function")
    assert place.ask("raise") == {"False"}
    log = place.server.log
    assert log.count("RuntimeError: raised by a function") == before + 1
    line = next(number for number, text in enumerate(place.server.config.read_text().splitlines(), 1)
                if "fault_raise" in text)
    assert f"opensips.cfg:{line}" in log


def test_an_error_in_a_hook_keeps_no_message_from_the_script(place: Place) -> None:
    assert place.ask("any", 2, None, "X-Hook: yes") == {"Here"}
    assert place.server.log.count("RuntimeError: raised by a hook") == 2


def test_timeouts_left_behind_end_runners_and_nothing_else(place: Place) -> None:
    workers = place.server.workers()
    assert place.ask("timeout", 10) == {"Struck"}
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        assert place.ask("any", 5) == {"Here"}
    assert "a runner ended" in place.server.log
    assert place.server.workers() == workers


def test_requests_that_wait_hold_up_no_other(place: Place) -> None:
    waiting = place.send("wait", 50)
    began = time.monotonic()
    assert place.ask("any", 10) == {"Here"}
    assert time.monotonic() - began < 0.9
    assert len(place.phone.take("200 OPTIONS", waiting)) == 50
    assert time.monotonic() - began < 5  # all at once, not one after the other


def test_a_write_transaction_may_take_longer_than_anything_else(place: Place) -> None:
    workers = place.server.workers()
    assert place.ask("write") == {"Written"}  # 1.6 s; killed in the middle of it, it would hold up all the others
    assert place.server.workers() == workers


def test_a_worker_that_hangs_is_replaced_and_connections_come_back(place: Place) -> None:
    over_tcp = TcpPhone(place.server.port)
    assert place.ask("any", 1, over_tcp) == {"Here"}
    (old,) = place.server.workers()
    place.send("hang")
    data = place.phone.request("OPTIONS", f"sip:any@{HOST}", "after", 1, tag="t", to=f"<sip:x@{HOST}>")
    place.phone.send(data)
    # What the worker has read already goes with it: clients repeat what is not answered.
    place.phone.take("200 OPTIONS", ["after"], 20, again=lambda _: place.phone.send(data))
    (new,) = place.server.workers()
    assert new != old
    assert "is stuck: no heartbeat for " in place.server.log
    with pytest.raises((ConnectionError, BrokenPipeError)):
        place.ask("any", 1, over_tcp)
    over_tcp.close()
    again = TcpPhone(place.server.port)
    assert place.ask("any", 1, again) == {"Here"}
    again.close()


def test_gauges_and_counters_of_a_replaced_worker_stay_right(place: Place) -> None:
    def statistics() -> Any:
        return client.ask(str(place.server.folder / "fifo"), "get_statistics", [["rcv_requests", "inuse_transactions"]],
                          str(place.server.folder))

    before = statistics()
    place.ask("any", 3)
    after = statistics()
    assert after["core:rcv_requests"] == before["core:rcv_requests"] + 3
    assert after["tm:inuse_transactions"] == 0


# What keeps it from starting

def refused(text: str, *letters: str, **how: Any) -> str:
    """What a server says that cannot start on *text*."""
    server = Server(text, *letters, wait=False, FAULTS=FAULTS, **how)
    server.start()
    status = server.process.wait(30)
    said = server.log
    server.stop()
    assert status != 0
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("fault", ["config", "an error of its own"])
def test_a_module_that_does_not_start_is_named(fault: str) -> None:
    said = refused(SCRIPT.replace('loadmodule "mi_fifo.so"', f'modparam("faulty", "start_fails", "{fault}")\n'
                                                             'loadmodule "mi_fifo.so"'))
    expected = "told to refuse" if fault == "config" else f"RuntimeError: {fault}"
    assert len([line for line in said.splitlines() if expected in line and "could not start" in line]) == 1


def test_ports_and_pipes_that_cannot_be_had_are_named(tmp_path: pathlib.Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        port = other.getsockname()[1]
        assert f"tcp:{HOST}:{port}: the port is in use" in refused(SCRIPT.replace("tcp:127.0.0.1:@PORT@",
                                                                                  f"tcp:127.0.0.1:{port}"))
        said = refused(SCRIPT + f'loadmodule "httpd.so"\nmodparam("httpd", "ip", "{HOST}")\n'
                                f'modparam("httpd", "port", {port})\n')
        assert f"{HOST}:{port} cannot be bound: Address already in use" in said
    said = refused(SCRIPT.replace("@RUN@/fifo", "@RUN@/no/folder/fifo"))
    assert "the folder" in said and "no/folder of the pipe does not exist" in said
    said = refused(SCRIPT, env={"OPENSIPS_PY_STATE_DIR": "/proc/nowhere"})
    assert "the state directory /proc/nowhere cannot be used" in said


def test_files_that_are_not_there_are_named() -> None:
    assert "/nowhere/more.cfg" in refused(SCRIPT + '\ninclude_file "/nowhere/more.cfg"\n')
    assert "there is no user 'nobody-at-all'" in refused(SCRIPT, "-u", "nobody-at-all")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a server as another user")
def test_files_that_the_user_may_not_read_are_named() -> None:
    python, environment = python_of("nobody")
    if not python:
        pytest.skip("no Python here that nobody may run")
    server = Server(SCRIPT, "-u", "nobody", wait=False, FAULTS=FAULTS, python=python, env=environment,
                    HTTP=free_ports()[0])
    server.folder.chmod(0o755)
    server.config.chmod(0o600)
    server.start()
    assert server.process.wait(20) == 1
    assert server.log.splitlines() == [f"opensips-py: the configuration {server.config} cannot be read by this user"]
    more = server.folder / "more.cfg"
    more.write_text("")
    more.chmod(0o600)
    server.config.chmod(0o644)
    server.config.write_text(server.config.read_text() + f'include_file "{more}"\n')
    os.chown(server.folder, pwd.getpwnam("nobody").pw_uid, -1)
    server.start()
    assert server.process.wait(20) == 1
    assert str(more) in server.log and "Permission denied" in server.log
    assert "Traceback" not in server.log
    server.stop()

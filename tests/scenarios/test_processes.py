"""Signals, reload, rolling restart, and two workers that answer as one."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from opensips_py import __version__
from opensips_py.errors import MIError
from opensips_py.mi import client
from tests.live import HOST, ROOT, Server, Sipp, descendants, free_ports
from tests.scenarios.phone import Call, Phone, TcpPhone, answered, calls_to

CONFIG = pathlib.Path(__file__).parent / "processes.cfg"
CLOSED = 5.0  # seconds after SIGTERM


class Place:
    """A running server, and two phones at it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.caller, self.callee = Phone(server.port), Phone(server.port)
        self.user = f"to-{self.callee.port}"

    def write(self, old: str, new: str) -> None:
        text = self.server.config.read_text()
        assert old in text
        self.server.config.write_text(text.replace(old, new))

    def mi(self, method: str, *values: object) -> object:
        return client.ask(str(self.server.folder / "fifo"), method, list(values), str(self.server.folder))

    def processes(self) -> set[int]:
        """Workers and management, no checking process among them."""
        return {pid for pid in descendants(self.server.process.pid) if b".check" not in command(pid)}

    def words(self) -> set[str]:
        """What the script of each worker says; 16 Call-IDs meet them all."""
        ids = [f"word-{time.monotonic_ns()}-{number}" for number in range(16)]
        for each in ids:
            self.caller.send(self.caller.request("OPTIONS", f"sip:x@{HOST}:{self.server.port}", each, 1, tag="t",
                                                 to=f"<sip:x@{HOST}>"))
        return {each.first.partition(" 200 ")[2] for each in self.caller.take("200 OPTIONS", ids).values()}

    def calls(self, count: int, *, answer: bool) -> list[Call]:
        return calls_to(self.caller, self.callee, [self.user] * count, answer=answer)

    def hang_up(self, calls: list[Call]) -> None:
        byes = {each.id: self.caller.within(each, "BYE") for each in calls}
        for each in byes.values():
            self.caller.send(each)
        for bye in self.callee.take("BYE", byes, again=lambda i: self.caller.send(byes[i])).values():
            self.callee.send(bye.answer(200))
        self.caller.take("200 BYE", byes)

    def close(self) -> None:
        self.caller.close()
        self.callee.close()


def command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server(CONFIG, WORKERS=2, HTTP=free_ports()[0], WORD="first") as server:
        yield server


@pytest.fixture
def place(running: Server) -> Iterator[Place]:
    made = Place(running)
    yield made
    made.close()


def test_a_reload_changes_what_begins_and_not_what_is_on_its_way(place: Place) -> None:
    established, ringing = place.calls(10, answer=True), place.calls(10, answer=False)
    refused = place.calls(10, answer=False)
    workers = place.server.workers()
    place.write('"first"', '"second"')
    place.server.process.send_signal(signal.SIGHUP)
    until(lambda: place.words() == {"second"})
    until(lambda: "generation 2 is in use" in place.server.log)  # the supervisor is told a moment later
    answered(place.caller, place.callee, ringing)
    for each in refused:
        assert each.invited is not None
        place.callee.send(each.invited.answer(486, "b"))
    answers = place.caller.take("480 INVITE", [each.id for each in refused])
    assert {each.first for each in answers.values()} == {"SIP/2.0 480 first"}
    fresh = place.calls(4, answer=False)
    for each in fresh:
        assert each.invited is not None
        place.callee.send(each.invited.answer(486, "b"))
    answers = place.caller.take("480 INVITE", [each.id for each in fresh])
    assert {each.first for each in answers.values()} == {"SIP/2.0 480 second"}
    place.hang_up(established + ringing)
    assert place.server.workers() == workers
    place.write('"second"', '"first"')
    assert place.mi("reload_routes") == "OK"
    assert place.words() == {"first"}


def test_a_broken_text_is_refused_and_named(place: Place) -> None:
    good = place.server.config.read_text()
    place.server.config.write_text(good.replace('"first"', '"second"').replace("t_relay();", "t_rellay();"))
    with pytest.raises(MIError, match="t_rellay"):
        place.mi("reload_routes")
    assert place.words() == {"first"}
    place.server.config.write_text(good)
    assert "t_relay" in place.server.log  # the hint
    place.hang_up(place.calls(2, answer=True))


def test_a_rolling_restart_fails_no_call(place: Place) -> None:
    before = place.processes()
    target, own = free_ports(2)
    established, ringing = place.calls(20, answer=True), place.calls(20, answer=False)
    answering = Sipp("answer.xml", target, calls=300)
    calling = Sipp("call.xml", own, "-d", "100", target=place.server.port, calls=300, rate=100,
                   keys={"user": f"to-{target}"})
    until(lambda: calling.counts().get("done"))
    assert place.mi("rolling_restart") == "OK"
    until(lambda: len(place.processes()) == 3 and not before & place.processes(), 20)
    answered(place.caller, place.callee, ringing)
    assert calling.finish()["failed"] == 0
    assert answering.finish()["failed"] == 0
    place.hang_up(established + ringing)
    until(lambda: (place.server.folder / "fifo").exists())


# Two workers that answer as one

def test_what_the_wrong_worker_reads_is_handed_over(place: Place) -> None:
    before = place.mi("get_statistics", ["handed_over", "handed_over_lost"])
    assert isinstance(before, dict)
    place.caller.rename = (b"Call-ID:", b"i:")  # the kernel's filter finds no Call-ID: worker 0 or 1, as ports hash
    ringing = place.calls(20, answer=False)
    answered(place.caller, place.callee, ringing)
    place.hang_up(ringing)
    over_tcp = TcpPhone(place.server.port)
    ids = [f"tcp-{number}" for number in range(20)]
    for each in ids:
        over_tcp.send(over_tcp.request("OPTIONS", f"sip:x@{HOST}", each, 1, tag="t", to=f"<sip:x@{HOST}>"))
    assert {each.first for each in over_tcp.take("200 OPTIONS", ids).values()} == {"SIP/2.0 200 first"}
    over_tcp.close()
    after = place.mi("get_statistics", ["handed_over", "handed_over_lost"])
    assert isinstance(after, dict)
    assert after["net:handed_over"] >= before["net:handed_over"] + 10
    assert after["net:handed_over_lost"] == 0


def register(phone: Phone, name: str, count: int) -> None:
    users = [f"{name}{number}" for number in range(count)]
    for user in users:
        phone.send(phone.register(user, 1, phone.contact(user)))
    phone.take("200 REGISTER", [f"reg-{user}" for user in users])


def test_two_workers_give_one_answer_over_pipe_and_http(place: Place) -> None:
    register(place.caller, "one", 20)

    def http(method: str, *values: object) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, **({"params": list(values)} if values else {})}
        url = f"http://{HOST}:{place.server.values['HTTP']}/mi"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["result"]

    for ask in (place.mi, http):
        answer: Any = ask("ul_dump")
        assert sorted(each["AOR"] for each in answer["Domains"][0]["AORs"]) == sorted(
            f"one{number}@{HOST}" for number in range(20))
        assert ask("get_statistics", ["registered_users", "usrloc:location-contacts"]) == {
            "usrloc:registered_users": 20, "usrloc:location-contacts": 20}
        processes: Any = ask("ps")
        assert [each["Type"] for each in processes["Processes"]] == [
            "attendant", "SIP worker 0", "SIP worker 1", "management"]
        assert sorted(each["PID"] for each in processes["Processes"][1:3]) == place.server.workers()
        assert set(cast(Any, ask("uptime"))) == {"Now", "Up since", "Up time"}
        assert cast(Any, ask("version"))["Server"].startswith("OpenSIPS-py (")
        assert {"core:ps", "core:which", "usrloc:dump", "tm:uac_dlg"} <= set(cast(Any, ask("which")))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same configuration in the words of 2.1, as a daemon with many letters on its command line."""
    text = CONFIG.read_text().replace("log_level=3", "debug=3").replace("socket=udp:", "listen=udp:")
    text = text.replace("socket=tcp:127.0.0.1:@PORT@\n", "").replace("stderror_enabled", "log_stderror")
    text = text.replace("syslog_enabled=no\n", "").replace('"mi_http.so"', '"mi_json.so"')
    folder = tmp_path_factory.mktemp("daemon")
    server = Server(text, "-P", str(folder / "pid"), "-w", str(folder), "-m", "512", "-M", "16", "-n", "2", "-N", "2",
                    "-l", "udp:127.0.0.1:@PORT@", "-d", "-d", folder=folder, wait=False, WORKERS=2,
                    HTTP=free_ports()[0], WORD="old")
    server.command = [each.replace("@PORT@", str(server.port)) for each in server.command if each not in ("-F", "-E")]
    server.start()
    assert server.process.wait(30) == 0, server.log  # as soon as calls are taken
    yield server
    end(folder)


def end(folder: pathlib.Path) -> None:
    """SIGTERM to the server whose pid file lies in *folder*, and wait until it is gone."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / "pid").read_text())
        os.kill(pid, signal.SIGTERM)
        until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), 2 * CLOSED)


def lines(server: Server, command: str, *values: str) -> list[str]:
    """The answer over the pipe in the lines of 2.1."""
    path = server.folder / "reply"
    os.mkfifo(path)
    reply = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    request = "\n".join([f":{command}:reply", *values, "", ""]).encode()
    text = client.exchange(str(server.folder / "fifo"), request, reply, 10).decode()
    os.close(reply)
    path.unlink()
    return text.splitlines()


def test_the_daemon_of_2_1_answers_in_its_lines_and_its_json(daemon: Server) -> None:
    phone = Phone(daemon.port)
    register(phone, "two", 6)
    phone.close()

    def http(command: str, params: str = "") -> Any:
        url = f"http://{HOST}:{daemon.values['HTTP']}/json/{command}" + (f"?params={params}" if params else "")
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)

    assert lines(daemon, "get_statistics", "registered_users") == ["200 OK", "usrloc:registered_users:: 6", ""]
    assert http("get_statistics", "registered_users") == {"usrloc:registered_users": "6"}
    status, *rows = lines(daemon, "ps")
    pid = (daemon.folder / "pid").read_text().strip()
    assert status == "200 OK" and rows[0] == f"Process::  ID=0 PID={pid} Type=attendant"
    assert [each["attributes"]["Type"] for each in http("ps")["Process"]] == [
        "attendant", "SIP worker 0", "SIP worker 1", "management"]
    dump = lines(daemon, "ul_dump")
    assert sorted(each for each in dump if "AOR::" in each) == [f"\tAOR:: two{number}" for number in range(6)]
    listed = http("ul_dump")["Domain"][0]["children"]["AOR"]
    assert sorted(each["value"] for each in listed) == [f"two{number}" for number in range(6)]
    assert lines(daemon, "pwd")[1] == f"WD:: {daemon.folder}"
    assert "ul_dump" in lines(daemon, "which") and {"value": "ul_dump"} in http("which")[""]
    assert [each.partition("::")[0] for each in lines(daemon, "uptime")[1:4]] == ["Now", "Up since", "Up time"]
    assert all(" Debug=4 " in each for each in lines(daemon, "debug")[1:-1])  # 3 of the script, and -d, up to the top


def test_sigterm_under_load_ends_all_in_time(daemon: Server) -> None:
    pid = int((daemon.folder / "pid").read_text())
    below = descendants(pid)
    target, own = free_ports(2)
    answering = Sipp("answer.xml", target, calls=5000)
    calling = Sipp("call.xml", own, "-d", "1000", target=daemon.port, calls=5000, rate=200,
                   keys={"user": f"to-{target}"})
    until(lambda: calling.counts())
    assert len(below) == 3
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    until(lambda: not any(pathlib.Path(f"/proc/{each}").exists() for each in [pid, *below]), CLOSED)
    assert time.monotonic() - began < CLOSED
    assert not (daemon.folder / "pid").exists()
    calling.stop()
    answering.stop()


def test_sigterm_ends_with_status_0(place: Place) -> None:
    place.calls(5, answer=False)
    place.server.process.send_signal(signal.SIGTERM)
    assert place.server.process.wait(CLOSED) == 0
    assert "Traceback" not in place.server.log


# The command line

def said(*letters: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "opensips_py", *letters], capture_output=True, text=True, cwd=ROOT,
                          check=False)


def test_version_and_help_are_printed() -> None:
    version, usage = said("-V"), said("-h")
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith(f"opensips-py {__version__} (Python 3.")
    assert usage.returncode == 0
    assert [letter for letter in "fcCFDEdlnNPmMugwVh" if f"-{letter}" not in usage.stdout] == []


def test_debug_mode_stays_in_the_foreground_and_logs_all() -> None:
    server = Server(CONFIG, WORKERS=2, HTTP=free_ports()[0], WORD="debug")
    server.config.write_text(server.config.read_text().replace("workers=2\n", "").replace("stderror_enabled=yes\n", ""))
    server.command = ["-D" if each == "-F" else each for each in server.command if each != "-E"]
    with server:
        assert server.process.poll() is None
        debugging = Place(server)
        assert debugging.words() == {"debug"}
        levels: Any = debugging.mi("log_level")
        assert {each["Log level"] for each in levels["Processes"]} == {4}
        debugging.close()
    assert server.process.returncode == 0

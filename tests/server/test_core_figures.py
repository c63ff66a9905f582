"""What the core tells of its processes: load, memory, and the commands for memory."""
from __future__ import annotations

import os
from collections import deque
from typing import Any

import pytest

from opensips_py.errors import MIError
from opensips_py.testing import request
from opensips_py.testing.server import Server

SCRIPT = """
dialect={dialect}
{word}=udp:192.0.2.9:5060
{word}=tcp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "proto_tcp.so" loadmodule "sl.so" loadmodule "statistics.so"
route {{ if ($rU == "on") {{ forward("192.0.2.5"); exit; }} sl_send_reply(200, "$stat(load1m)"); }}
"""


@pytest.fixture
def server() -> Any:
    with Server(text=SCRIPT.format(dialect="4.0", word="socket")) as made:
        yield made


@pytest.fixture
def old() -> Any:
    with Server(text=SCRIPT.format(dialect="2.1", word="listen")) as made:
        yield made


def busy(server: Any, worker: int, management: int) -> None:
    """Have the processes be so busy, in percent of the last second, of a minute and of ten: as given, half, none."""
    for index, load in ((0, worker), (1, management)):
        server.engine.control.pulse.note(index, os.getpid(), (load, load // 2, 0))


def test_load_of_workers_and_of_all(server: Any) -> None:
    busy(server, 60, 20)
    names = ("load", "load1m", "load10m", "load-all", "load1m-all", "load10m-all", "tcp-load", "load-proc-1",
             "load1m-proc-1", "load-proc-2", "load10m-proc-2", "processes_number")
    assert [server.counted(f"load:{name}") for name in names] == [60, 30, 0, 40, 20, 0, 60, 60, 30, 20, 0, 3]
    (answer,) = server.receive(request("OPTIONS", "sip:x@y"), "192.0.2.1")
    assert answer.message.reason == "30"


def test_load_by_socket(old: Any) -> None:
    busy(old, 60, 20)
    assert old.counted("load:udp:192.0.2.9:5060-load") == old.counted("load:tcp-load") == 60


def test_it_measures_itself(server: Any) -> None:
    busy(server, 77, 0)
    meter = server.engine.generation.registry.modules["core_figures"].meter
    meter.clock, meter.readings = server.clock.monotonic, deque([(server.clock.monotonic(), 0.0)])
    meter.used = lambda: meter.readings[-1][1] + 0.25  # each second a quarter
    server.advance(3.2)
    assert server.counted("load:load-proc-1") == 25
    assert server.engine.control.pulse.pid(0) == os.getpid()


def test_memory_of_processes(server: Any) -> None:
    server.advance(1.5)
    figures = {name: server.counted(f"pkmem:1-{name}") for name in (
        "total_size", "used_size", "real_used_size", "max_used_size", "free_size", "fragments")}
    assert 0 < figures["used_size"] < figures["real_used_size"] <= figures["max_used_size"] < figures["total_size"]
    assert 0 < figures["free_size"] < figures["total_size"] and figures["fragments"] > 10
    server.engine.boot.supervisor = os.getppid()
    assert server.counted("pkmem:0-real_used_size") > 0


def test_shared_memory(server: Any) -> None:
    before = {name: server.counted(f"shmem:{name}") for name in ("used_size", "free_size", "fragments")}
    server.engine.shared_words("more", 1000)
    assert server.counted("shmem:used_size") == before["used_size"] + 8000
    assert server.counted("shmem:free_size") == before["free_size"] - 8000
    assert server.counted("shmem:fragments") == before["fragments"] + 1
    assert server.counted("shmem:real_used_size") == server.counted("shmem:max_used_size") == before["used_size"] + 8000
    assert server.counted("shmem:total_size") == server.counted("shmem:used_size") + server.counted("shmem:free_size")


def test_memory_that_lasts(server: Any) -> None:
    environment = server.engine.environment
    database = environment.database("sample")
    environment.run(lambda transaction: [transaction.put(b"%d" % each, b"x" * 2000, db=database) for each in range(99)])
    used, most = server.counted("rpmem:rpm_used_size"), server.counted("rpmem:rpm_real_used_size")
    assert 99 * 2000 < used < most == server.counted("rpmem:rpm_max_used_size")
    assert server.counted("rpmem:rpm_total_size") == environment.size == most + server.counted("rpmem:rpm_free_size")
    before = server.counted("rpmem:rpm_fragments")
    environment.run(lambda transaction: [transaction.delete(b"%d" % each, db=database) for each in range(90)])
    assert server.counted("rpmem:rpm_used_size") < used and server.counted("rpmem:rpm_fragments") > before


def test_commands_for_memory(server: Any) -> None:
    environment = server.engine.environment
    assert server.mi("mem:pkg_dump", os.getpid(), -1) is None
    assert len(server.log.matching(f"^ERROR memory of process {os.getpid()}: own [0-9]+ bytes")) == 1
    with pytest.raises(MIError, match="Bad PID"):
        server.mi("mem:pkg_dump", 1)
    server.mi("mem:shm_dump", -1)
    server.mi("mem:rpm_dump", -1)
    assert server.log.matching(f"^ERROR shared memory: {server.counted('shmem:used_size')} of 16777216 bytes")
    assert server.log.matching(f"^ERROR lasting memory: 0 of {environment.size} bytes")
    told = len(server.log)
    server.mi("mem:shm_dump")  # mem_dump is beyond the level of debugging
    assert len(server.log) == told


def test_shared_memory_is_looked_through(old: Any) -> None:
    before = old.mi("shm_check")["total_fragments"]
    old.engine.shared_words("more", 10)
    assert old.mi("shm_check") == {"total_fragments": before + 1}


def test_requests_forwarded_without_a_transaction(server: Any) -> None:
    (sent,) = server.receive(request("OPTIONS", "sip:on@y"), "192.0.2.1")
    assert sent.host == "192.0.2.5" and server.counted("core:fwd_requests") == 1

"""LMDB environments: growth, sharing, and what survives SIGKILL."""
from __future__ import annotations

import os
import pathlib
import struct
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import gevent
import pytest

from opensips_py.state.environment import Environment

MIB = 1 << 20


@pytest.fixture
def environment(tmp_path: pathlib.Path) -> Iterator[Environment]:
    environment = Environment(tmp_path / "test.mdb", smallest=MIB)
    yield environment
    environment.close()


def test_what_is_submitted_is_read_back_and_survives_reopening(environment: Environment) -> None:
    names = environment.database("names")
    assert environment.submit(lambda transaction: transaction.put(b"a", b"1", db=names)) is True
    assert environment.get(b"a", names) == b"1"
    assert environment.get(b"b", names) is None
    assert environment.entries(names) == 1
    environment.close()
    again = Environment(environment.path, smallest=MIB)
    assert again.get(b"a", again.database("names")) == b"1"
    again.close()


def test_the_whole_file_is_allocated(environment: Environment) -> None:
    assert environment.path.stat().st_blocks * 512 >= MIB
    assert environment.path.stat().st_mode & 0o777 == 0o600


def test_a_failing_operation_writes_nothing_and_harms_no_neighbour(environment: Environment) -> None:
    names = environment.database("names")

    def fails(transaction: object) -> None:
        transaction.put(b"bad", b"1", db=names)  # type: ignore[attr-defined]
        raise LookupError("no")

    results = environment.apply([lambda t: t.put(b"x", b"1", db=names), fails, lambda t: t.put(b"y", b"2", db=names)])
    assert results[0] is True and results[2] is True and isinstance(results[1], LookupError)
    assert [environment.get(key, names) for key in (b"x", b"bad", b"y")] == [b"1", None, b"2"]
    with pytest.raises(LookupError):
        environment.run(fails)


def put(database: object, key: bytes, transaction: Any) -> None:
    transaction.put(key, bytes(100_000), db=database)


def test_a_full_map_grows_and_loses_nothing(environment: Environment) -> None:
    names = environment.database("names")
    for number in range(40):
        environment.submit(partial(put, names, b"%d" % number))
    assert environment.size >= 4 * MIB
    assert environment.path.stat().st_size == environment.size
    assert environment.entries(names) == 40
    smaller = Environment(environment.path.with_name("other.mdb"), smallest=MIB)
    assert smaller.size == MIB
    smaller.close()


def test_the_supervisor_is_told_about_write_transactions(tmp_path: pathlib.Path) -> None:
    told: list[bool] = []
    environment = Environment(tmp_path / "t.mdb", told.append, smallest=MIB)
    names = environment.database("names")
    environment.submit(lambda t: t.put(b"k", b"v", db=names))
    assert told == [True, False]
    environment.close()


WRITER = """
import struct, sys
from opensips_py.state.environment import Environment
environment = Environment(sys.argv[1], smallest=1 << 20)
names = environment.database("names")
number = int(sys.argv[3])
while True:
    number += 1
    key = b"%s-%d" % (sys.argv[2].encode(), number % 500)
    value = struct.pack("<Q", number) * 40
    last = b"last-" + sys.argv[2].encode()
    environment.submit(lambda t: (t.put(key, value, db=names), t.put(last, value[:8], db=names)))
    sys.stdout.buffer.write(struct.pack("<Q", number))
    sys.stdout.buffer.flush()
"""


def writer(path: pathlib.Path, name: str, number: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(number)], stdout=subprocess.PIPE)


def test_kill_9_loses_no_acknowledged_write(environment: Environment) -> None:
    names = environment.database("names")
    acknowledged = {"a": 0, "b": 0}
    for turn in range(6):
        writers = {name: writer(environment.path, name, acknowledged[name]) for name in acknowledged}
        said: dict[str, bytes] = {}
        for name, process in writers.items():
            assert process.stdout is not None
            said[name] = process.stdout.read(8 * (50 + 37 * turn))
        for name, process in writers.items():
            process.kill()
            said[name] += process.communicate()[0]
            assert process.returncode == -9
            whole = len(said[name]) // 8 * 8
            acknowledged[name], = struct.unpack("<Q", said[name][whole - 8:whole])
        environment.reader_check()
        for name, last in acknowledged.items():
            key = f"last-{name}".encode()
            stored, = struct.unpack("<Q", environment.get(key, names) or bytes(8))
            assert last <= stored <= last + 1  # the very last one may be committed and not yet acknowledged
            for number in range(max(1, last - 499), last):
                value = environment.get(b"%s-%d" % (name.encode(), number % 500), names)
                assert value is not None and struct.unpack("<Q", value[:8])[0] >= number
            acknowledged[name] = stored
        assert environment.submit(lambda t: t.put(b"still writable", b"", db=names)) in (True, False)


def test_other_processes_follow_a_map_that_grew(environment: Environment) -> None:
    names = environment.database("names")
    environment.submit(lambda t: t.put(b"k", b"v", db=names))
    script = """
import sys
from opensips_py.state.environment import Environment
environment = Environment(sys.argv[1], smallest=1 << 20)
names = environment.database("names")
for number in range(60):
    environment.submit(lambda t: t.put(b"%d" % number, bytes(100_000), db=names))
"""
    subprocess.run([sys.executable, "-c", script, str(environment.path)], check=True, timeout=60)
    assert environment.get(b"59", names) == bytes(100_000)
    environment.submit(lambda t: t.put(b"mine", bytes(100_000), db=names))
    assert environment.entries(names) == 62
    assert environment.size == environment.path.stat().st_size


def test_a_killed_reader_does_not_keep_its_place(environment: Environment) -> None:
    script = """
import os, signal, sys
from opensips_py.state.environment import Environment
environment = Environment(sys.argv[1], smallest=1 << 20)
with environment.reading() as transaction:
    os.kill(os.getpid(), signal.SIGKILL)
"""
    result = subprocess.run([sys.executable, "-c", script, str(environment.path)], timeout=60)
    assert result.returncode == -9
    assert environment.reader_check() == 1


def test_a_disk_without_room_is_an_error_for_whoever_writes_and_no_crash(
        environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    names = environment.database("names")

    def full(fd: int, start: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    big = gevent.spawn(environment.submit, lambda t: t.put(b"big", bytes(2 * MIB), db=names))
    gevent.joinall([big], timeout=10)
    assert isinstance(big.exception, OSError)
    environment.submit(lambda t: t.put(b"small", b"1", db=names))
    assert environment.get(b"small", names) == b"1"

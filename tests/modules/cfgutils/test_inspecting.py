"""The hash of a file, and reports on memory."""
from __future__ import annotations

import hashlib
import logging
import re

import pytest

from opensips_py.errors import MIError
from opensips_py.script.core import registry_with_core
from tests.modules.bench import Bench, options


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "opensips.cfg"
    path.write_text("route {}\n")
    return path


def hashing(file, dialect="4.0"):
    return Bench("cfgutils", "", f'modparam("cfgutils", "hash_file", "{file}")', dialect=dialect)


def code(bench, command):
    with pytest.raises(MIError) as refused:
        bench.mi(command)
    return refused.value.code


@pytest.mark.parametrize(("dialect", "prefix"), [("2.1", ""), ("4.0", "cfgutils:")])
def test_a_change_is_noticed(file, dialect, prefix):
    bench = hashing(file, dialect)
    taken = hashlib.md5(b"route {}\n").hexdigest()
    assert bench.mi(f"{prefix}get_config_hash") == taken
    assert "is identical" in bench.mi(f"{prefix}check_config_hash")
    file.write_text("route { exit; }\n")
    assert code(bench, f"{prefix}check_config_hash") == 400
    assert bench.mi(f"{prefix}get_config_hash") == taken
    file.unlink()
    assert code(bench, f"{prefix}check_config_hash") == 500


def test_without_a_file():
    assert [code(Bench("cfgutils"), each) for each in ("check_config_hash", "get_config_hash")] == [404, 404]


def test_a_file_that_was_not_there_at_the_start(tmp_path):
    bench = hashing(tmp_path / "none")
    assert [code(bench, each) for each in ("check_config_hash", "get_config_hash")] == [500, 500]


def started(bench, file, number):
    bench.number = number
    registry = registry_with_core("4.0")
    registry.add("cfgutils")
    registry.set_parameter("cfgutils", "hash_file", str(file))
    registry.start(bench, None)
    return registry.modules["cfgutils"]


def test_a_replaced_worker_keeps_the_hash_and_a_reload_takes_a_new_one(file):
    bench = hashing(file)
    before = bench.mi("get_config_hash")
    file.write_text("route { exit; }\n")
    assert started(bench, file, 1).get_config_hash() == before
    assert started(bench, file, 2).get_config_hash() != before == hashlib.md5(b"route {}\n").hexdigest()
    assert bench.mi("check_config_hash")


@pytest.mark.parametrize(("call", "pattern"), [
    ("pkg_status()", r"private memory: [1-9]\d* KiB in use, [1-9]\d* KiB of data, [1-9]\d* objects"),
    ("shm_status()", r"shared memory: \d+ KiB in use, 1 shared variables with [1-9]\d* bytes")])
def test_reports_on_memory(call, pattern, caplog):
    bench = Bench("cfgutils", f"$shv(x) = 1; {call};")
    with caplog.at_level(logging.WARNING, "opensips_py.cfgutils"):
        bench.run_on(bench.message(options()))
    assert re.search(pattern, caplog.text)

"""Rows at the end of files."""
from __future__ import annotations

import os

import pytest

from opensips_py.db import QueryError, Unavailable, timestamp
from opensips_py.errors import ConfigError
from tests.modules.db.script import run, script
from tests.modules.loaded import loaded


def flat(folder, settings="", body="", dialect="4.0"):
    lines = "\n".join(f'modparam("db_flatstore", {each})' for each in settings.split(";") if each)
    return script("db_flatstore", f"flatstore:{folder}", body, lines, dialect)


def database(bench):
    return bench.registry.modules["keeper"].db


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_a_script_appends_rows(tmp_path, dialect):
    bench = flat(tmp_path, body='if (keep("acc", "$ru|x")) $var(kept) = 1; if (is_kept("acc", "x")) $var(found) = 1;',
                 dialect=dialect)
    assert run(bench) == run(bench) == {"kept": 1}
    assert (tmp_path / "acc_1.log").read_text() == "sip:bob@192.0.2.2\\x7Cx\n" * 2


def test_values(tmp_path):
    bench = flat(tmp_path)
    database(bench).insert("acc", {"method": "INVITE", "n": 7, "none": None, "time": timestamp(1_000_000_000), "q": 0.5,
                                   "odd": "a\\b\nü\udce9", "bytes": b"\x00\xff|z", "flag": True})
    assert (tmp_path / "acc_1.log").read_text() == (
        "INVITE|7||1000000000|0.500000|a\\x5Cb\\x0A\\xC3\\xBC\\xE9|\\x00\\xFF\\x7Cz|1\n")
    database(bench).insert_many("many", ("a", "b"), [(1, 2), (3, 4)])
    assert (tmp_path / "many_1.log").read_text() == "1|2\n3|4\n"


def test_settings_of_names_and_lines(tmp_path):
    bench = flat(tmp_path, '"prefix", "of_";"suffix", "_$(avp(day)).txt";"delimiter", ",";"single_file", 1')
    database(bench).insert("acc", {"a": "x,y", "b": 1})
    found, = tmp_path.iterdir()
    assert found.name == "of_acc_<null>.txt" and found.read_text() == "x\\x2Cy,1\n"


def test_rows_may_wait(tmp_path):
    bench = flat(tmp_path, '"flush", 0')
    database(bench).insert("acc", {"a": 1})
    assert (tmp_path / "acc_1.log").read_text() == ""
    for _ in range(3000):
        database(bench).insert("acc", {"a": "123456789"})
    assert len((tmp_path / "acc_1.log").read_text()) > 16_000
    bench.registry.stop()
    assert len((tmp_path / "acc_1.log").read_text().splitlines()) == 3001


def test_a_full_disk_leaves_no_part_of_a_row(tmp_path, monkeypatch):
    rows = database(flat(tmp_path))
    rows.insert("t", {"name": "one"})
    write = os.write

    def half(descriptor, data):
        if len(data) < 3:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:2])
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        with pytest.raises(Unavailable) as failure:
            rows.insert("t", {"name": "three"})
        assert failure.value.outcome
    rows.insert("t", {"name": "two"})
    file, = tmp_path.glob("t_*.log")
    assert file.read_text() == "one\ntwo\n"
    assert rows.occurrences([("t", {"name": name}) for name in ("one", "two", "three")]) == [1, 1, 0]


@pytest.mark.parametrize(("dialect", "command"), [("2.1", "flat_rotate"), ("4.0", "db_flatstore:rotate")])
def test_rotate(tmp_path, dialect, command):
    bench = flat(tmp_path, body='keep("acc", "x");', dialect=dialect)
    run(bench)
    (tmp_path / "acc_1.log").rename(tmp_path / "old")
    run(bench)
    assert (tmp_path / "old").read_text() == "x\n" * 2 and not (tmp_path / "acc_1.log").exists()
    assert bench.mi(command) == [str(tmp_path / "acc_1.log")] and bench.mi(command) == []
    run(bench)
    assert (tmp_path / "old").read_text() == "x\n" * 2 and (tmp_path / "acc_1.log").read_text() == "x\n"


def test_nothing_comes_back(tmp_path):
    found = database(flat(tmp_path))
    assert found.can == {"insert"}
    for each in (lambda: found.select("acc", ("a",)), lambda: found.update("acc", {"a": 1}, {}),
                 lambda: found.delete("acc", {}), lambda: found.replace("acc", {"a": 1}, ("a",)),
                 lambda: found.query("SELECT 1"), lambda: found.insert("acc", {"a": 1}, returning="id"),
                 lambda: found.insert("../acc", {"a": 1})):
        with pytest.raises(QueryError):
            each()

    def half(session):
        session.insert("acc", {"a": 1})
        raise QueryError("no")
    with pytest.raises(QueryError):
        found.run(half, together=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Unavailable, match="No such file"):
        database(flat(tmp_path / "none")).insert("acc", {"a": 1})


@pytest.mark.parametrize("sign", ["", "||", "\\"])
def test_a_delimiter_is_one_sign(sign):
    with pytest.raises(ConfigError, match="one sign"):
        loaded("db_flatstore", delimiter=sign).load()

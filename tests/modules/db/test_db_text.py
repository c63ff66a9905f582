"""Tables in files of text."""
from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime

import pytest

from opensips_py.db import Conflict, QueryError, Unavailable, at_most, greater, moment, one_of, timestamp
from opensips_py.errors import MIError
from tests.db.databases import opened
from tests.modules.db.script import run, script

PEOPLE = "id(int,auto) name(string) flag(double) note(string,null)\n1:nick:0.34:a\\tgood\\: friend\n2:cole:-3.75:\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "people").write_text(PEOPLE)
    return tmp_path


def text(folder, **settings):
    return opened(f"text://{folder}", **settings)


def names(database):
    return [name for name, in database.select("people", ("name",), order=("id",))]


def test_rows_come_and_go(folder):
    database = text(folder)
    assert database.select("people", ("id", "name", "flag", "note"), order=("id",)) == [
        (1, "nick", 0.34, "a\tgood: friend"), (2, "cole", -3.75, None)]
    assert database.insert("people", {"name": "b:o\\b\n\r", "flag": 2.5}, returning="id") == 3
    assert (folder / "people").read_text() == PEOPLE + "3:b\\:o\\\\b\\n\\r:2.50:\n"
    assert database.update("people", {"note": "x"}, {"name": "cole"}) == 1
    assert database.select("people", ("name",), {"note": None}) == [("b:o\\b\n\r",)]
    assert database.delete("people", {"id": greater(1)}) == 2
    database.replace("people", {"name": "nick", "note": "new"}, ("name",))
    database.replace("people", {"name": "anna", "note": "y"}, ("name",))
    database.insert_many("people", ("name", "note"), [("u1", None), ("u2", "z")])
    again = text(folder)
    assert again.select("people", ("id", "name", "note"), {"id": one_of([1, 2, 3, 4])}, ("-id",), 3) == [
        (4, "u2", "z"), (3, "u1", None), (2, "anna", "y")]
    assert "query" not in database.can
    with pytest.raises(QueryError, match="no statements"):
        database.query("SELECT 1")


def test_moments_are_numbers(folder):
    (folder / "acc").write_text("id(int,auto) time(int) method(string)\n")
    database = text(folder)
    now = int(time.time())
    database.insert("acc", {"time": timestamp(now), "method": "INVITE"})
    assert (folder / "acc").read_text().splitlines()[1] == f"1:{now}:INVITE"
    assert [moment(each) for each, in database.select("acc", ("time",), {"time": at_most(timestamp(now))})] == [now]
    assert database.select("acc", ("time",), {"time": datetime(2001, 1, 1)}) == []


@pytest.mark.parametrize(("content", "match"), [
    ("id(int) name(string)\n1:a:b\n", "line 2 has 3 fields"), ("id(int)\nx\n", "line 2: invalid literal"),
    ("id(int)\n1\n:\n", "line 3"), ("id(number)\n", "is no column"), ("id(int,odd)\n", "auto or null"),
    ("", "no columns"),
    ("id(int) n(int)\n1:\n", "column n takes no empty field")])
def test_files_that_are_no_tables(folder, content, match):
    (folder / "bad").write_text(content)
    database = text(folder)
    with pytest.raises(QueryError, match=match):
        database.select("bad", ("id",))
    assert names(database) == ["nick", "cole"] and database.is_up


def test_names_stay_within_the_folder(folder):
    (folder.parent / "outside").write_text("id(int)\n1\n")
    for name in ("../outside", ".lock", "", "a/b", "none"):
        with pytest.raises(QueryError):
            text(folder).select(name, ("id",))
    with pytest.raises(Unavailable, match="there is no folder"):
        text(folder / "none").select("people", ("id",))


def test_several_changes_come_together_or_not_at_all(folder):
    (folder / "other").write_text("id(int,auto) name(string)\n")
    before = (folder / "people").read_text()
    database = text(folder)

    def both(session):
        session.insert("other", {"name": "x"})
        session.insert("people", {"id": 1, "name": "twice"})
    with pytest.raises(Conflict):
        database.run(both, together=True)
    assert (folder / "people").read_text() == before and len((folder / "other").read_text().splitlines()) == 1
    assert database.select("other", ("id",)) == [] and names(database) == ["nick", "cole"]
    with pytest.raises(QueryError):
        database.insert("people", {"name": None})


def test_a_full_disk_changes_nothing(folder, monkeypatch):
    database = text(folder)
    assert names(database) == ["nick", "cole"]
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Unavailable, match="No space"):
        database.insert("people", {"name": "late"})
    monkeypatch.undo()
    assert (folder / "people").read_text() == PEOPLE
    database.breaker.succeeded()
    assert names(database) == ["nick", "cole"]


def test_other_workers_are_seen_and_nothing_is_lost(folder):
    one, two = text(folder), text(folder)
    assert names(one) == names(two)
    for number in range(3):
        one.insert("people", {"name": f"one{number}"})
        two.insert("people", {"name": f"two{number}"})
    assert names(one) == names(two) == ["nick", "cole", "one0", "two0", "one1", "two1", "one2", "two2"]


WRITER = """
import sys
from tests.db.databases import opened
database = opened("text://" + sys.argv[1])
for number in range(50):
    database.insert("people", {"name": sys.argv[2] + str(number)})
"""


def test_processes_write_beside_each_other(folder):
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name]) for name in ("a", "b")]
    assert [each.wait(60) for each in running] == [0, 0]
    lines = (folder / "people").read_text().splitlines()[3:]
    assert len(lines) == 100 and [line.split(":")[0] for line in lines] == [str(number) for number in range(3, 103)]


@pytest.mark.parametrize(("mode", "seen"), [(0, False), (1, True)])
def test_what_others_change(folder, mode, seen):
    database = text(folder, db_mode=mode)
    assert names(database) == ["nick", "cole"]
    (folder / "people").write_text(PEOPLE + "7:zoe:0:\n")
    assert names(database) == (["nick", "cole", "zoe"] if seen else ["nick", "cole"])
    database.insert("people", {"name": "after"})
    assert names(database) == ["nick", "cole", "zoe", "after"], "a change by hand is lost"


ASK = 'if (is_kept("people", "zoe")) $var(zoe) = 1; if (keep("people", "max")) $var(max) = 1;'


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_a_script_keeps_rows_in_files(folder, dialect):
    bench = script("db_text", f"text://{folder}", ASK, dialect=dialect)
    assert run(bench) == {"max": 1} and "max" in (folder / "people").read_text()
    (folder / "people").write_text(PEOPLE + "3:zoe:0.00:\n")
    assert run(bench) == {"max": 1}, "cached"
    assert run(bench) == {"max": 1, "zoe": 1}


def test_management_reads_and_writes(folder):
    bench = script("db_text", f"text://{folder}", 'if (is_kept("people", "zoe")) $var(zoe) = 1;')
    assert run(bench) == {}
    (folder / "people").write_text(PEOPLE + "3:zoe:0.00:\n")
    assert bench.mi("db_text:reload") == ["people"] and run(bench) == {"zoe": 1}
    (folder / "people").write_text("nonsense")
    with pytest.raises(MIError, match="is no column"):
        bench.mi("db_text:reload", str(folder), "people")
    assert run(bench) == {"zoe": 1}, "what was read before is gone"
    assert bench.mi("db_text:dump") == ["people"]
    assert "3:zoe:0.00:" in (folder / "people").read_text() and bench.mi("db_text:dump") == []
    with pytest.raises(MIError, match="no database"):
        bench.mi("db_text:reload", "/elsewhere")
    with pytest.raises(MIError, match="no table"):
        bench.mi("db_text:reload", f"text://{folder}", "nobody")


def test_a_setting_that_says_to_look(folder):
    bench = script("db_text", f"text://{folder}", 'if (is_kept("people", "zoe")) $var(zoe) = 1;',
                   'modparam("db_text", "db_mode", 1)\nmodparam("db_text", "buffer_size", 8192)')
    assert run(bench) == {}
    (folder / "people").write_text(PEOPLE + "3:zoe:0.00:\n")
    assert run(bench) == {"zoe": 1}


def test_the_name_in_2_1(folder):
    bench = script("db_text", f"text://{folder}", 'keep("people", "max");', dialect="2.1")
    run(bench)
    (folder / "people").unlink()
    assert bench.mi("dbt_dump") == ["people"] and ":max:" in (folder / "people").read_text()

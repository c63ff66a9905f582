"""`opensips-py db` on the files of db_text."""
from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from opensips_py.db import schema
from tests.db.databases import opened
from tests.test_cli_db import db

OLD = ("location", "dialog", "dispatcher", "cachedb", "subscriber")


@pytest.fixture
def url(tmp_path):
    """Tables of 2.1 with rows in them."""
    url = f"text://{tmp_path}/texts"
    db("create", url, "--dialect", "2.1", "--tables", ",".join(OLD))
    made = opened(url)
    made.insert("location", {"username": "alice", "contact": "sip:a@h", "expires": 1_800_000_000, "callid": "a:\udce9"})
    made.insert("subscriber", {"username": "alice", "domain": "d"})
    made.insert("dispatcher", {"setid": 1, "destination": "sip:x", "weight": 7})
    made.insert("dialog", {"dlg_id": 77, "callid": "c", "script_flags": 5})
    made.insert_many("cachedb", ("keyname", "value"), [("a", "1"), ("b", "2")])
    made.close()
    return url


def is_migrated(url):
    made = opened(url)
    assert dict(made.select("version", ("table_name", "table_version"))) == {
        name: schema("4.0")[name].version for name in OLD}
    assert made.select("location", ("contact_id", "expires", "callid")) == [(1, 1_800_000_000, "a:\udce9")]
    assert made.select("dispatcher", ("weight", "probe_mode")) == [("7", 0)]
    assert made.select("dialog", ("dlg_id", "script_flags")) == [(77, "one three")]
    assert made.select("subscriber", ("username", "rpid", "ha1_sha256")) == [("alice", None, "")]
    assert made.select("cachedb", ("id", "keyname"), order=("id",)) == [(1, "a"), (2, "b")]
    made.close()


def test_check_and_migrate(url, tmp_path):
    assert "5 tables, none with differences" in db("check", url)
    before = {each.name: each.read_bytes() for each in (tmp_path / "texts").iterdir()}
    assert "dialog (10, now 12): column script_flags: int becomes string" in db(
        "migrate", url, "--dry-run", "--flags", "one,two,three")
    assert {each.name: each.read_bytes() for each in (tmp_path / "texts").iterdir()} == before
    assert "5 tables migrated" in db("migrate", url, "--flags", "one,two,three")
    is_migrated(url)
    assert "5 tables, none with differences" in db("check", url)
    assert "nothing to migrate" in db("migrate", url)


def test_check_says_what_is_wrong(url, tmp_path):
    path = tmp_path / "texts" / "subscriber"
    header = path.read_text().partition("\n")[0]
    path.write_text(header.replace("ha1(string)", "ha1(int)").replace(" password(string)", ""))
    (tmp_path / "texts" / "cachedb").unlink()
    (tmp_path / "texts" / "notes").write_text("no table\n")
    found = db("check", url, status=1)
    assert "column password is missing" in found and "column ha1 is int, where a text (string) is expected" in found
    assert "cachedb (version 2): the table is missing" in found and "5 tables, 2 with differences" in found


def test_rows_go_out_and_in(url, tmp_path):
    for form in ("json", "csv", "text"):
        out = tmp_path / form
        assert "location: 1 rows" in db("export", url, "--to", out, "--format", form)
        db("import", url, "--clear", *sorted(out.iterdir()))
        assert opened(url).select("location", ("callid", "username")) == [("a:\udce9", "alice")]
    new = f"sqlite://{tmp_path}/new.sqlite"
    db("create", new, "--dialect", "2.1", "--tables", ",".join(OLD))
    db("import", new, *sorted(out.iterdir()))
    assert opened(new).select("location", ("callid",)) == [("a:\udce9",)]


def test_a_dry_run_makes_nothing(tmp_path):
    said = db("create", f"text://{tmp_path}/none", "--dry-run", "--tables", "version")
    assert said == "version: table_name(string) table_version(int)\n" and not (tmp_path / "none").exists()


KILLED = """
import os, signal, sys
from opensips_py.cli import app
usual, left = os.replace, [int(sys.argv.pop(1))]

def replace(*paths):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    usual(*paths)
os.replace = replace
sys.argv[1:] = ["db", "migrate", sys.argv[1], "--flags", "one,two,three"]
app()
"""


@pytest.mark.parametrize("number", range(1, 12))
def test_killed_in_the_middle(url, number):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(number), url], capture_output=True, text=True,
                           check=False, env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
    if number == 1:  # nothing was noted yet
        assert opened(url).select("version", ("table_version",), {"table_name": "dialog"}) == [(10,)]
        db("migrate", url, "--flags", "one,two,three")
    is_migrated(url)
    assert "none with differences" in db("check", url)
    made = opened(url)
    made.insert("subscriber", {"username": "bob", "domain": "d"})
    is_there = opened(url).select("subscriber", ("username",), order=("id",))
    assert is_there == [("alice",), ("bob",)]

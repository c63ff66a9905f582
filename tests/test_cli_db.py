"""`opensips-py db`, on every database that there is."""
from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import datetime

import pytest
from typer.testing import CliRunner

from opensips_py.cli import app
from opensips_py.db import columns_of, schema
from tests.db.databases import opened, url_of
from tests.db.upstream import as_upstream, emptied

WHEN = datetime(2026, 7, 1, 12, 0, 0)
KINDS = ["sqlite", "mysql", "postgres"]
TABLES = ("location", "subscriber", "dialog", "dispatcher", "cachedb", "sip_trace")


@pytest.fixture(params=KINDS)
def url(request, tmp_path):
    return url_of(request.param, request, tmp_path)


def db(*arguments, status=0):
    result = CliRunner().invoke(app, ["db", *map(str, arguments)])
    assert result.exit_code == status, result.output + repr(result.exception)
    return result.output


def filled(url):
    """A database of 2.1 with a row in each table that changes, and what a user has added to it."""
    made = as_upstream(url, *TABLES)
    made.query("ALTER TABLE subscriber ADD COLUMN shoe_size VARCHAR(20)")
    made.query("CREATE INDEX shoes ON subscriber (shoe_size)")
    made.insert("subscriber", {"username": "alice", "domain": "d", "password": "p", "rpid": "r", "shoe_size": "42"})
    made.insert("location", {"username": "alice", "contact": "sip:a@192.0.2.1", "expires": WHEN, "callid": "one"})
    made.insert("location", {"username": "alice", "contact": "sip:a@192.0.2.2", "expires": datetime(1970, 1, 1),
                             "callid": "two"})
    made.insert("cachedb", {"keyname": "k", "value": "v", "counter": 1, "expires": 0})
    made.insert("dispatcher", {"setid": 1, "destination": "sip:x", "weight": 7})
    made.insert("sip_trace", {"traced_user": "sip:bob@d", "callid": "c", "msg": "m", "method": "INVITE",
                              "from_proto": "udp", "to_proto": "udp", "time_stamp": WHEN, "from_port": 1, "to_port": 2})
    made.insert("dialog", {
        "dlg_id": 77, "callid": "c", "from_uri": "f", "from_tag": "t", "to_uri": "u", "to_tag": "t", "start_time": 1,
        "state": 4, "timeout": 2, "caller_cseq": "1", "callee_cseq": "2", "caller_sock": "s", "callee_sock": "s",
        "caller_ping_cseq": 0, "callee_ping_cseq": 0, "script_flags": 5})
    return made


def is_migrated(made):
    assert dict(made.select("version", ("table_name", "table_version"))) == {
        name: schema("4.0")[name].version for name in TABLES}
    assert made.select("subscriber", ("username", "rpid", "shoe_size", "ha1_sha256")) == [("alice", "r", "42", "")]
    assert made.select("location", ("callid", "expires"), order=("callid",)) == [("one", int(WHEN.timestamp())),
                                                                                ("two", 0)]
    assert len(set(made.select("location", ("contact_id",)))) == 2
    assert made.select("dispatcher", ("weight", "probe_mode")) == [("7", 0)]
    assert made.select("sip_trace", ("trace_attrs",)) == [("sip:bob@d",)]
    assert [(keyname, number > 0) for keyname, number in made.select("cachedb", ("keyname", "id"))] == [("k", True)]
    made.insert("location", {"username": "bob", "contact": "sip:" + "x" * 300, "expires": 1 << 30, "callid": "three"})
    assert made.delete("location", {"callid": "three"}) == 1


def leftovers(made):
    tables = {"sqlite": "SELECT name FROM sqlite_master", "postgres": "SELECT tablename FROM pg_tables",
              "mysql": "SHOW TABLES"}[made.url.scheme]
    return [name for name, in made.query(tables).rows if "opensips_py" in name]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_create_then_check(url, dialect):
    emptied(url).query("DROP TABLE IF EXISTS version")
    count = len(schema(dialect)) - 1
    assert f"{count} tables made" in db("create", url, "--dialect", dialect)
    assert f"{count} tables, none with differences" in db("check", url)
    again = db("create", url, "--dialect", dialect)
    assert f"table location is there already, version {schema(dialect)['location'].version}" in again
    assert "0 tables made" in again


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_tables_of_opensips_itself_are_right(url, dialect):
    made = as_upstream(url, *(each for each in schema(dialect) if each != "version"), dialect=dialect)
    assert "none with differences" in db("check", url)
    made.close()


def test_check_says_each_difference(url):
    made = as_upstream(url, "location", "subscriber", "acc", "dispatcher", dialect="4.0")
    made.query("ALTER TABLE subscriber DROP COLUMN ha1")
    made.query("ALTER TABLE subscriber ADD COLUMN mine INTEGER DEFAULT 3")
    made.query("ALTER TABLE subscriber ADD COLUMN lent INTEGER NOT NULL DEFAULT 3")
    made.query("CREATE UNIQUE INDEX one_for_each ON location (username)")
    made.query("DROP TABLE acc")
    made.update("version", {"table_version": 3}, {"table_name": "dispatcher"})
    found = db("check", url, status=1).splitlines()
    assert found == [
        "acc (version 7): the table is missing, though version has version 7 of it",
        "dispatcher (version 3): its version is 3, where 7 or 9 is known",
        "location (version 1013): only one row may have the same (username), where several are expected",
        "subscriber (version 8): column ha1 is missing",
        "4 tables, 4 with differences"]
    assert "the table is missing" in db("check", url, "--tables", "acc", status=1)
    assert "none with differences" not in db("check", url, "--tables", "phones=location", status=1)


@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_check_says_what_is_too_small_or_of_another_kind(kind, request, tmp_path):
    url = url_of(kind, request, tmp_path)
    made = as_upstream(url, "location", "subscriber", dialect="4.0")
    for column, new in (("password", "VARCHAR(10) NOT NULL DEFAULT ''"), ("ha1", "INTEGER NOT NULL DEFAULT 0")):
        made.query(f"ALTER TABLE subscriber DROP COLUMN {column}")
        made.query(f"ALTER TABLE subscriber ADD COLUMN {column} {new}")
    made.query("ALTER TABLE location DROP COLUMN path")
    made.query("ALTER TABLE location ADD COLUMN path VARCHAR(255) NOT NULL")
    made.query("ALTER TABLE location ADD COLUMN stranger VARCHAR(5) NOT NULL")
    text = db("check", url, status=1)
    assert "column password" in text and "holds 10 characters, where 25 are expected" in text
    assert "where a text (string) is expected" in text and "column path refuses NULL" in text
    assert "column stranger is none of OpenSIPS's, and has no default" in text


def test_migrate(url):
    made = filled(url)
    script = db("migrate", url, "--dry-run")
    assert "TABLE" in script and "1013" in script
    assert made.select("version", ("table_version",), {"table_name": "location"}) == [(1009,)], "a dry run writes"
    told = db("migrate", url)
    assert "location (1009, now 1013): column id becomes contact_id" in told
    assert "subscriber (7, now 8): column shoe_size stays" in told and "1 dialogs have flags" in told
    is_migrated(made)
    assert made.select("dialog", ("dlg_id", "script_flags")) == [(77, None)]
    assert "none with differences" in db("check", url) and not leftovers(made)
    assert "nothing to migrate" in db("migrate", url)
    made.close()


def test_dialog_flags_get_their_names(url):
    made = filled(url)
    db("migrate", url, "--flags", "FIRST,SECOND,THIRD", "--tables", "dialog")
    assert made.select("dialog", ("script_flags",)) == [("FIRST THIRD",)]
    assert made.select("version", ("table_version",), {"table_name": "location"}) == [(1009,)], "nobody asked for it"
    db("migrate", url, "--flags", "x'; DROP TABLE dialog", status=2)


def test_a_migration_that_fails_changes_nothing(url):
    made = filled(url)
    made.update("version", {"table_version": 8888}, {"table_name": "subscriber"})
    assert "version 8888, where 7 or 8 is known" in db("migrate", url, status=1)
    made.update("version", {"table_version": 7}, {"table_name": "subscriber"})
    made.query("ALTER TABLE sip_trace ADD COLUMN trace_attrs INTEGER NOT NULL DEFAULT 5")
    made.query("CREATE UNIQUE INDEX one_of_a_kind ON dispatcher (setid)")
    made.query("CREATE VIEW phones AS SELECT username, expires FROM location")
    try:
        if made.url.scheme == "postgres":  # a view over a column whose type changes
            assert "nothing has been changed" in db("migrate", url, status=1)
            assert made.select("version", ("table_version",), {"table_name": "cachedb"}) == [(2,)]
            assert made.select("location", ("expires",), {"callid": "one"}) == [(WHEN,)] and not leftovers(made)
        else:
            db("migrate", url)
            assert len(made.select("phones", ("username",))) == 2
    finally:
        made.query("DROP VIEW phones")
    made.close()


def test_mysql_keeps_triggers(mariadb_server):
    made = filled(mariadb_server.url)
    made.query("CREATE TRIGGER bell AFTER INSERT ON location FOR EACH ROW SET @rang = 1")
    assert "table location has trigger bell" in db("migrate", mariadb_server.url, status=1)
    made.query("DROP TRIGGER bell")
    db("migrate", mariadb_server.url)


def test_sqlite_keeps_indexes_and_triggers(tmp_path):
    url = f"sqlite://{tmp_path}/o.sqlite"
    made = filled(url)
    made.query("CREATE TABLE rung (name TEXT)")
    made.query("CREATE TRIGGER bell AFTER INSERT ON subscriber BEGIN INSERT INTO rung VALUES (NEW.username); END")
    db("migrate", url)
    made.insert("subscriber", {"username": "carol", "domain": "d"})
    assert made.select("rung", ("name",)) == [("carol",)]
    assert ("shoes",) in made.query("SELECT name FROM sqlite_master WHERE type = 'index'").rows


KILLER = """
import os, signal, sys
from opensips_py.db.sql import SqlSession
from opensips_py.cli import app
start, number = sys.argv[1], int(sys.argv[2])
sys.argv[1:] = sys.argv[3:]
plain, met = SqlSession.query, []
def query(self, statement, values=()):
    answer = plain(self, statement, values)
    if statement.startswith(start):
        met.append(statement)
        if len(met) == number:
            os.kill(os.getpid(), signal.SIGKILL)
    return answer
SqlSession.query = query
app()
"""


def killed(start, number, *arguments):
    """Run the tool, and kill it once it has carried out the given statement."""
    result = subprocess.run([sys.executable, "-c", KILLER, start, str(number), "db", *arguments], capture_output=True)
    assert result.returncode == -signal.SIGKILL, result.stderr.decode()


@pytest.mark.parametrize(("kind", "start", "number"), [
    ("sqlite", "DROP TABLE", 1), ("sqlite", "ALTER TABLE", 3), ("sqlite", "UPDATE", 5),
    ("postgres", "ALTER TABLE", 2), ("postgres", "UPDATE", 5),
    ("mysql", "CREATE TABLE", 1), ("mysql", "INSERT INTO", 2), ("mysql", "UPDATE", 6),
    ("mysql", "RENAME TABLE", 1), ("mysql", "DROP TABLE", 3)])
def test_killed_in_the_middle(kind, start, number, request, tmp_path):
    url = url_of(kind, request, tmp_path)
    made = filled(url)
    killed(start, number, "migrate", url)
    assert "none with differences" in db("check", url), "half a migration"
    versions = dict(made.select("version", ("table_name", "table_version")))
    assert versions["location"] == (1013 if kind == "mysql" and start in ("RENAME TABLE", "DROP TABLE") else 1009)
    db("migrate", url)
    is_migrated(made)
    assert not leftovers(made) and "none with differences" in db("check", url)
    made.close()


def test_killed_while_it_creates(mariadb_server):
    emptied(mariadb_server.url)
    killed("CREATE TABLE", 4, "create", mariadb_server.url)
    db("create", mariadb_server.url)
    assert "none with differences" in db("check", mariadb_server.url)


def test_a_table_with_rows_is_not_made_anew(url):
    made = as_upstream(url, "dialog", "location")
    made.delete("version", {"table_name": "location"})
    made.query("ALTER TABLE location DROP COLUMN user_agent")
    made.insert("location", {"username": "alice", "contact": "sip:a", "expires": WHEN})
    assert "with rows and without a version" in db("create", url, "--dialect", "2.1", status=1)
    assert len(made.select("location", ("username",))) == 1


@pytest.mark.parametrize("form", ["json", "csv", "text"])
def test_rows_go_out_and_come_back(url, form, tmp_path):
    made = filled(url)
    odd = {"username": "b:o\\b\n", "domain": "\\N", "password": "", "rpid": None, "shoe_size": "ü,\""}
    made.insert("subscriber", odd)
    made.insert_many("subscriber", ("username", "domain"), [(f"user{number}", "d") for number in range(2500)])
    before = {name: sorted(made.select(name, schema("2.1")[name].names), key=repr) for name in TABLES}
    assert "subscriber: 2502 rows" in db("export", url, "--to", tmp_path / "out", "--format", form)
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == len(TABLES) + 1
    chosen = [each for each in files if each.name.partition(".")[0] in TABLES]
    assert "location: 2 rows" in db("import", url, "--clear", *chosen)
    after = {name: sorted(made.select(name, schema("2.1")[name].names), key=repr) for name in TABLES}
    assert after == before
    made.close()


def test_one_bad_row_takes_all_back(url, tmp_path):
    made = filled(url)
    rows = [{"username": f"u{number}", "domain": "d"} for number in range(300)]
    path = tmp_path / "subscriber.jsonl"
    path.write_text("\n".join(map(json.dumps, [*rows, {"username": "alice", "domain": "d"}])))
    assert "no row has been added" in db("import", url, path, status=1)
    path.write_text("\n".join(map(json.dumps, [*rows, {"username": "alice"}])))
    assert "all rows must have the same columns" in db("import", url, path, status=1)
    path.write_text(json.dumps({"username": "x", "hat": 1}))
    assert "no column hat" in db("import", url, path, status=1)
    assert made.select("subscriber", ("username",)) == [("alice",)]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert "subscriber: 300 rows" in db("import", url, path)


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_tables_of_text(tmp_path, dialect):
    url = f"text://{tmp_path}/texts"
    assert f"{len(schema(dialect)) - 1} tables made" in db("create", url, "--dialect", dialect)
    assert "0 tables made" in db("create", url, "--dialect", dialect)
    form = columns_of(opened(url), "location", "location")
    assert form == schema(dialect)["location"]
    opened(url).insert("location", {"username": "a", "contact": "sip:x", "expires": WHEN})
    assert opened(url).select("location", form.key) == [(1,)]
    assert f"{len(schema(dialect)) - 1} tables, none with differences" in db("check", url)


CONFIG = """
log_level=3
socket=udp:127.0.0.1:5060
db_default_url="{url}"
db_version_table="versions"
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "db_sqlite.so"
loadmodule "usrloc.so"
route {{ sl_send_reply(200, "OK"); }}
"""


def test_routes_name_tables(tmp_path):
    config = tmp_path / "opensips.cfg"
    config.write_text(CONFIG.format(url=f"sqlite://{tmp_path}/new.sqlite") + 'loadmodule "signaling.so"\n'
                      'loadmodule "registrar.so"\nroute[more] { save("phones"); lookup("softphones"); }\n')
    db("create", "-f", config)
    assert sorted(opened(f"sqlite://{tmp_path}/new.sqlite").select("versions", ("table_name", "table_version"))) == [
        ("phones", 1013), ("softphones", 1013)]


def test_a_configuration_says_database_tables_and_names(tmp_path):
    url = f"sqlite://{tmp_path}/new.sqlite"
    config = tmp_path / "opensips.cfg"
    config.write_text(CONFIG.format(url=url))
    assert "1 tables made" in db("create", "-f", config)
    assert opened(url).select("versions", ("table_name", "table_version")) == [("location", 1013)]
    assert "1 tables, none with differences" in db("check", "-f", config)
    assert "no driver for nothing" in db("check", "nothing://u@h/d", status=1)
    assert "name a database" in db("check", status=1)
    assert "there is no file" in db("check", f"sqlite://{tmp_path}/none.sqlite", status=1)

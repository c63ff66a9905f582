"""The table of dialogs, in SQLite: in each db_mode, lost and back, read after a crash of the machine."""
from __future__ import annotations

import pathlib

import pytest

from opensips_py.db import Unavailable
from opensips_py.errors import ConfigError
from opensips_py.module import MIError
from opensips_py.modules.dialog.database import COLUMNS
from tests.db.databases import create
from tests.modules.dialog.conftest import called, dialog, dialogs, module, restarted, script, with_phones

SETTINGS = """loadmodule "db_sqlite.so" modparam("dialog", "db_url", "%s") modparam("dialog", "db_mode", %d)
modparam("dialog", "profiles_with_value", "caller")
"""
KEPT = '$dlg_val(who) = "a|b"; set_dlg_profile("caller", "alice"); set_dlg_flag(%s); %s'


class Table:
    def __init__(self, folder, opensips, dialect):
        self.url = f"sqlite://{folder}/dialogs.sqlite"
        self.database = create(self.url, "dialog", dialect=dialect)
        self.opensips, self.dialect = opensips, dialect

    def start(self, mode, more=""):
        old = self.dialect == "2.1"
        flag, armed = ('"3"', "") if old else ('"vip"', 'dlg_on_hangup("gone");')
        routes = "" if old else "route[gone] { xlog(\"gone\\n\"); }"
        return with_phones(self.opensips(text=script(
            SETTINGS % (self.url, mode) + more, initial=KEPT % (flag, armed), dialect=self.dialect, routes=routes)))

    def rows(self, *columns):
        return self.database.select("dialog", columns or ("callid",))


@pytest.fixture(params=["4.0", "2.1"])
def table(request, tmp_path, opensips):
    return Table(tmp_path, opensips, request.param)


def test_realtime(table):
    server = table.start(1, 'modparam("dialog", "db_flush_vals_profiles", 1)')
    call = called(server)
    found = dialog(server)
    server.settle()
    (row,) = table.rows("dlg_id", "callid", "state", "vars", "profiles", "script_flags", "caller_contact", "to_uri")
    assert (int(row[0]), row[1]) == (found.entry << 32 | found.number, call.call_id)
    assert bytes(row[3]).decode() if isinstance(row[3], bytes) else row[3] == "who#a\\|b|"
    assert row[4:8] == ("caller#alice|", "vip" if table.dialect == "4.0" else 8, "sip:alice@192.0.2.1:5060",
                        "sip:bob@192.0.2.9") or str(row[5]) == "8"
    call.within("INFO", cseq=9)
    server.settle()
    assert table.rows("callee_cseq")[0][0] in ("9", 9)
    call.bye()
    server.settle()
    assert table.rows() == []


def test_values_are_left_out_unless_wanted(table):
    server = table.start(1)
    called(server)
    server.settle()
    assert table.rows("vars", "profiles")[0] == (None, None)


def test_now_and_then(table):
    server = table.start(2, 'modparam("dialog", "db_update_period", 20)')
    call = called(server)
    called(server)
    server.advance(10)
    assert table.rows() == []
    server.advance(11)
    assert len(table.rows()) == 2
    call.bye()
    server.advance(10)
    assert len(table.rows()) == 2
    server.advance(11)
    assert len(table.rows()) == 1


def test_at_the_end(table):
    server = table.start(3)
    called(server)
    called(server).bye()
    server.advance(100)
    assert table.rows() == []
    server.close()
    assert len(table.rows("vars")) == 1


def test_a_machine_that_has_forgotten_reads_them(table):
    server = table.start(1, 'modparam("dialog", "db_flush_vals_profiles", 1)')
    call = called(server)
    before = dialog(server)
    server.settle()
    flag = module(server).flag_names(before.user_flags)
    server = table.start(1, 'modparam("dialog", "db_flush_vals_profiles", 1)')
    found = dialog(server)
    assert found is not before and (found.did, found.state, found.values) == (before.did, 4, {"who": "a|b"})
    assert module(server).flag_names(found.user_flags) == flag and found.profiles == [("caller", "alice")]
    assert dialogs(server).sizes.size("caller", "alice") == 1 and found.armed == before.armed
    assert abs(found.expires - before.expires) < 1 and server.counted("active_dialogs") == 1
    call.phone = server.alice
    call.bye()
    assert server.bob.last("BYE") and found.end_reason == "Downstream BYE"
    server.settle()
    assert table.rows() == []


def test_dialogs_of_the_table_whose_time_is_over(table):
    server = table.start(1, 'modparam("dialog", "default_timeout", 60)')
    called(server)
    server.settle()
    import datetime
    assert server.clock.time() < datetime.datetime.now().timestamp()
    table.database.update("dialog", {"timeout": 1}, {"state": 4})
    server = table.start(1, 'modparam("dialog", "default_timeout", 60)')
    server.advance(1)
    assert len(dialogs(server)) == 0 and server.counted("expired_dialogs") == 1
    server.settle()
    assert table.rows() == []


def test_a_machine_that_knows_brings_the_table_to_that(table):
    server = table.start(1)
    called(server)
    server.settle()
    table.database.update("dialog", {"callid": "stale", "dlg_id": 77}, {"state": 4})
    restarted(server)
    server.settle()
    assert table.rows() == [(dialog(server).call_id,)]


def test_what_has_ended_does_not_come_back_where_there_are_more_workers(table):
    server = table.start(2)
    call = called(server)
    server.advance(61)
    call.bye()  # the table is not told any more
    folder = pathlib.Path(server.engine.services.boot.state_dir)
    (folder / "dialogs-0.mdb").rename(folder / "dialogs-1.mdb")  # another worker has had the call
    assert len(table.rows()) == 1
    restarted(server)
    server.settle()
    assert len(dialogs(server)) == 0 and table.rows() == []


def test_what_has_ended_does_not_come_back_by_command(table):
    server = table.start(2)
    call = called(server)
    server.advance(61)
    call.bye()
    server.mi("dlg_db_sync" if table.dialect == "2.1" else "dialog:db_sync")
    assert len(dialogs(server)) == 0


def test_a_database_that_is_lost_gets_it_later(table):
    server = table.start(1)
    database = module(server).db
    run = database.run

    def lost(*_, **__):
        raise Unavailable("gone")
    database.run = lost
    first, second = called(server), called(server)
    server.settle()
    assert server.log.matching("written to the database later") and table.rows() == []
    second.bye()
    database.run = run
    server.advance(6)
    assert table.rows() == [(first.call_id,)]


def test_what_the_database_refuses_keeps_no_other_dialog_from_it(table):
    server = table.start(2)
    calls = [called(server) for _ in range(3)]
    table.database.query(f"CREATE TRIGGER no BEFORE INSERT ON dialog WHEN NEW.callid = '{calls[1].call_id}' "
                         "BEGIN SELECT RAISE(ABORT, 'not that one'); END")
    module(server).write_changes()
    assert sorted(table.rows()) == sorted([(calls[0].call_id,), (calls[2].call_id,)])
    assert len(server.log.matching("refuses dialog .*not that one")) == 1 and not dialogs(server).unwritten
    table.database.query("DROP TRIGGER no")
    calls[1].within("INFO", cseq=9)
    module(server).write_changes()
    assert len(table.rows()) == 3


def test_a_database_too_slow_for_many_gets_a_few_at_a_time(table):
    server = table.start(2)
    for _ in range(8):
        called(server)
    database, sizes = module(server).db, []
    run = database.run

    def slow(operation, **named):
        sizes.append(module(server).at_once)
        if sizes[-1] > 3:
            raise Unavailable("it takes longer than that", outcome=False)
        return run(operation, **named)
    database.run = slow
    module(server).write_changes()
    assert table.rows() == []
    server.advance(5)
    assert len(table.rows()) == 8 and sizes[:3] == [200, 4, 2]


def test_a_database_that_is_not_there_at_the_start(table):
    server = table.start(1)
    call = called(server)
    server.settle()
    database = module(server).db
    run, database.run = database.run, lambda *_, **__: (_ for _ in ()).throw(Unavailable("gone"))
    table.database.delete("dialog", {})
    restarted(server)
    server.settle()
    assert server.log.matching("do not know each other")
    database.run = run
    server.advance(6)
    assert table.rows() == [(call.call_id,)]


def test_management(table):
    server = table.start(2)
    call = called(server)
    command = "dialog:restore_db" if table.dialect == "4.0" else "dlg_restore_db"
    table.database.insert("dialog", {"dlg_id": 5, "callid": "stale", "from_uri": "", "from_tag": "", "to_uri": "",
                                     "to_tag": "", "caller_cseq": "1", "callee_cseq": "1", "caller_ping_cseq": 0,
                                     "callee_ping_cseq": 0, "caller_sock": "", "callee_sock": "", "state": 4,
                                     "start_time": 1, "timeout": 2_000_000_000})
    assert server.mi(command) == "OK" and table.rows() == [(call.call_id,)]
    table.database.update("dialog", {"callid": "more", "dlg_id": 7}, {"callid": call.call_id})
    command = "dialog:db_sync" if table.dialect == "4.0" else "dlg_db_sync"
    assert server.mi(command) == "OK"
    assert {each.call_id for each in dialogs(server)} == {call.call_id, "more"}
    assert server.counted("active_dialogs") == 2


def test_management_without_a_database(proxy):
    server = proxy()
    for command in ("dialog:db_sync", "dialog:restore_db"):
        with pytest.raises(MIError, match="db_mode is 0"):
            server.mi(command)


def test_other_names(tmp_path, opensips):
    url = f"sqlite://{tmp_path}/own.sqlite"
    database = create(url, "dialog")
    database.query("ALTER TABLE dialog RENAME TO calls")
    database.query("INSERT INTO version (table_name, table_version) VALUES ('calls', 12)")
    settings = SETTINGS % (url, 1) + 'modparam("dialog", "table_name", "calls") ' \
                                     'modparam("dialog", "db_flush_vals_profiles", 1)'
    for parameter, column in COLUMNS.items():
        database.query(f"ALTER TABLE calls RENAME COLUMN {column} TO my_{column}")
        settings += f' modparam("dialog", "{parameter}", "my_{column}")'
    text = script(settings, initial=KEPT % ('"vip"', ""))
    server = with_phones(opensips(text=text))
    call = called(server)
    server.settle()
    before = dialog(server)
    expected = {"dlg_id": before.entry << 32 | before.number, "callid": call.call_id, "from_tag": "a", "state": 4,
                "to_tag": "tag-bob", "caller_cseq": "0", "callee_cseq": "1", "script_flags": "vip", "flags": 24592,
                "caller_contact": "sip:alice@192.0.2.1:5060", "callee_contact": "sip:bob@192.0.2.2:5060",
                "profiles": "caller#alice|"}
    row, = database.select("calls", tuple(f"my_{column}" for column in expected))
    assert [str(each) for each in row] == [str(each) for each in expected.values()]
    server = with_phones(opensips(text=text))
    found = dialog(server)
    assert (found.did, found.values, found.profiles) == (before.did, {"who": "a|b"}, [("caller", "alice")])


def test_rows_are_taken_out_some_at_a_time(tmp_path, opensips):
    url = f"sqlite://{tmp_path}/some.sqlite"
    create(url, "dialog")
    for bulk, statements in ((1, 3), (2, 2), (10, 1)):
        server = with_phones(opensips(text=script(
            SETTINGS % (url, 2) + f'modparam("dialog", "timer_bulk_del_no", {bulk})')))
        calls = [called(server) for _ in range(3)]
        server.advance(61)
        database, deleted = module(server).db, []
        run = database.run

        class Watched:
            def __init__(self, session):
                self.session = session

            def delete(self, table, where, deleted=deleted):
                deleted.append(where)
                return self.session.delete(table, where)

            def __getattr__(self, name):
                return getattr(self.session, name)
        database.run = lambda operation, run=run, watched=Watched, **how: run(
            lambda session: operation(watched(session)), **how)
        for each in calls:
            each.bye()
        server.advance(61)
        assert len(deleted) == statements


def test_what_is_refused(opensips, tmp_path):
    other = f"sqlite://{tmp_path}/other.sqlite"
    create(other, "location")
    for more, why in (('modparam("dialog", "db_mode", 1)', "names no database"),
                      ('modparam("dialog", "to_tag_column", "from_tag")', "two columns"),
                      (SETTINGS % (other, 1), "no version of table dialog")):
        with pytest.raises(ConfigError, match=why):
            opensips(text=script(more))


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_on_a_server(opensips, request, kind):
    running = request.getfixturevalue(f"{kind}_server")
    database = create(running.url, "dialog")
    driver = {"postgres": "db_postgres", "mariadb": "db_mysql"}[kind]
    text = script(f"""loadmodule "{driver}.so" modparam("dialog", "db_url", "{running.url}")
        modparam("dialog", "db_mode", 1) modparam("dialog", "db_flush_vals_profiles", 1)
        modparam("dialog", "profiles_with_value", "caller")""", initial=KEPT % ('"vip"', ""))
    server = with_phones(opensips(text=text))
    call = called(server)
    written(server)
    assert database.select("dialog", ("callid", "script_flags"))[0] == (call.call_id, "vip")
    server = with_phones(opensips(text=text))
    written(server)
    found = dialog(server)
    assert (found.call_id, found.values, found.profiles) == (call.call_id, {"who": "a|b"}, [("caller", "alice")])
    call.phone = server.alice
    call.bye()
    written(server)
    assert database.select("dialog", ("callid",)) == []


def written(server):
    """Wait until the server has nothing to tell its database."""
    server.settle()
    while dialogs(server).unwritten or dialogs(server).writing:
        server.settle()

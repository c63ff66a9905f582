"""Accounting in a database: which rows, in which tables, with which columns."""
from __future__ import annotations

import pytest

from opensips_py.db import moment
from opensips_py.db.catalog import FoundColumn
from opensips_py.errors import ConfigError
from opensips_py.modules.acc.rows import clean, fitted
from tests.modules.acc.ledger import Ledger
from tests.modules.books import START, Books

CALL = ("INVITE", "a1", "b1", "call-1", "200", "Whatever", START)
FLAGS = """
    modparam("acc", "db_flag", "DB") modparam("acc", "db_missed_flag", "MISSED")
    modparam("acc", "failed_transaction_flag", "FAILED")
"""


@pytest.fixture
def ledger(tmp_path):
    """Makes proxies that account, and ends them."""
    made = []

    def make(body, settings="", **how):
        made.append(Ledger(tmp_path, body, settings, **how))
        return made[-1]
    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("how", [{"dialect": "4.0", "body": 'do_accounting("db"); t_relay();'},
                                 {"dialect": "4.0", "body": '$var(p) = "db"; do_accounting($var(p)); t_relay();'},
                                 {"dialect": "2.1", "body": "setflag(DB); t_relay();", "settings": FLAGS}])
def test_an_answered_call_is_one_row(ledger, how):
    books = ledger(**how)
    books.call(180, 200)
    assert books.table() == [CALL] and books.table(table="missed_calls") == [] and books.lines == []


def test_what_nobody_asked_for_is_no_row(ledger):
    books = ledger('do_accounting("log"); t_relay();')
    books.call(200)
    assert books.table() == [] and len(books.lines) == 1


def test_columns_of_40_that_tell_of_time(ledger):
    books = ledger('do_accounting("db", "failed"); t_relay();')
    books.call(180)
    books.wall += 4
    books.answer(486)
    assert books.table("sip_code", "duration", "ms_duration", "setuptime", "created") == [("486", 0, 0, 4, START)]


@pytest.mark.parametrize(("dialect", "body", "settings"), [
    ("4.0", 'do_accounting("db", "missed"); t_relay();', ""), ("2.1", "setflag(MISSED); t_relay();", FLAGS)])
def test_a_missed_call_has_a_table_of_its_own(ledger, dialect, body, settings):
    books = ledger(body, settings, dialect=dialect)
    books.call(180)
    books.wall += 7
    books.answer(480)
    assert books.table(table="missed_calls") == [
        ("INVITE", "a1", "b1", "call-1", "480", "Whatever", START + 7)] and books.table() == []
    assert books.table("setuptime", "created", table="missed_calls") == [(7, START)]


def test_failures_where_they_are_wanted(ledger):
    books = ledger("setflag(DB); setflag(FAILED); t_relay();", FLAGS, dialect="2.1")
    books.call(404)
    assert books.table("sip_code") == [("404",)]


def test_drop_accounting(ledger):
    books = ledger('do_accounting("db|log"); drop_accounting("db"); t_relay();')
    books.call(200)
    assert books.table() == [] and len(books.lines) == 1


@pytest.mark.parametrize(("status", "table"), [(200, "calls"), (486, "missed")])
def test_other_tables_and_columns(ledger, status, table):
    names = {"method": "m", "from_tag": "f", "to_tag": "t", "callid": "i", "sip_code": "c", "sip_reason": "r",
             "time": "w"}
    settings = "\n".join(f'modparam("acc", "acc_{name}_column", "{column}")' for name, column in names.items())
    books = ledger('do_accounting("db", "missed"); t_relay();', f"""{settings}
        modparam("acc", "db_table_acc", "calls") modparam("acc", "db_table_missed_calls", "missed")""")
    books.rows.query(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {', '.join(names.values())} DATETIME)")
    books.call(status)
    row, = books.rows.select(table, ("m", "f", "t", "i", "c", "r", "w"))
    assert row[:-1] == ("INVITE", "a1", "b1", "call-1", str(status), "Whatever") and moment(row[-1]) == START


def test_the_table_of_a_call(ledger):
    books = ledger('do_accounting("db", "missed", "mine"); do_accounting("log"); t_relay();')
    books.rows.query("CREATE TABLE mine AS SELECT * FROM acc")
    books.call(200)
    assert books.table("callid", table="mine") == [("call-1",)] and books.table() == []


@pytest.mark.parametrize("set_it", [True, False])
def test_the_table_by_an_avp(ledger, set_it):
    sets = '$avp(table) = "mine";' if set_it else ""
    books = ledger(f'setflag(DB); {sets} t_relay();', f'{FLAGS} modparam("acc", "db_table_avp", "$avp(table)")',
                   dialect="2.1")
    books.rows.query("CREATE TABLE mine AS SELECT * FROM acc")
    books.call(200)
    assert len(books.table(table="mine" if set_it else "acc")) == 1


def test_at_once_in_any_table(ledger):
    books = ledger("""
        acc_db_request("404 Nobody home", "missed_calls"); $var(a) = $rc; $var(t) = "acc";
        acc_db_request("Some comment", "$var(t)"); acc_db_request("x", "$var(none)"); $var(b) = $rc;""")
    books.call(method="OPTIONS")
    assert books.table(table="missed_calls") == [("OPTIONS", "a1", "", "call-1", "404", "Nobody home", START)]
    assert books.table("sip_code", "sip_reason") == [("", "Some comment")]
    assert books.runs[0].variables == {"a": 1, "t": "acc", "b": -1}


def test_further_values_by_parameter_and_legs(ledger):
    books = ledger('setflag(DB); $avp(leg) = "one"; $avp(leg) = "two"; t_relay();', f"""{FLAGS}
        modparam("acc", "db_extra", "agent=$hdr(User-Agent);seq=$cs;said=$rs/reply")
        modparam("acc", "multi_leg_info", "leg=$avp(leg)")""", dialect="2.1", more="agent seq said leg")
    books.call(200)
    assert books.table("callid", "agent", "seq", "said", "leg") == [
        ("call-1", "", "1", "200", "two"), ("call-1", "", "1", "200", "one")]


def test_further_values_by_tag_and_legs(ledger):
    books = ledger("""do_accounting("db|log"); $acc_extra(a) = "x"; $acc_extra(b) = 7; $acc_leg(l) = "one";
                      acc_new_leg(); $acc_leg(l) = "two"; t_relay();""", """
        modparam("acc", "extra_fields", "db: a->agent;b") modparam("acc", "leg_fields", "db: l->leg")
        modparam("acc", "extra_fields", "log: a->A")""", more="agent b leg")
    books.call(200)
    assert books.table("callid", "agent", "b", "leg") == [("call-1", "x", "7", "one"), ("call-1", "x", "7", "two")]
    assert books.lines[0].endswith(";A=x")


@pytest.mark.parametrize("text", ["it's; DROP TABLE acc; --", 'a"b', "x" * 300])
def test_texts_of_messages_stay_texts(ledger, text):
    books = ledger("""do_accounting("db"); $acc_extra(a) = $ua; t_relay();""",
                   'modparam("acc", "extra_fields", "db: a->agent")', more="agent")
    books.call(200, headers=f"User-Agent: {text}\r\n")
    assert books.table("agent") == [(text,)]


@pytest.mark.parametrize("server", ["postgres_server", "mariadb_server"])
@pytest.mark.parametrize("tables", ["2.1", "4.0"])
def test_on_servers(ledger, request, server, tables):
    books = ledger("""do_accounting("db", "missed"); $acc_extra(a) = $ua; $acc_extra(b) = 7; $acc_leg(l) = "one";
                      acc_new_leg(); t_relay();""", """
        modparam("acc", "extra_fields", "db: a->agent;b") modparam("acc", "leg_fields", "db: l->leg")""",
                   url=request.getfixturevalue(server).url, more="agent b leg", tables=tables)
    books.acc.verify()
    books.call(headers=f"User-Agent: it's {'x' * 40}\r\n")
    books.answer(480)
    books.call(200, call_id="\u00fc" * 70, branch="z9hG4bKother", headers="User-Agent: y\r\n")
    assert books.table("callid", "sip_code", "agent", "b", "leg") == [
        ("\u00fc" * 64, "200", "y", "7", "one"), ("\u00fc" * 64, "200", "y", "7", "")]
    assert books.table("sip_code", "agent", "time", "created", table="missed_calls") == [
        ("480", f"it's {'x' * 11}", START, START)] * 2


COLUMNS = {each.name: each for each in (
    FoundColumn("text", "varchar(4)", "text", 4, False, True),
    FoundColumn("more", "varchar(4)", "text", 4, True, False),
    FoundColumn("number", "int", "number", 4, False, False), FoundColumn("maybe", "int", "number", 4, True, False),
    FoundColumn("real", "real", "real", 0, True, False))}


@pytest.mark.parametrize(("row", "expected"), [
    ({"text": "longer than that"}, {"text": "long"}), ({"text": 12345}, {"text": "1234"}), ({"text": None}, {}),
    ({"more": None}, {"more": None}), ({"number": "7"}, {"number": 7}), ({"number": "seven"}, {"number": 0}),
    ({"maybe": "seven"}, {"maybe": None}), ({"number": None}, {"number": 0}), ({"real": "1.5"}, {"real": 1.5}),
    ({"TEXT": "x"}, {"text": "x"}), ({"duration": 7}, {})])
def test_values_are_made_to_fit(row, expected):
    missing = set()
    assert (fitted(tuple(row.items()), COLUMNS, missing), missing) == (expected, set())


def test_columns_come_in_the_order_of_opensips(ledger):
    books = ledger("""do_accounting("db"); $acc_extra(a) = 1; $acc_leg(l) = "x"; t_relay();""",
                   'modparam("acc", "extra_fields", "db: a") modparam("acc", "leg_fields", "db: l")')
    added = []
    books.acc.writer.add = added.extend
    books.call(200)
    (table, row), = added
    assert table == "acc" and [name for name, _ in row] == [
        "method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time", "a", "l", "setuptime", "created",
        "duration", "ms_duration"]


def test_bytes_that_are_no_text():
    assert clean(b"a\xff\0b".decode("utf-8", "surrogateescape")) == "a\ufffdb" and clean(7) == 7


def test_a_column_that_is_not_there_costs_its_value_alone(ledger, caplog):
    books = ledger('do_accounting("db"); $acc_extra(a) = 1; t_relay();',
                   'modparam("acc", "extra_fields", "db: a->colour")')
    books.call(200)
    assert books.table() == [CALL] and "table acc has no column colour" in caplog.text


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_each_dialect_takes_the_tables_of_the_other(ledger, dialect):
    body, settings = ("setflag(DB); setflag(MISSED); setflag(FAILED); t_relay();", FLAGS) if dialect == "2.1" else \
        ('do_accounting("db", "missed|failed"); t_relay();', "")
    books = ledger(body, settings, dialect=dialect, tables="2.1" if dialect == "4.0" else "4.0")
    books.call(486)
    assert len(books.table()) == len(books.table(table="missed_calls")) == 1


def test_tables_are_looked_at(ledger):
    books = ledger("exit;", 'modparam("acc", "extra_fields", "db: a->colour")')
    books.acc.verify()
    assert [each.getMessage() for each in books.records] == [
        "table acc has no column colour: what should stand there is not accounted"]
    books.rows.update("version", {"table_version": 99}, {"table_name": "missed_calls"})
    with pytest.raises(ConfigError, match="version 99"):
        books.acc.verify()
    books.rows.update("version", {"table_version": 5}, {"table_name": "missed_calls"})
    books.acc.verify()


@pytest.mark.parametrize(("body", "settings"), [
    ("exit;", 'modparam("acc", "db_url", "mysql://u@h/d")'), ('do_accounting("log|db");', ""),
    ('acc_db_request("200 x", "acc");', ""), ("exit;", 'modparam("acc", "db_flag", 3)'),
    ("exit;", 'modparam("acc", "db_table_avp", "$var(x)")')])
def test_what_needs_a_database_says_so(body, settings):
    with pytest.raises((ConfigError, AssertionError), match=r"db_mysql|db_url|no AVP"):
        Books(body, settings)


def test_flatstore(tmp_path):
    class Flat(Books):
        loads = ("db_flatstore", "tm", "rr", "acc")
        index = 0
    from opensips_py.state.environment import Environment
    Flat.environment = Environment(tmp_path / "state.mdb", smallest=1 << 20)
    books = Flat('do_accounting("db", "missed"); $acc_extra(a) = "x"; t_relay();', f"""
        modparam("acc", "db_url", "flatstore:{tmp_path}") modparam("acc", "extra_fields", "db: a->agent")""")
    books.acc.verify()
    books.call(486)
    books.call(200)
    assert (tmp_path / "missed_calls_1.log").read_text() == f"INVITE|a1|b1|call-1|486|Whatever|{START}|x|0|{START}\n"
    assert books.acc.waiting_records() == 0
    books.acc.writer.journal.environment.close()

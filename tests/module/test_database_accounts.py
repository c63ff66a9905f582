"""What the account of a call says of what a database was asked, and of what it gave."""
from types import SimpleNamespace

from opensips_py.db import Answer, Asked
from opensips_py.module import trace
from opensips_py.module.databases import Watching, account_of
from opensips_py.module.trace import CURRENT, Account


def asked(verb="select from", table="subscriber", columns=("username", "password"), where=None):
    return Asked(lambda session: None, verb, table, columns, where)


def test_rows_are_told_without_their_secrets():
    text, more = account_of(asked(where={"username": "alice"}), [("alice", "x1y2")])
    assert text == "select from subscriber where username=alice → 1 row; username=alice, password=***"
    assert more == {"where": {"username": "alice"}, "rows": [{"username": "alice", "password": "x1y2"}], "count": 1}


def test_a_statement_has_the_columns_of_its_answer():
    text, more = account_of(Asked(lambda session: None, "", "select uri from gw"), Answer(("uri",), [("sip:a",)] * 7))
    assert text.startswith("select uri from gw → 7 rows; uri=sip:a; ") and len(more["rows"]) == 5
    assert account_of(Asked(lambda session: None, "", "delete from gw"), Answer((), [], 3)) == (
        "delete from gw → 3 changed", {"changed": 3})


def test_columns_without_names_are_counted_alone():
    assert account_of(asked(columns=("*",)), [("a", "b")]) == (
        "select from subscriber → 1 row", {"rows": [], "count": 1})


def test_other_operations_have_their_names():
    def look(session):
        """Look."""
    assert account_of(look, [1])[0].endswith("look")
    assert account_of(asked("update", "location", (), {"aor": "a"}), 1) == ("update location", {"where": {"aor": "a"}})


def test_the_account_hides_what_is_secret():
    module = SimpleNamespace(registry=SimpleNamespace(modules={}), dialect="4.0")
    account = Account("c1", 0)
    token = CURRENT.set(account)
    try:
        Watching(module).done(SimpleNamespace(url="sqlite:///x"), asked(), 0.002, [("alice", "x1y2")])
    finally:
        CURRENT.reset(token)
    (event,) = account.events
    assert event["text"] == "sqlite:///x: select from subscriber → 1 row; username=alice, password=***"
    assert event["data"]["microseconds"] == 2000 and "x1y2" not in str(event) and trace.shown("x") == "x"

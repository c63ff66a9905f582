"""Contacts that a database alone keeps."""
from __future__ import annotations

from typing import Any

import pytest

from opensips_py.db import timestamp
from opensips_py.errors import MIError
from opensips_py.modules.usrloc.sql_table import Changed
from opensips_py.state._bindings import Binding
from tests.modules.place import START

ONLY = "sql-only"
CONTACT = "Contact: <sip:a@192.0.2.1>;q=0.5;expires=600"
ROW = ("alice", "example.com", "sip:a@192.0.2.1")


def test_registering_and_calling(office: Any) -> None:
    office.create()
    worker = office.open(ONLY, body='if ($rm == "REGISTER") { save("location"); exit; } '
                                    'if (lookup("location")) $avp(found) = $ru; else $avp(code) = $retcode;')
    answer = worker.register(CONTACT, "User-Agent: Phone")
    assert answer.status == 200 and [each.uri for each in answer.contacts] == ["sip:a@192.0.2.1"]
    assert office.rows() == [ROW] and not [each for each in worker.environment.names() if "location" in each]
    assert worker.call().avps == {"found": ["sip:a@192.0.2.1"]}
    assert worker.call("sip:bob@example.com").avps == {"code": [-1]}
    office.add("sip:other@192.0.2.1", q=0.9)  # as another server would
    assert worker.call().avps == {"found": ["sip:other@192.0.2.1"]}
    worker.register("Contact: *", "Expires: 0", cseq=9)
    assert office.rows() == []


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_both_versions_of_the_table(office: Any, dialect: str) -> None:
    office.create(dialect)
    worker = office.open("3", 'modparam("usrloc", "use_domain", 1)', dialect=dialect)
    worker.hear()
    worker.register(CONTACT)
    worker.register("Contact: <sip:b@192.0.2.1>;expires=600", call_id="other")
    worker.register(CONTACT, "User-Agent: Other")
    assert office.rows("contact", "callid", "cseq", "user_agent") == [
        ("sip:a@192.0.2.1", "call-1", 3, "Other"), ("sip:b@192.0.2.1", "other", 2, "n/a")]
    assert worker.contacts() == ["sip:a@192.0.2.1", "sip:b@192.0.2.1"]
    worker.register("Contact: <sip:a@192.0.2.1>;expires=0")
    assert worker.contacts() == ["sip:b@192.0.2.1"]
    assert [name for name, _ in worker.hear()] == [
        "E_UL_AOR_INSERT", "E_UL_CONTACT_INSERT", "E_UL_CONTACT_INSERT", "E_UL_CONTACT_UPDATE", "E_UL_CONTACT_DELETE"]


def test_the_rules_of_registering_hold(office: Any) -> None:
    office.create()
    worker = office.open(ONLY, 'modparam("registrar", "max_contacts", 1)\nmodparam("usrloc", "desc_time_order", 1)')
    worker.register(CONTACT, cseq=5)
    assert worker.register(CONTACT, cseq=4).status == 400
    assert worker.register("Contact: <sip:b@192.0.2.1>").status == 503
    assert office.rows("contact", "cseq") == [("sip:a@192.0.2.1", 5)]


def test_contacts_end_with_their_time(office: Any) -> None:
    office.create()
    worker = office.open(ONLY)
    worker.register("Contact: <sip:a@192.0.2.1>;expires=60, <sip:b@192.0.2.1>;expires=90")
    office.add("sip:for-ever@192.0.2.1", expires=0)
    worker.pass_wall(59)
    worker.hear()
    worker.pass_wall(2)
    assert worker.contacts() == ["sip:for-ever@192.0.2.1", "sip:b@192.0.2.1"] and worker.table.has("alice@example.com")
    worker.pass_wall(60)
    assert [contact for _, _, contact in office.rows()] == ["sip:for-ever@192.0.2.1"]
    assert [name for name, _ in worker.hear()] == ["E_UL_CONTACT_DELETE"] * 2
    assert worker.counted("usrloc") == {"location-expires": 2}


def test_a_database_that_is_gone_is_an_error(office: Any, caplog: pytest.LogCaptureFixture) -> None:
    office.create()
    worker = office.open(ONLY, 'modparam("registrar", "retry_after", 30)', body="""
        if ($rm == "REGISTER") { if (!save("location")) $avp(never) = 1; exit; }
        lookup("location"); $avp(lookup) = $retcode;
        if (!is_registered("location", $ru)) $avp(asked) = "no";
        if (!remove("location", $ru)) $avp(removed) = "no";
        if (!remove_ip_port("192.0.2.1", 5060, "location")) $avp(removed) = "no";
        if (!ul_add_key("location", $ru, "a", "b")) $avp(key) = "no";
        if (!ul_get_key("location", $ru, "a", $avp(value))) $avp(key) = "no";""")
    worker.register(CONTACT)
    office.lose()
    answer = worker.register(CONTACT)
    assert (answer.status, answer.header("Retry-After")) == (500, "30")
    assert worker.call().avps == {"lookup": [-3], "asked": ["no"], "removed": ["no", "no"], "key": ["no", "no"]}
    for name, arguments in (("show_contact", ("location", "alice@example.com")), ("dump", ()), ("flush", ()),
                            ("rm", ("location", "alice@example.com"))):
        with pytest.raises(MIError, match=r"there is no file|did not answer"):
            worker.mi(f"usrloc:{name}", *arguments)
    worker.pass_wall(61)
    worker.network.sent.clear()  # a 100 for the call, which nobody has answered
    assert "expired contacts stay for now" in caplog.text
    office.find()
    assert worker.contacts() == ["sip:a@192.0.2.1"]
    assert worker.register(CONTACT).status == 200


def test_management(office: Any) -> None:
    office.create()
    worker = office.open(ONLY)
    worker.register(CONTACT)
    worker.mi("usrloc:add", "location", "bob@example.com", "sip:b@192.0.2.2", 60, "", 0, "0", 0)
    listed = worker.mi("usrloc:dump", "brief")["Domains"]
    assert [(each["name"], sorted(one["AOR"] for one in each["AORs"])) for each in listed] == [
        ("location", ["alice@example.com", "bob@example.com"])]
    assert worker.mi("usrloc:show_contact", "location", "bob@example.com")["Contacts"][0]["State"] == "CS_SYNC"
    worker.mi("usrloc:rm_contact", "location", "bob@example.com", "sip:b@192.0.2.2")
    worker.mi("usrloc:rm", "location", "alice@example.com")
    assert office.rows() == []
    with pytest.raises(MIError, match="Contacts already synced"):
        worker.mi("usrloc:sync", "location")
    assert {worker.statistics.get(f"usrloc:location-{kind}").value for kind in ("users", "contacts")} == {0}
    assert worker.usrloc.registered_users() == worker.table.users() == worker.table.contacts() == 0


def test_pairs(office: Any) -> None:
    office.create()
    worker = office.open(ONLY, body="""
        if ($rm == "REGISTER") { save("location"); exit; }
        ul_add_key("location", $ru, "a", "1"); ul_get_key("location", $ru, "a", $avp(got));""")
    assert worker.call().avps == {}
    worker.register(CONTACT)
    worker.register("Contact: <sip:b@192.0.2.1>;expires=600", call_id="other")
    assert worker.call().avps == {"got": ["1"]}
    assert office.rows("kv_store") == [('{"_urec_kvs": "{\\"a\\": \\"1\\"}"}',)] * 2
    worker.register("Contact: <sip:a@192.0.2.1>;expires=0")
    assert worker.table.keys("alice@example.com") == {"a": "1"} and worker.table.keys("bob@example.com") is None


def insert(contact: str) -> Any:
    return lambda record: record.insert(Binding(contact, id=5, call_id="c"))


def test_what_another_server_changes_meanwhile_is_seen(office: Any) -> None:
    office.create()
    table = office.open(ONLY).table
    table.apply("alice@example.com", insert("sip:a@x"))
    calls = []

    def edit(record: Any) -> list[int]:
        found, = record.bindings
        calls.append(found.cseq)
        if len(calls) == 1:
            office.database.update("location", {"cseq": 7}, {})
        record.update(found, Binding("sip:a@x", call_id="c", cseq=found.cseq + 1))
        return calls
    assert table.apply("alice@example.com", edit).result == [0, 7]
    assert office.rows("cseq") == [(8,)]


def test_whoever_never_succeeds_gives_up(office: Any) -> None:
    office.create()
    table = office.open(ONLY).table
    table.apply("alice@example.com", insert("sip:a@x"))
    calls = []

    def edit(record: Any) -> None:
        calls.append(1)
        office.database.update("location", {"cseq": 10 + len(calls)}, {})
        record.delete(record.bindings[0])
    with pytest.raises(Changed):
        table.apply("alice@example.com", edit)
    assert len(calls) == 5 and len(office.rows()) == 1


def test_pings_do_not_read_the_table_each_time(office: Any) -> None:
    office.create()
    table = office.open(ONLY).table
    table.apply("alice@example.com", insert("sip:a@x"))
    slots = [table.slot("alice@example.com")]
    assert [aor for aor, _ in table.records(slots)] == ["alice@example.com"]
    office.database.delete("location", {})
    assert len(list(table.records(slots))) == 1 and list(table.records([slots[0] ^ 1])) == []
    office.worker.wall += 11
    assert list(table.records(slots)) == [] and list(table.records()) == []


def test_names_that_are_equal_for_the_database_alone(office: Any) -> None:
    """MySQL compares without regard to case."""
    office.create()
    worker = office.open(ONLY)
    rows = worker.table.rows
    row = rows.values("alice@example.com", Binding("sip:a@x", id=5, expires=int(START) + 60), {})
    others = {**row, "username": "Alice", "contact_id": 6}
    found = worker.table.grouped([each.get(name) for name in rows.columns] for each in (row, others))
    assert sorted(found) == ["Alice@example.com", "alice@example.com"]


def test_identifiers_that_are_none(office: Any, caplog: pytest.LogCaptureFixture) -> None:
    office.create()
    worker = office.open(ONLY)
    office.add("sip:broken@x", contact_id=0, last_modified=timestamp(START))
    assert worker.contacts() == [] and "identifier that is none" in caplog.text

"""Which contacts there are after a start: those of the database, those in memory, and what wins."""
from __future__ import annotations

import logging
from typing import Any

import pytest

from opensips_py.db import timestamp
from opensips_py.modules.usrloc.mirror import HOLDER, LOADED
from opensips_py.state import directory
from tests.modules.place import START, Place

THROUGH, BACK = "single-instance-sql-write-through", "single-instance-sql-write-back"
NO_DB = "single-instance-no-db"
CONTACT = "Contact: <sip:a@192.0.2.1>;expires=600"
BOTH = pytest.mark.parametrize("mode", [THROUGH, BACK])


def registered(office: Any, mode: str) -> Any:
    """Alice has registered one contact, and the database knows."""
    office.create()
    worker = office.open(mode)
    worker.register(CONTACT, "User-Agent: Phone")
    worker.mi("usrloc:flush")
    assert office.marks() == 0 and len(office.rows()) == 1
    return worker


@BOTH
def test_an_empty_memory_is_filled(office: Any, mode: str) -> None:
    registered(office, mode)
    for each in office.folder.glob("state.mdb*"):
        each.unlink()
    worker = office.open(mode)
    binding, = worker.bindings()
    assert (binding.contact, binding.user_agent, binding.expires) == ("sip:a@192.0.2.1", "Phone", START + 600)
    assert binding.id == office.rows("contact_id")[0][0]
    assert office.marks() == 0 and worker.hear() == []


@BOTH
def test_after_a_reboot_memory_is_rebuilt(office: Any, mode: str) -> None:
    """The machine went down: what lies in the state directory is not used."""
    assert directory.begin(office.folder, "first boot") == ""
    registered(office, mode)
    office.worker.environment.close()
    assert "starts empty" in directory.begin(office.folder, "second boot")
    assert not list(office.folder.glob("state.mdb"))
    assert office.open(mode).contacts() == ["sip:a@192.0.2.1"]


@pytest.mark.parametrize(("mode", "seconds", "agent"), [
    (THROUGH, -100, "theirs"), (THROUGH, 100, "theirs"), (BACK, -100, "Phone"), (BACK, 100, "theirs")])
def test_write_through_believes_the_database_and_write_back_the_newer(office: Any, mode: str, seconds: int,
                                                                      agent: str) -> None:
    registered(office, mode)
    office.database.update("location", {"user_agent": "theirs", "last_modified": timestamp(START + seconds)}, {})
    worker = office.open(mode)
    assert [each.user_agent for each in worker.bindings()] == [agent]


@pytest.mark.parametrize(("mode", "contacts"), [(THROUGH, []), (BACK, ["sip:a@192.0.2.1"])])
def test_a_contact_whose_row_somebody_has_deleted(office: Any, mode: str, contacts: list[str]) -> None:
    registered(office, mode)
    office.database.delete("location", {})
    worker = office.open(mode)
    assert worker.contacts() == contacts == [contact for _, _, contact in office.rows()]


@BOTH
def test_a_contact_that_somebody_has_added(office: Any, mode: str) -> None:
    registered(office, mode)
    office.add("sip:b@192.0.2.1", last_modified=timestamp(START - 1000))
    assert sorted(office.open(mode).contacts()) == ["sip:a@192.0.2.1", "sip:b@192.0.2.1"]


@BOTH
def test_what_the_database_has_not_been_told_wins(office: Any, mode: str) -> None:
    worker = registered(office, mode)
    worker.register("Contact: <sip:gone@192.0.2.1>;expires=600")
    worker.mi("usrloc:flush")
    office.lose()
    worker.register(CONTACT, "User-Agent: Newer")
    worker.register("Contact: <sip:new@192.0.2.1>;expires=600", call_id="other")
    worker.register("Contact: <sip:gone@192.0.2.1>;expires=0")
    office.find()
    assert office.marks() == 1 and ("alice", "example.com", "sip:gone@192.0.2.1") in office.rows()
    worker.registry.stop = lambda *_: None  # killed: there are no last words
    worker = office.open(mode)
    assert {each.contact: each.user_agent for each in worker.bindings()} == {
        "sip:a@192.0.2.1": "Newer", "sip:new@192.0.2.1": ""}
    assert office.rows("contact", "user_agent") == [("sip:a@192.0.2.1", "Newer"), ("sip:new@192.0.2.1", "n/a")]
    assert office.marks() == 0


def test_a_start_does_not_wait_until_the_database_knows(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = registered(office, BACK)
    office.lose()
    worker.register("Contact: <sip:new@192.0.2.1>;expires=600", call_id="other")
    office.find()
    worker.registry.stop = lambda *_: None  # killed
    later: list[Any] = []
    monkeypatch.setattr(Place, "spawn", lambda self, function, *arguments: later.append((function, arguments)))
    worker = office.open(BACK)
    assert worker.table.words.load(LOADED) and len(worker.contacts()) == 2
    assert office.marks() == 1 and len(office.rows()) == 1, "calls are served meanwhile"
    for function, arguments in later:
        function(*arguments)
    assert office.marks() == 0 and len(office.rows()) == 2


def test_no_db_reads_no_database(office: Any) -> None:
    office.create()
    office.add("sip:b@192.0.2.1")
    worker = office.open(NO_DB)
    worker.register(CONTACT)
    worker = office.open(NO_DB)
    assert worker.contacts() == ["sip:a@192.0.2.1"] and len(office.rows()) == 1


def test_a_database_that_is_only_read(office: Any) -> None:
    office.create()
    office.add("sip:b@192.0.2.1")
    office.add("sip:over@192.0.2.1", contact_id=78, expires=int(START) - 10)
    settings = ('modparam("usrloc", "restart_persistency", "load-from-sql")\n'
                'modparam("usrloc", "sql_write_mode", "none")')
    worker = office.open_with(settings)
    assert worker.contacts() == ["sip:b@192.0.2.1"]
    worker.register(CONTACT)
    worker.mi("usrloc:flush")
    assert len(office.rows()) == 2 and office.marks() == 0
    assert sorted(office.open_with(settings).contacts()) == ["sip:a@192.0.2.1", "sip:b@192.0.2.1"]


@BOTH
def test_rows_that_have_expired_go(office: Any, mode: str) -> None:
    registered(office, mode)
    office.add("sip:over@192.0.2.1", expires=int(START) - 1)
    office.add("sip:for-ever@192.0.2.1", contact_id=78, expires=0)
    worker = office.open(mode)
    assert sorted(worker.contacts()) == ["sip:a@192.0.2.1", "sip:for-ever@192.0.2.1"]
    assert [contact for _, _, contact in office.rows()] == ["sip:a@192.0.2.1", "sip:for-ever@192.0.2.1"]


@BOTH
def test_tables_of_2_1(office: Any, mode: str) -> None:
    office.create("2.1")
    worker = office.open(mode, 'modparam("usrloc", "use_domain", 1)', dialect="2.1")
    worker.register(CONTACT, "User-Agent: Phone")
    worker.register("Contact: <sip:b@192.0.2.1>;expires=600", call_id="other")
    worker.register("Contact: <sip:b@192.0.2.1>;expires=0", call_id="other")
    worker.register(CONTACT, call_id="third")
    worker.mi("ul_flush")
    assert office.rows("username", "domain", "contact", "callid") == [
        ("alice", "example.com", "sip:a@192.0.2.1", "third")]
    first, = worker.bindings()
    worker = office.open(mode, 'modparam("usrloc", "use_domain", 1)', dialect="2.1")
    again, = worker.bindings()
    assert (again.contact, again.expires, again.id) == (first.contact, first.expires, first.id)
    for each in office.folder.glob("state.mdb*"):
        each.unlink()
    worker = office.open(mode, 'modparam("usrloc", "use_domain", 1)', dialect="2.1")
    again, = worker.bindings()
    assert (again.contact, again.expires) == (first.contact, first.expires) and again.id > 0


def test_the_form_of_a_table_counts_and_not_the_dialect(office: Any) -> None:
    office.create("2.1")
    worker = office.open(THROUGH)
    worker.register(CONTACT)
    assert office.rows("username", "expires") == [("alice", str(timestamp(START + 600)))]


@pytest.mark.parametrize("regenerate", [0, 1])
def test_identifiers_that_are_none(office: Any, regenerate: int, caplog: pytest.LogCaptureFixture) -> None:
    office.create()
    office.add("sip:broken@192.0.2.1", contact_id=0)
    caplog.set_level(logging.INFO)
    worker = office.open(THROUGH, f'modparam("usrloc", "regen_broken_contactid", {regenerate})')
    assert worker.contacts() == ["sip:broken@192.0.2.1"] * regenerate
    found, = office.rows("contact_id")
    assert (found[0] > 0) == bool(regenerate)
    assert ("1 contacts have an identifier that is none" in caplog.text) != bool(regenerate)
    if regenerate:
        assert worker.bindings()[0].id == found[0]


def test_a_row_that_holds_what_no_contact_has_leaves_the_others_alone(office: Any, caplog: pytest.LogCaptureFixture,
                                                                      ) -> None:
    office.create()
    office.add("sip:a@192.0.2.1", contact_id=1)
    office.add("sip:b@192.0.2.1", contact_id=2, cseq="many")
    office.add("sip:c@192.0.2.1", contact_id=3, last_modified="some time")
    office.add("sip:d@192.0.2.1", contact_id=4)
    assert sorted(office.open(THROUGH).contacts()) == ["sip:a@192.0.2.1", "sip:d@192.0.2.1"]
    assert "2 rows hold what no contact has" in caplog.text and len(office.rows()) == 4


def test_branch_flags_are_known_by_name(office: Any) -> None:
    office.create()
    office.add("sip:b@192.0.2.1", cflags="NAT UNKNOWN 3")
    worker = office.open(THROUGH, 'modparam("usrloc", "nat_bflag", "NAT")')
    assert worker.bindings()[0].cflags == 1 << worker.usrloc.nat_bflag | 8
    worker.register(CONTACT)
    assert office.rows("contact", "cflags")[1] == ("sip:b@192.0.2.1", "NAT UNKNOWN 3")


def test_pairs_come_back(office: Any) -> None:
    office.create()
    settings = 'if ($rm == "REGISTER") { save("location"); ul_add_key("location", "alice@example.com", "k", "v"); }'
    worker = office.open(BACK, body=settings)
    worker.register(CONTACT)
    worker.mi("usrloc:flush")
    assert office.rows("kv_store") == [('{"_urec_kvs": "{\\"k\\": \\"v\\"}"}',)]
    for each in office.folder.glob("state.mdb*"):
        each.unlink()
    assert office.open(BACK).table.keys("alice@example.com") == {"k": "v"}


def test_many_rows_are_read_in_pages(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opensips_py.modules.usrloc.loading.PAGE", 7)
    monkeypatch.setattr("opensips_py.modules.usrloc.loading.PIECE", 3)
    database = office.create()
    database.insert_many("location", ("contact_id", "username", "domain", "contact", "expires", "last_modified"), [
        (number, f"user{number % 10}", "example.com", f"sip:{number}@x", int(START) + 60, timestamp(START))
        for number in range(1, 51)])
    worker = office.open(THROUGH)
    assert (worker.table.users(), worker.table.contacts()) == (10, 50)
    assert len(worker.contacts("user3@example.com")) == 5


def test_a_table_is_read_once(office: Any) -> None:
    worker = registered(office, BACK)
    words = worker.table.words
    assert (words.load(LOADED), words.load(HOLDER)) == (1, 0)
    office.database.update("location", {"user_agent": "theirs", "last_modified": timestamp(START + 5)}, {})
    worker.usrloc.first_reading()
    assert worker.bindings()[0].user_agent == "Phone"


def test_a_table_that_the_script_does_not_name_is_read_when_it_is_used(office: Any) -> None:
    database = office.create()
    database.query("CREATE TABLE phones AS SELECT * FROM location")
    database.insert("version", {"table_name": "phones", "table_version": 1013})
    database.insert("phones", {"contact_id": 5, "username": "bob", "domain": "example.com", "contact": "sip:b@x",
                               "expires": int(START) + 60, "cseq": 1, "last_modified": timestamp(START)})
    worker = office.open(THROUGH)
    assert [each.name for each in worker.usrloc.tables()] == ["location"]
    assert [each.contact for each in worker.usrloc.table("phones").find("bob@example.com")] == ["sip:b@x"]


def test_nobody_tells_the_database_while_it_is_read(office: Any) -> None:
    worker = registered(office, THROUGH)
    worker.table.words.store(HOLDER, 1)  # process 1 is always there
    assert worker.register("Contact: <sip:b@192.0.2.1>;expires=600").status == 200
    assert len(office.rows()) == 1 and office.marks() == 1
    worker.table.words.store(HOLDER, 0)
    worker.mi("usrloc:flush")
    assert len(office.rows()) == 2 and office.marks() == 0

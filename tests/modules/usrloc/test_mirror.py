"""Changes in memory that an SQL database is told."""
from __future__ import annotations

from typing import Any

import pytest

from opensips_py.db import Hindered, QueryError, Unavailable
from opensips_py.errors import MIError
from opensips_py.modules.usrloc.mirror import HOLDER

CONTACT = "Contact: <sip:a@192.0.2.1>;q=0.5;expires=600"
ROW = ("alice", "example.com", "sip:a@192.0.2.1")
THROUGH, BACK = "single-instance-sql-write-through", "single-instance-sql-write-back"


@pytest.mark.parametrize("mode", [THROUGH, "1"])
def test_write_through_tells_before_it_answers(office: Any, mode: str) -> None:
    office.create()
    worker = office.open(mode)
    assert worker.register(CONTACT, "User-Agent: Phone").status == 200
    assert office.rows() == [ROW] and office.marks() == 0
    assert worker.register(CONTACT, "User-Agent: Other").status == 200
    assert office.rows("user_agent", "cseq") == [("Other", 2)]
    worker.register("Contact: *", "Expires: 0")
    assert office.rows() == []


@pytest.mark.parametrize("mode", [BACK, "2"])
def test_write_back_tells_with_the_timer(office: Any, mode: str) -> None:
    office.create()
    worker = office.open(mode, 'modparam("usrloc", "timer_interval", 10)')
    worker.register(CONTACT)
    assert office.rows() == [] and office.marks() == 1
    worker.pass_wall(11)
    assert office.rows() == [ROW] and office.marks() == 0
    worker.register("Contact: *", "Expires: 0")
    assert office.rows() == [ROW]
    worker.pass_wall(10)
    assert office.rows() == [] and office.marks() == 0


def test_a_database_that_is_gone_changes_no_answer(office: Any, caplog: pytest.LogCaptureFixture) -> None:
    """As upstream: what is in memory counts, and the database is told later."""
    office.create()
    worker = office.open(THROUGH)
    worker.register(CONTACT)
    office.lose()
    assert worker.register("Contact: <sip:b@192.0.2.1>;expires=600").status == 200
    assert worker.register("Contact: <sip:a@192.0.2.1>;expires=0").status == 200
    assert worker.contacts() == ["sip:b@192.0.2.1"] and office.marks() == 1
    assert "changes are kept until it can be told" in caplog.text
    office.find()
    assert office.rows() == [ROW]
    worker.pass_wall(6)
    assert office.rows() == [("alice", "example.com", "sip:b@192.0.2.1")] and office.marks() == 0


def test_a_database_that_is_not_there_at_the_start(office: Any, caplog: pytest.LogCaptureFixture) -> None:
    office.create()
    office.add("sip:b@192.0.2.1")
    office.file.rename(office.file.with_suffix(".gone"))
    worker = office.open(THROUGH)
    assert "it is read when the database answers" in caplog.text
    assert worker.register(CONTACT).status == 200 and worker.contacts() == ["sip:a@192.0.2.1"]
    office.find()
    worker.pass_wall(6)
    assert sorted(worker.contacts()) == ["sip:a@192.0.2.1", "sip:b@192.0.2.1"]
    assert [contact for _, _, contact in office.rows()] == ["sip:a@192.0.2.1", "sip:b@192.0.2.1"]


def test_the_database_is_told_when_the_server_ends(office: Any) -> None:
    office.create()
    worker = office.open(BACK)
    worker.register(CONTACT)
    worker.registry.stop()
    assert office.rows() == [ROW]


def test_a_generation_that_is_over_leaves_that_to_the_next(office: Any) -> None:
    office.create()
    worker = office.open(BACK)
    worker.register(CONTACT)
    worker.generation = office  # another one
    office.registry = None
    worker.registry.stop()
    assert office.rows() == []


@pytest.mark.parametrize(("at_most", "statements"), [("", 3), ('modparam("usrloc", "max_contact_delete", 2)', 12)])
def test_one_statement_takes_so_many_contacts_out(office: Any, at_most: str, statements: int) -> None:
    office.create()
    worker = office.open(BACK, at_most)
    for number in range(24):
        worker.register("Contact: <sip:a@192.0.2.1>;expires=60", user=f"u{number}", call_id=f"c{number}")
    worker.mi("usrloc:flush")
    assert len(office.rows()) == 24
    said: list[str] = []
    office.used.run(lambda session: session.raw.set_trace_callback(said.append))
    worker.pass_wall(120)
    assert office.rows() == [] and worker.table.users() == 0
    assert len([each for each in said if each.startswith("DELETE")]) == statements


def test_contacts_of_this_machine_alone_are_not_told(office: Any) -> None:
    office.create()
    worker = office.open(THROUGH, body='if ($hdr(Only) == "memory") save("location", "memory-only"); '
                                       'else save("location");')
    worker.register(CONTACT, "Only: memory")
    assert office.rows() == [] and worker.contacts() == ["sip:a@192.0.2.1"]
    worker.register(CONTACT)
    assert office.rows() == [ROW]
    worker.register(CONTACT, "Only: memory")
    assert office.rows() == [] and worker.contacts() == ["sip:a@192.0.2.1"]
    assert office.open(THROUGH).contacts() == ["sip:a@192.0.2.1"]


def test_the_domain_is_a_column_of_its_own_only_where_it_counts(office: Any) -> None:
    office.create()
    worker = office.open(THROUGH, 'modparam("usrloc", "use_domain", 0)')
    worker.register(CONTACT)
    assert office.rows() == [("alice", None, "sip:a@192.0.2.1")]
    assert office.open(THROUGH, 'modparam("usrloc", "use_domain", 0)').contacts("alice") == ["sip:a@192.0.2.1"]


COLUMNS = {"contact_id": "i", "user": "u", "domain": "d", "contact": "c", "expires": "e", "q": "qq", "callid": "ci",
           "cseq": "cs", "methods": "m", "flags": "f", "cflags": "cf", "user_agent": "ua", "received": "r",
           "socket": "s", "path": "p", "sip_instance": "si", "kv_store": "kv", "attr": "at"}


def test_columns_may_have_other_names(office: Any) -> None:
    database = office.create()
    for name, other in COLUMNS.items():
        database.query(f"ALTER TABLE location RENAME COLUMN {name + 'name' * (name == 'user')} TO {other}")
    worker = office.open(THROUGH, "\n".join(f'modparam("usrloc", "{name}_column", "{other}")'
                                            for name, other in COLUMNS.items()))
    worker.register(CONTACT, "User-Agent: Phone")
    assert office.rows("u", "d", "c", "ua", "s") == [(*ROW, "Phone", "udp:192.0.2.9:5060")]
    assert office.open(THROUGH, "\n".join(f'modparam("usrloc", "{name}_column", "{other}")'
                                          for name, other in COLUMNS.items())).contacts() == ["sip:a@192.0.2.1"]


def test_what_the_database_refuses_holds_up_nobody_else(office: Any, caplog: pytest.LogCaptureFixture) -> None:
    database = office.create()
    database.query("CREATE TRIGGER no BEFORE INSERT ON location WHEN NEW.username = 'bad' "
                   "BEGIN SELECT RAISE(ABORT, 'not that one'); END")
    worker = office.open(BACK)
    for user in ("alice", "bad", "carol"):
        worker.register(CONTACT, user=user, call_id=user)
    worker.mi("usrloc:flush")
    assert [user for user, _, _ in office.rows()] == ["alice", "carol"] and office.marks() == 1
    assert "not that one" in caplog.text
    worker.pass_wall(61)
    assert caplog.text.count("not that one") == 1, "it is not tried again"
    database.query("DROP TRIGGER no")
    worker.pass_wall(61)
    assert office.marks() == 1
    worker.mi("usrloc:flush")
    assert len(office.rows()) == 3 and office.marks() == 0


def test_a_table_of_another_version_is_told_nothing(office: Any, caplog: pytest.LogCaptureFixture) -> None:
    database = office.create()
    worker = office.open(THROUGH)
    database.update("version", {"table_version": 1}, {"table_name": "location"})
    worker.usrloc.mirror.follow(worker.usrloc.settings)
    assert worker.register(CONTACT).status == 200
    assert office.rows() == [] and office.marks() == 1 and "version 1, where 1009 or 1013 is known" in caplog.text


def test_nothing_that_is_registered_becomes_sql(office: Any) -> None:
    office.create()
    worker = office.open(THROUGH)
    evil = "x'); DELETE FROM location; --"
    worker.register(CONTACT)
    worker.register(f"Contact: <sip:b@192.0.2.1;a={evil.replace(' ', '%20').replace(';', '%3b')}>;expires=600",
                    f"User-Agent: {evil}", call_id=evil.replace(" ", ""))
    assert sorted(each[0] for each in office.rows("user_agent")) == sorted(["n/a", evil])


def test_states_of_contacts(office: Any) -> None:
    office.create()
    worker = office.open(BACK)

    def states() -> list[str]:
        listed = worker.mi("usrloc:show_contact", "location", "alice@example.com")["Contacts"]
        return [each["State"] for each in listed]
    worker.register(CONTACT)
    assert states() == ["CS_NEW"]
    worker.mi("usrloc:flush")
    assert states() == ["CS_SYNC"]
    worker.register(CONTACT)
    worker.register("Contact: <sip:b@192.0.2.1>;q=0.1;expires=600", call_id="other")
    assert states() == ["CS_DIRTY", "CS_NEW"]


@pytest.mark.parametrize("name", ["usrloc:sync", "ul_sync"])
@pytest.mark.parametrize("mode", [THROUGH, BACK])
@pytest.mark.parametrize(("aor", "left"), [("", ["alice", "carol"]), ("alice@example.com", ["alice", "bob"])])
def test_synchronize(office: Any, name: str, mode: str, aor: str, left: list[str]) -> None:
    office.create()
    worker = office.open(mode)
    for user in ("alice", "carol"):
        worker.register(CONTACT, user=user, call_id=user)
    worker.mi("usrloc:flush")
    office.database.delete("location", {"username": "carol"})
    office.add("sip:stale@192.0.2.1", username="bob")
    office.database.update("location", {"user_agent": "theirs"}, {"username": "alice"})
    assert worker.mi(name, "location", *([aor] if aor else [])) == "OK"
    assert [user for user, _, _ in office.rows()] == left and office.marks() == 0
    assert ("alice", "n/a") in office.rows("username", "user_agent")


def test_synchronize_needs_a_database_that_answers(office: Any) -> None:
    office.create()
    worker = office.open(BACK)
    worker.register(CONTACT)
    worker.table.words.store(1, 1)
    with pytest.raises(MIError, match="read or synchronized already"):
        worker.mi("usrloc:sync", "location")
    worker.table.words.store(1, 0)
    office.lose()
    with pytest.raises(MIError, match="there is no file"):
        worker.mi("usrloc:sync", "location")
    assert office.marks() == 1


@pytest.mark.parametrize("outcome", [True, False])
def test_what_may_have_been_carried_out_is_remembered(office: Any, monkeypatch: pytest.MonkeyPatch,
                                                      outcome: bool) -> None:
    office.create()
    worker = office.open(THROUGH)

    def lost(*_: Any, **__: Any) -> None:
        raise Unavailable("lost in the middle", outcome=outcome)
    monkeypatch.setattr(worker.usrloc.mirror, "write", lost)
    worker.register(CONTACT)
    assert worker.table.marks.find(worker.table.key("alice@example.com")).unsure != outcome
    worker.register("Contact: <sip:a@192.0.2.1>;expires=0")
    assert office.marks() == (0 if outcome else 1)


class Faulty:
    """Stands where the mirror writes: fails as *errors* say, one after the other, then writes."""

    def __init__(self, worker: Any, *errors: Exception, most: int = 1000) -> None:
        self.mirror, self.errors, self.most = worker.usrloc.mirror, list(errors), most
        self.write, self.mirror.write = self.mirror.write, self
        self.sizes: list[int] = []

    def __call__(self, table: Any, claimed: Any) -> None:
        self.sizes.append(len(claimed))
        if self.errors:
            raise self.errors.pop(0)
        if len(claimed) > self.most:
            raise Unavailable("it takes longer than that", outcome=False)
        self.write(table, claimed)


@pytest.mark.parametrize("error", [
    Hindered("a deadlock"), Unavailable("slow", outcome=False), Unavailable("all connections are busy")])
@pytest.mark.parametrize("mode", [THROUGH, BACK])
def test_what_could_not_be_told_is_told_a_moment_later(office: Any, mode: str, error: Exception) -> None:
    """The database is up: nobody has noticed anything that would have it asked again."""
    office.create()
    worker = office.open(mode, 'modparam("usrloc", "timer_interval", 600)')
    faulty = Faulty(worker, error, error)
    worker.register(CONTACT)
    worker.mi("usrloc:flush")
    assert office.rows() == [] and office.marks() == 1
    worker.pass_wall(4)
    assert office.rows() == [ROW] and office.marks() == 0 and not faulty.errors


def test_what_is_marked_in_slots_of_others_is_told_when_the_database_is_back(office: Any) -> None:
    office.create()
    worker = office.open(THROUGH, 'modparam("usrloc", "timer_interval", 600)')
    worker.usrloc.services.slots.owned_by = lambda worker: []
    Faulty(worker, Unavailable("gone"))
    worker.register(CONTACT)
    worker.pass_wall(3)
    assert office.rows() == [ROW]


def test_more_than_a_slow_database_manages_at_once_is_told_in_smaller_pieces(office: Any) -> None:
    office.create()
    worker = office.open(BACK, 'modparam("usrloc", "timer_interval", 600)')
    for number in range(40):
        worker.register("Contact: <sip:a@192.0.2.1>;expires=6000", user=f"u{number}", call_id=f"c{number}")
    faulty = Faulty(worker, most=8)
    worker.mi("usrloc:flush")
    worker.pass_wall(20)
    assert len(office.rows()) == 40 and office.marks() == 0
    assert faulty.sizes[0] == 40 and len(faulty.sizes) < 20


def test_while_somebody_reads_nothing_is_told_and_soon_after_all_is(office: Any) -> None:
    office.create()
    worker = office.open(THROUGH, 'modparam("usrloc", "timer_interval", 600)')
    worker.table.words.store(HOLDER, 1)  # process 1 is always there
    worker.register(CONTACT)
    assert office.rows() == []
    worker.table.words.store(HOLDER, 0)
    worker.pass_wall(2)
    assert office.rows() == [ROW]


def test_one_that_is_refused_and_a_database_that_goes_then(office: Any) -> None:
    """Of several, one is not accepted; while each is told by itself, the database goes: nothing stays claimed."""
    office.create()
    worker = office.open(BACK, 'modparam("usrloc", "timer_interval", 600)')
    for user in ("alice", "bob", "carol"):
        worker.register(CONTACT, user=user, call_id=user)
    faulty = Faulty(worker, QueryError("one of them"), QueryError("this one"), Unavailable("gone", outcome=False))
    worker.mi("usrloc:flush")
    assert faulty.sizes == [3, 1, 1] and office.marks() == 3
    worker.pass_wall(2)
    assert len(office.rows()) == 2 and office.marks() == 1
    worker.mi("usrloc:flush")
    assert len(office.rows()) == 3


def test_whatever_goes_wrong_the_database_is_asked_again(office: Any) -> None:
    office.create()
    worker = office.open(THROUGH, 'modparam("usrloc", "timer_interval", 600)')
    Faulty(worker, Unavailable("gone"), RuntimeError("who knows"))
    worker.register(CONTACT)
    worker.pass_wall(1.5)
    assert office.rows() == []
    worker.pass_wall(2)
    assert office.rows() == [ROW] and office.marks() == 0

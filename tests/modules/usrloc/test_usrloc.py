"""usrloc as scripts and other modules see it: parameters, events, observers, expiry, key/value pairs."""
from __future__ import annotations

from typing import Any

import pytest

from opensips_py.module.run import Route
from opensips_py.modules.usrloc import Kind, MemoryTable
from opensips_py.state._bindings import Binding, unpack
from opensips_py.transport import LoopEnd
from tests.modules.place import START, Place

CONTACT = "Contact: <sip:a@192.0.2.1>;q=0.7"


def test_events_of_4_0(place: Any) -> None:  # where flags count in the order in which the script names them
    worker = place('$avp(attr) = "x"; resetbflag("FIRST"); setbflag("SECOND"); save("location", "", , "vip");',
                   'modparam("registrar", "attr_avp", "$avp(attr)")')
    worker.register(CONTACT, "User-Agent: Phone", "Expires: 100")
    told = {"domain": "location", "aor": "alice@example.com", "uri": "sip:a@192.0.2.1", "received": None, "path": None,
            "qval": 700, "user_agent": "Phone", "socket": "udp:192.0.2.9:5060", "bflags": 2, "expires": START + 100,
            "callid": "call-1", "cseq": 1, "attr": "x", "latency": 0, "shtag": "vip"}
    aor = {"domain": "location", "aor": "alice@example.com"}
    assert worker.hear() == [("E_UL_AOR_INSERT", aor), ("E_UL_CONTACT_INSERT", told)]
    worker.register(CONTACT, "User-Agent: Phone", "Expires: 200")
    assert worker.hear() == [("E_UL_CONTACT_UPDATE", told | {"cseq": 2, "expires": START + 200})]
    worker.register("Contact: *", "Expires: 0")
    assert worker.hear() == [("E_UL_CONTACT_DELETE", told | {"cseq": 2, "expires": START + 200}),
                             ("E_UL_AOR_DELETE", aor)]


def test_events_of_2_1(place: Any) -> None:
    worker = place(dialect="2.1")
    worker.register(CONTACT)
    worker.register("Contact: *", "Expires: 0")
    told = {"aor": "alice", "address": "sip:a@192.0.2.1", "received": "", "callid": "call-1", "cseq": 1}
    assert worker.hear() == [
        ("E_UL_AOR_INSERT", {"aor": "alice"}), ("E_UL_CONTACT_INSERT", told), ("E_UL_CONTACT_DELETE", told),
        ("E_UL_AOR_DELETE", {"aor": "alice"})]


def test_the_order_of_2_1(place: Any) -> None:
    worker = place(dialect="2.1")
    worker.register(CONTACT)
    assert list(worker.hear()[1][1]) == ["address", "aor", "callid", "received", "cseq"]


def test_nothing_is_told_where_nobody_listens(place: Any) -> None:
    worker = place()
    worker.events._routed = lambda name: False
    worker.register(CONTACT)
    assert worker.hear() == []


def test_observers_hear_what_is_committed(place: Any) -> None:
    worker = place()
    heard: list[Any] = []
    worker.usrloc.observe(lambda each: heard.append((each.kind, each.aor, len(worker.contacts()))))
    worker.register(CONTACT)
    worker.register(CONTACT)
    worker.register(CONTACT, "Expires: 0")
    told = [(Kind.AOR_INSERT, 1), (Kind.INSERT, 1), (Kind.UPDATE, 1), (Kind.DELETE, 0), (Kind.AOR_DELETE, 0)]
    assert heard == [(kind, "alice@example.com", count) for kind, count in told]


def test_expired_contacts_leave_with_the_timer(place: Any) -> None:
    worker = place(settings='modparam("usrloc", "timer_interval", 10)')
    worker.register("Contact: <sip:a@192.0.2.1>;expires=60, <sip:b@192.0.2.1>;expires=90")
    worker.register("Contact: <sip:c@192.0.2.1>;expires=60", user="bob", call_id="call-b")
    worker.hear()
    worker.pass_wall(59)
    assert worker.hear() == []
    worker.pass_wall(11)
    assert sorted(name[5:] for name, _ in worker.hear()) == ["AOR_DELETE", "CONTACT_DELETE", "CONTACT_DELETE"]
    assert worker.counted("usrloc") == {"location-users": 1, "location-contacts": 1, "location-expires": 2,
                                        "registered_users": 1}
    worker.statistics.get("usrloc:location-expires").reset()
    worker.pass_wall(60)
    assert worker.counted("usrloc") == {"location-expires": 1}


def test_each_worker_takes_out_what_is_in_its_slots(place: Any) -> None:
    worker = place()
    for number in range(20):
        worker.register("Contact: <sip:a@192.0.2.1>;expires=60", user=f"u{number}", call_id=f"call-{number}")
    names = {f"u{number}@example.com" for number in range(20)}
    worker.slots.owners[:] = [slot % 2 for slot in range(1024)]
    worker.wall += 61
    worker.usrloc.collect_expired()
    assert {name for name, _ in worker.table.records()} == {each for each in names if worker.table.slot(each) % 2}
    worker.index = 1
    worker.usrloc.collect_expired()
    assert worker.table.users() == 0


@pytest.mark.parametrize("setting", ['"timer_interval", 0', '"cseq_delay", -1'])
def test_values_that_cannot_be_meant(place: Any, setting: str) -> None:
    with pytest.raises(AssertionError):
        place(settings=f'modparam("usrloc", {setting})')


@pytest.mark.parametrize("setting", ['"hash_size", 17', '"matching_mode", 2'])
def test_values_out_of_range(place: Any, setting: str) -> None:
    with pytest.raises(Exception, match="a number from"):
        place(settings=f'modparam("usrloc", {setting})')


def with_keys(place: Any, statements: str) -> Any:
    worker: Place = place(f'if ($rm == "REGISTER") {{ save("location"); exit; }}\n{statements}')
    worker.register(CONTACT)
    return worker


def test_keys_are_kept_with_an_address_of_record(place: Any) -> None:
    worker = with_keys(place, 'if (ul_get_key("location", "alice@example.com", "route", $avp(got))) $avp(rc) = 1;\n'
                              '$avp(rc) = ul_add_key("location", $ru, "route", "<sip:x>");')
    assert worker.call().avps.get("got") is None
    assert worker.call().avps["got"] == ["<sip:x>"]
    worker.register(CONTACT)
    assert worker.call().avps["got"] == ["<sip:x>"]
    worker.register("Contact: *", "Expires: 0")
    worker.register(CONTACT)
    assert worker.call().avps.get("got") is None


@pytest.mark.parametrize("way", ['ul_del_key("location", $ru, "a")', 'ul_add_key("location", $ru, "a")',
                                 'ul_add_key("location", $ru, "a", "")'])
def test_keys_can_be_taken_out(place: Any, way: str) -> None:
    worker = with_keys(place, f'ul_add_key("location", $ru, "a", "1"); ul_add_key("location", $ru, "b", "2");\n{way};\n'
                              'ul_get_key("location", $ru, "a", $avp(a)); ul_get_key("location", $ru, "b", $avp(b));')
    run = worker.call()
    assert (run.avps.get("a"), run.avps["b"]) == (None, ["2"])


def test_keys_need_a_registration(place: Any) -> None:
    worker = with_keys(place, 'if (!ul_add_key("location", $ru, "a", "1")) $avp(no) = "add";\n'
                              'if (!ul_get_key("location", $ru, "a", $avp(x))) $avp(no) = "get";\n'
                              'if (!ul_del_key("location", $ru, "a")) $avp(no) = "del";')
    assert worker.call("sip:nobody@example.com").avps["no"] == ["del", "get", "add"]


def test_keys_can_be_used_in_any_route(place: Any) -> None:
    worker = place(routes='timer_route[t, 60] { ul_add_key("location", "alice@example.com", "a", "1"); }')
    worker.register(CONTACT)
    worker.run_on(None, Route.TIMER, "t")
    assert worker.table.keys("alice@example.com") == {"a": "1"}


@pytest.mark.parametrize(("setting", "awaited"), [
    ('"contact_refresh_timer", 1', "event_routing"), ('"location_cluster", 1', "clusterer")])
def test_parameters_of_modules_that_are_not_there_name_them(place: Any, setting: str, awaited: str) -> None:
    with pytest.raises(Exception, match=f"waits for module {awaited}"):
        place(settings=f'modparam("usrloc", {setting})')


def test_a_table_that_another_worker_has_made_is_known(place: Any) -> None:
    worker = place()
    other = MemoryTable("subscriber", worker.environment, worker.slots, 1)  # as that worker would, in the same file
    other.apply("bob@example.com", lambda record: record.insert(Binding("sip:bob@192.0.2.9")))
    assert worker.usrloc.registered_users() == 1
    assert [each.name for each in worker.usrloc.tables()] == ["location", "subscriber"]


def test_a_registration_that_somebody_hears_of_is_committed_first(place: Any) -> None:
    worker = place()
    loop_end = LoopEnd()
    worker.environment.write_alone(loop_end)
    found: list[bool] = []

    def observe(happened: Any) -> None:
        with worker.environment._env.begin(db=worker.environment.database("bindings:location")) as transaction:
            found.append(transaction.get(worker.table.key("alice@example.com")) is not None)

    worker.usrloc.observe(observe)
    worker.register(CONTACT)
    assert found and all(found)
    loop_end.close()


def test_an_answer_leaves_once_its_registration_is_committed(place: Any) -> None:
    worker = place()
    loop_end = LoopEnd()
    worker.environment.write_alone(loop_end)
    worker.usrloc.is_heard = False
    worker.register(CONTACT)
    database = worker.environment.database("bindings:location")
    worker.register(CONTACT)

    def is_committed() -> bool:
        with worker.environment._env.begin(db=database) as transaction:
            stored = transaction.get(worker.table.key("alice@example.com"))
        return unpack(stored)[0].cseq == 2

    assert [each.cseq for each in worker.table.find("alice@example.com")] == [2]  # what this turn has written is seen
    assert not is_committed()
    loop_end.flush()
    assert is_committed()
    loop_end.close()

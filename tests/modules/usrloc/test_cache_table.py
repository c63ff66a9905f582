"""Contacts in a key-value store that servers share."""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from opensips_py.errors import MIError
from opensips_py.module import CacheError
from opensips_py.modules.usrloc.cache_table import FOR_EVER, CacheTable
from opensips_py.state._bindings import Binding
from tests.modules.place import START

CONTACT = "Contact: <sip:a@192.0.2.1>;q=0.5;expires=600"
BODY = """
    if ($rm == "REGISTER") { if (!save("location")) $avp(never) = 1; exit; }
    if (lookup("location")) $avp(found) = $ru; else $avp(code) = $retcode;"""


class Store:
    """A store in which keys last as long as the clock of the test says; every operation fails while it is *gone*."""

    def __init__(self) -> None:
        self.maps: dict[str, dict[str, str]] = {}
        self.seconds: dict[str, int] = {}
        self.gone = False

    def ask(self) -> None:
        if self.gone:
            raise CacheError("the store is gone")

    def map_fetch(self, key: str) -> dict[str, str]:
        self.ask()
        return dict(self.maps.get(key, {}))

    def map_change(self, key: str, stored: dict[str, str], removed: Any = (), expires: int = 0) -> None:
        self.ask()
        fields = self.maps.setdefault(key, {})
        fields.update(stored)
        for each in removed:
            fields.pop(each, None)
        self.seconds[key] = expires
        if not fields:
            del self.maps[key]

    def keys(self, glob: str) -> Iterator[str]:
        self.ask()
        return iter([each for each in self.maps if each.startswith(glob.removesuffix("*"))])


@pytest.fixture
def shared(office: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes workers, each as if it were on a machine of its own, that share one store."""
    store = Store()
    monkeypatch.setattr("opensips_py.modules.usrloc.keeping.cachedb", lambda module, url: store)

    def make(settings: str = "", body: str = BODY) -> Any:
        worker = office.open("full-sharing-cachedb-cluster", 'loadmodule "cachedb_local.so"\n'
                             f'modparam("usrloc", "cachedb_url", "local://")\n{settings}', body=body)
        return worker
    make.store = store  # type: ignore[attr-defined]
    return make


def test_registering_and_calling(shared: Any) -> None:
    worker = shared()
    answer = worker.register(CONTACT, "User-Agent: Phone")
    assert answer.status == 200 and [each.uri for each in answer.contacts] == ["sip:a@192.0.2.1"]
    assert not [each for each in worker.environment.names() if each.startswith("bindings:")]
    assert list(shared.store.maps) == ["usrloc:location:alice@example.com"]
    assert list(shared.store.seconds.values()) == [601]
    other = shared('modparam("usrloc", "nat_bflag", "NAT")')
    assert other.call().avps == {"found": ["sip:a@192.0.2.1"]} and other.call("sip:x@y").avps == {"code": [-1]}
    other.register("Contact: *", "Expires: 0", cseq=9)
    assert shared.store.maps == {}


def test_all_there_is_to_a_contact_comes_back(shared: Any) -> None:
    table = shared().table
    whole = {"expires": int(START) + 60, "q": 705, "received": "sip:192.0.2.9:1024", "path": "<sip:edge;lr>",
             "call_id": "c1", "cseq": 7, "user_agent": "Phone", "instance": "<urn:uuid:1>", "attr": "x", "reg_id": 2,
             "socket": "udp:192.0.2.9:5060", "modified": START, "flags": 4, "cflags": 9, "methods": 31, "tag": "vip"}
    table.apply("a@b", lambda record: record.insert(Binding("sip:a@x", id=5, **whole)))
    found, = table.find("a@b")
    assert {name: getattr(found, name) for name in whole} == whole and (found.contact, found.id) == ("sip:a@x", 5)


def test_branch_flags_go_by_their_names(shared: Any) -> None:
    """Another server may have given other numbers to them."""
    first = shared('modparam("usrloc", "nat_bflag", "NAT")', 'setbflag("NAT"); save("location");')
    first.register(CONTACT)
    fields, = shared.store.maps.values()
    assert json.loads(next(iter(fields.values())))["cflags"] == "NAT"
    second = shared(body='setbflag("OTHER"); setbflag("NAT"); exit;')
    assert second.bindings()[0].cflags == 1 << 30 != 1 << first.usrloc.nat_bflag


def test_two_servers_change_different_contacts_at_the_same_time(shared: Any) -> None:
    table = shared().table
    table.apply("a@b", lambda record: record.insert(Binding("sip:1@x", id=1, q=100)))

    def edit(record: Any) -> None:
        if len(shared.store.maps["usrloc:location:a@b"]) == 1:  # the other server is quicker
            table.apply("a@b", lambda other: other.insert(Binding("sip:2@x", id=2, q=900)))
        record.insert(Binding("sip:3@x", id=3, q=500))
    table.apply("a@b", edit)
    assert [each.contact for each in table.find("a@b")] == ["sip:2@x", "sip:3@x", "sip:1@x"]


def test_a_contact_that_is_refreshed_keeps_its_place(shared: Any) -> None:
    worker = shared()
    worker.hear()
    worker.register(CONTACT)
    first, = worker.bindings()
    worker.pass_wall(5)
    worker.register(CONTACT, "User-Agent: New", call_id="another")
    again, = worker.bindings()
    assert (again.id, again.user_agent, again.call_id) == (first.id, "New", "another")
    assert len(next(iter(shared.store.maps.values()))) == 1
    assert [name for name, _ in worker.hear()] == ["E_UL_AOR_INSERT", "E_UL_CONTACT_INSERT", "E_UL_CONTACT_UPDATE"]


def test_what_has_ended_is_not_there(shared: Any) -> None:
    worker = shared('modparam("usrloc", "desc_time_order", 1)')
    worker.register("Contact: <sip:a@192.0.2.1>;expires=60, <sip:b@192.0.2.1>;expires=90")
    assert list(shared.store.seconds.values()) == [91]
    worker.pass_wall(61)
    assert worker.contacts() == ["sip:b@192.0.2.1"]
    worker.register(CONTACT, call_id="other")
    assert worker.contacts() == ["sip:a@192.0.2.1", "sip:b@192.0.2.1"]
    assert len(next(iter(shared.store.maps.values()))) == 2
    assert list(worker.table.ended(list(range(1024)))) == []


def test_what_lasts_for_ever_does(shared: Any) -> None:
    worker = shared()
    worker.register(CONTACT)
    worker.mi("usrloc:add", "location", "alice@example.com", "sip:b@192.0.2.2", 0, "", 0, "0", 0)
    assert list(shared.store.seconds.values()) == [FOR_EVER] and len(worker.contacts()) == 2


def test_pairs(shared: Any) -> None:
    worker = shared(body="""
        if ($rm == "REGISTER") { save("location"); exit; }
        ul_add_key("location", $ru, "a", "1"); ul_get_key("location", $ru, "a", $avp(got));""")
    assert worker.call().avps == {} and shared.store.maps == {}
    worker.register(CONTACT)
    assert worker.call().avps == {"got": ["1"]} and worker.table.keys("alice@example.com") == {"a": "1"}
    worker.register("Contact: *", "Expires: 0", cseq=9)
    assert shared.store.maps == {}


def test_management(shared: Any) -> None:
    worker = shared()
    worker.register(CONTACT)
    worker.mi("usrloc:add", "location", "bob@example.com", "sip:b@192.0.2.2", 60, "", 0, "0", 0)
    listed, = worker.mi("usrloc:dump", "brief")["Domains"]
    assert sorted(each["AOR"] for each in listed["AORs"]) == ["alice@example.com", "bob@example.com"]
    worker.mi("usrloc:rm_contact", "location", "bob@example.com", "sip:b@192.0.2.2")
    worker.mi("usrloc:rm", "location", "alice@example.com")
    assert shared.store.maps == {} and worker.mi("usrloc:flush") == "OK"
    with pytest.raises(MIError, match="Contacts already synced"):
        worker.mi("usrloc:sync", "location")


def test_a_store_that_is_gone_is_an_error(shared: Any) -> None:
    worker = shared()
    worker.register(CONTACT)
    shared.store.gone = True
    assert worker.register(CONTACT).status == 500 and worker.call().avps == {"code": [-3]}
    with pytest.raises(MIError, match="the store is gone"):
        worker.mi("usrloc:dump")
    shared.store.gone = False
    assert worker.register(CONTACT).status == 200 and worker.call().avps == {"found": ["sip:a@192.0.2.1"]}


def test_a_store_of_this_machine(office: Any) -> None:
    worker = office.open("full-sharing-cachedb-cluster", 'loadmodule "cachedb_local.so"\n'
                         'modparam("usrloc", "cachedb_url", "local://")')
    worker.register(CONTACT)
    worker = office.open("full-sharing-cachedb-cluster", 'loadmodule "cachedb_local.so"\n'
                         'modparam("usrloc", "cachedb_url", "local://")')
    assert isinstance(worker.table, CacheTable) and worker.contacts() == ["sip:a@192.0.2.1"]
    assert [aor for aor, _ in worker.table.records()] == ["alice@example.com"]

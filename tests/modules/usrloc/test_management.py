"""The management commands of usrloc."""
from __future__ import annotations

from typing import Any

import pytest

from opensips_py.errors import MIError
from opensips_py.mi.tree import text, tree_of
from tests.modules.place import START


def registered(place: Any, dialect: str = "4.0", settings: str = "") -> Any:
    worker = place('setbflag("NAT"); save("location");', settings, dialect)
    worker.register("Contact: <sip:a@192.0.2.1>;q=0.5;expires=600", "User-Agent: Phone")
    worker.pass_wall(10)
    return worker


def row(worker: Any, **changed: Any) -> dict[str, Any]:
    binding, = worker.table.stored("alice@example.com") or worker.table.stored("alice")
    return {"Contact": "sip:a@192.0.2.1", "ContactID": str(binding.id), "Expires": 590, "Q": "0.5", "Callid": "call-1",
            "Cseq": 1, "User-agent": "Phone", "State": "CS_NEW", "Flags": 0, "Cflags": "NAT",
            "Socket": "udp:192.0.2.9:5060", "Methods": 4294967295, **changed}


@pytest.mark.parametrize("name", ["usrloc:dump", "ul_dump"])
def test_dump(place: Any, name: str) -> None:
    worker = registered(place)
    entry = {"AOR": "alice@example.com", "Contacts": [row(worker)]}
    assert worker.mi(name) == {"Domains": [{"name": "location", "hash_size": 512, "AORs": [entry]}]}


def test_brief_dump_and_hash_size(place: Any) -> None:
    worker = registered(place, settings='modparam("usrloc", "hash_size", 4)')
    domain = {"name": "location", "hash_size": 16, "AORs": [{"AOR": "alice@example.com"}]}
    assert worker.mi("usrloc:dump", "brief") == worker.mi("usrloc:dump", "1") == {"Domains": [domain]}


def test_dump_lists_key_value_pairs_where_asked(place: Any) -> None:
    worker = registered(place, settings='modparam("usrloc", "mi_dump_kv_store", 1)')
    worker.usrloc.ul_add_key(None, "location", "alice@example.com", "k", "v")
    assert worker.mi("usrloc:dump")["Domains"][0]["AORs"][0]["KV-Store"] == {"k": "v"}


def test_dump_of_2_1_is_a_tree(place: Any) -> None:
    worker = registered(place, "2.1")
    command = worker.registry.commands["ul_dump"].call
    assert text(tree_of(worker.mi("ul_dump"), command)) == (
        "Domain:: location table=512 records=1\n\tAOR:: alice\n\t\tContact:: sip:a@192.0.2.1 Q=0.5\n"
        "\t\t\tExpires:: 590\n\t\t\tCallid:: call-1\n\t\t\tCseq:: 1\n\t\t\tUser-agent:: Phone\n\t\t\tState:: CS_NEW\n"
        "\t\t\tFlags:: 0\n\t\t\tCflags:: NAT\n\t\t\tSocket:: udp:192.0.2.9:5060\n\t\t\tMethods:: 4294967295\n")
    brief = "Domain:: location table=512 records=1\n\tAOR:: alice\n"
    assert text(tree_of(worker.mi("ul_dump", "brief"), command)) == brief


@pytest.mark.parametrize("name", ["usrloc:show_contact", "usrloc:rm"])
def test_an_aor_without_its_domain_is_refused_where_domains_count(place: Any, name: str) -> None:
    worker = registered(place)
    with pytest.raises(MIError, match="Domain missing in AOR") as refused:
        worker.mi(name, "location", "alice")
    assert refused.value.code == 400
    assert worker.table.stored("alice@example.com")


@pytest.mark.parametrize("name", ["usrloc:show_contact", "ul_show_contact"])
def test_show_contact(place: Any, name: str) -> None:
    worker = registered(place)
    assert worker.mi(name, "location", "alice@example.com") == {
        "AOR": "alice@example.com", "Contacts": [row(worker)]}
    for table, aor in (("location", "bob@example.com"), ("other", "alice@example.com")):
        with pytest.raises(MIError, match="not found"):
            worker.mi(name, table, aor)
    worker.pass_wall(600)
    with pytest.raises(MIError):
        worker.mi(name, "location", "alice@example.com")


def test_show_contact_of_2_1_is_a_tree(place: Any) -> None:
    worker = registered(place, "2.1")
    tree = tree_of(worker.mi("ul_show_contact", "location", "alice"), worker.registry.commands["ul_show_contact"].call)
    assert text(tree).startswith("AOR:: alice\n\tContact:: sip:a@192.0.2.1 Q=0.5\n\t\tExpires:: 590\n")


@pytest.mark.parametrize("name", ["usrloc:rm", "ul_rm"])
def test_remove(place: Any, name: str) -> None:
    worker = registered(place)
    worker.hear()
    assert worker.mi(name, "location", "alice@example.com") == "OK"
    assert worker.contacts() == []
    assert [each for each, _ in worker.hear()] == ["E_UL_CONTACT_DELETE", "E_UL_AOR_DELETE"]
    assert worker.mi(name, "location", "alice@example.com") == "OK" and worker.hear() == []
    for table, aor, why in (("nowhere", "alice@example.com", "Table not found"), ("location", "alice", "Domain")):
        with pytest.raises(MIError, match=why):
            worker.mi(name, table, aor)


@pytest.mark.parametrize("name", ["usrloc:rm_contact", "ul_rm_contact"])
def test_remove_contact(place: Any, name: str) -> None:
    worker = registered(place)
    worker.register("Contact: <sip:b@192.0.2.1>")
    with pytest.raises(MIError):
        worker.mi(name, "location", "alice@example.com", "sip:c@192.0.2.1")
    assert worker.mi(name, "location", "alice@example.com", "sip:a@192.0.2.1") == "OK"
    assert worker.contacts() == ["sip:b@192.0.2.1"]


def test_add(place: Any) -> None:
    worker = place('resetbflag("A"); resetbflag(2); resetbflag("B"); save("location");')
    given = {"table_name": "location", "aor": "bob@example.com", "contact": "sip:b@192.0.2.2", "expires": 300,
             "q": "0.8", "flags": 0, "cflags": 2, "methods": 32767}
    assert worker.mi("usrloc:add", **given) == "OK"
    worker.mi("usrloc:add", **(given | {"expires": 0, "contact": "sip:c@192.0.2.2", "q": ""}))
    assert [(each.contact, each.expires, each.q, each.cflags, each.methods) for each in
            worker.bindings("bob@example.com")] == [("sip:b@192.0.2.2", START + 300, 800, 4, 32767),
                                                    ("sip:c@192.0.2.2", 0, -1, 4, 32767)]
    worker.mi("usrloc:add", **(given | {"expires": 500}))
    assert [each.expires for each in worker.bindings("bob@example.com")] == [START + 500, 0]
    listed = worker.mi("usrloc:show_contact", "location", "bob@example.com")["Contacts"]
    assert [each["Expires"] for each in listed] == [500, "permanent"]


def test_add_in_2_1_has_an_argument_that_is_not_used(place: Any) -> None:
    worker = place('resetbflag(4); resetbflag(1); resetbflag(2); save("location");', dialect="2.1")
    assert worker.mi("ul_add", "location", "bob", "sip:b@192.0.2.2", "300", "0.8", "NULL", "2", "4", "31") == "OK"
    assert [(each.flags, each.cflags, each.methods) for each in worker.bindings("bob")] == [(2, 4, 31)]
    assert worker.mi("ul_add", "location", "bob", "sip:b@192.0.2.2", "300", "0.8", "1", "2", "3") == "OK"
    assert [(each.flags, each.cflags, each.methods) for each in worker.bindings("bob")] == [(1, 2, 3)]


def test_add_refuses_a_table_that_there_is_not(place: Any) -> None:
    with pytest.raises(MIError, match="Table not found"):
        place().mi("usrloc:add", "nowhere", "bob@example.com", "sip:b@192.0.2.2", 300, "1", 0, 0, 1)


@pytest.mark.parametrize("q", ["2", "high"])
def test_add_refuses_a_bad_q(place: Any, q: str) -> None:
    with pytest.raises(MIError):
        place().mi("usrloc:add", "location", "bob@example.com", "sip:b@192.0.2.2", 300, q, 0, 0, 1)


@pytest.mark.parametrize("name", ["usrloc:flush", "ul_flush"])
def test_flush_takes_expired_contacts_out(place: Any, name: str) -> None:
    worker = registered(place)
    worker.wall += 600
    assert worker.table.users() == 1
    assert worker.mi(name) == "OK"
    assert worker.table.users() == 0


@pytest.mark.parametrize("name", ["usrloc:sync", "ul_sync"])
def test_there_is_no_database_to_synchronize_with(place: Any, name: str) -> None:
    worker = registered(place)
    with pytest.raises(MIError, match="Contacts already synced"):
        worker.mi(name, "location", "alice@example.com")
    with pytest.raises(MIError, match="Table not found"):
        worker.mi(name, "nothing")

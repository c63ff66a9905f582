"""Contacts as rows."""
from __future__ import annotations

from typing import Any

import pytest

from opensips_py.db import schema, timestamp
from opensips_py.modules.usrloc.rows import OTHER_PARAMETERS, PARAMETERS, Rows
from opensips_py.state._bindings import Binding
from tests.modules.loaded import loaded
from tests.modules.place import START

FULL = {"expires": int(START) + 60, "q": 705, "received": "sip:192.0.2.9:1024", "path": "<sip:edge;lr>",
        "call_id": "c1", "cseq": 7, "user_agent": "Phone", "instance": "<urn:uuid:1>", "attr": "x",
        "socket": "udp:192.0.2.9:5060", "modified": START, "flags": 4, "cflags": 9, "methods": 31}
NAMES = {"contact_id_column": "contact_id", "user_column": "username", "domain_column": "domain",
         "contact_column": "contact", "expires_column": "expires", "q_column": "q", "callid_column": "callid",
         "cseq_column": "cseq", "methods_column": "methods", "flags_column": "flags", "cflags_column": "cflags",
         "user_agent_column": "user_agent", "received_column": "received", "socket_column": "socket",
         "path_column": "path", "sip_instance_column": "sip_instance", "kv_store_column": "kv_store",
         "attr_column": "attr"}


def rows(dialect: str = "4.0", use_domain: bool = True, **names: str) -> Rows:
    return Rows("location", schema(dialect)["location"], {**NAMES, **names}, use_domain,
                lambda bits: " ".join(f"F{bit}" for bit in range(32) if bits >> bit & 1),
                lambda text: sum(1 << int(each[1:]) for each in text.split()))


def facts(binding: Binding) -> dict[str, Any]:
    return {name: getattr(binding, name) for name in ("contact", "id", "reg_id", "tag", *FULL)}


def back(found: Rows, row: dict[str, Any]) -> Binding:
    return found.binding({**dict.fromkeys(found.columns), found.number: 5, **row})


def test_the_names_of_columns_are_those_of_opensips() -> None:
    module = loaded("usrloc")
    assert {each: getattr(module, each) for each in (*PARAMETERS.values(), *OTHER_PARAMETERS)} == NAMES
    assert set(rows().columns) == set(schema("4.0")["location"].names)
    assert set(rows("2.1").columns) == set(schema("2.1")["location"].names)


def test_a_row_of_4_0() -> None:
    binding = Binding("sip:a@192.0.2.1", id=99, reg_id=2, tag="vip", **FULL)
    row = rows().values("alice@example.com", binding, {"k": "v"})
    assert row == {
        "contact_id": 99, "username": "alice", "domain": "example.com", "contact": "sip:a@192.0.2.1",
        "expires": int(START) + 60, "q": 0.705, "callid": "c1", "cseq": 7, "last_modified": timestamp(START),
        "flags": 4, "cflags": "F0 F3", "user_agent": "Phone", "socket": "udp:192.0.2.9:5060", "methods": 31,
        "received": "sip:192.0.2.9:1024", "path": "<sip:edge;lr>", "sip_instance": "<urn:uuid:1>", "attr": "x",
        "kv_store": '{"_urec_kvs": "{\\"k\\": \\"v\\"}", "reg-id": 2, "shtag": "vip"}'}
    assert facts(back(rows(), row)) == facts(binding)
    assert rows().keys_in(row) == {"k": "v"} and rows().aor(row) == "alice@example.com"


def test_a_row_of_2_1() -> None:
    binding = Binding("sip:a@192.0.2.1", id=99, **FULL)
    row = rows("2.1").values("alice@example.com", binding, {"k": "v"})
    assert row["expires"] == timestamp(START + 60) and not {"contact_id", "kv_store", "id"} & set(row)
    assert facts(back(rows("2.1"), row)) == facts(binding) | {"id": 0}
    assert rows("2.1").keys_in(row) == {}


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_what_is_not_given_is_null(dialect: str) -> None:
    row = rows(dialect).values("alice@example.com", Binding("sip:a@192.0.2.1", modified=START), {})
    empty = ["received", "path", "socket", "methods", "sip_instance", "attr"]
    assert [row[each] for each in empty] == [None] * 6 and (row["cflags"], row["user_agent"]) == ("", "n/a")
    found = back(rows(dialect), row)
    assert (found.expires, found.q, found.methods, found.received) == (0, -1, 0xFFFFFFFF, "")


def test_what_columns_do_not_hold_is_made_to_fit() -> None:
    row = rows().values("alice@example.com", Binding("sip:a@192.0.2.1", cseq=0xFFFFFFFF, user_agent="x" * 300), {})
    assert (row["cseq"], len(row["user_agent"])) == (0x7FFFFFFF, 255)


@pytest.mark.parametrize(("aor", "user", "domain"), [
    ("alice@example.com", "alice", "example.com"), ("a@b@c", "a@b", "c"), ("+123", "+123", "")])
def test_addresses_of_record(aor: str, user: str, domain: str) -> None:
    owner = rows().owner(aor)
    assert owner == {"username": user, "domain": domain} and rows().aor(owner) == aor
    assert rows(use_domain=False).owner(aor) == {"username": aor}
    assert rows(use_domain=False).aor({"username": aor, "domain": "other"}) == aor


def test_what_a_row_is_found_by() -> None:
    assert rows().where("a@b", 5, "sip:x", "c") == {"contact_id": 5} and rows().key == ("contact_id",)
    assert rows("2.1").where("a@b", 5, "sip:x", "c") == {
        "username": "a", "domain": "b", "contact": "sip:x", "callid": "c"}
    assert rows("2.1").key == ("username", "domain", "contact", "callid")
    assert rows("2.1", use_domain=False).key == ("username", "contact", "callid")


@pytest.mark.parametrize("identifier", [0, 1 << 63, (1 << 64) - 1])
def test_identifiers_that_are_none(identifier: int) -> None:
    row = rows().values("a@b", Binding("sip:x", id=5), {})
    assert rows().binding({**row, "contact_id": identifier}).id == 0


@pytest.mark.parametrize("text", ["", None, "no JSON", "[1]", '{"other": 1, "reg-id": "x", "shtag": null}', b"{}"])
def test_pairs_that_others_have_written(text: Any) -> None:
    row = {**rows().values("a@b", Binding("sip:x"), {}), "kv_store": text}
    assert rows().binding(row).reg_id == 0 and rows().binding(row).tag == "" and rows().keys_in(row) == {}


def test_values_as_drivers_give_them() -> None:
    row = {**rows("2.1").values("a@b", Binding("sip:x"), {}), "id": 1, "contact": b"sip:y", "q": None, "cseq": None,
           "expires": "2023-11-14 22:13:20", "flags": None, "last_modified": "2023-11-14 22:13:20"}
    found = rows("2.1").binding(row)
    assert (found.contact, found.q, found.cseq, found.flags) == ("sip:y", 1000, 0, 0)
    assert timestamp(found.expires) == timestamp(found.modified)

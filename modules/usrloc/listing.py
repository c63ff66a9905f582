"""Contacts as management lists them."""
from __future__ import annotations

from typing import Any

from opensips_py.mi.tree import Node, listed
from opensips_py.state._bindings import Binding

NOT_NAMED = "n/a"  # what stands for a user agent that does not name itself
ALL_METHODS = 0xFFFFFFFF


def row(binding: Binding, now: float, flags: str, state: str) -> dict[str, Any]:
    """One contact; *flags* are its branch flags by name, *state* says whether a database knows it."""
    listed: dict[str, Any] = {
        "Contact": binding.contact, "ContactID": str(binding.id), "Expires": remaining(binding, now),
        "Q": preference(binding.q), "Callid": binding.call_id, "Cseq": binding.cseq,
        "User-agent": binding.user_agent or NOT_NAMED}
    for name, value in (("Received", binding.received), ("Path", binding.path)):
        if value:
            listed[name] = value
    listed |= {"State": state, "Flags": binding.flags, "Cflags": flags}
    if binding.socket:
        listed["Socket"] = binding.socket
    listed["Methods"] = binding.methods
    for name, text in (("SIP_instance", binding.instance), ("Attr", binding.attr), ("Shtag", binding.tag)):
        if text:
            listed[name] = text
    if binding.reg_id:
        listed["Reg-ID"] = binding.reg_id
    if binding.latency:
        listed["Latency"] = binding.latency
    return listed


def remaining(binding: Binding, now: float) -> int | str:
    """The seconds that a binding still has, or what else is to be said of its time."""
    if binding.expires == 0:
        return "permanent"
    left = int(binding.expires) - int(now)
    return left if left > 0 else "expired"


def preference(q: int) -> str:
    """A q value as SIP writes it; empty where there is none."""
    if q < 0:
        return ""
    return f"{q / 1000:.3f}".rstrip("0").rstrip(".")


def contacts_tree(data: dict[str, Any]) -> list[Node]:
    """One address-of-record as 2.1 writes it."""
    return [aor_node(data)]


def contact_node(contact: dict[str, Any]) -> Node:
    """One contact as 2.1 writes it."""
    rest = dict(contact)
    node = listed("Contact", rest.pop("Contact"), {"Q": rest.pop("Q", "")})
    rest.pop("ContactID", None)
    node.children = [Node(name, value) for name, value in rest.items()]
    return node


def tables_tree(data: dict[str, Any]) -> list[Node]:
    """All tables as 2.1 writes them."""
    return [listed("Domain", table["name"], {"table": table["hash_size"], "records": len(table["AORs"])},
                   [aor_node(each) for each in table["AORs"]]) for table in data["Domains"]]


def aor_node(entry: dict[str, Any]) -> Node:
    """One address-of-record as 2.1 writes it."""
    return listed("AOR", entry["AOR"], {}, [contact_node(each) for each in entry.get("Contacts", [])])

"""Dialogs as management lists them."""
from __future__ import annotations

import time
from typing import Any

from opensips_py.dialog import Leg, contact_in, contact_of, database_id, uri_of
from opensips_py.dialog.record import Dialog, Facts
from opensips_py.mi.tree import Node, listed

HIDDEN = "_"  # values whose names begin so belong to modules


def text_of(data: bytes) -> str:
    """A body as text."""
    return data.decode("utf-8", "surrogateescape")


def moment(seconds: float) -> str:
    """A moment as people read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def entry(dialog: Dialog, legs: tuple[Leg, Leg] | None, flags: Any, socket: str | None) -> dict[str, Any]:
    """One dialog; *flags* are those of the script, *socket* the one from which a callee is reached who still rings."""
    return {"ID": dialog.did, "db_id": str(database_id(dialog.entry, dialog.number)), "state": dialog.state,
            "user_flags": flags, **times(dialog), "callid": dialog.call_id, **beginning(dialog, legs),
            "CALLEES": [callee(dialog, legs, socket)]}


def times(dialog: Dialog) -> dict[str, Any]:
    """When a dialog was answered, and when it is over."""
    found: dict[str, Any] = {"timestart": int(dialog.started)}
    if dialog.started:
        found["datestart"] = moment(dialog.started)
    found["timeout"] = int(dialog.expires)
    if dialog.expires:
        found["dateout"] = moment(dialog.expires)
    return found


def callee(dialog: Dialog, legs: tuple[Leg, Leg] | None, socket: str | None) -> dict[str, Any]:
    """What is known of the callee."""
    if legs is None:
        return {"callee_tag": dialog.to_tag, "callee_contact": "",
                "caller_cseq": str(dialog.caller_cseq) if dialog.to_tag else "", "callee_route_set": "",
                "callee_bind_addr": socket}
    leg = legs[1]
    found = {"callee_tag": dialog.to_tag, "callee_contact": leg.target, "caller_cseq": str(dialog.caller_cseq),
             "callee_route_set": ",".join(leg.routes), "callee_bind_addr": leg.socket}
    return {**found, "callee_sdp": text_of(leg.body)} if leg.body else found


def beginning(dialog: Dialog, legs: tuple[Leg, Leg] | None) -> dict[str, Any]:
    """What is known of the caller; before the answer the INVITE itself says it."""
    if legs is not None:
        caller = legs[0]
        from_, to, target, routes = uri_of(caller.address), uri_of(caller.peer), caller.target, caller.routes
        socket, body = caller.socket, caller.body
    elif (request := dialog.request) is not None:
        from_, to = request.from_.uri, request.to.uri
        target, routes = contact_of(contact_in(request)), [str(each) for each in request.record_routes]
        socket, body = request.listener.uri_text, request.body
    else:
        from_ = to = target = socket = ""
        routes, body = [], b""
    found = {"from_uri": from_, "to_uri": to, "caller_tag": dialog.from_tag, "caller_contact": target,
             "callee_cseq": str(dialog.callee_cseq), "caller_route_set": ",".join(routes), "caller_bind_addr": socket}
    return {**found, "caller_sdp": text_of(body)} if body else found


def context(dialog: Dialog) -> dict[str, Any]:
    """What the script keeps with a dialog."""
    return {"values": [{name: value} for name, value in shown_values(dialog)],
            "profiles": [{name: "" if value is None else value} for name, value in reversed(dialog.profiles or ())]}


def shown_values(dialog: Dialog) -> list[tuple[str, int | str]]:
    """The values of a dialog; what is no printable text is shown in hexadecimal digits."""
    return [(name, value if isinstance(value, int) else printable(value))
            for name, value in reversed((dialog.values or {}).items())]


def printable(text: str) -> str:
    """A text with whatever cannot be printed as \\xNN."""
    return "".join(each if each.isprintable() else "".join(
        f"\\x{byte:02x}" for byte in each.encode("utf-8", "surrogateescape")) for each in text)


def as_json(found: dict[str, Any]) -> dict[str, Any]:
    """A listed dialog in the form of $DLG_json."""
    known = found["CALLEES"][0]
    callees = [{"tag": known["callee_tag"], "contact": known["callee_contact"], "cseq": known["caller_cseq"],
                "route_set": known["callee_route_set"], "bind_addr": known["callee_bind_addr"],
                "sdp": known.get("callee_sdp", "")}] if known["callee_tag"] else []
    shown = {"ID": found["db_id"], "state": str(found["state"]), "user_flags": found["user_flags"],
             "callid": found["callid"], "timestart": str(found["timestart"]), "timeout": str(found["timeout"]),
             "from_uri": found["from_uri"], "to_uri": found["to_uri"],
             "caller": {"tag": found["caller_tag"], "contact": found["caller_contact"], "cseq": found["callee_cseq"],
                        "route_set": found["caller_route_set"], "bind_addr": found["caller_bind_addr"],
                        "sdp": found.get("caller_sdp", "")}, "callees": callees}
    if "context" in found:
        shown["values"] = {name: value for pair in found["context"]["values"] for name, value in pair.items()}
        profiles: dict[str, list[Any]] = {}
        shown["profiles"] = profiles
        for pair in found["context"]["profiles"]:
            for name, value in pair.items():
                profiles.setdefault(name, []).append(value)
    return shown


# --- 2.1 ------------------------------------------------------------------------------------------------------------

LINES = ("state", "user_flags", "timestart", "timeout", "callid", "from_uri", "to_uri", "caller_tag", "caller_contact",
         "callee_cseq", "caller_route_set", "caller_bind_addr")
CALLEE_LINES = ("callee_tag", "callee_contact", "caller_cseq", "callee_route_set", "callee_bind_addr")


def tree(data: dict[str, Any]) -> list[Node]:
    """A listing as 2.1 writes it."""
    return [dialog_node(each) for each in (data["Dialogs"] if "Dialogs" in data else [data["Dialog"]])]


def dialog_node(each: dict[str, Any]) -> Node:
    """One dialog as 2.1 writes it."""
    number = int(each["db_id"])
    node = listed("dialog", None, {"hash": f"{number >> 32}:{number & 0xFFFFFFFF}", "dialog_id": number})
    node.children = [Node(name, each[name]) for name in LINES]
    for callee in each.get("CALLEES", ()):
        node.children += [Node(name, callee[name]) for name in CALLEE_LINES]
    if "context" in each:
        node.children.append(Node("context", None, {}, [
            Node("values", None, {}, [listed(name, value) for pair in each["context"]["values"]
                                      for name, value in pair.items()]),
            Node("profiles", None, {}, [listed(name, value) for pair in each["context"]["profiles"]
                                        for name, value in pair.items()])]))
    return node


__all__ = ["Facts", "context", "entry", "tree"]

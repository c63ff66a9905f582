"""Dialogs as rows of the table `dialog`."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opensips_py.dialog import Leg, database_id, parts_of_database_id, route_values, uri_of
from opensips_py.dialog.record import (
    BYE_ON_TIMEOUT,
    CALL_ID_HIDDEN,
    DID_IN_USER,
    END_ON_RACE,
    HIDDEN,
    PING_CALLEE,
    PING_CALLER,
    PRACK,
    RACED,
    REINVITE_CALLEE,
    REINVITE_CALLER,
    SAME_TO_CALLEE,
    SAME_TO_CALLER,
    USERS_SHOWN,
    Dialog,
    Value,
    pack_facts,
)

Row = dict[str, Any]
KEPT = ("vars", "profiles", "script_flags")  # what db_flush_vals_profiles is about
OCCASIONS = {"rt_on_answer": "answer", "rt_on_timeout": "timeout", "rt_on_hangup": "hangup"}
# What the columns flags and module_flags of OpenSIPS say; our further ones stand in module_flags as they are.
FLAGS = ((BYE_ON_TIMEOUT, 1 << 3), (PING_CALLER, 1 << 5), (PING_CALLEE, 1 << 6), (REINVITE_CALLER, 1 << 11),
         (REINVITE_CALLEE, 1 << 12), (END_ON_RACE, 1 << 15))
MODULE_FLAGS = ((HIDDEN, 1 << 1), (USERS_SHOWN, 1 << 2), (CALL_ID_HIDDEN, 1 << 3))
OURS = PRACK | RACED | DID_IN_USER | SAME_TO_CALLER | SAME_TO_CALLEE
ALWAYS, ALWAYS_IN_4 = 1 << 4, 1 << 13 | 1 << 14  # set in every row of theirs
ESCAPED = str.maketrans({"\\": "\\\\", "|": "\\|", "#": "\\#"})


def joined(pairs: Iterable[tuple[str, Value | None]]) -> str:
    """Names with values as one text: name#value|name#value|, numbers marked by a second #."""
    return "".join(f"{name.translate(ESCAPED)}#{written(value)}|" for name, value in pairs)


def written(value: Value | None) -> str:
    """One value in such a text."""
    if value is None:
        return ""
    return f"#{value}" if isinstance(value, int) else value.translate(ESCAPED)


def split(text: str) -> Iterator[tuple[str, Value]]:
    """The names and values of such a text."""
    for part in fields(text, "|"):
        name, *rest = fields(part, "#")
        value = unescaped(rest[0]) if rest else ""
        if len(rest) > 1 and not rest[0] and rest[1].lstrip("-").isdecimal():
            yield unescaped(name), int(rest[1])
        elif name:
            yield unescaped(name), value


def fields(text: str, separator: str) -> list[str]:
    """The parts of *text* between separators that are not escaped."""
    found, start, place = [], 0, 0
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == separator:
            found.append(text[start:place])
            start = place + 1
        place += 1
    if start < len(text):
        found.append(text[start:])
    return found


def unescaped(text: str) -> str:
    """A field as it was."""
    found, escaped = [], False
    for char in text:
        if char == "\\" and not escaped:
            escaped = True
        else:
            found.append(char)
            escaped = False
    return "".join(found)


def row_of(dialog: Dialog, legs: tuple[Leg, Leg], flags: str, columns: Iterable[str], numbered: bool) -> Row:
    """A dialog as a row; *flags* are the names of those that the script has set, *numbered*: stored as a number."""
    caller, callee = legs
    armed = dialog.armed or {}
    from_, to = uri_of(caller.address), uri_of(caller.peer)
    mangled_from, mangled_to = uri_of(callee.peer), uri_of(callee.address)
    row: Row = {
        "dlg_id": database_id(dialog.entry, dialog.number), "callid": dialog.call_id, "from_uri": from_,
        "from_tag": dialog.from_tag, "to_uri": to, "to_tag": dialog.to_tag,
        "mangled_from_uri": mangled_from if mangled_from != from_ else None,
        "mangled_to_uri": mangled_to if mangled_to != to else None,
        # the number that this side is sent: the last one of the other
        "caller_cseq": str(dialog.callee_cseq), "callee_cseq": str(dialog.caller_cseq),
        "caller_ping_cseq": dialog.shift(0), "callee_ping_cseq": dialog.shift(1),
        "caller_route_set": ",".join(caller.routes) or None, "callee_route_set": ",".join(callee.routes) or None,
        "caller_contact": caller.target, "callee_contact": callee.target, "caller_sock": caller.socket,
        "callee_sock": callee.socket, "state": dialog.state, "start_time": int(dialog.started),
        "timeout": int(dialog.expires),
        "vars": joined((dialog.values or {}).items()).encode("utf-8", "surrogateescape"),
        "profiles": joined(dialog.profiles or ()), "script_flags": dialog.user_flags if numbered else flags,
        "module_flags": dialog.flags & OURS | moved(dialog.flags, MODULE_FLAGS),
        "flags": moved(dialog.flags, FLAGS) | ALWAYS | (0 if numbered else ALWAYS_IN_4),
        **{column: armed.get(occasion) for column, occasion in OCCASIONS.items()}}
    wanted = set(columns)
    return {name: value for name, value in row.items() if name in wanted}


def moved(flags: int, places: Iterable[tuple[int, int]]) -> int:
    """Each of *flags* at its place."""
    return sum(place for flag, place in places if flags & flag)


def dialog_of(row: Mapping[str, Any], has_value: Mapping[str, bool]) -> tuple[Dialog, str]:
    """The dialog in a row, with its facts, and the names of its flags; *has_value* tells it of each profile."""
    entry, number = parts_of_database_id(int(row["dlg_id"]))
    dialog = Dialog(entry, number, text(row["callid"]), text(row["from_tag"]))
    dialog.to_tag, dialog.state = text(row["to_tag"]), int(row["state"])
    dialog.callee_cseq, dialog.caller_cseq = whole(row["caller_cseq"]), whole(row["callee_cseq"])
    dialog.started = dialog.created = float(row["start_time"])
    dialog.expires = float(row["timeout"])
    dialog.lifetime = int(dialog.expires - dialog.started)
    dialog.flags = flags_of(int(row.get("flags") or 0), int(row.get("module_flags") or 0))
    shifts = [whole(row.get("caller_ping_cseq")), whole(row.get("callee_ping_cseq"))]
    dialog.shifts = shifts if any(shifts) else None
    dialog.values = dict(split(text(row.get("vars")))) or None
    profiles = split(text(row.get("profiles")))
    dialog.profiles = [(name, str(value) if has_value[name] else None) for name, value in profiles
                       if name in has_value] or None
    dialog.armed = {occasion: text(row[column]) for column, occasion in OCCASIONS.items() if row.get(column)} or None
    dialog.facts = facts_of(row, dialog)
    return dialog, text(row.get("script_flags"))


def flags_of(flags: int, module_flags: int) -> int:
    """The flags of a dialog by what stands in both columns."""
    return moved(flags, [(place, flag) for flag, place in FLAGS]) | module_flags & OURS | moved(
        module_flags, [(place, flag) for flag, place in MODULE_FLAGS])


def facts_of(row: Mapping[str, Any], dialog: Dialog) -> bytes:
    """The header values that a row stands for."""
    def address(uri: str, tag: str) -> str:
        return f"<{uri}>;tag={tag}" if tag else f"<{uri}>"

    def contact(name: str) -> str:
        return f"<{text(row[name])}>" if row.get(name) else ""
    from_, to = text(row["from_uri"]), text(row["to_uri"])
    asked = route_values([text(row.get("caller_route_set"))])
    to_callee = route_values([text(row.get("callee_route_set"))])
    passed = [] if dialog.flags & HIDDEN else asked  # what the answer has of the routes to the caller
    return pack_facts((
        (address(from_, dialog.from_tag), address(text(row.get("mangled_from_uri")) or from_, dialog.from_tag)),
        (address(to, dialog.to_tag), address(text(row.get("mangled_to_uri")) or to, dialog.to_tag)),
        (dialog.call_id, dialog.call_id), (contact("caller_contact"), contact("callee_contact")),
        (asked, [*reversed(to_callee), *passed]), (text(row["caller_sock"]), text(row["callee_sock"])), (b"", b""),
        ("", "")))


def text(value: Any) -> str:
    """A text of a row, whatever type the driver has for it."""
    if value is None:
        return ""
    return bytes(value).decode("utf-8", "surrogateescape") if isinstance(value, (bytes, bytearray, memoryview)) \
        else str(value)


def whole(value: Any) -> int:
    """A number of a row."""
    digits = text(value)
    return int(digits) if digits.lstrip("-").isdecimal() else 0

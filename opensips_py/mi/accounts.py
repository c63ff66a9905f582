"""The accounts of a traced call, as several workers have them, joined into one; messages with what we changed."""
from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any

from opensips_py.sip import header_name

Event = dict[str, Any]
Message = tuple[str, dict[str, str]]  # the first line, and headers by lower-case name, the first of each


def joined(accounts: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """One account of the call: events in the order of time, each with its worker; None where nobody has any."""
    found = sorted(accounts, key=lambda account: float(account["began"]))
    if not found:
        return None
    began = found[0]["began"]
    events: list[Event] = []
    lines: dict[str, dict[str, str]] = {}
    for account in found:
        offset = round((account["began"] - began) * 1e6)
        for event in account["events"]:
            event["t"] += offset
            event["worker"] = account["worker"]
            if "began" in event:
                event["began"] += offset
            events.append(event)
        for file, numbered in account["lines"].items():
            lines.setdefault(file, {}).update(numbered)
    events.sort(key=lambda event: int(event["t"]))
    compare(events)
    return {"call_id": found[0]["call_id"], "began": began, "workers": [each["worker"] for each in found],
            "dropped": sum(each["dropped"] for each in found), "lines": lines, "events": events}


def compare(events: list[Event]) -> None:
    """Say of each message what it is: `repeated`, `own`, or `changes` against what came in."""
    seen: set[tuple[str, str]] = set()
    arrived: list[str] = []
    for event in events:
        if event["kind"] not in ("in", "out"):
            continue
        text = event["message"]
        if (event["kind"], text) in seen:
            event["repeated"] = True
            continue
        seen.add((event["kind"], text))
        if event["kind"] == "in":
            arrived.append(text)
            continue
        source = next((each for each in reversed(arrived) if is_source(each, text)), None)
        if source is None:
            event["own"] = True
        else:
            event["changes"] = changes(source, text)


def is_source(incoming: str, outgoing: str) -> bool:
    """Whether *outgoing* may be what we made of *incoming*: same kind, same CSeq, a response with the same tag."""
    first, headers = read(incoming)
    made, written = read(outgoing)
    if first.startswith("SIP/2.0 ") != made.startswith("SIP/2.0 ") or headers.get("cseq") != written.get("cseq"):
        return False
    return not made.startswith("SIP/2.0 ") or headers.get("to") == written.get("to")


def read(text: str) -> Message:
    """First line and headers."""
    first, _, rest = text.partition("\r\n")
    headers: dict[str, str] = {}
    for line in rest.partition("\r\n\r\n")[0].split("\r\n"):
        name, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            headers.setdefault(header_name(name.strip()).lower(), value.strip())
    return first, headers


def changes(before: str, after: str) -> list[list[str]]:
    """The lines that differ: ["-", line] was taken out, ["+", line] was put in."""
    old, new = before.splitlines(), after.splitlines()
    found: list[list[str]] = []
    for kind, first, last, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            found += [["-", line] for line in old[first:last]]
            found += [["+", line] for line in new[begin:end]]
    return found

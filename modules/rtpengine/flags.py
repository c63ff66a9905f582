"""The flags of the functions of rtpengine: words that become entries of what the engine is asked."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from opensips_py.module import Kind

DEEPEST, LONGEST = 8, 4096  # levels of brackets, and bytes in them
RENAMED = {"address-family": "address family"}
NUMBERS = ("repacketize", "delete-delay")
REPLACED = {"replace-origin": "origin", "replace-session-connection": "session-connection",
            "replace-zero-address": "zero address", "replace-session-name": "session name",
            "replace-username": "username", "replace-SDP-version": "SDP version"}
PROTOCOLS = ("RTP", "SRTP", "AVP", "AVPF")
VIA_BRANCHES = ("1", "2", "auto", "extra")


@dataclass(frozen=True)
class Flags:
    """What the words of a script mean: *entries* for the engine, and what is to be taken from the message."""

    entries: dict[str, Any] = field(default_factory=dict)
    call_id: str | None = None
    from_tag: str | None = None
    directional: bool = False  # the party that is meant is named
    to_tag: str | None = None
    with_to_tag: bool = False
    via_branch: str = ""
    via_branch_value: str | None = None
    force_answer: bool = False


class FlagsKind(Kind):
    """Words with spaces between: names, or names and values."""

    name = "string"

    def convert(self, value: Any) -> Flags:
        return NONE if value is None else read("" if value is None else str(value))

    def complete(self) -> tuple[str, ...]:
        return (*REPLACED, *RENAMED, "media-address=", "trust-address", "symmetric", "asymmetric", "ICE=remove",
                "ICE=force", "via-branch=auto", "force-answer", "in-iface=", "out-iface=", *PROTOCOLS)


NONE = Flags()


def read(text: str) -> Flags:
    """The flags of a text; ValueError says what is wrong with it."""
    found: dict[str, Any] = {}
    collected: dict[str, list[str]] = {}
    protocol: set[str] = set()
    special: dict[str, Any] = {}
    for word in words(text):
        name, separator, value = word.partition("=")
        if word in PROTOCOLS:
            protocol.add(word)
        elif not separator and name.startswith(("RTP/", "UDP/")):
            found["transport-protocol"] = name
        elif not take_special(name, separator, value, special) and not take_listed(name, value, separator, collected):
            if separator:
                found[RENAMED.get(name, name)] = valued(name, value)
            else:
                special["directional"] = special.get("directional", False) or name == "directional"
                collected.setdefault("flags", []).append(name)
    if protocol:
        secure, feedback = "S" * ("SRTP" in protocol), "F" * ("AVPF" in protocol)
        found["transport-protocol"] = f"RTP/{secure}AVP{feedback}"
    if "received-from" in found and isinstance(found["received-from"], str):
        found["received-from"] = address(found["received-from"])
    return Flags({**found, **collected}, **special)


def take_special(name: str, separator: str, value: str, special: dict[str, Any]) -> bool:
    """Whether a word says what to take from the message; noted then."""
    if name == "force-answer" and not separator:
        special["force_answer"] = True
    elif name == "to-tag":
        special["with_to_tag"] = True
        if separator:
            special["to_tag"] = value
    elif name == "from-tag" and separator:
        special.update(from_tag=value, directional=True)
    elif name in ("call-id", "callid") and separator:
        special["call_id"] = value
    elif name == "via-branch-param" and separator:
        special["via_branch_value"] = value
    elif name == "via-branch" and separator:
        if value not in VIA_BRANCHES:
            raise ValueError(f"via-branch is one of {', '.join(VIA_BRANCHES)}, not {value!r}")
        special["via_branch"] = value
    else:
        return False
    return True


def take_listed(name: str, value: str, separator: str, collected: dict[str, list[str]]) -> bool:
    """Whether a word belongs to a list; added then."""
    if name in REPLACED and not separator:
        collected.setdefault("replace", []).append(REPLACED[name])
    elif name in ("in-iface", "out-iface", "direction") and separator:
        places = collected.setdefault("direction", [])
        places.insert(0 if name == "in-iface" else len(places), value)
    elif name in ("internal", "external") and not separator:
        collected.setdefault("direction", []).append(name)
    elif name.startswith("rtcp-mux-") and not separator:
        collected.setdefault("rtcp-mux", []).append(name.removeprefix("rtcp-mux-"))
    else:
        return False
    return True


def valued(name: str, value: str) -> Any:
    """The value of a word."""
    if name not in NUMBERS:
        return bracketed(value) if value[:1] == "[" else value
    if not value.isdecimal():
        raise ValueError(f"{name} is a number, not {value!r}")
    return int(value)


def words(text: str) -> list[str]:
    """The words of a text; spaces in brackets separate nothing."""
    found, depth, begin = [], 0, 0
    for place, character in enumerate(text + " "):
        if character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
        elif character in " \t\r\n" and not depth:
            if place > begin:
                found.append(text[begin:place])
            begin = place + 1
        if not 0 <= depth <= DEEPEST:
            raise ValueError(f"brackets that do not match, or more than {DEEPEST} levels of them: {text}")
    if depth:
        raise ValueError(f"a bracket that is not closed: {text}")
    return found


def bracketed(value: str) -> Any:
    """``[…]`` as a list, or as a dictionary where a name and a value stand in it. In a word, .. is a space, -- is =."""
    if len(value.encode("utf-8", "surrogateescape")) > LONGEST:
        raise ValueError(f"more than {LONGEST} bytes in brackets")
    if not value.endswith("]"):
        raise ValueError(f"something follows the brackets: {value}")
    items = words(value[1:-1])
    if not any("=" in item.partition("[")[0] for item in items):
        return [bracketed(item) if item[:1] == "[" else unescaped(item) for item in items]
    entries = {}
    for item in items:
        name, _, inner = item.partition("=")
        entries[unescaped(name)] = bracketed(inner) if inner[:1] == "[" else unescaped(inner)
    return entries


def unescaped(word: str) -> str:
    """A word in brackets as it is meant."""
    return word.replace("..", " ").replace("--", "=")


def address(host: str) -> list[str]:
    """An address as the protocol has it: its family, then itself."""
    plain = host.strip("[]")
    return ["IP6" if ":" in plain else "IP4", plain]

"""The flags of the functions of rtpproxy: letters, some with a number or a name behind them."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from opensips_py.module import Kind

LETTER = re.compile(r"\s*(?:([nN])(?:<([^>]*)>)?|([dDtTzZ])(\d*)|([aAlLkKiIeEfFrRoOcCsSwW]))")
MODIFIERS = {"a": "A", "i": "I", "e": "E", "s": "S", "w": "S"}


@dataclass(frozen=True)
class Flags:
    """What the letters of a script mean; *modifiers* are those that the relay is told as they are."""

    modifiers: str = ""
    timers: str = ""  # how long streams may be silent
    repacketize: str = ""
    trusts: bool = False  # the addresses in the description, not that of the sender
    lookup: bool = False
    keeps_body: bool = False
    forces: bool = False
    origin: bool = False
    session: bool = False  # the session's connection line, also where all media have their own
    notifies: bool = False
    notify_socket: str = ""
    dtmf: str | None = None  # the payload type of DTMF events to tell of; '' is the usual one


class FlagsKind(Kind):
    """Letters."""

    name = "string"

    def convert(self, value: Any) -> Flags:
        return NONE if value is None else read(str(value))

    def complete(self) -> tuple[str, ...]:
        return tuple("alkiefrocswndtTz")


NONE = Flags()


def read(text: str) -> Flags:
    """The flags of a text; ValueError where a letter means nothing."""
    found: dict[str, Any] = {"modifiers": "", "timers": "", "repacketize": ""}
    position = 0
    text = text.strip()
    while position < len(text):
        match = LETTER.match(text, position)
        if match is None:
            raise ValueError(f'"{text[position]}" is no flag here: there are {", ".join(FlagsKind().complete())}')
        position = match.end()
        if match[1]:
            found |= {"notifies": True, "notify_socket": match[2] or ""}
        elif match[3]:
            take_number(match[3], match[4], found)
        else:
            take_letter(match[5].lower(), found)
    return Flags(**found)


def take_number(letter: str, number: str, found: dict[str, Any]) -> None:
    """A letter with a number behind it."""
    if letter in "dD":
        found["dtmf"] = number
    elif letter in "tT":
        found["timers"] += letter + number
    else:
        found["repacketize"] += "Z" + number


def take_letter(letter: str, found: dict[str, Any]) -> None:
    """A letter that stands alone."""
    found["modifiers"] += MODIFIERS.get(letter, "")
    if letter in "ar":
        found["trusts"] = True
    name = {"l": "lookup", "k": "keeps_body", "f": "forces", "o": "origin", "c": "session"}.get(letter)
    if name is not None:
        found[name] = True

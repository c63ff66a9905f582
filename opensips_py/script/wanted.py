"""What to write where a value of another kind is needed, by the words of the complaint."""
from __future__ import annotations

import re
from difflib import get_close_matches

SWITCHES = {"yes": 1, "true": 1, "on": 1, "enable": 1, "no": 0, "false": 0, "off": 0, "disable": 0}
LIST = re.compile(r"is one of (?P<known>[^:]+), not \"?(?P<word>[^\s\"]+)\"?$"
                  r"|(?:^|: )\"(?P<other>[^\"]*)\" is not one of (?P<list>[^:]+)$")
RANGE = re.compile(r"(?:a|is a) number (?P<range>from -?\d+ (?:to -?\d+|up))")
NUMBER = re.compile(r"a number is needed, not \"?(?P<word>[^\"]*)\"?$"
                    r"|(?P<switch>is yes or no|is a number), not '(?P<bare>.*)'$")


def fix(message: str) -> str:
    """What to write instead of the value that *message* refuses; empty where it does not tell."""
    if (found := LIST.search(message)) is not None:
        return choice(found["word"] or found["other"] or "", re.split(r",? or |, ", found["known"] or found["list"]))
    if (found := RANGE.search(message)) is not None:
        return f"write a number {found['range']}"
    if (found := NUMBER.search(message)) is not None:
        word = found["word"] if found["bare"] is None else found["bare"]
        return "write yes or no" if found["switch"] == "is yes or no" and word.lower() not in SWITCHES else number(word)
    if message.endswith("a variable starts with $"):
        return "write $avp(name), or another variable with its $"
    return ""


def choice(word: str, known: list[str]) -> str:
    """The one of *known* that *word* is most like, or all of them."""
    lower = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f"did you mean '{lower[found[0]]}'?" if found else f"write one of {', '.join(known)}"


def number(word: str) -> str:
    """The number that *word* means."""
    if word.lower() in SWITCHES:
        return f"write {SWITCHES[word.lower()]} without the quotes"
    if re.fullmatch(r"-?\d+", word):
        return f"write {word} without the quotes"
    return "write a number, such as 1"

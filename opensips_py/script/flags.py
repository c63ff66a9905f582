"""Flags by name: which bit of a message's or branch's flags each stands for."""
from __future__ import annotations

COUNT = 32


class Flags:
    """The flag names of one configuration, for each scope: message, branch, script.

    A number up to 31 is its own bit; names take bits from 31 downwards, so that the two rarely meet.
    """

    def __init__(self) -> None:
        self.bits: dict[str, dict[str, int]] = {}

    def number(self, scope: str, name: str | int) -> int:
        """The bit of *name*, given out on first use; ValueError when all are taken."""
        text = str(name).strip()
        known = self.bits.setdefault(scope, {})
        if text not in known:
            known[text] = self.free(known, text)
        return known[text]

    def free(self, known: dict[str, int], name: str) -> int:
        """The bit for a new *name*."""
        if not name:
            raise ValueError("a flag needs a name")
        if name.startswith(("-", "$")):
            raise ValueError(f"the name of a flag is a word or a number, not {name}")
        if name.isascii() and name.isdigit() and int(name) < COUNT:
            return int(name)
        for bit in range(COUNT - 1, -1, -1):
            if bit not in known.values():
                return bit
        raise ValueError(f"no more than {COUNT} flags of a kind can be used: {name} is one too many")

    def text(self, scope: str, value: int) -> str:
        """The names of the flags set in *value*, with blanks between."""
        if not value:
            return ""
        names = {bit: name for name, bit in self.bits.get(scope, {}).items()}
        return " ".join(names.get(bit, str(bit)) for bit in range(COUNT) if value >> bit & 1)

    def outward(self, scope: str, value: int) -> int:
        """*value* as the numbers of events and management have it: bits in the order in which the script names them."""
        return sum(1 << place for place, bit in enumerate(self.bits.get(scope, {}).values()) if value >> bit & 1)

    def inward(self, scope: str, value: int) -> int:
        """The bits that `outward` makes *value* of; those that the script has no flag for are left out."""
        return sum({1 << bit for place, bit in enumerate(self.bits.get(scope, {}).values()) if value >> place & 1})

    def known(self, scope: str, names: str) -> int:
        """The bits of the flags called *names*, with blanks between; those that nobody uses are left out."""
        known = self.bits.get(scope, {})
        numbers = (known.get(each, int(each) if each.isdecimal() and int(each) < COUNT else None)
                   for each in set(names.split()))
        return sum({1 << number for number in numbers if number is not None})

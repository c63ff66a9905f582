"""Global flags: 32 switches that every worker sees and MI turns."""
from typing import Annotated, Any

from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import Between, MIError, Module, Route, mi, param, script

Position = Annotated[int, Between(0, 31)]
Mask = Annotated[int, Between(0, 0xFFFFFFFF)]


class GFlags(Module, name="gflags"):
    """Keep 32 flags for the whole server, to change the script's behaviour from outside while it runs."""

    initial: Mask = param(0, "Flags that are set when the server starts, as a number.")

    def start(self) -> None:
        """Take the shared word; the first process to do so writes the initial flags."""
        self.words: Any = self.services.shared_words("gflags", 2)  # the flags, and whether they were set up
        if self.words.cas(1, 0, 1):
            self.words.store(0, self.initial)

    @property
    def flags(self) -> int:
        """All flags as a number."""
        return int(self.words.load(0))

    def change(self, on: int, off: int) -> None:
        """Set the flags of *on* and clear those of *off*, whoever else does so at the same time."""
        while not self.words.cas(0, before := self.flags, (before | on) & ~off):
            pass

    @script(Route.ANY)
    def set_gflag(self, flag: Position) -> bool:
        """Set the global flag at position *flag*."""
        self.change(1 << flag, 0)
        return True

    @script(Route.ANY)
    def reset_gflag(self, flag: Position) -> bool:
        """Clear the global flag at position *flag*."""
        self.change(0, 1 << flag)
        return True

    @script(Route.ANY)
    def is_gflag(self, flag: Position) -> bool:
        """Whether the global flag at position *flag* is set."""
        return bool(self.flags >> flag & 1)

    @mi("set_gflag", "gflags:set_gflag", v40="gflags:set")
    def mi_set(self, bitmask: str) -> str:
        """Set the flags whose bits are set in *bitmask* (decimal, or hexadecimal with 0x)."""
        self.change(mask_of(bitmask), 0)
        return "OK"

    @mi("reset_gflag", "gflags:reset_gflag", v40="gflags:reset")
    def mi_reset(self, bitmask: str) -> str:
        """Clear the flags whose bits are set in *bitmask*."""
        self.change(0, mask_of(bitmask))
        return "OK"

    @mi("is_gflag", "gflags:is_gflag", v40="gflags:check")
    @rendered(lambda held: [Node("", "TRUE" if held else "FALSE")])
    def mi_check(self, bitmask: str) -> bool:
        """Whether all flags of *bitmask* are set."""
        mask = mask_of(bitmask)
        return self.flags & mask == mask

    @mi("get_gflags", "gflags:get_gflags", v40="gflags:get")
    @rendered(lambda flags: [listed("", flags[base]) for base in ("hex", "dec")])
    def mi_get(self) -> dict[str, str]:
        """All flags, in hexadecimal and decimal."""
        return {"hex": f"0x{self.flags:X}", "dec": str(self.flags)}


def mask_of(text: str) -> int:
    """A bit mask written in decimal or hexadecimal; one without a bit is refused."""
    try:
        mask = int(text, 16 if text.lower().startswith("0x") else 10)
    except ValueError:
        mask = 0
    if not 0 < mask <= 0xFFFFFFFF:
        raise MIError(400, f"{text!r} is no bit mask of 32 bits")
    return mask

"""Accounting by flags, as 2.1 asks for it, to do_accounting()."""
from __future__ import annotations

from opensips_py.script import tree
from opensips_py.script.configuration import Configuration
from opensips_py.script.converting.source import Source
from opensips_py.script.walk import nodes

PLAIN, MISSED, FAILED = "", "missed", "failed"
BACK_ENDS = ("log", "evi", "db")
MEANINGS = {"failed_transaction_flag": ("", FAILED)} | {f"{each}{middle}_flag": (each, mark) for each in BACK_ENDS
                                                        for middle, mark in (("", PLAIN), ("_missed", MISSED))}
OTHERS = ("isflagset", "resetflag")


class Accounting:
    """Which flags mean accounting, and what takes the place of setting them.

    Left as it is where a flag means two things, is asked for or reset, or means a back end that is not there: the flags
    work in either dialect here.
    """

    def __init__(self, old: Configuration) -> None:
        self.params = [each for each in old.script.of(tree.ModParam)
                       if each.module.value == "acc" and each.parameter.value.endswith("_flag")]
        self.flags: dict[str, tuple[str, str]] = {}
        kinds = [each.parameter.value for each in self.params]
        calls = [node for route in old.script.of(tree.Route) for node in nodes(route) if isinstance(node, tree.Call)]
        plain = [each for each in BACK_ENDS if f"{each}_flag" in kinds]
        self.is_clear = all(each in MEANINGS for each in kinds) and len(plain) <= 1 and \
            len({str(each.value.value) for each in self.params}) == len(kinds)
        for each in self.params if self.is_clear else ():
            place, mark = MEANINGS[each.parameter.value]
            self.flags[str(each.value.value)] = place or "".join(plain) or "log", mark
        asked = any(node.name in OTHERS and flag_of(node) in self.flags for node in calls)
        if asked or "acc" not in old.registry.modules:
            self.flags.clear()

    def parameters(self, sources: dict[str, Source]) -> None:
        """The modparams that named the flags go."""
        for each in self.params if self.flags else ():
            source = sources.get(each.place.file)
            number = source.at(each.place) if source is not None else None
            if source is not None and number is not None and (found := source.arguments(number)) is not None:
                place, mark = self.flags[str(each.value.value)]
                source.comment_out(number, found[1], f"do_accounting({quoted(place, mark)}) stands for the flag now")

    def call(self, node: tree.Call) -> str | None:
        """What takes the place of setflag(flag); None where it is no flag of accounting. Only INVITEs can be missed."""
        flag = flag_of(node)
        if node.name != "setflag" or flag not in self.flags:
            return None
        place, mark = self.flags[flag]
        call = f"do_accounting({quoted(place, mark)})"
        return f'if ($rm == "INVITE") {call}' if mark == MISSED else call


def quoted(*words: str) -> str:
    """Arguments in quotes, those that are empty left out."""
    return ", ".join(f'"{each}"' for each in words if each)


def flag_of(node: tree.Call) -> str:
    """The flag that a call names."""
    given = node.arguments[0] if node.arguments else None
    match given:
        case tree.Name(name=name):
            return name
        case tree.Number(value=value) | tree.String(value=value):
            return str(value)
    return ""

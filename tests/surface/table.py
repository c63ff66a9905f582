"""The table that `make surface` prints: implemented / exercised by a test / known upstream."""
from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.surface import upstream
from tests.surface.count import Count, Counts, Record, beyond, counted, made_at_run_time, unexercised
from tests.surface.declared import Name

TITLES = {"functions": "functions", "params": "params", "mi": "mi", "statistics": "statistics", "pvars": "pvars",
          "events": "events", "transformations": "transf.", "globals": "globals", "statements": "statements",
          "route_types": "routes", "operators": "operators", "operands": "operands"}
WIDTH = 118


def printed(names: list[Name], record: Record) -> str:
    """The whole report."""
    names = [*names, *made_at_run_time(record)]
    counts = {dialect: counted(names, record, dialect) for dialect in upstream.DIALECTS}
    ours = sorted({each.module for each in names if each.module != "core"})
    lines = ["implemented / exercised by a test through a script / upstream", ""]
    lines += rows(["core"], counts, upstream.CORE_KINDS)
    lines += rows(ours, counts, upstream.KINDS)
    lines += totals(counts)
    for module in ["core", *ours]:
        lines += remarks(module, [each for each in names if each.module == module], counts, record)
    return "\n".join(lines) + "\n"


def rows(modules: Iterable[str], counts: dict[upstream.Dialect, Counts], kinds: tuple[str, ...]) -> Iterator[str]:
    """A heading, and a line for each module and dialect."""
    yield f"{'':20}" + "".join(f"{TITLES[kind]:>13}" for kind in kinds)
    for module in modules:
        for number, (dialect, known) in enumerate(counts.items()):
            if module in known:
                shown = "" if number and module in counts["2.1"] else module
                yield f"{shown:16}{dialect:4}" + "".join(f"{known[module][kind]!s:>13}" for kind in kinds)
    yield ""


def totals(counts: dict[upstream.Dialect, Counts]) -> Iterator[str]:
    """All modules together, those that are not there yet included."""
    for dialect, known in counts.items():
        sums = [total(known, kind) for kind in upstream.KINDS]
        modules = [module for module in known if module != "core"]
        yield f"{f'{len(modules)} modules':16}{dialect:4}" + "".join(f"{each:>13}" for each in sums)


def total(known: Counts, kind: str) -> str:
    """The sum over all modules, without the core."""
    counts: list[Count] = [kinds[kind] for module, kinds in known.items() if module != "core"]
    return "/".join(str(sum(len(getattr(each, what)) for each in counts))
                    for what in ("implemented", "exercised", "upstream"))


def remarks(module: str, names: list[Name], counts: dict[upstream.Dialect, Counts], record: Record) -> Iterator[str]:
    """What is behind the numbers of one module: names that wait, are missing, are not exercised, or are our own."""
    waiting, left_out = upstream.waits().get(module, {}), upstream.left_out().get(module, {})
    missing: dict[str, dict[str, None]] = {}
    for known in counts.values():
        for kind, count in known.get(module, {}).items():
            for name in sorted(count.lacking):
                awaited, reason = waiting.get(kind, {}).get(name), left_out.get(kind, {}).get(name)
                left = f"left out, for {reason}" if reason else f"missing {kind}"
                title = f"waits for {awaited}" if awaited else left
                missing.setdefault(title, {})[name] = None
    idle = {each.v40 or each.v21 or "" for each in names if each.is_idle}
    own = beyond(each for each in names if each.help)
    found = {**missing, "accepted without effect": sorted(idle),
             "not exercised": unexercised((each for each in names if not each.is_idle), record),
             "beyond OpenSIPS": sorted({f"{each.kind} {each.v40 or each.v21}" for each in own})}
    lines = [line for title, listed in found.items() if listed
             for line in wrapped(f"  {title}: ", [each.removeprefix(f"{module}/") for each in listed])]
    if lines:
        yield from ("", module, *lines)


def wrapped(title: str, names: Iterable[str]) -> Iterator[str]:
    """*title* and the names behind it, in lines of a readable length."""
    line = title
    for name in names:
        if len(line) + len(name) > WIDTH:
            yield line
            line = "      "
        line += f"{name}  "
    yield line

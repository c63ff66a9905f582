"""What management asks of the other processes beside their modules' commands: statistics, log levels, subscriptions."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opensips_py.mi import consumers

Row = list[Any]  # group, name, kind, whether every process works out the same, value


def answer(services: Any, links: Any) -> None:
    """Have this process answer."""
    statistics = services.statistics
    links.on_call("statistics", lambda names: rows(statistics, names))
    links.on_call("reset_statistics", lambda names: reset(statistics, names))
    links.on_call("log_level", lambda level: set_level(levels_of(services), level))
    links.on_call("xlog_level", lambda level: set_xlog_level(levels_of(services), level))
    links.on_call("log_level_filter", consumers.filter_level)
    links.on_call("log_mute_state", consumers.mute)
    links.on_call("subscribe", lambda event, socket, expire: services.events.subscribe(event, socket, expire))
    links.on_call("unsubscribe", lambda event, socket: services.events.unsubscribe(event, socket))
    links.on_call("subscribers", lambda: services.events.subscribers())
    links.on_call("events", lambda: services.events.names())
    links.on_call("module", lambda module, method, *arguments: getattr(
        services.generation.registry.modules[module], method)(*arguments))
    links.on_call("raise", lambda event, values: services.events.raise_event(event, values))


def kept(services: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What was set by management since the start, as calls for a worker that has just come: operation -> arguments."""
    levels = levels_of(services)
    calls: dict[str, list[tuple[Any, ...]]] = {
        "log_level": [], "xlog_level": [], "subscribe": services.events.remembered(),
        "status_report": [(each,) for each in services.reports.changes()]}
    if levels.log != levels.configured_log:
        calls["log_level"].append((levels.log,))
    if levels.xlog != levels.configured_xlog:
        calls["xlog_level"].append((levels.xlog,))
    if services.mi.selected:
        calls["trace_on"] = [(each,) for each in services.mi.selected.values()]
    return calls


def levels_of(services: Any) -> Any:
    """How much this process logs, as the current generation has it."""
    return services.generation.registry.modules["core"].levels


def rows(statistics: Any, names: Iterable[str]) -> list[Row]:
    """The statistics that *names* select, with their values."""
    chosen = {(each.group, each.name): each for name in names for each in statistics.select(name)}
    return [[each.group, each.name, each.kind, getattr(each, "shared", False), each.value]
            for each in chosen.values()]


def reset(statistics: Any, names: Iterable[str]) -> list[str]:
    """Set the counters that *names* select to zero, and let series begin again; the names that stand for nothing."""
    unknown = []
    for name in names:
        chosen = statistics.select(name)
        unknown += [] if chosen else [name]
        for each in chosen:
            if each.kind in ("counter", "function"):
                each.reset()
    return unknown


def joined(answers: dict[int, list[Row]]) -> list[Row]:
    """One row per statistic: counters are shared already, functions are added up unless all work out the same."""
    result: dict[tuple[str, str], Row] = {}
    for index in sorted(answers):
        for row in answers[index]:
            known = result.setdefault((row[0], row[1]), list(row))
            if known[:4] == row[:4] and row[2] == "function" and not row[3] and index != min(answers):
                known[4] += row[4]
    return list(result.values())


def set_level(levels: Any, level: int | None) -> int:
    """Set the log level of this process, if one is given; returns what it is."""
    if level is not None:
        levels.set_log(level)
    return int(levels.log)


def set_xlog_level(levels: Any, level: int | None) -> int:
    """Set the level of xlog() in this process, if one is given; returns what it is."""
    if level is not None:
        levels.set_xlog(level)
    return int(levels.xlog)

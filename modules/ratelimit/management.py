"""The management commands of ratelimit."""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from opensips_py.errors import MIError
from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import mi
from opensips_py.module.glob import glob
from opensips_py.modules.ratelimit.algorithms import FEEDBACK, WORDS, Gains
from opensips_py.modules.ratelimit.load import Load
from opensips_py.modules.ratelimit.pipes import Pipe, Pipes
from opensips_py.modules.ratelimit.shared import Shared

NOT_FOUND, BAD = 404, 400


def pipe_nodes(data: Any) -> list[Node]:
    """2.1's lines of pipes."""
    return [listed("PIPE", None, dict(each)) for each in (data["Pipes"] if "Pipes" in data else [data["Pipe"]])]


def gain_nodes(data: Any) -> list[Node]:
    """2.1's line of gains."""
    return [Node("PID", None, dict(data["PID"]))]


class Management:
    """Commands that list pipes, reset them, and tune the controller."""

    pipes: Pipes
    machine: Load
    shared: Shared | None

    def follow(self, name: str) -> None:
        """Have the pipe *name* know what all servers have counted; waits."""
        raise NotImplementedError

    def asked(self, question: Callable[[], Any]) -> Any:
        """What the store answers."""
        raise NotImplementedError

    @mi("rl_list", v40="ratelimit:list")
    @rendered(pipe_nodes)
    def list_pipes(self, pipe: str | None = None, filter: str | None = None,
                   filter_out: str | None = None) -> dict[str, Any]:
        """The pipes with algorithm, limit and counter: all, the one called *pipe*, those whose names *filter* fits, or
        those that *filter_out* does not fit (shell wildcards); one of the three at most. What FEEDBACK decides also
        has its drop_rate, in percent; the largest of them stands beside the pipes."""
        if sum(each is not None for each in (pipe, filter, filter_out)) > 1:
            raise MIError(BAD, "one of pipe, filter and filter_out at most")
        if pipe is not None:
            found = self.shown(pipe, summary)
            return {"Pipe": found, "drop_rate": drop_rate([found])}
        wanted: Callable[[str], bool] = lambda name: True  # noqa: E731
        if filter is not None:
            wanted = glob(filter).matches
        elif filter_out is not None:
            unwanted = glob(filter_out).matches
            wanted = lambda name: not unwanted(name)  # noqa: E731
        rows = list(self.rows(wanted))
        return {"Pipes": rows, "drop_rate": drop_rate(rows)}

    @mi("rl_dump_pipe", v40="ratelimit:dump_pipe")
    def dump_pipe(self, pipe: str) -> dict[str, Any]:
        """All that is known of a pipe: beside its counter what the last interval had, or the slots of its window that
        hold something, by the milliseconds since they ended."""
        found = self.shown(pipe, details)
        counter = found.pop("counter")
        return {"Pipe": found.pop("id"), "Algorithm": found.pop("algorithm"), "Counter": counter,
                "Replication Nodes": [], "Total": counter, **found}

    @mi("rl_reset_pipe", v40="ratelimit:reset_pipe")
    def reset_pipe(self, pipe: str) -> None:
        """Set the counter of *pipe* back to 0."""
        def reset(found: Pipe) -> dict[str, Any]:
            found.reset()
            return {}
        self.shown(pipe, reset)
        shared = self.shared
        if shared is not None:
            self.asked(lambda: shared.reset(pipe))

    @mi("rl_set_pid", v40="ratelimit:set_pid")
    def set_pid(self, ki: str, kp: str, kd: str) -> None:
        """Set the gains of the controller that FEEDBACK uses: integral, proportional, derivative."""
        try:
            gains = [float(each) for each in (ki, kp, kd)]
        except ValueError:
            gains = [math.nan]
        if not all(math.isfinite(each) for each in gains):
            raise MIError(BAD, "ki, kp and kd are numbers")
        self.machine.set_gains(Gains(*gains))

    @mi("rl_get_pid", v40="ratelimit:get_pid")
    @rendered(gain_nodes)
    def get_pid(self) -> dict[str, Any]:
        """The gains of the controller that FEEDBACK uses."""
        gains = self.machine.gains
        return {"PID": {"ki": f"{gains.integral:.3f}", "kp": f"{gains.proportional:.3f}",
                        "kd": f"{gains.derivative:.3f}"}}

    def rows(self, wanted: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
        """The pipes whose names are *wanted*; one that is gone meanwhile is left out."""
        for name in filter(wanted, self.pipes.names()):
            if self.shared is not None:
                self.follow(name)
            with self.pipes.pipe(name) as found:
                if found is not None:
                    yield {"id": name, **summary(found)}

    def shown(self, name: str, show: Callable[[Pipe], dict[str, Any]]) -> dict[str, Any]:
        """What *show* says of one pipe; MIError where there is none of that name."""
        if self.shared is not None:
            self.follow(name)
        with self.pipes.pipe(name) as found:
            if found is None:
                raise MIError(NOT_FOUND, "Pipe Not Found")
            return {"id": name, **show(found)}


def drop_rate(rows: list[dict[str, Any]]) -> int:
    """The largest share that FEEDBACK refuses in one of the pipes, in percent."""
    return max((row.get("drop_rate", 0) for row in rows), default=0)


def summary(pipe: Pipe) -> dict[str, Any]:
    """A pipe in a list; its counter is that of the last whole interval, or of its window."""
    word = WORDS.get(pipe.algorithm, "?")
    shown: dict[str, Any] = {"algorithm": word, "limit": pipe.limit,
                             "counter": pipe.counter if word == "SBT" else pipe.before}
    return {**shown, "drop_rate": pipe.rate} if pipe.algorithm == FEEDBACK else shown


def details(pipe: Pipe) -> dict[str, Any]:
    """A pipe alone."""
    if WORDS.get(pipe.algorithm) != "SBT":
        return {**summary(pipe), "counter": pipe.counter, "last_counter": pipe.before}
    period = round(pipe.rules.period * 1000)
    slots = [{"ago": ago * period, "counter": counted} for ago, counted in pipe.window()]
    return {**summary(pipe), "window_size": pipe.rules.slots * period, "slot_period": period, "slots": slots}

"""Commands that trace calls and tell what became of them; they ask all workers."""
from __future__ import annotations

import ipaddress
import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MIError
from opensips_py.mi import accounts
from opensips_py.module import Between, mi

if TYPE_CHECKING:
    from opensips_py.module.services import Services

BAD_REQUEST, NOT_FOUND = 400, 404
SECONDS, CALLS = 600, 100
Seconds = Annotated[int, Between(0, 31_536_000)]
Calls = Annotated[int, Between(1, 1_000_000)]
Level = Annotated[int, Between(-3, 4)]


class TraceCommands:
    """Commands for single calls."""

    everywhere: Callable[..., dict[int, Any]]  # calls an operation in processes
    services: Services

    @property
    def selected(self) -> dict[str, dict[str, Any]]:
        """What workers were told, by name, for those to come."""
        selected: dict[str, dict[str, Any]] = self.services.mi.selected
        return selected

    @mi("trace_on", v40="core:trace_on")
    def trace_on(self, call_id: str = "", user: str = "", ip: str = "", method: str = "", seconds: Seconds = SECONDS,
                 calls: Calls = CALLS, level: Level | None = None) -> dict[str, Any]:
        """Keep an account of each call whose first message fits all that is given: its *call_id*, a *user* in From, To
        or Request-URI, the address or network *ip* that it came from, its *method*. Ends after *seconds* (0: never) and
        picks no more than *calls* in each worker; with *level*, these calls are also logged up to it."""
        return self.pick(call_id, user, ip, method, seconds, calls, level, records=True)

    @mi("trace_log", v40="core:trace_log")
    def trace_log(self, level: Level, call_id: str = "", user: str = "", ip: str = "", method: str = "",
                  seconds: Seconds = SECONDS, calls: Calls = CALLS) -> dict[str, Any]:
        """Log up to *level* what is done for the calls that fit, and keep no account of them; else as trace_on."""
        return self.pick(call_id, user, ip, method, seconds, calls, level, records=False)

    @mi("trace_off", v40="core:trace_off")
    def trace_off(self, name: str = "") -> dict[str, Any]:
        """Trace no further call; with *name*, take away this one selector. The accounts stay until others need the
        room."""
        if name and name not in self.selected:
            raise MIError(NOT_FOUND, f"there is no selector {name}")
        gone: set[str] = set()
        for names in self.ask("trace_off", name).values():
            gone.update(names)
        for each in [name] if name else list(self.selected):
            self.selected.pop(each, None)
        return {"ended": sorted(gone)}

    @mi("trace_status", v40="core:trace_status")
    def trace_status(self) -> dict[str, Any]:
        """What is traced now, and the calls of which there are accounts."""
        selectors: dict[str, dict[str, Any]] = {}
        calls: list[dict[str, Any]] = []
        for index, answer in sorted(self.ask("trace_status").items()):
            for row in answer["selectors"]:
                known = selectors.setdefault(row["name"], {**row, "picked": 0, "workers": []})
                known["workers"].append(index)
                known["picked"] += row["picked"]
                known["calls_left"] = min(known["calls_left"], row["calls_left"])
            calls += [each for each in answer["calls"] if each["events"]]
        return {"selectors": list(selectors.values()), "calls": sorted(calls, key=lambda each: float(each["began"]))}

    @mi("explain", v40="core:explain")
    def explain(self, call_id: str) -> dict[str, Any]:
        """The account of a call: each line of the script that ran, with values and results, and each message."""
        found = accounts.joined(each for each in self.ask("explain", call_id).values()
                                if each is not None and each["events"])
        if found is None:
            raise MIError(NOT_FOUND, f"there is no account of {call_id}: was it traced? trace_status lists those that "
                                     "there are")
        return found

    def pick(self, call_id: str, user: str, ip: str, method: str, seconds: int, calls: int, level: int | None, *,
             records: bool) -> dict[str, Any]:
        """Have all workers pick calls."""
        if not (call_id or user or ip or method):
            raise MIError(BAD_REQUEST, "say which calls: by call_id, user, ip or method")
        try:
            ipaddress.ip_network(ip or "::", strict=False)
        except ValueError:
            raise MIError(BAD_REQUEST, f"{ip} is no address and no network") from None
        name = next(each for each in map(str, itertools.count(1)) if each not in self.selected)
        conditions = {"name": name, "call_id": call_id, "user": user, "ip": ip, "method": method.upper(),
                      "until": time.time() + seconds if seconds else 0.0, "calls": calls, "level": level,
                      "records": records}
        self.ask("trace_on", conditions)
        self.forget_old()
        self.selected[name] = conditions
        return {"name": name, "seconds": seconds, "calls": calls}

    def forget_old(self) -> None:
        """Forget the selectors whose time is over; workers do so by themselves."""
        now = time.time()
        for name in [name for name, each in self.selected.items() if each["until"] and each["until"] <= now]:
            del self.selected[name]

    def ask(self, operation: str, *values: Any) -> dict[int, Any]:
        """Call *operation* in all workers."""
        return self.everywhere(operation, *values, peers=[*range(self.services.workers)])

"""The account of one traced call: its messages, and what the script and the modules did with them."""
from __future__ import annotations

import re
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from opensips_py.module.masking import HIDDEN, is_secret, masked, readable, shown

if TYPE_CHECKING:
    from opensips_py.module.run import Run

EVENTS = 4000  # of one call
ROOM = 512 << 10  # characters of messages of one call
QUOTED = re.compile(r'"[^"]*"')
CURRENT: ContextVar[Account | None] = ContextVar("account", default=None)

__all__ = ["CURRENT", "Account", "current", "is_secret", "masked", "note", "shown"]


def current() -> Account | None:
    """The account of the call whose message is being handled here; None where that call is not traced."""
    account = CURRENT.get()
    return account if account is not None and account.records else None


def note(kind: str, text: str, **data: Any) -> None:
    """Report what was used or done to the account of the call at hand, if that is traced.

    *kind* groups such notes: "dns", "usrloc", "db", or the name of a module that does something by itself.
    """
    account = CURRENT.get()
    if account is not None and account.records:
        account.note(kind, text, **data)


class Position:
    """Where one run is: its number in the account, and the routes it is in."""

    __slots__ = ("number", "routes", "texts")

    def __init__(self, number: int) -> None:
        self.number = number
        self.routes: list[str] = []
        self.texts: dict[int, Any] = {}  # what arguments that functions evaluate themselves came to


class Account:
    """What is known of one call in one worker; *level* is the log level of its runs, None as everywhere.

    Each event is a dictionary with its time in microseconds since the first one (`t`), its `kind`, and what belongs to
    that kind: docs/explain.md lists them. The number of events and the room for messages are bounded; `dropped` counts
    what came too late.
    """

    def __init__(self, call_id: str, worker: int, level: int | None = None, *, records: bool = True) -> None:
        self.call_id, self.worker, self.level, self.records = call_id, worker, level, records
        self.began = time.time()
        self.events: list[dict[str, Any]] = []
        self.dropped = 0
        self.runs = 0
        self.room = ROOM
        self.twins: dict[int, Any] = {}  # the generations as this call works with them, by number
        self.files: dict[str, list[str]] = {}  # the lines of the scripts that ran
        self._zero = time.perf_counter()

    def now(self) -> int:
        """Microseconds since this account began."""
        return int((time.perf_counter() - self._zero) * 1e6)

    def add(self, kind: str, when: int | None = None, **data: Any) -> None:
        """One more event, now or *when*."""
        if len(self.events) >= EVENTS:
            self.dropped += 1
            return
        self.events.append({"t": self.now() if when is None else when, "kind": kind, **data})

    def note(self, kind: str, text: str, **data: Any) -> None:
        """Something was used or done; *data* tells more, by name."""
        more: dict[str, Any] = {"data": {name: plain(value, name) for name, value in data.items()}} if data else {}
        self.add("note", about=kind, text=shown(text), **more)

    # Messages

    def message_in(self, message: Any) -> None:
        """A message of the call arrived."""
        connection = message.connection
        protocol = connection.protocol if hasattr(connection, "protocol") else message.listener.protocol
        self.add("in", source=f"{protocol}:{message.source_host}:{message.source_port}",
                 listener=str(message.listener), message=self.text_of(message.data))

    def message_out(self, target: Any, data: bytes) -> None:
        """A message of the call left."""
        self.add("out", target=str(target), message=self.text_of(data))

    def text_of(self, data: bytes) -> str:
        """A message as it is kept."""
        text = masked(readable(data))
        if len(text) > self.room:
            text = text[:max(text.find("\r\n"), 0)]  # its first line at least
        self.room = max(0, self.room - len(text))
        return text

    # What compiled routes report

    def position(self, run: Run) -> Position:
        """Where *run* is; a run that is new gets a number."""
        if run.extra is None:
            run.extra = {}
        found: Position | None = run.extra.get(Account)
        if found is None:
            self.runs += 1
            found = run.extra[Account] = Position(self.runs)
        return found

    def enter(self, run: Run, route: str, file: str, line: int) -> None:
        """A route begins."""
        at = self.position(run)
        self.add("enter", run=at.number, depth=len(at.routes), route=route, file=file, line=line,
                 type=run.kind.name if run.kind.name is not None else "")
        at.routes.append(route)

    def leave(self, run: Run, code: Any = None, error: str = "") -> None:
        """A route ends, with *code* or because of *error*."""
        at = self.position(run)
        route = at.routes.pop() if at.routes else ""
        more = {"error": shown(error)} if error else {"code": shown(code)}
        if run.dropped and not at.routes:
            more["dropped"] = True
        self.add("leave", run=at.number, depth=len(at.routes), route=route, **more)

    def of_run(self, run: Run, kind: str, when: int | None = None, **data: Any) -> None:
        """An event of *run*."""
        at = self.position(run)
        self.add(kind, when, run=at.number, depth=len(at.routes), **data)

    # What management asks

    def data(self) -> dict[str, Any]:
        """This account, with the lines of the script that it names."""
        lines: dict[str, dict[str, str]] = {}
        for each in self.events:
            text = self.files.get(each.get("file", ""))
            if text is not None and 0 < each["line"] <= len(text):
                lines.setdefault(each["file"], {})[str(each["line"])] = of_source(text[each["line"] - 1])
        return {"call_id": readable(self.call_id), "worker": self.worker, "began": self.began,
                "events": [dict(each) for each in self.events], "dropped": self.dropped, "lines": lines}

    def summary(self) -> dict[str, Any]:
        """This account in one row."""
        first = next((each["message"].partition("\r\n")[0] for each in self.events if each["kind"] == "in"), "")
        return {"call_id": readable(self.call_id), "worker": self.worker, "began": self.began,
                "events": len(self.events), "dropped": self.dropped, "first": first}


def of_source(line: str) -> str:
    """A line of a script; what is given to something secret is not shown."""
    text = readable(line)
    return QUOTED.sub(f'"{HIDDEN}"', text) if is_secret(text) else text


def plain(value: Any, name: str = "") -> Any:
    """A value of a note: lists and dictionaries stay such."""
    if isinstance(value, dict):
        return {str(key): plain(each, str(key)) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return HIDDEN if is_secret(name) else [plain(each) for each in value]
    return shown(value, name)

"""The account of a traced call for the terminal: messages, routes, lines, values, one below the other."""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rich.text import Text

Event = dict[str, Any]
GUIDE = "│ "
GUIDES, TIME, ROUTE, LINE, NUMBER = "dim", "dim", "bold magenta", "", "dim cyan"
NAME, VALUE, CALL, GOOD, BAD, NOTE = "cyan", "green", "yellow", "green", "bold red", "blue"
IN, OUT = "bold green", "bold yellow"
WIDTH = 9  # of the column of times
WAITED = 1000  # microseconds; what may wait and took no longer found everything there


class Account:
    """Prints an account, or as much of it as is there; *whole* shows messages with all their lines."""

    def __init__(self, lines: dict[str, dict[str, str]], *, whole: bool = False) -> None:
        self.lines, self.whole = lines, whole
        self.run: int | None = None  # whose events were printed last
        self.line: tuple[int, str, int] | None = None  # where those were
        self.file = ""

    def texts(self, events: Iterable[Event]) -> Iterator[Text]:
        """The lines to print for *events*."""
        for event in events:
            show = getattr(self, f"show_{event['kind']}", None)
            if show is not None:
                yield from self.where(event)
                yield from show(event)

    def row(self, event: Event, depth: int, *pieces: tuple[str, str]) -> Text:
        """One line: the time, the guides of the tree, and coloured pieces."""
        text = Text(f"{clock(event['t']):>{WIDTH}} ", TIME)
        text.append(GUIDE * depth, GUIDES)
        for piece, style in pieces:
            text.append(piece, style)
        return text

    def where(self, event: Event) -> Iterator[Text]:
        """Say so where another run goes on."""
        run = event.get("run")
        if run is not None and run != self.run and event["kind"] != "enter":
            yield self.row(event, 0, (f"run {run} goes on", TIME))
        if run is not None:
            self.run = run

    # Messages

    def show_in(self, event: Event) -> Iterator[Text]:
        """A message that came."""
        yield self.row(event, 0, ("▶ ", IN), (first_line(event), IN), (f"  from {event['source']}", TIME),
                       *again(event))
        if not event.get("repeated"):
            yield from self.body(event, [] if not self.whole else [[" ", each] for each in rest(event)])

    def show_out(self, event: Event) -> Iterator[Text]:
        """A message that left, with what is different from the one that came."""
        own = [("  (our own)", TIME)] if event.get("own") else []
        yield self.row(event, 0, ("◀ ", OUT), (first_line(event), OUT), (f"  to {event['target']}", TIME), *own,
                       *again(event))
        if event.get("repeated"):
            return
        if self.whole:
            yield from self.body(event, [[" ", each] for each in rest(event)])
        yield from self.body(event, event.get("changes", []))

    def body(self, event: Event, lines: list[list[str]]) -> Iterator[Text]:
        """Lines of a message."""
        styles = {"-": "red", "+": "green"}
        for sign, line in lines:
            yield Text(" " * (WIDTH + 1)).append("   ").append(f"{sign} {line}", styles.get(sign, "dim"))

    # Routes

    def show_enter(self, event: Event) -> Iterator[Text]:
        """A route begins."""
        self.line = None
        yield self.row(event, event["depth"], ("┌ ", GUIDES), (event["route"], ROUTE),
                       (f"  {event['file']}:{event['line']}" if event["file"] != self.file else "", TIME))
        self.file = event["file"]

    def show_leave(self, event: Event) -> Iterator[Text]:
        """A route ends."""
        self.line = None
        if "error" in event:
            ending = (event["error"], BAD)
        else:
            ending = (f"{value(event['code'])}{', dropped' if event.get('dropped') else ''}", TIME)
        yield self.row(event, event["depth"], ("└ ", GUIDES), (event["route"], ROUTE), (" → ", TIME), ending)

    def show_line(self, event: Event) -> Iterator[Text]:
        """A line of the script."""
        here = event["run"], event["file"], event["line"]
        if here == self.line:
            return  # a further statement of the same line
        self.line = here
        source = self.lines.get(event["file"], {}).get(str(event["line"]), "").strip()
        yield self.row(event, event["depth"], (f"{event['line']:>4} ", NUMBER), (source, "bold"))

    def show_read(self, event: Event) -> Iterator[Text]:
        """A variable was read."""
        yield self.row(event, event["depth"], ("       ", ""), (event["name"], NAME), (" is ", TIME),
                       (value(event["value"]), VALUE))

    def show_write(self, event: Event) -> Iterator[Text]:
        """A variable was assigned."""
        yield self.row(event, event["depth"], ("       ", ""), (event["name"], NAME), (" ← ", TIME),
                       (value(event["value"]), VALUE))

    def show_call(self, event: Event) -> Iterator[Text]:
        """A function was called."""
        arguments = ", ".join(value(each) for each in event["arguments"])
        if "error" in event:
            ending = (event["error"], BAD)
        else:
            result = event["result"]
            meaning = f" ({event['meaning']})" if "meaning" in event else ""
            failed = isinstance(result, int) and result < 0
            ending = (f"{value(result)}{meaning}", BAD if failed else GOOD)
        waited = "waited " if event.get("waits") and event["took"] >= WAITED else ""
        yield self.row(event, event["depth"], ("       ", ""), (f"{event['function']}({arguments})", CALL),
                       (" → ", TIME), ending, (f"  {waited}{clock(event['took'])}", TIME))

    def show_test(self, event: Event) -> Iterator[Text]:
        """A condition was decided."""
        holds = event["result"]
        yield self.row(event, event["depth"], ("       ", ""), ("the condition ", TIME),
                       ("holds" if holds else "does not hold", GOOD if holds else "red"))

    def show_error(self, event: Event) -> Iterator[Text]:
        """Something failed."""
        yield self.row(event, event["depth"], ("       ", ""), (event["text"], BAD))

    def show_note(self, event: Event) -> Iterator[Text]:
        """A module, the resolver or the log reports something."""
        data = event.get("data", {})
        level = data.get("level", "")
        style = BAD if level in ("ERROR", "CRITICAL", "ALERT") else NOTE
        more = f"  ({data['error']})" if "error" in data else "  (known)" if data.get("cached") else ""
        yield self.row(event, 0, ("• ", style), (f"{event['about']}: ", style), (event["text"], ""), (more, TIME))
        for row in data.get("rows", []):
            shown = ", ".join(f"{name}={value(each)}" for name, each in row.items()) if isinstance(row, dict) else row
            yield Text(" " * (WIDTH + 1)).append("    ").append(str(shown), "dim")


def heading(account: dict[str, Any]) -> Text:
    """What the account is of."""
    workers = ", ".join(str(each) for each in account["workers"])
    text = Text(f"Call {account['call_id']}", "bold")
    text.append(f"  worker {workers}, {len(account['events'])} events", TIME)
    if account["dropped"]:
        text.append(f", {account['dropped']} more did not fit", BAD)
    return text


def first_line(event: Event) -> str:
    """The first line of a message."""
    found: str = event["message"].partition("\r\n")[0]
    return found


def rest(event: Event) -> list[str]:
    """The other lines of a message."""
    lines: list[str] = event["message"].splitlines()[1:]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def again(event: Event) -> list[tuple[str, str]]:
    """What to say of a message that was there before."""
    return [("  again", BAD)] if event.get("repeated") else []


def value(given: Any) -> str:
    """A value as a script would write it."""
    if given is None:
        return "NULL"
    return str(given) if isinstance(given, int) else json.dumps(given, ensure_ascii=False)


def clock(microseconds: int) -> str:
    """A time that is easy to read."""
    if microseconds < 1000:
        return f"{microseconds}µs"
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.2f}ms"
    return f"{microseconds / 1e6:.3f}s"

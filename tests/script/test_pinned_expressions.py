"""Expressions have the values that OpenSIPS 2.1.5 and 4.0.1 give them; expressions.json holds both.

A row runs `do`, then shows `show` ($var(r) where it says nothing), or yes or no for `if`; with `sent`, its value is
what changes on the way of the message, with `replied`, the answer. `both` is the value in the two dialects; a value
that is missing was not to be had of that OpenSIPS, for the most part since it refuses the row. `differs` says why ours
is another one on purpose, `ours-…` what it is.
"""
from __future__ import annotations

import difflib
import json
import logging
import pathlib
import re
from typing import Any

import pytest

from opensips_py.module.run import Route
from opensips_py.restraint import Restraint
from opensips_py.script import runtime
from tests.modules.bench import Bench

TABLE = json.loads((pathlib.Path(__file__).parent / "expressions.json").read_text())
ROWS: list[dict[str, Any]] = [{**row, "group": group} for group, rows in TABLE["groups"].items() for row in rows]
MODULES = "signaling sl tm rr maxfwd sipmsgops textops cfgutils mathops uri"
DIALECTS = ("2.1", "4.0")
OWN = ("Via: ", "v: ", "Server: ", "Warning: 392", "X-Case", "Y-Case", "Z-Case")  # ... and the number of a row


def expected(row: dict[str, Any], dialect: str) -> Any:
    """What the row gives in *dialect*; None where that was not to be had."""
    return row.get(f"ours-{dialect}", row.get(dialect, row.get("both")))


def done(row: dict[str, Any], dialect: str) -> str:
    """The statements of a row."""
    code = row.get(f"do-{dialect}", row.get("do", ""))
    return f'{code} if ({row["if"]}) $var(r) = "yes"; else $var(r) = "no";' if "if" in row else code


def shown(row: dict[str, Any], dialect: str) -> str:
    """The statement that makes the value of a row visible."""
    if "sent" in row:
        return '$du = "sip:192.0.2.2:5060"; forward();'
    if "replied" in row:
        return 'sl_send_reply("299", "Row");' if dialect == "2.1" else 'sl_send_reply(299, "Row");'
    text = row.get("show", "$var(r)").replace("\\", "\\\\").replace('"', '\\"')
    return f'xlog("L_ERR", "<<{text}>>\\n");'


def script(dialect: str) -> str:
    """All rows, each a route of its own."""
    lines = list(TABLE["routes"])
    for number, row in enumerate(ROWS):
        if expected(row, dialect) is not None:
            code = done(row, dialect)
            if "inroute" in row:
                lines.append(f"route[inner{number}] {{ {code} }}")
                code = f"route(inner{number});"
            kind = "onreply_route" if row.get("on") == "reply" else "route"
            lines.append(f"{kind}[row{number}] {{ $var(r) = NULL; {code} {shown(row, dialect)} }}")
    return "\n".join(lines)


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture(scope="module", params=DIALECTS)
def bench(request):
    """All rows of a dialect, compiled at once."""
    found = Bench(MODULES, "exit;", routes=script(request.param), dialect=request.param)
    found.dialect = request.param
    found.logged = Lines()
    logger = logging.getLogger("opensips_py.script")
    logger.addHandler(found.logged)
    before, logger.propagate = logger.propagate, False
    complaints, runtime.complaints = runtime.complaints, Restraint(logger)  # many fail on purpose, within a second
    yield found
    runtime.complaints, logger.propagate = complaints, before
    logger.removeHandler(found.logged)


def value(bench: Bench, number: int, row: dict[str, Any]) -> Any:
    """What a row gives here."""
    bench.logged.lines.clear()
    bench.network.sent.clear()
    text = TABLE["messages"][row.get("on", "invite")]
    message = bench.message(text)
    bench.run_on(message, Route.REQUEST if message.is_request else Route.ONREPLY, f"row{number}")
    if "sent" in row or "replied" in row:
        return outcome(text, bench.network.sent, "sent" in row)
    found = re.search(r"<<(.*)>>", "\n".join(bench.logged.lines), re.DOTALL)
    return found[1] if found else "(ended)"


def outcome(before: str, sent: list[Any], is_sent: bool) -> Any:
    """What became of a message on its way, as a diff; or the lines of the answer to it."""
    if not sent:
        return "(nothing)"
    after = neutral(sent[-1][1].decode("utf-8", "surrogateescape"))
    if not is_sent:
        return after
    return [line for line in difflib.unified_diff(neutral(before), after, n=0, lineterm="")
            if not line.startswith(("---", "+++"))]


def neutral(text: str) -> list[str]:
    """The lines of a message without those that each server writes in its own way."""
    lines = [line for line in text.split("\r\n") if not line.startswith(OWN)]
    answers = lines[0].startswith("SIP/2.0 2")
    return [re.sub(r"^(To:.*>);tag=.*", r"\1", line) if answers else line for line in lines]


@pytest.mark.parametrize("group", TABLE["groups"])
def test_values(bench, group):
    wrong = []
    for number, row in enumerate(ROWS):
        wanted = expected(row, bench.dialect)
        if row["group"] == group and wanted is not None:
            found = value(bench, number, row)
            if found != wanted:
                wrong.append(f"{json.dumps(row)}\n  wanted {wanted!r}\n  found  {found!r}")
    assert not wrong, "\n".join(wrong)


def test_the_table_is_large_and_its_differences_are_few():
    """Each difference has its reason, and is one."""
    for row in ROWS:
        ours = [dialect for dialect in DIALECTS if f"ours-{dialect}" in row]
        assert bool(ours) == bool(row.get("differs")), row
        for dialect in ours:
            assert row[f"ours-{dialect}"] != row.get(dialect, row.get("both")), row
    differing = [row for row in ROWS if "differs" in row]
    assert len(ROWS) > 1500 and len(differing) < len(ROWS) / 30, (len(ROWS), len(differing))

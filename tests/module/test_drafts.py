"""Drafts in the scopes of edits: of the request, of one branch."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from opensips_py.module import drafts
from opensips_py.module.run import Route
from opensips_py.sip import Edits, parse
from tests.modules.bench import options

KEY = "x"


def show(value: Any) -> bytes:
    return str(value).encode()


@pytest.fixture
def message():
    return parse(options(body="0123456789").encode())


def change(run, message, value, places=((2, 3),)):
    """Write the state, and show it at some places of the body."""
    draft = drafts.write(message, KEY, value)
    for start, end in places:
        if not drafts.is_placed(run, message, KEY, start):
            offset = message.body_offset
            message.edits.replace(offset + start, offset + end, drafts.Piece(draft, start, show))


def run_in(kind, message, transaction=None, branch=None):
    return SimpleNamespace(kind=kind, message=message, transaction=transaction, branch=branch)


def test_state_changes_until_the_message_leaves(message):
    run = run_in(Route.REQUEST, message)
    assert drafts.current(run, message, KEY) is None
    change(run, message, "a")
    change(run, message, "b", ((2, 3), (5, 6)))
    assert drafts.current(run, message, KEY) == "b" and drafts.current(run, message, "y") is None
    assert parse(message.edited()).body == b"01b34b6789" == drafts.edited_body(run, message)


def test_branch_has_its_own_state(message):
    change(run_in(Route.REQUEST, message), message, "all")
    outer = message.edits
    transaction: Any = SimpleNamespace(edits=outer, is_request=True)
    sent = []
    for value, places in (("one", ((2, 3), (5, 6))), (None, ())):
        branch: Any = SimpleNamespace(run_edits=None)
        run = run_in(Route.BRANCH, message, transaction, branch)
        message.edits = None
        assert drafts.current(run, message, KEY) == "all"
        if value:
            change(run, message, value, places)
            assert drafts.current(run, message, KEY) == value
        sent.append(drafts.edited_body(run, message))
    assert sent == [b"01one34one6789", b"01all3456789"]
    message.edits = outer
    assert drafts.current(run_in(Route.REQUEST, message), message, KEY) == "all"


def test_who_only_looks_says_where_from():
    assert drafts.departing(None) == [] and drafts.departing(drafts.View([])) == []
    edits = Edits()
    assert drafts.departing(drafts.View([edits])) == [edits]

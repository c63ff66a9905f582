"""cfg/accounting.cfg, played: Bob registers, Alice calls, Bob hangs up."""
from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from opensips_py.script import configuration
from opensips_py.state.environment import Environment
from tests.modules.books import Books, fields
from tests.modules.place import register
from tests.transaction.world import request

EXAMPLE = pathlib.Path(__file__).resolve().parents[3] / "cfg" / "accounting.cfg"


class Example(Books):
    """A worker that runs the example."""

    text = EXAMPLE.read_text().replace('loadmodule "proto_udp.so"', "")  # the network of the tests needs none

    def __init__(self, directory: pathlib.Path) -> None:
        self.environment = Environment(directory / "state.mdb", smallest=1 << 20)
        super().__init__("")


@pytest.fixture
def example(tmp_path: pathlib.Path) -> Iterator[Example]:
    made = Example(tmp_path)
    yield made
    made.registry.stop()
    made.environment.close()


def test_it_is_right() -> None:
    assert not configuration.read(str(EXAMPLE), {}).diagnostics.errors


def test_a_call_and_its_end_are_written(example: Example) -> None:
    example.ask(register("Contact: <sip:bob@192.0.2.2>;expires=60", user="bob"))
    example.call(180, 200, uri="sip:bob@example.com")
    invite = example.sent[-1]
    example.receive(request("BYE", world=example, cseq=2, branch="z9hG4bKbye", uri="sip:alice@192.0.2.1", from_tag="b1",
                            to_tag="a1", headers=f"Route: {invite.header('Record-Route')}\r\n"))
    example.answer(200)
    call, end = map(fields, example.lines)
    assert (call["method"], call["caller"], call["callee"], call["src_ip"], call["gateway"]) == \
        ("INVITE", "alice", "bob", "192.0.2.1", "192.0.2.2")
    assert (end["method"], end["from_tag"], end["to_tag"]) == ("BYE", "a1", "b1")
    assert example.records[0].facility == 16  # type: ignore[attr-defined]


def test_missed_calls_are_written(example: Example) -> None:
    example.call(uri="sip:bob@example.com")
    example.ask(register("Contact: <sip:bob@192.0.2.2>;expires=60", user="bob"))
    example.call(486, uri="sip:bob@example.com", branch="z9hG4bK2", call_id="call-2")
    assert [(each["what"], each["code"], each["callee"]) for each in map(fields, example.lines)] == [
        ("request accounted", "404", "bob"), ("call missed", "486", "bob")]

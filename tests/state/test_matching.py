"""Which stored binding a contact means."""
from __future__ import annotations

import pytest

from opensips_py.sip import Uri
from opensips_py.state import matching
from opensips_py.state._bindings import Binding


def found(new: Binding, mode: matching.Mode = 0, *stored: Binding) -> int | None:
    match = matching.find(list(stored), new, mode)
    return None if match is None else stored.index(match)


@pytest.mark.parametrize(("one", "other", "same"), [
    ("sip:a@h", "sip:a@h", True), ("sip:a@h", "sip:a@H", True), ("sip:%61@h", "sip:a@h", True),
    ("sip:a@h", "sip:A@h", False), ("sip:a@h", "sip:a@h:5060", False), ("sip:a@h;x=1", "sip:a@h;x=2", False),
    ("sip:a@h;ob", "sip:a@h", True), ("sips:a@h", "sip:a@h", False), ("sip:a@h?x=1", "sip:a@h", False),
    ("not a uri", "not a uri", True), ("not a uri", "sip:a@h", False), ("sip:a@h;transport=tcp", "sip:a@h", False)])
def test_contacts_are_uris(one: str, other: str, same: bool) -> None:
    assert matching.same(one, other) is same
    assert found(Binding(one), 0, Binding("sip:zzz@h"), Binding(other)) == (1 if same else None)


def test_the_call_id_counts_in_mode_one() -> None:
    stored = Binding("sip:a@h", call_id="1"), Binding("sip:a@h", call_id="2")
    assert found(Binding("sip:a@h", call_id="2"), 1, *stored) == 1
    assert found(Binding("sip:a@H", call_id="2"), 1, *stored) == 1
    assert found(Binding("sip:a@h", call_id="3"), 1, *stored) is None
    assert found(Binding("sip:a@h", call_id="3"), 0, *stored) == 0


def test_a_parameter_alone_can_decide() -> None:
    stored = Binding("sip:a@h;line=1"), Binding("sip:a@h;line=2"), Binding("sip:a@h")
    assert found(Binding("sip:b@other;line=2"), "line", *stored) == 1
    assert found(Binding("sip:a@h"), "line", *stored) == found(Binding("sip:a@h;line=3"), "line", *stored) == 2
    assert found(Binding("sip:a@h;line=3"), "line", *stored[:2]) is None
    assert found(Binding("not a uri"), "line", *stored) is None


def test_a_flow_is_known_by_instance_and_number() -> None:
    stored = Binding("sip:a@h", instance="<1>", reg_id=1), Binding("sip:a@h", instance="<1>", reg_id=2)
    assert found(Binding("sip:new@h", instance="<1>", reg_id=2), 0, *stored) == 1
    assert found(Binding("sip:a@h", instance="<2>", reg_id=1), 0, *stored) is None


def test_among_many_only_those_are_compared_that_may_be_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = [Binding(f"sip:a{number}@h") for number in range(500)] + [Binding("tel:+1-A"), Binding("sip:a@h;x=1")]
    known = matching.Known(stored)
    asked: list[str] = []
    parsed = matching.parsed

    def counted(contact: str) -> Uri | None:
        asked.append(contact)
        return parsed(contact)
    monkeypatch.setattr(matching, "parsed", counted)
    assert known.find(stored, Binding("sip:%61%37@H")) is stored[7]
    assert known.find(stored, Binding("TEL:+1-a")) is stored[-2]
    assert known.find(stored, Binding("sip:a@h;x=2")) is None
    assert known.find(stored, Binding("sip:nobody@h")) is None
    assert len(asked) < 20
    known.add(Binding("sip:nobody@h"))
    assert known.find(stored, Binding("sip:nobody@h")) is None  # it is not there any more
    assert known.find(stored, Binding("sip:b@h", instance="i", reg_id=1)) is None

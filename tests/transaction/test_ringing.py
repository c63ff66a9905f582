"""Calls that ring while their worker dies."""
from __future__ import annotations

from types import SimpleNamespace

import pytest

from opensips_py.sip import Uri, Via, scan
from opensips_py.transaction import SURVIVES, ringing
from opensips_py.transaction.ringing import Ringing
from tests.transaction.world import World, request, response

TARGET = SimpleNamespace(protocol="udp", listener=SimpleNamespace(index=0), address=7)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ringing"


def world_with(path, slots=None, clock=lambda: 1000.0):
    world = World()
    if slots is not None:
        world.slots = world.layer.slots = slots
    world.layer.pending = Ringing(path, 64, clock)
    return world


def crashed(path, **how):
    """A worker that dies while a call rings; what the callee received, and the worker in its place."""
    world = world_with(path)
    world.receive(request(world=world))
    invite = world.take()[-1]
    world.receive(response(invite, 180))
    world.layer.pending.close()
    return invite, world_with(path, world.slots, **how)


def test_answer_reaches_the_client(path):
    invite, world = crashed(path)
    ok = response(invite, 200)
    assert not world.receive(ok) and world.layer.forward_stray(ok)
    assert world.lines() == ["200 192.0.2.1"] and not world.layer.pending.orphans


def test_failure_is_acknowledged_and_reaches_the_client(path):
    invite, world = crashed(path)
    assert world.layer.forward_stray(response(invite, 486))
    ack, busy = world.take()
    assert ack.method == "ACK" and ack.via_branch == invite.via_branch and ack.uri == invite.uri
    assert ack.to_tag == "b1" and busy.status == 486
    assert [place[0] for place in world.places] == ["192.0.2.2", "192.0.2.1"]


def test_cancel_reaches_the_callee(path):
    invite, world = crashed(path)
    assert world.layer.knows_invite(request("CANCEL", world=world))
    assert not world.layer.knows_invite(request("CANCEL", world=world, call_id="another"))
    world.receive(request("CANCEL", world=world))
    cancel, ok = world.take()
    assert cancel.method == "CANCEL" and cancel.via_branch == invite.via_branch and cancel.uri == invite.uri
    assert len(cancel.vias) == 1 and world.places[0] == ("192.0.2.2", 5060) and ok.status == 200
    assert world.layer.forward_stray(response(invite, 487))
    assert world.lines() == ["ACK 192.0.2.2", "487 192.0.2.1"]


def test_calls_that_ended_are_forgotten(path):
    world = world_with(path)
    for number, status in enumerate((200, 486)):
        world.receive(request(world=world, branch=f"z9hG4bK{number}", call_id=str(number)))
        world.receive(response(world.take()[-1], status))
        world.take()
    world.receive(request(world=world, branch="z9hG4bK3", call_id="3"))
    world.pass_time(31)
    world.layer.pending.close()
    assert Ringing(path, 64, lambda: 1000.0).orphans == {}


def test_nothing_rings_for_ever(path):
    _, world = crashed(path, clock=lambda: 1301.0)
    assert world.layer.pending.orphans == {}


def test_room_is_bounded_and_comes_back(path):
    world = world_with(path)
    notes = Ringing(path, 2, lambda: 1000.0)
    target = world.resolver.literal(Uri.parse("sip:10.0.0.1"))
    for branch in ("z9hG4bK" + letter * 25 for letter in "abc"):
        notes.note(branch, target, "sip:bob@10.0.0.1")
    notes.forget("z9hG4bK" + "a" * 25)
    notes.note("z9hG4bK" + "d" * 25, target, "sip:x@[2001:db8::1]")
    notes.note("z9hG4bK" + "e" * 25, target, "sip:" + "x" * 400)
    notes.close()
    found = Ringing(path, 2, lambda: 1000.0).orphans
    assert sorted(each[-1] for each in found) == ["b", "d"]
    assert found["z9hG4bK" + "d" * 25].uri == "sip:x@[2001:db8::1]"


def test_stray_responses_of_others_are_not_forwarded(path):
    invite, world = crashed(path)
    other = scan(response(invite, 200).data.replace(invite.via_branch.encode(), b"z9hG4bK" + b"x" * 25))
    assert not world.layer.forward_stray(other) and world.take() == []


def test_stray_response_goes_where_the_next_via_says(path):
    invite, world = crashed(path)
    data = response(invite, 180).data
    moved = scan(data.replace(b"UDP 192.0.2.1:5060", b"UDP 10.1.1.1:5070;received=192.0.2.7;rport=6000"))
    assert world.layer.forward_stray(moved)
    world.take()
    assert world.places == [("192.0.2.7", 6000)]


def dead(path, text="what it needs", name="a module"):
    """A worker that died while a call rang of which a module had taken the Vias out; what the callee received."""
    world = world_with(path)
    sent = request(world=world)
    sent.context = {SURVIVES: (name, lambda: text)}
    world.receive(sent)
    world.layer.pending.close()
    return world.take()[-1], world_with(path, world.slots)


def test_a_module_brings_back_what_finds_no_way_by_itself(path):
    invite, world = dead(path, "caf\udce9 " * 100)
    seen = []

    def restore(response, text):
        seen.append((response.status, text))
        return Via.parse("SIP/2.0/UDP 192.0.2.77:5066;branch=z9hG4bKold")
    world.layer.restorers["a module"] = restore
    for status in (180, 200, 200):  # the last one once more, for the first was lost
        alone = response(invite, status).data.replace(b"192.0.2.1:5060", b"192.0.2.55:5060")
        assert world.layer.forward_stray(scan(alone))
    assert world.lines() == [f"{status} 192.0.2.77" for status in (180, 200, 200)]
    assert seen == [(status, "caf\udce9 " * 100) for status in (180, 200, 200)]
    assert not world.layer.knows_invite(request("CANCEL", world=world)), "it has been answered"
    world.layer.pending.close()
    assert Ringing(path, 64, lambda: 1000.0).orphans == {}


def test_a_failure_of_such_a_call_is_acknowledged(path):
    invite, world = dead(path)
    world.layer.restorers["a module"] = lambda response, text: Via.parse("SIP/2.0/UDP 192.0.2.77")
    assert world.layer.forward_stray(response(invite, 486))
    assert world.lines() == ["ACK 192.0.2.2", "486 192.0.2.77"] and world.layer.pending.orphans == {}


@pytest.mark.parametrize(("text", "name"), [("x" * 5000, "a module"), ("text", "one that is not loaded any more")])
def test_without_a_module_that_can_the_next_via_counts(path, text, name):
    invite, world = dead(path, text, name)
    world.layer.restorers["a module"] = lambda response, text: pytest.fail("it was too long to be kept")
    assert world.layer.forward_stray(response(invite, 200)) and world.lines() == ["200 192.0.2.1"]


def test_a_full_disk_ends_no_process(path, monkeypatch):
    """To write into memory for which the disk has no room would be the end of it: such a call is not noted."""
    def allocate(descriptor, start, length):
        if start:
            raise OSError(28, "No space left on device")
    monkeypatch.setattr(ringing.os, "posix_fallocate", allocate)
    notes = Ringing(path, 1024, lambda: 1000.0)
    fit = ringing.CHUNK // ringing.SIZE
    for number in range(fit + 20):
        notes.note(f"{number:032}", TARGET, "sip:a@b")
    notes.close()
    notes = Ringing(path, 1024, lambda: 1000.0)
    assert len(notes.orphans) == fit
    for branch in list(notes.orphans)[:3]:
        notes.adopted(branch)
    for number in range(5):
        notes.note(f"{number + 5000:032}", TARGET, "sip:a@b", ("module", lambda: "text"))
    notes.close()
    found = Ringing(path, 1024, lambda: 1000.0).orphans
    assert len(found) == fit and {each.text for name, each in found.items() if int(name) >= 5000} == {""}, (
        "what a module needs would find no room either")


@pytest.mark.parametrize(("moved", "left"), [(-5.0, 1), (-1000.0, 0), (100.0, 1), (1000.0, 0)])
def test_a_clock_that_was_set_forgets_no_call(path, moved, left):
    _, world = crashed(path, clock=lambda: 1000.0 + moved)
    assert len(world.layer.pending.orphans) == left

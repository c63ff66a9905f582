"""Routes that wait: what happens to their transaction is handled in order afterwards, and no other call waits."""
from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.live import Server
from tests.scenarios.flows import mi, serve, until
from tests.scenarios.phone import Call, Message, Phone, answered, calls_to

QUIET = 0.2  # seconds in which nothing may come
_names = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(1, FR=20, FR_INV=30) as running:  # one worker: whoever waited would make all wait
        yield running
        assert "Traceback" not in running.log


class Place:
    """A caller, and callees, at a server whose routes wait for *name*."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"n{next(_names)}"
        self.caller, self.first, self.second = (Phone(server.port) for _ in range(3))

    def close(self) -> None:
        mi(self.server, "probe_release", self.name)
        for each in (self.caller, self.first, self.second):
            each.close()

    def invite(self, word: str, *ports: int) -> Call:
        """A call that is to be held."""
        call = self.caller.call("-".join([word, *map(str, ports), self.name]))
        self.caller.send(call.invite)
        return call

    def held(self, count: int = 1) -> None:
        """Wait until *count* routes wait."""
        until(lambda: mi(self.server, "probe_held", self.name) == count)

    def release(self) -> None:
        """Let them go on."""
        assert mi(self.server, "probe_release", self.name) == "OK"

    def nothing(self, *phones: Phone) -> None:
        """None of the *phones* hears anything."""
        for each in phones:
            each.heard.clear()
            each.hear(QUIET)
            assert each.heard == []

    def others_go_on(self, count: int = 10) -> None:
        """Other calls are set up and ended from beginning to end."""
        caller, callee = Phone(self.server.port), Phone(self.server.port)
        calls = calls_to(caller, callee, [f"to-{callee.port}"] * count, answer=True)
        for each in calls:
            caller.send(caller.within(each, "BYE"))
        for bye in callee.take("BYE", [each.id for each in calls]).values():
            callee.send(bye.answer(200))
        caller.take("200 BYE", [each.id for each in calls])
        caller.close()
        callee.close()


@pytest.fixture
def place(server: Server) -> Iterator[Place]:
    made = Place(server)
    yield made
    made.close()


def heard(phone: Phone, kind: str, call: Call) -> Message:
    """The next message of *kind* of a call."""
    return phone.take(kind, [call.id])[call.id]


def kinds(phone: Phone, call: Call) -> list[str]:
    """All that the phone has heard of a call, in order."""
    phone.hear()
    return [each.kind for each in phone.heard if each.call_id == call.id]


# A failure route

def held_in_failure(place: Place) -> Call:
    """A call whose first callee was busy, whose second rings, and whose failure route waits."""
    call = place.invite("failing", place.first.port, place.second.port)
    place.first.send(heard(place.first, "INVITE", call).answer(486, "a"))
    heard(place.first, "ACK", call)
    call.invited = heard(place.second, "INVITE", call)
    place.held()
    heard(place.caller, "100 INVITE", call)
    place.second.send(call.invited.answer(180, f"b{call.id}", f"Contact: {place.second.contact('callee')}"))
    return call


def test_answers_while_a_failure_route_waits_come_afterwards_in_order(place: Place) -> None:
    call = held_in_failure(place)
    assert call.invited is not None
    place.second.send(call.invited.answer(200, f"b{call.id}", f"Contact: {place.second.contact('callee')}"))
    place.others_go_on()
    place.nothing(place.caller)
    place.release()
    until(lambda: "200 INVITE" in kinds(place.caller, call))
    assert kinds(place.caller, call) == ["180 INVITE", "200 INVITE"]
    answered(place.caller, place.second, [call])
    place.caller.send(place.caller.within(call, "BYE"))
    place.second.send(heard(place.second, "BYE", call).answer(200))
    heard(place.caller, "200 BYE", call)
    until(lambda: f"failure of {call.id} is over" in place.server.log)


def test_a_cancel_while_a_failure_route_waits(place: Place) -> None:
    call = held_in_failure(place)
    place.caller.send(place.caller.cancel(call))
    heard(place.caller, "200 CANCEL", call)  # a hop's own answer waits for nobody
    place.others_go_on()
    place.nothing(place.caller)
    assert "CANCEL" not in kinds(place.second, call)
    place.release()
    cancel = heard(place.second, "CANCEL", call)
    assert call.invited is not None
    place.second.send(cancel.answer(200, f"b{call.id}"))
    place.second.send(call.invited.answer(487, f"b{call.id}"))
    heard(place.second, "ACK", call)
    heard(place.caller, "487 INVITE", call)


def test_what_came_first_counts(place: Place) -> None:
    call = held_in_failure(place)
    assert call.invited is not None
    place.second.send(call.invited.answer(200, f"b{call.id}", f"Contact: {place.second.contact('callee')}"))
    place.others_go_on(1)  # the answer has been read
    place.caller.send(place.caller.cancel(call))
    heard(place.caller, "200 CANCEL", call)
    place.release()
    answered(place.caller, place.second, [call])
    place.nothing(place.second)


def test_retransmissions_while_a_failure_route_waits(place: Place) -> None:
    call = place.invite("failed", place.first.port, place.second.port)
    busy = [heard(each, "INVITE", call).answer(status, "b") for each, status in
            ((place.first, 404), (place.second, 486))]
    for each, answer in zip((place.first, place.second), busy, strict=True):
        each.send(answer)
        heard(each, "ACK", call)
    place.held()
    heard(place.caller, "100 INVITE", call)
    for _ in range(3):
        place.caller.send(call.invite)
        heard(place.caller, "100 INVITE", call)
    for each, answer in zip((place.first, place.second), busy, strict=True):
        each.send(answer)
    place.others_go_on()
    place.nothing(place.caller)
    place.release()
    assert heard(place.caller, "404 INVITE", call).get("To").endswith("tag=b")
    for each in (place.first, place.second):
        heard(each, "ACK", call)
        assert each.heard == []
    assert place.server.log.count(f"failure of {call.id} is over") == 1


def test_a_second_failure_changes_nothing_but_a_late_200_does(place: Place) -> None:
    """Of two branches that have failed one changes its mind while the failure route waits."""
    call = place.invite("failed", place.first.port, place.second.port)
    invites = [heard(each, "INVITE", call) for each in (place.first, place.second)]
    for each, invite in zip((place.first, place.second), invites, strict=True):
        each.send(invite.answer(486, "b"))
        heard(each, "ACK", call)
    place.held()
    place.second.send(invites[1].answer(200, "c", f"Contact: {place.second.contact('callee')}"))
    place.others_go_on(1)
    place.release()
    heard(place.caller, "486 INVITE", call)
    place.nothing(place.caller)  # RFC 3261, 17.1.1.2: a transaction that completed with a failure takes no 2xx


# A request route

def test_a_request_route_that_waits_is_told_as_100_and_absorbs_retransmissions(place: Place) -> None:
    call = place.invite("held", place.first.port)
    place.held()
    heard(place.caller, "100 INVITE", call)
    for _ in range(3):
        place.caller.send(call.invite)
        heard(place.caller, "100 INVITE", call)
    place.others_go_on()
    place.nothing(place.first)
    place.release()
    call.invited = heard(place.first, "INVITE", call)
    answered(place.caller, place.first, [call])
    assert place.first.heard == []


def test_a_cancel_while_the_request_route_waits(place: Place) -> None:
    call = place.invite("held", place.first.port)
    place.held()
    place.caller.send(place.caller.cancel(call))
    heard(place.caller, "200 CANCEL", call)
    place.others_go_on()
    place.release()
    assert heard(place.caller, "487 INVITE", call).get("To").count(";tag=") == 1
    place.nothing(place.first)


def test_many_routes_wait_and_all_others_go_on(place: Place) -> None:
    calls = [place.invite("held", place.first.port) for _ in range(100)]
    place.held(100)
    place.others_go_on(50)
    place.release()
    for call_id, invite in place.first.take("INVITE", [each.id for each in calls]).items():
        place.first.send(invite.answer(486, f"b{call_id}"))
    place.caller.take("486 INVITE", [each.id for each in calls])

"""Call flows of SIPp and of phones that a test leads step by step, through one worker and through two."""
from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.live import SIPP, LossyLink, Server, free_ports
from tests.scenarios.flows import FLOWS, KAMAILIO, THROUGH, Play, play, second_hop, serve
from tests.scenarios.phone import Call, Message, Phone, answered, calls_to, uri_of

sipp = pytest.mark.skipif(SIPP is None, reason="sipp is not installed")
kamailio = pytest.mark.skipif(KAMAILIO is None, reason="kamailio is not installed")


@pytest.fixture(scope="module")
def hop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of another proxy, 0 where there is none."""
    if KAMAILIO is None:
        yield 0
        return
    with second_hop(tmp_path_factory.mktemp("kamailio")) as port:
        yield port


@pytest.fixture(scope="module")
def outside() -> Iterator[LossyLink]:
    """What stands before the socket that advertises another port; it loses nothing."""
    with LossyLink(free_ports()[0], one_in=1 << 30) as link:
        yield link


@pytest.fixture(scope="module", params=[1, 2], ids=["1 worker", "2 workers"])
def server(request: pytest.FixtureRequest, hop: int, outside: LossyLink) -> Iterator[Server]:
    with serve(request.param, NEXT=hop or 9, OUTSIDE=outside.target[1], ADVERTISED=outside.port) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture(scope="module")
def plays(server: Server, hop: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Play]]:
    """All flows, begun at once."""
    begun = play([*FLOWS, *(THROUGH if hop else ())], server, tmp_path_factory.mktemp("sipp"))
    yield begun
    for each in begun.values():
        each.stop()


@sipp
@pytest.mark.parametrize("name", [each.name for each in FLOWS])
def test_flow(plays: dict[str, Play], name: str) -> None:
    plays[name].finish()


@sipp
@kamailio
@pytest.mark.parametrize("name", [each.name for each in THROUGH])
def test_flow_through_another_proxy(plays: dict[str, Play], name: str) -> None:
    plays[name].finish()


# Phones that a test leads

class Fork:
    """A call that rings two phones."""

    def __init__(self, caller: Phone, one: Phone, other: Phone) -> None:
        self.caller, self.phones = caller, (one, other)
        self.call = caller.call(f"fork-{one.port}-{other.port}")
        caller.send(self.call.invite)
        self.invites = [self.heard(each, "INVITE") for each in self.phones]
        for phone, invite, tag in zip(self.phones, self.invites, "ab", strict=True):
            phone.send(invite.answer(180, tag))
            self.heard(caller, "180 INVITE")

    def heard(self, phone: Phone, kind: str) -> Message:
        return phone.take(kind, [self.call.id])[self.call.id]

    def answer(self, number: int, tag: str) -> None:
        phone = self.phones[number]
        phone.send(self.invites[number].answer(200, tag, f"Contact: {phone.contact('callee')}"))


@pytest.fixture
def phones(server: Server) -> Iterator[list[Phone]]:
    made = [Phone(server.port) for _ in range(3)]
    yield made
    for each in made:
        each.close()


def test_a_second_200_reaches_the_caller_too(phones: list[Phone]) -> None:
    fork = Fork(*phones)
    fork.answer(0, "a")
    fork.call.answer = fork.heard(fork.caller, "200 INVITE")
    cancel = fork.heard(phones[2], "CANCEL")
    phones[2].send(cancel.answer(200, "b"))
    fork.answer(1, "b")  # it had been picked up before the CANCEL came
    late = fork.heard(fork.caller, "200 INVITE")
    assert fork.call.answer.get("To").endswith("tag=a") and late.get("To").endswith("tag=b")
    for number, answer in enumerate((fork.call.answer, late)):
        fork.call.answer = answer
        fork.caller.send(fork.caller.within(fork.call, "ACK"))
        assert fork.heard(phones[1 + number], "ACK").get("To") == answer.get("To")
    fork.caller.send(fork.caller.within(fork.call, "BYE"))  # one of the two has to go
    phones[2].send(fork.heard(phones[2], "BYE").answer(200))
    fork.heard(fork.caller, "200 BYE")
    assert not [each for each in phones[1].heard if each.kind != "INVITE"]


def test_a_200_that_crosses_the_cancel(phones: list[Phone]) -> None:
    caller, callee, _ = phones
    [call] = calls_to(caller, callee, [f"to-{callee.port}"], answer=False)
    caller.send(caller.cancel(call))
    caller.take("200 CANCEL", [call.id])
    callee.send(callee.take("CANCEL", [call.id])[call.id].answer(200, f"b{call.id}"))
    answered(caller, callee, [call])
    caller.send(caller.within(call, "BYE"))
    callee.send(callee.take("BYE", [call.id])[call.id].answer(200))
    caller.take("200 BYE", [call.id])


def test_no_retransmission_reaches_the_callee(phones: list[Phone]) -> None:
    caller, callee, _ = phones
    [call] = calls_to(caller, callee, [f"to-{callee.port}"], answer=False)
    for _ in range(3):
        caller.send(call.invite)
        caller.take("180 INVITE", [call.id])
    answered(caller, callee, [call])
    for _ in range(2):
        caller.send(call.invite)  # late: the transaction is over, its 200 was not ours to repeat
        caller.send(caller.within(call, "ACK"))
        callee.take("ACK", [call.id])
    assert callee.heard == []


def test_requests_pass_ourselves_twice_by_different_branches(phones: list[Phone]) -> None:
    caller, callee, _ = phones
    [call] = calls_to(caller, callee, [f"spiral-{callee.port}"], answer=True)
    assert call.invited is not None
    assert len(call.invited.all("Record-Route")) == 2
    assert len({re.findall("branch=([^;,]+)", each)[0] for each in call.invited.all("Via")}) == 3
    assert call.invited.get("Max-Forwards") == "68"
    callee.send(callee.back(call, "BYE", f"b{call.id}"))
    caller.send(caller.take("BYE", [call.id])[call.id].answer(200))
    callee.take("200 BYE", [call.id])


def test_the_advertised_address_is_what_others_see_and_use(server: Server, outside: LossyLink) -> None:
    caller, callee = Phone(outside.target[1]), Phone(outside.port)
    [call] = calls_to(caller, callee, [f"to-{callee.port}"], answer=True)
    assert call.invited is not None and call.answer is not None
    shown = f"127.0.0.1:{outside.port}"
    assert call.invited.get("Via").startswith(f"SIP/2.0/UDP {shown};")
    assert uri_of(call.answer.get("Record-Route")).startswith(f"sip:{shown};")
    callee.send(callee.back(call, "BYE", f"b{call.id}"))
    bye = caller.take("BYE", [call.id])[call.id]
    assert bye.get("Via").startswith(f"SIP/2.0/UDP {shown};") and not bye.all("Route")
    caller.send(bye.answer(200))
    callee.take("200 BYE", [call.id])
    caller.close()
    callee.close()


def hang_up(caller: Phone, callee: Phone, calls: list[Call]) -> None:
    """The caller ends *calls*."""
    for each in calls:
        caller.send(caller.within(each, "BYE"))
    for bye in callee.take("BYE", [each.id for each in calls]).values():
        callee.send(bye.answer(200))
    caller.take("200 BYE", [each.id for each in calls])


def test_many_calls_at_once(phones: list[Phone]) -> None:
    caller, callee, _ = phones
    hang_up(caller, callee, calls_to(caller, callee, [f"to-{callee.port}"] * 50, answer=True))

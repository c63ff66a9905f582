"""The call flows once more where one datagram in ten is lost each way: retransmissions make them succeed."""
from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.live import SIPP, LossyLink, Server
from tests.scenarios.flows import FLOWS, KAMAILIO, THROUGH, Play, play, second_hop, serve
from tests.scenarios.phone import Message, Phone

pytestmark = pytest.mark.skipif(SIPP is None, reason="sipp is not installed")
LOSSY = [each for each in (*FLOWS, *(THROUGH if KAMAILIO else ())) if each.lossy]
CALLS = 5  # of each flow


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[LossyLink]]:
    """The lossy way to another proxy, where there is one."""
    if KAMAILIO is None:
        yield []
        return
    with second_hop(tmp_path_factory.mktemp("kamailio")) as port, LossyLink(port) as link:
        yield [link]


@pytest.fixture(scope="module")
def server(links: list[LossyLink]) -> Iterator[Server]:
    # Answers go where requests came from, so that they are in danger too. Nobody gives up before losses are made good.
    with serve(2, FR=16, FR_INV=20, FIRST="force_rport();", NEXT=links[0].port if links else 9) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture(scope="module")
def plays(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Play]]:
    begun = play(LOSSY, server, tmp_path_factory.mktemp("sipp"), CALLS, loss=True)
    yield begun
    for each in begun.values():
        each.stop()


# Phones that a test leads, for what SIPp cannot play where datagrams are lost

class Behind(Phone):
    """A phone whose every datagram takes a lossy way, to the server and from it."""

    def __init__(self, port: int) -> None:
        self.there = LossyLink(port, seed=port)
        super().__init__(self.there.port)
        self.back_here = LossyLink(self.port, seed=self.port)
        self.there.__enter__()
        self.back_here.__enter__()

    def contact(self, user: str) -> str:
        return f"<sip:{user}@127.0.0.1:{self.back_here.port}>"

    def close(self) -> None:
        self.there.__exit__()
        self.back_here.__exit__()
        super().close()

    @property
    def lost(self) -> int:
        return self.there.lost + self.back_here.lost


class Talk:
    """Many calls of one caller to one callee; what is lost is said again, by whoever has to."""

    def __init__(self, caller: Behind, callee: Behind, count: int = 8) -> None:
        self.caller, self.callee = caller, callee
        calls = [caller.call(f"to-{callee.back_here.port}") for _ in range(count)]
        self.calls = {each.id: each for each in calls}

    def request(self, sender: Phone, receiver: Phone, method: str, requests: dict[str, bytes], status: int,
                *lines: str) -> dict[str, Message]:
        """Send *requests*, answer them, and return the answers as they came."""
        for each in requests.values():
            sender.send(each)
        received = receiver.take(method, requests, again=lambda each: sender.send(requests[each]))
        answers = {each: message.answer(status, f"b{each}", *lines) for each, message in received.items()}
        for each in answers.values():
            receiver.send(each)
        for each, message in received.items():
            if method == "INVITE":
                self.calls[each].invited = message

        def again(call_id: str) -> None:
            sender.send(requests[call_id])
            receiver.send(answers[call_id])

        return sender.take(f"{status} {method}", requests, again=again)

    def invite(self, status: int) -> None:
        """The callee answers with *status*."""
        contact = f"Contact: {self.callee.contact('callee')}"
        invites = {each.id: each.invite for each in self.calls.values()}
        for each, answer in self.request(self.caller, self.callee, "INVITE", invites, status, contact).items():
            self.calls[each].answer = answer

    def say(self, status: int) -> None:
        """The callee answers the INVITE once more."""
        for each in self.calls:
            self.answer(each, status)
        again = partial(self.answer, status=status)
        for each, answer in self.caller.take(f"{status} INVITE", self.calls, again=again).items():
            self.calls[each].answer = answer

    def answer(self, call_id: str, status: int) -> None:
        invited = self.calls[call_id].invited
        assert invited is not None
        self.callee.send(invited.answer(status, f"b{call_id}", f"Contact: {self.callee.contact('callee')}"))

    def within(self, method: str, status: int = 200, *lines: str) -> None:
        """The caller sends *method* within the dialogs."""
        requests = {each.id: self.caller.within(each, method) for each in self.calls.values()}
        self.request(self.caller, self.callee, method, requests, status, *lines)

    def acknowledge(self) -> None:
        """ACKs of the caller; the callee repeats its answer until it hears one."""
        acks = {each.id: self.caller.within(each, "ACK") for each in self.calls.values()}
        for each in acks.values():
            self.caller.send(each)
        self.callee.take("ACK", acks, again=lambda each: self.caller.send(acks[each]))

    def hang_up(self) -> None:
        """The callee ends the calls."""
        byes = {each.id: self.callee.back(each, "BYE", f"b{each.id}") for each in self.calls.values()}
        self.request(self.callee, self.caller, "BYE", byes, 200)


@pytest.fixture
def talk(server: Server, plays: dict[str, Play]) -> Iterator[Talk]:
    made = Talk(Behind(server.port), Behind(server.port))
    yield made
    assert made.caller.lost > 0 and made.callee.lost > 0
    made.caller.close()
    made.callee.close()


def test_re_invite_and_update(talk: Talk) -> None:
    talk.invite(200)
    talk.acknowledge()
    talk.within("INVITE", 200, f"Contact: {talk.callee.contact('callee')}")
    talk.acknowledge()
    talk.within("UPDATE")
    talk.within("BYE")


def test_prack(talk: Talk) -> None:
    talk.invite(183)
    talk.within("PRACK")
    talk.say(200)
    talk.acknowledge()
    talk.hang_up()


def test_cancel(talk: Talk) -> None:
    talk.invite(180)
    cancels = {each.id: talk.caller.cancel(each) for each in talk.calls.values()}
    talk.request(talk.caller, talk.callee, "CANCEL", cancels, 200)
    talk.say(487)
    talk.callee.take("ACK", cancels, again=partial(talk.answer, status=487))  # the server's own, for each answer


# SIPp, which has been playing since the first of these tests began

@pytest.mark.parametrize("name", [each.name for each in LOSSY])
def test_flow(plays: dict[str, Play], name: str) -> None:
    plays[name].finish()


def test_there_were_losses_to_make_good(plays: dict[str, Play], links: list[LossyLink]) -> None:
    all_links = [link for each in plays.values() for link in each.links] + links
    assert sum(each.lost for each in all_links) > len(LOSSY)
    assert sum(each.caller.counts().get("retransmissions", 0) for each in plays.values() if each.caller) > 0

"""Messages on their way into a worker: handed over, refused, matched, given to the script; and what may go wrong."""
from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import gevent
import gevent.event
import pytest

from opensips_py.events import Publisher
from opensips_py.module.run import Route
from opensips_py.module.run import Run as ScriptRun
from opensips_py.server.core_statistics import CoreStatistics
from opensips_py.server.links import key_to_wire
from opensips_py.server.reception import HAND_OVER, Reception, reason_of
from opensips_py.server.runners import Runners
from opensips_py.server.tracing import Tracing
from opensips_py.sip import Request, address_key
from opensips_py.state.slots import Slots
from tests.transaction.stage import Stage
from tests.transaction.world import CLIENT, request, response

SCRIPT = """
loadmodule "tm.so"
loadmodule "sl.so"
route { if ($rm == "OPTIONS") { sl_send_reply(200, "Here"); exit; } t_relay(); }
"""


class Links:
    """The ways to other workers: a list."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.handlers: dict[str, Any] = {}
        self.room = True

    def on_send(self, operation: str, handler: Any) -> None:
        self.handlers[operation] = handler

    on_call = on_send

    def send(self, *what: Any) -> bool:
        self.sent.append(what)
        return self.room


class Work:
    """Runners that run at once."""

    def __init__(self) -> None:
        self.queue: list[Any] = []
        self.refused: Any = None

    def submit(self, function: Any, argument: Any = None) -> None:
        self.queue.append((function, argument))
        self.drain()

    def drain(self) -> None:
        while self.queue:
            function, argument = self.queue.pop(0)
            function(argument)


class Place(Stage):
    """One worker of several, its script and its reception."""

    def __init__(self, script: str = SCRIPT, workers: int = 1, index: int = 0, threshold: int = 0) -> None:
        super().__init__(script)
        self.workers, self.index, self.started = workers, index, time.time()
        self.layer.slots = self.slots = Slots(69069, 7, b"k" * 16, workers)
        self.core_statistics: Any = self.registry.add_class(CoreStatistics)
        self.registry.start(self)  # type: ignore[arg-type]
        self.main, self.on_reply = self.routes.main, self.routes.get(Route.ONREPLY)
        self.on_error = self.routes.get(Route.ERROR)
        self.runners: Any = Work()
        self.links = Links()
        self.globals = {"execmsgthreshold": threshold, "check_via": False}
        self.told: list[Any] = []
        self.events = Publisher(list, lambda name, values: self.told.append((name, dict(values))))
        self.forwards_strays = True
        self.tracing = Tracing(self)  # type: ignore[arg-type]
        self.reception = Reception(self)  # type: ignore[arg-type]

    def change(self, **routes: Any) -> None:
        """Put other routes in place of the script's, as a reload does."""
        for name, route in routes.items():
            setattr(self, name, route)
        self.reception.follow(self)  # type: ignore[arg-type]

    def tag(self, request: Any) -> str:
        return "ours"

    def datagram(self, data: bytes) -> None:
        self.reception.datagrams(self.network.udp, [(data, address_key(*CLIENT))])

    def options(self, call_id: str = "call-1", old: str = "", new: str = "") -> bytes:
        return request("OPTIONS", world=self, call_id=call_id).data.replace(old.encode(), new.encode(), 1)

    def counts(self) -> dict[str, int]:
        return {name: value for group in ("core", "net") for name, value in self.counted(group).items()
                if name != "timestamp"}


def other_call_id(place: Place) -> str:
    """One that another worker owns."""
    return next(f"call-{n}" for n in range(100) if place.slots.owner_of_call_id(f"call-{n}") != place.index)


def test_a_request_goes_to_the_script_and_is_counted() -> None:
    place = Place()
    place.datagram(place.options())
    assert place.lines() == ["200 192.0.2.1"]
    assert place.counts() == {"rcv_requests": 1}


def test_a_response_goes_to_its_transaction_or_on_without_one() -> None:
    place = Place()
    place.datagram(request(world=place).data)
    invite = place.take()[-1]
    place.datagram(response(invite, 180).data)
    assert place.lines() == ["180 192.0.2.1"]
    place.layer.clients.clear()  # as if the worker had died meanwhile
    place.datagram(response(invite, 200).data)
    assert place.lines() == ["200 192.0.2.1"]
    place.forwards_strays = False
    place.datagram(response(invite, 200).data)
    foreign = response(invite, 200).data.replace(invite.via_branch.encode(), b"z9hG4bK" + b"x" * 25)
    place.forwards_strays = True
    place.datagram(foreign)
    assert place.lines() == []
    assert place.counts() == {"rcv_requests": 1, "rcv_replies": 4, "fwd_replies": 1, "drop_replies": 1,
                              "err_replies": 1}


def test_what_another_worker_owns_is_handed_over() -> None:
    place = Place(workers=2)
    call_id = other_call_id(place)
    data = place.options(call_id)
    place.datagram(data)
    key = key_to_wire(address_key(*CLIENT))
    assert (place.links.sent, place.lines()) == ([(1, HAND_OVER, 0, key, data, 0)], [])
    place.links.room = False
    place.datagram(data)
    assert place.counts() == {"handed_over": 2, "handed_over_lost": 1}
    owner = Place(workers=2, index=1)
    owner.links.handlers[HAND_OVER](0, *place.links.sent[0][2:])
    assert owner.lines() == ["200 192.0.2.1"]


def test_a_module_may_tell_which_call_a_message_is_of() -> None:
    """The owner of that call gets it; its bytes stay as they came."""
    place, owner = Place(workers=2), Place(workers=2, index=1)
    known, seen = other_call_id(place), []

    def read(message: Any) -> None:
        seen.append(message.method)
        if message.call_id == "hidden":
            message.call_id = known
    for each in (place, owner):
        each.registry.hooks.message_read = (raising(ValueError("module")), read)
        each.change()
    place.datagram(place.options("hidden", "a1", "a3"))
    place.datagram(b"rubbish")
    place.datagram(place.options("hidden", "CSeq: 1", "CSeq: x"))
    assert seen == ["OPTIONS"] and len(place.links.sent) == 1
    owner.links.handlers[HAND_OVER](0, *place.links.sent[0][2:])
    answered = owner.take()
    assert [each.status for each in answered] == [200] and answered[0].call_id == "hidden"


def test_a_response_is_handed_to_whoever_sent_the_request() -> None:
    owner, other = Place(workers=2, index=1), Place(workers=2, index=0)
    owner.datagram(request(world=owner, call_id=other_call_id(other)).data)
    answer = response(owner.take()[-1], 200).data
    other.datagram(answer)
    assert [sent[:2] for sent in other.links.sent] == [(1, HAND_OVER)]


@pytest.mark.parametrize(("old", "new", "line"), [
    ("CSeq: 1 OPTIONS", "CSeq: 1 INVITE", "SIP/2.0 400 "), ("CSeq: 1", "CSeq: x", "SIP/2.0 400 malformed CSeq"),
    ("SIP/2.0\r\nVia", "SIP/3.0\r\nVia", "SIP/2.0 505 ")])
def test_a_malformed_request_is_counted_answered_and_said_once(caplog: pytest.LogCaptureFixture, old: str, new: str,
                                                               line: str) -> None:
    caplog.set_level("INFO")
    place = Place()
    place.datagram(place.options(old=old, new=new))
    (_, data), = place.network.sent
    assert data.decode().startswith(line)
    assert place.counts() == {"rcv_requests": 1, "err_requests": 1, "bad_msg_hdr": 1}
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is None


def test_what_cannot_be_answered_is_only_counted() -> None:
    place = Place()
    place.datagram(b"\0\1\2")
    place.datagram(place.options(old="CSeq: 1 OPTIONS", new="CSeq: 1 INVITE").replace(b"OPTIONS sip", b"ACK sip", 1))
    place.datagram(place.options(old="OPTIONS sip:bob@192.0.2.2", new="OPTIONS bob"))
    assert place.lines() == ["400 192.0.2.1"]
    assert place.counts() == {"rcv_requests": 2, "err_requests": 3, "bad_msg_hdr": 2, "bad_URIs_rcvd": 1}


def test_an_ack_that_names_no_target_ends_what_it_acknowledges() -> None:
    place = Place(SCRIPT.replace("t_relay();", 't_newtran(); t_reply(486, "Busy");'))
    place.datagram(request(world=place).data)
    (_, busy), = place.network.sent[-1:]
    to = next(line for line in busy.split(b"\r\n") if line.startswith(b"To:"))
    ack = request(world=place).data.replace(b"1 INVITE", b"1 ACK").replace(b"INVITE sip:bob@192.0.2.2", b"ACK ")
    place.datagram(ack.replace(b"To: <sip:bob@example.com>", to))
    place.take()
    place.pass_time(20)
    assert place.lines() == []  # else the 486 were sent again
    other = Place(workers=2)
    other.datagram(ack.replace(b"call-1", other_call_id(other).encode()))
    assert [sent[:2] for sent in other.links.sent] == [(1, HAND_OVER)]


def test_the_error_route_decides_what_a_malformed_request_gets() -> None:
    place = Place(SCRIPT + 'error_route { sl_send_reply($err.rcode, "Try $err.rcode"); }')
    place.datagram(place.options(old="CSeq: 1", new="CSeq: x"))
    assert place.network.sent[0][1].startswith(b"SIP/2.0 400 Try 400")


def test_over_the_bound_new_requests_are_told_to_come_back() -> None:
    place = Place()
    refused = place.runners.refused
    known = request(world=place)
    place.datagram(known.data)
    place.take()
    assert refused(request("OPTIONS", world=place, branch="z9hG4bKnew"))
    assert place.lines() == ["503 192.0.2.1"]
    assert not refused(known)  # a retransmission
    assert not refused(request("ACK", world=place)) and not refused(request("CANCEL", world=place))
    assert not refused(response(known, 200)) and not refused(None) and not refused(place)
    assert place.lines() == []
    assert place.counts() == {"rcv_requests": 2, "drop_requests": 1}


def test_the_bound_of_real_runners_answers_503() -> None:
    place = Place()
    gate = gevent.event.Event()
    place.runners = Runners(limit=2)
    place.reception = Reception(place)  # type: ignore[arg-type]
    place.change(main=lambda run: gate.wait(5))
    for number in range(3):
        data = request("OPTIONS", world=place, branch=f"z9hG4bK{number}").data
        gevent.get_hub().loop.run_callback(place.datagram, data)  # in the event loop, as sockets do
    with gevent.Timeout(5):
        while not place.network.sent:
            gevent.sleep(0)
        assert (place.lines(), place.runners.parked) == (["503 192.0.2.1"], 2)
        gate.set()
        while place.runners.parked:
            gevent.sleep(0)


# Errors of ours

def raising(error: BaseException) -> Any:
    def fail(*_: Any) -> int:
        raise error
    return fail


def test_a_request_route_that_raises_answers_500_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    place.change(main=raising(RuntimeError("broken")))
    place.datagram(place.options())
    assert place.lines() == ["500 192.0.2.1"]
    assert [record.message for record in caplog.records] == ["the request route failed"]
    place.datagram(request("ACK", world=place, to_tag="b1").data)
    assert place.lines() == []


def test_a_route_that_raises_with_a_transaction_answers_in_it_and_ends_it() -> None:
    place = Place()

    def main(run: ScriptRun) -> int:
        place.layer.new_transaction(run, trying=False)
        raise RuntimeError

    place.change(main=main)
    place.datagram(request(world=place).data)
    assert place.lines() == ["500 192.0.2.1"]
    (transaction,) = place.layer.servers.values()
    assert (transaction.busy, transaction.status) == (False, 500)
    place.datagram(request(world=place).data)  # a retransmission: the same answer
    assert place.lines() == ["500 192.0.2.1"]


def test_a_stray_timeout_leaves_no_transaction_behind_that_is_busy_for_ever() -> None:
    place = Place()

    def main(run: ScriptRun) -> int:
        place.layer.new_transaction(run)
        place.layer.relay(run)
        raise gevent.Timeout

    place.change(main=main)
    with pytest.raises(gevent.Timeout):  # it ends its runner, see test_runners
        place.datagram(request(world=place).data)
    (transaction,) = place.layer.servers.values()
    assert not transaction.busy
    invite = place.take()[-1]
    place.datagram(response(invite, 200).data)
    assert place.lines() == ["200 192.0.2.1"]


def test_hooks_that_raise_keep_no_message_from_anybody(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    hooks, seen = place.registry.hooks, []
    hooks.request_received = hooks.response_received = (raising(ValueError("module")), seen.append)
    hooks.request_done = (raising(ValueError("module")),)
    place.change()
    place.layer.created = (raising(ValueError("module")),)
    place.datagram(request(world=place).data)
    invite = place.take()[-1]
    assert invite.method == "INVITE"
    place.datagram(response(invite, 200).data)
    assert place.lines() == ["200 192.0.2.1"]
    assert [isinstance(each, Request) for each in seen] == [True, False]
    assert len(caplog.records) == 4


def test_a_response_reaches_its_transaction_though_the_onreply_route_raises() -> None:
    place = Place(SCRIPT + "onreply_route { $var(x) = 1; }")
    place.change(on_reply=raising(RuntimeError("broken")))
    place.datagram(request(world=place).data)
    place.datagram(response(place.take()[-1], 200).data)
    assert place.lines() == ["200 192.0.2.1"]


def test_the_onreply_route_may_drop_provisional_responses_alone() -> None:
    place = Place(SCRIPT + "onreply_route { drop; }")
    place.datagram(request(world=place).data)
    invite = place.take()[-1]
    place.datagram(response(invite, 183).data)
    assert place.lines() == []
    place.datagram(response(invite, 200).data)
    assert place.lines() == ["200 192.0.2.1"]
    assert place.counts()["drop_replies"] == 1


def test_messages_of_connections_come_in_as_datagrams_do() -> None:
    place = Place()
    connection: Any = SimpleNamespace(id=7)
    place.reception.stream(request("OPTIONS", world=place, tcp=True).data, address_key(*CLIENT), place.network.tcp,
                           connection)
    assert place.lines() == ["200 192.0.2.1"]
    place.reception.stream(b"\0", address_key(*CLIENT), place.network.tcp, connection)
    assert place.counts() == {"rcv_requests": 1, "err_requests": 1}


def test_reason_phrases_fit_into_a_status_line() -> None:
    assert reason_of(400, "bad\r\nX: y\x00é" + "z" * 200) == "badX: y" + "z" * 73
    assert (reason_of(400, "\n"), reason_of(500, "")) == ("Bad Request", "Error")


def test_messages_that_take_too_long_are_counted_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    place = Place(threshold=50_000)
    place.datagram(place.options())
    place.change(main=lambda run: time.sleep(0.06))
    place.datagram(place.options(call_id="slow"))
    assert place.counts()["slow_messages"] == 1
    (name, values), = place.told
    assert (name, values["source"], values["extra"], values["time"] > 50_000) == (
        "E_CORE_THRESHOLD", "msg processing", "slow", True)
    assert "threshold exceeded: msg processing took" in caplog.text

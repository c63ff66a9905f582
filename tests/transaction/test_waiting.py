"""Routes that really wait: other greenlets bring the events of their transaction meanwhile."""
from __future__ import annotations

import gevent
from gevent.event import Event

from tests.transaction.test_responding import User, fork, run_of
from tests.transaction.world import World, request, response


def test_events_of_a_waiting_failure_route_are_handled_in_order_afterwards():
    user = User()
    world, go_on, order = World(user), Event(), []

    def failed(transaction, branch, response):
        transaction.request.uri = "sip:bob@10.0.0.2"
        world.layer.relay(run_of(transaction))
        order.append("waits")
        go_on.wait()
        order.append("goes on")
    user.failure_route = failed
    user.reply_route = lambda transaction, branch, response: order.append(response.status)
    first = fork(world, "10.0.0.1", on_failure=True, before=lambda t: setattr(t, "on_reply", "r"))[0]
    waiting = gevent.spawn(world.receive, response(first, 486))
    gevent.idle()
    second = world.take()[-1]
    assert second.method == "INVITE" and order == [486, "waits"]

    world.receive(response(second, 180))
    world.receive(response(second, 200, tag="b2"))
    assert world.receive(request(world=world))  # a retransmission: absorbed at once
    world.script = lambda run: world.layer.relay(run)
    world.receive(request("CANCEL", world=world))
    assert [line for line in world.lines() if line.startswith("200")] == ["200 192.0.2.1"]  # of the CANCEL alone

    other = World.receive  # another call of the same worker does not wait
    world.script = world.relay
    other(world, request(world=world, branch="z9hG4bKother", call_id="other"))
    assert world.lines()[-1] == "INVITE 192.0.2.2"

    go_on.set()
    waiting.join()
    assert order == [486, "waits", "goes on", 180, 200]
    assert world.lines() == ["180 192.0.2.1", "200 192.0.2.1"]


def test_a_failure_while_a_route_waits_is_acknowledged_at_once_and_its_retransmissions_are_absorbed():
    user = User()
    world, go_on, order = World(user), Event(), []
    user.failure_route = lambda transaction, branch, response: order.append((response.status, transaction.status))
    user.reply_route = lambda transaction, branch, response: order.append(response.status) or response.status != 180 \
        or go_on.wait()
    one, two = fork(world, "10.0.0.1", "10.0.0.2", on_failure=True, before=lambda t: setattr(t, "on_reply", "r"))
    waiting = gevent.spawn(world.receive, response(one, 180))
    gevent.idle()
    for _ in range(3):
        world.receive(response(two, 486))
        world.receive(response(one, 404))
        assert world.lines() == ["ACK 10.0.0.2", "ACK 10.0.0.1"]
    assert order == [180]
    go_on.set()
    waiting.join()
    assert order == [180, 486, 404, (404, 180)]
    assert world.lines() == ["180 192.0.2.1", "404 192.0.2.1"]


def test_timers_of_a_branch_stop_when_its_answer_comes_although_a_route_waits():
    user = User()
    world, go_on, answers = World(user), Event(), []
    user.reply_route = lambda transaction, branch, response: answers.append(response.status) or go_on.wait()
    one, two = fork(world, "10.0.0.1", "10.0.0.2", before=lambda t: setattr(t, "on_reply", "r"))
    waiting = gevent.spawn(world.receive, response(one, 180))
    gevent.idle()
    world.receive(response(two, 200))
    world.pass_time(2)
    assert world.lines() == []  # neither branch is retransmitted
    go_on.set()
    waiting.join()
    assert answers == [180, 200]
    assert world.lines() == ["180 192.0.2.1", "200 192.0.2.1", "CANCEL 10.0.0.1"]


def test_a_branch_that_is_to_be_cancelled_is_while_a_route_waits():
    user = User()
    world, go_on = World(user), Event()
    user.reply_route = lambda transaction, branch, response: response.status != 487 or go_on.wait()
    one, two = fork(world, "10.0.0.1", "10.0.0.2", before=lambda t: setattr(t, "on_reply", "r"))
    world.script = lambda run: world.layer.relay(run)
    world.receive(request("CANCEL", world=world))
    world.take()
    waiting = gevent.spawn(world.receive, response(one, 487))
    gevent.idle()
    world.take()
    world.receive(response(two, 180))
    assert world.lines() == ["CANCEL 10.0.0.2"]
    go_on.set()
    waiting.join()


def test_request_route_that_waits_has_its_transaction_and_hears_of_a_cancel_afterwards():
    world, go_on = World(), Event()

    def route(run):
        if run.message.method == "INVITE":
            world.layer.prepare_wait(run)
            go_on.wait()
        world.code = world.layer.relay(run)
    world.script = route
    waiting = gevent.spawn(world.receive, request(world=world))
    gevent.idle()
    assert world.receive(request(world=world)) and world.take() == []
    world.pass_time(0.3)
    assert world.lines() == ["100 192.0.2.1"]
    world.receive(request("CANCEL", world=world))
    assert world.lines() == ["200 192.0.2.1"]
    go_on.set()
    waiting.join()
    assert world.lines() == ["487 192.0.2.1"]


def test_flags_set_after_the_wait_belong_to_the_transaction():
    world, flags = World(), []

    def script(run):
        world.layer.prepare_wait(run)
        run.message.flags = 1 << 5
        world.layer.adopt(run.transaction)
        flags.append(run.transaction.flags)
        world.layer.reply(run.transaction, 404, "Not Found")
    world.script = script
    world.receive(request(world=world))
    assert flags == [1 << 5]

"""Any order of events: nothing raises, nothing stays."""
from __future__ import annotations

import logging
import random

import pytest

from opensips_py.sip import BranchTarget, address_key
from tests.transaction.test_responding import User
from tests.transaction.world import Run, Target, World, request, response

STATUSES = (100, 180, 183, 200, 202, 302, 401, 404, 408, 486, 487, 500, 503, 603)


class Chaos:
    """A client and callees that do whatever the dice say."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.user = User()
        self.world = World(self.user)
        self.world.network.hosts["bob.example"] = [Target("udp", address_key(f"10.1.0.{n}", 5060)) for n in (1, 2)]
        self.user.branch_route = lambda transaction, branch: self.dice.random() > 0.1
        self.user.reply_route = lambda transaction, branch, response: self.dice.random() > 0.1
        self.user.failure_route = self.failed
        self.world.script = self.route
        self.method = self.dice.choice(("INVITE", "INVITE", "OPTIONS"))
        self.received = []

    def hosts(self):
        return self.dice.sample(("10.0.0.1", "10.0.0.2", "10.0.0.3", "bob.example", "nowhere.example"), 2)

    def route(self, run):
        first, *others = self.hosts()
        run.request.uri = f"sip:bob@{first}"
        run.request.branches = [BranchTarget(f"sip:bob@{host}") for host in others]
        if run.request.method in ("ACK", "CANCEL"):
            self.world.layer.relay(run)
            return
        if self.dice.random() < 0.3:
            self.world.layer.prepare_wait(run)
            self.steps(2)
        transaction = run.transaction or self.world.layer.new_transaction(run)
        if transaction is None:
            return
        transaction.on_failure = self.dice.choice((None, "f"))
        transaction.on_reply = self.dice.choice((None, "r"))
        transaction.on_branch = self.dice.choice((None, "b"))
        if self.dice.random() < 0.1:
            self.world.layer.reply(transaction, self.dice.choice(STATUSES), "Whatever")
        if self.dice.random() < 0.9:
            self.world.layer.relay(run)
        if self.dice.random() < 0.3:
            self.steps(3)

    def failed(self, transaction, branch, response):
        self.steps(self.dice.randrange(3))
        if self.dice.random() < 0.5:
            transaction.request.uri = f"sip:bob@{self.hosts()[0]}"
            run = Run(transaction.request)
            run.transaction = transaction
            transaction.on_failure = self.dice.choice((None, "f"))
            self.world.layer.relay(run)
        elif self.dice.random() < 0.3:
            self.world.layer.reply(transaction, 480, "Failed")

    def steps(self, count):
        for _ in range(count):
            self.step()

    def step(self):
        self.received += [each for each in self.world.take() if each.is_request and len(each.vias) > 1]
        move = self.dice.random()
        if move < 0.45 and self.received:
            self.world.receive(response(self.dice.choice(self.received), self.dice.choice(STATUSES)))
        elif move < 0.55:
            self.world.receive(request(self.method, world=self.world))
        elif move < 0.65:
            self.world.receive(request("ACK", world=self.world, to_tag="b1"))
        elif move < 0.72 and self.method == "INVITE":
            self.world.receive(request("CANCEL", world=self.world))
        else:
            self.world.pass_time(self.dice.choice((0.1, 0.6, 4, 31, 121)))


@pytest.mark.parametrize("seed", range(150))
def test_any_order_of_events(seed, caplog):
    caplog.set_level(logging.ERROR)
    chaos = Chaos(seed)
    world = chaos.world
    world.receive(request(chaos.method, world=world))
    chaos.steps(25)
    world.script = lambda run: None
    for _ in range(6):
        world.pass_time(200)
        world.take()
    assert not caplog.records, caplog.text
    assert (len(world.layer), world.layer.clients, world.layer.cancels, world.layer.answered) == (0, {}, {}, {})
    assert len(world.timers) == 0

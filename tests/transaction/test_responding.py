"""Forking, best response, failover, failure routes, and what queues while a route waits."""
from __future__ import annotations

import pytest

from opensips_py.errors import TransportError
from opensips_py.sip import BranchTarget, address_key
from opensips_py.transaction import Fault, Flags, Happening, NoUser
from tests.transaction.world import Run, Target, World, request, response


class User(NoUser):
    """A transaction user whose routes are set by the test."""

    def __init__(self):
        self.branch_route = self.reply_route = self.failure_route = None

    def run_branch_route(self, transaction, branch):
        return self.branch_route(transaction, branch) is not False

    def run_reply_route(self, transaction, branch, response):
        return self.reply_route(transaction, branch, response) is not False

    def run_failure_route(self, transaction, branch, response):
        transaction.on_failure = None
        self.failure_route(transaction, branch, response)


@pytest.fixture
def user():
    return User()


@pytest.fixture
def world(user):
    return World(user)


def fork(world, *hosts, flags=0, on_failure=False, method="INVITE", before=None):
    """Relay to several hosts; returns what each received."""
    def route(run):
        first, *others = hosts
        run.request.uri = f"sip:bob@{first}"
        run.request.branches = [BranchTarget(f"sip:bob@{host}") for host in others]
        transaction = world.layer.new_transaction(run)
        if on_failure:
            transaction.on_failure = "failed"
        if before:
            before(transaction)
        world.code = world.layer.relay(run, flags)
    world.script = route
    world.receive(request(method, world=world))
    return [each for each in world.take() if each.is_request]


def hosts(world):
    return [place[0] for place in world.places]


def test_branches_are_tried_at_once_and_differ(world):
    one, two, three = fork(world, "10.0.0.1", "10.0.0.2", "10.0.0.3")
    assert hosts(world)[1:] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert len({each.via_branch for each in (one, two, three)}) == 3
    assert [each.uri for each in (one, two, three)] == ["sip:bob@10.0.0.1", "sip:bob@10.0.0.2", "sip:bob@10.0.0.3"]


def test_first_answer_wins_and_the_others_are_cancelled(world):
    one, two = fork(world, "10.0.0.1", "10.0.0.2")
    world.receive(response(one, 180))
    world.receive(response(two, 180, tag="b2"))
    assert world.lines() == ["180 192.0.2.1", "180 192.0.2.1"]
    world.receive(response(two, 200, tag="b2"))
    ok, cancel = world.take()
    assert ok.status == 200 and ok.to_tag == "b2"
    assert cancel.method == "CANCEL" and cancel.via_branch == one.via_branch and cancel.uri == one.uri
    assert len(cancel.vias) == 1 and cancel.cseq == one.cseq and hosts(world)[1] == "10.0.0.1"
    world.receive(response(cancel, 200))
    world.receive(response(one, 487))
    assert world.lines() == ["ACK 10.0.0.1"]
    world.pass_time(60)
    assert len(world.layer) == 0 and world.take() == []


def test_cancel_waits_for_a_provisional_response(world):
    one, two = fork(world, "10.0.0.1", "10.0.0.2")
    world.receive(response(two, 200))
    assert world.lines() == ["200 192.0.2.1"]
    world.receive(response(one, 180))
    assert world.lines() == ["CANCEL 10.0.0.1"]  # and the 180 is not forwarded any more


def test_second_answer_is_forwarded_too(world):
    one, two = fork(world, "10.0.0.1", "10.0.0.2")
    world.receive(response(one, 200))
    world.take()
    world.receive(response(two, 200, tag="b2"))
    late = world.only()
    assert late.status == 200 and late.to_tag == "b2"


def test_answer_after_a_timeout_is_forwarded(world):
    invite = fork(world, "10.0.0.1")[0]
    world.pass_time(31)
    assert world.lines()[-1] == "408 192.0.2.1"
    world.receive(response(invite, 200))
    assert "200 192.0.2.1" in world.lines()


@pytest.mark.parametrize("statuses, best", [
    ((404, 486), 404), ((486, 404), 404), ((500, 404), 404), ((302, 404), 302), ((404, 600), 600), ((480, 401), 401),
    ((403, 484), 484), ((503, 500), 500), ((408, 486), 486), ((503, 603), 603), ((480, 415), 415),
])
def test_best_response(world, statuses, best):
    for invite, status in zip(fork(world, "10.0.0.1", "10.0.0.2"), statuses, strict=True):
        world.receive(response(invite, status))
    assert [each.status for each in world.take() if not each.is_request] == [best]


def test_failures_wait_for_each_other(world):
    one, two = fork(world, "10.0.0.1", "10.0.0.2")
    world.receive(response(one, 486))
    assert world.lines() == ["ACK 10.0.0.1"]
    world.pass_time(29.8)
    world.take()
    world.pass_time(0.3)
    assert world.lines() == ["486 192.0.2.1"]
    assert two.via_branch in world.layer.clients


def test_6xx_cancels_the_others_and_waits_for_them(world):
    one, two = fork(world, "10.0.0.1", "10.0.0.2")
    world.receive(response(one, 180))
    world.receive(response(two, 180))
    world.take()
    world.receive(response(one, 603))
    assert world.lines() == ["ACK 10.0.0.1", "CANCEL 10.0.0.2"]
    world.receive(response(two, 487))
    assert world.lines() == ["ACK 10.0.0.2", "603 192.0.2.1"]


def test_6xx_may_be_a_failure_like_others(world):
    world.layer.settings.block_on_6xx = False
    one, two = fork(world, "10.0.0.1", "10.0.0.2")
    world.receive(response(two, 180))
    world.take()
    world.receive(response(one, 603))
    assert world.lines() == ["ACK 10.0.0.1"]


def test_challenges_of_all_branches_are_collected(world):
    one, two = fork(world, "10.0.0.1", "10.0.0.2")
    world.receive(response(one, 401, headers='WWW-Authenticate: Digest realm="one", nonce="1"\r\n'))
    world.receive(response(two, 407, headers='Proxy-Authenticate: Digest realm="two", nonce="2"\r\n'))
    final = world.take()[-1]
    assert final.status == 401
    assert 'realm="one"' in final.header("WWW-Authenticate") and 'realm="two"' in final.header("Proxy-Authenticate")


def test_503_reaches_the_client_as_500(world):
    invite = fork(world, "10.0.0.1")[0]
    world.receive(response(invite, 503))
    assert world.take()[-1].status == 500


def test_503_and_silence_go_on_to_the_next_address(world):
    world.network.hosts["bob.example"] = [Target("udp", address_key(f"10.0.0.{n}", 5060)) for n in (1, 2, 3)]
    first = fork(world, "bob.example")[0]
    assert hosts(world)[-1] == "10.0.0.1"
    world.receive(response(first, 503))
    ack, second = world.take()
    assert ack.method == "ACK" and second.method == "INVITE" and hosts(world)[1] == "10.0.0.2"
    assert second.via_branch != first.via_branch and second.uri == first.uri
    world.pass_time(30.1)
    third = world.take()[-1]
    assert third.method == "INVITE" and hosts(world)[-1] == "10.0.0.3"
    world.receive(response(third, 200))
    assert world.lines() == ["200 192.0.2.1"]


def test_failover_can_be_forbidden(world):
    world.network.hosts["bob.example"] = [Target("udp", address_key(f"10.0.0.{n}", 5060)) for n in (1, 2)]
    first = fork(world, "bob.example", flags=Flags.NO_FAILOVER)[0]
    world.receive(response(first, 503))
    assert world.lines() == ["ACK 10.0.0.1", "500 192.0.2.1"]


def test_stream_that_breaks_goes_on_to_the_next_address(world):
    world.network.hosts["bob.example"] = [Target("tcp", address_key(f"10.0.0.{n}", 5060)) for n in (1, 2)]
    fork(world, "bob.example")
    world.network.reports[0](TransportError("refused"))
    assert world.lines() == ["INVITE 10.0.0.2"]
    world.network.reports[1](TransportError("refused"))
    assert world.lines() == ["500 192.0.2.1"]


def test_unresolvable_and_malformed_targets_are_answered(world):
    fork(world, "nowhere.example")
    assert world.code == Fault.UNRESOLVED and len(world.layer) == 1
    world.script = world.relay
    world.receive(request(world=world, branch="z9hG4bK2", uri="sip:bob@nowhere.example"))
    assert world.lines()[-1] == "478 192.0.2.1" and world.code == 0


def test_error_reply_can_be_left_to_the_script(world):
    def route(run):
        world.code = world.layer.relay(run, Flags.NO_ERROR_REPLY)
    world.script = route
    world.receive(request(world=world, uri="sip:bob@nowhere.example"))
    assert world.code == Fault.UNRESOLVED and world.lines() == ["100 192.0.2.1"]


def test_failure_route_sends_to_the_next_target(world, user):
    seen = []

    def failed(transaction, branch, response):
        seen.append((branch.status, transaction.request.uri, transaction.request.branches))
        transaction.request.uri = "sip:voicemail@10.0.0.8"
        transaction.request.append_header("X-Failed: yes\r\n")
        assert world.layer.relay(run_of(transaction)) == 1
    user.failure_route = failed
    first = fork(world, "10.0.0.1", on_failure=True)[0]
    world.receive(response(first, 486))
    ack, second = world.take()
    assert seen == [(486, "sip:bob@10.0.0.1", None)]
    assert ack.method == "ACK" and second.uri == "sip:voicemail@10.0.0.8" and second.header("X-Failed") == "yes"
    world.receive(response(second, 404))
    assert world.lines() == ["ACK 10.0.0.8", "404 192.0.2.1"]


def test_edits_of_a_failure_route_stay_in_its_branches(world, user):
    def failed(transaction, branch, response):
        transaction.request.append_header(f"X-Try: {transaction.request.uri}\r\n")
        transaction.on_failure = "failed"
        transaction.request.uri = f"sip:bob@10.0.0.{len(transaction.branches) + 1}"
        world.layer.relay(run_of(transaction))
    user.failure_route = failed
    first = fork(world, "10.0.0.1", on_failure=True,
                 before=lambda transaction: transaction.request.append_header("X-All: 1\r\n"))[0]
    assert first.header("X-All") == "1"
    world.receive(response(first, 486))
    second = world.take()[-1]
    world.receive(response(second, 486))
    third = world.take()[-1]
    assert [each.value for each in third.headers("X-Try")] == ["sip:bob@10.0.0.2"]
    assert [each.value for each in third.headers("X-All")] == ["1"]


def test_failure_route_may_answer(world, user):
    user.failure_route = lambda transaction, branch, response: world.layer.reply(transaction, 202, "Taken care of")
    first = fork(world, "10.0.0.1", on_failure=True)[0]
    world.receive(response(first, 486))
    assert world.lines() == ["ACK 10.0.0.1", "202 192.0.2.1"]


def run_of(transaction):
    run = Run(transaction.request)
    run.transaction = transaction
    return run


def test_branch_route_changes_one_branch_and_may_drop_it(world, user):
    def branch_route(transaction, branch):
        wanted = transaction.request.uri
        transaction.request.append_header(f"X-Branch: {branch.index}\r\n")
        transaction.request.uri = wanted.replace("bob", f"bob{branch.index}")
        return "10.0.0.2" not in wanted
    user.branch_route = branch_route
    sent = fork(world, "10.0.0.1", "10.0.0.2", "10.0.0.3", before=lambda t: setattr(t, "on_branch", "b"))
    assert [(each.uri, [h.value for h in each.headers("X-Branch")]) for each in sent] == [
        ("sip:bob0@10.0.0.1", ["0"]), ("sip:bob2@10.0.0.3", ["2"])]


def test_reply_route_may_drop_provisional_responses_only(world, user):
    user.reply_route = lambda transaction, branch, response: False
    invite = fork(world, "10.0.0.1", before=lambda t: setattr(t, "on_reply", "r"))[0]
    world.receive(response(invite, 183))
    assert world.take() == []
    world.receive(response(invite, 200))
    assert world.lines() == ["200 192.0.2.1"]


def test_events_queue_while_a_failure_route_waits(world, user):
    order = []

    def failed(transaction, branch, response):
        order.append("failure route starts")
        assert world.receive(request(world=world))  # absorbed
        world.receive(response_of("ok"))
        world.pass_time(200)
        world.take()
        order.append("failure route ends")
    def response_of(_):
        return response(two, 200, tag="b2")
    user.failure_route = failed
    user.reply_route = lambda transaction, branch, response: order.append(response.status)
    one = fork(world, "10.0.0.1", on_failure=True, before=lambda t: setattr(t, "on_reply", "r"))[0]
    def wait_then(transaction, branch, response):
        transaction.request.uri = "sip:bob@10.0.0.2"
        world.layer.relay(run_of(transaction))
        nonlocal two
        two = next(each for each in world.take() if each.is_request and each.method == "INVITE")
        failed(transaction, branch, response)
    two = None
    user.failure_route = wait_then
    world.receive(response(one, 486))
    assert order == [486, "failure route starts", "failure route ends", 200]
    assert "200 192.0.2.1" in world.lines()


def test_observers_see_what_happens(world):
    seen = []

    def watch(transaction):
        transaction.observe(Happening.RESPONSE_IN | Happening.RESPONSE_SENT | Happening.DELETED,
                            lambda happening, t, branch, message, status: seen.append((happening.name, status)))
    invite = fork(world, "10.0.0.1", before=watch)[0]
    world.receive(response(invite, 180))
    world.receive(response(invite, 200))
    world.pass_time(10)
    assert seen == [("RESPONSE_IN", 180), ("RESPONSE_SENT", 180), ("RESPONSE_IN", 200), ("RESPONSE_SENT", 200),
                    ("DELETED", 200)]

"""Requests that a blacklist keeps from their destination."""
from opensips_py.sip import BranchTarget
from opensips_py.transaction.settings import FAULT_RESPONSES, Fault
from opensips_py.transport.blacklists import Blacklists, rule
from tests.transaction.world import World, request


def test_a_filtered_branch_is_not_sent_and_the_others_are():
    world = World()
    world.layer.blacklists = Blacklists()
    world.layer.blacklists.define("no", ["default"], [rule("192.0.2.2")])
    world.receive(request(world=world))
    assert [each.status for each in world.take()] == [100, FAULT_RESPONSES[Fault.FILTERED][0]]
    forked = request(world=world, branch="z9hG4bKc2", cseq=2)
    forked.branches = [BranchTarget("sip:bob@192.0.2.3")]
    world.receive(forked)
    assert [line for line in world.lines() if line.startswith("INVITE")] == [
        "INVITE 192.0.2.3"]

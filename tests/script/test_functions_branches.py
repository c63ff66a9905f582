import pytest

from opensips_py.module.run import Route
from opensips_py.script.functions_branches import Next


def uris(world):
    return [world.request.uri, *(each.uri for each in world.request.branches or ())]


def test_append_branch_copies_the_request_or_goes_elsewhere(world):
    first = world.request.uri
    world.assign("$du", "sip:proxy")
    assert world.call("append_branch", None, None) is True
    assert world.call("append_branch_old", "sip:c@x", "0.5") is True
    copied, other = world.request.branches
    assert (copied.uri, copied.destination, other.uri, other.destination, other.q) == (
        first, "sip:proxy", "sip:c@x", None, 500)
    assert world.call("append_branch", "sip:d@x", "9") is False


def test_append_msg_branch(world):
    world.assign("$du", "sip:proxy")
    assert world.call("append_msg_branch", "sip:a@x", "0.2", None) is True
    assert world.call("append_msg_branch", "sip:b@x", None, "inherit") is True
    first, second = world.request.branches
    assert (first.q, first.destination, second.q, second.destination) == (200, None, -1, "sip:proxy")


def test_removing(world):
    for name in "abc":
        world.assign("$branch", f"sip:{name}")
    assert world.call("remove_branch", 1) is True and uris(world)[1:] == ["sip:a", "sip:c"]
    assert world.call("remove_msg_branch", 0) is True and uris(world)[1:] == ["sip:c"]
    assert world.call("remove_msg_branch", -1) is False and world.call("remove_msg_branch", 1) is False


def test_moving_and_swapping(world):
    for name in "ab":
        world.assign("$branch", f"sip:{name}")
    assert world.call("swap_msg_branches", 0, 1) is True and uris(world)[1:] == ["sip:b", "sip:a"]
    assert world.call("swap_msg_branches", 0, -1) is True and world.request.uri == "sip:b"
    assert world.call("swap_msg_branches") is True and world.request.uri == "sip:b"
    assert world.call("move_msg_branch", 1, None) is True
    assert uris(world) == ["sip:a", "sip:bob@biloxi.com:5070;transport=tcp"]
    assert world.call("move_msg_branch", 0, -1, "keep") is True and len(uris(world)) == 2
    assert world.request.uri == "sip:bob@biloxi.com:5070;transport=tcp"
    assert world.call("move_msg_branch", 0, 0) is True and len(uris(world)) == 2
    assert world.call("move_msg_branch", 7, 0) is False and world.call("swap_msg_branches", 0, 7) is False


def test_serial_forking_by_q(world):
    world.assign("$ru_q", "0.5")
    for uri, q in (("sip:low", "0.1"), ("sip:high", "0.9"), ("sip:middle", "0.5")):
        world.call("append_branch", uri, q)
    assert world.call("serialize_branches", 1) is True
    assert uris(world)[1:] == []
    assert world.call("next_branches") is Next.MORE and uris(world) == ["sip:high"]
    assert world.call("next_branches") is Next.MORE
    assert uris(world) == ["sip:bob@biloxi.com:5070;transport=tcp", "sip:middle"]
    world.request.branches.clear()
    world.run.kind = Route.FAILURE
    assert world.call("next_branches") is Next.LAST
    assert uris(world)[1:] == ["sip:low"]
    assert world.call("next_branches") is Next.NONE


def test_serial_forking_keeps_everything_of_a_branch(world):
    world.assign("$fs", "tcp:127.0.0.1:5060")
    world.assign("$du", "sip:proxy")
    world.call("setbflag", 3)
    world.call("append_branch", "sip:second", None)
    world.call("serialize_branches", 1, 1)
    world.request.send_socket = world.request.destination = None
    world.request.branch_flags = 0
    assert world.call("next_branches") is Next.MORE
    assert (world.request.send_socket, world.request.destination, world.request.branch_flags) == (
        world.other, "sip:proxy", 8)
    assert world.call("next_branches") is Next.LAST
    assert uris(world) == ["sip:second"] and world.request.destination is None


@pytest.mark.parametrize(("clear", "left"), [(1, 2), (0, 4)])
def test_a_new_line_takes_the_place_of_the_old_or_follows_it(world, clear, left):
    for _ in range(2):
        world.call("append_branch", "sip:b", "0.5")
        world.call("serialize_branches", clear)
    assert len(world.run.avps["serial_branch"]) == left


def test_branches_of_the_same_q_stay_as_they_are(world):
    world.call("append_branch", "sip:b", None)
    assert world.call("serialize_branches", 1) is True
    assert (uris(world)[1:], world.call("next_branches")) == (["sip:b"], Next.NONE)


def test_without_added_branches_there_is_nothing_to_serialize(world):
    assert world.call("serialize_branches", 1) is True
    assert world.call("next_branches") is Next.NONE

from types import SimpleNamespace


def test_message_flags(world):
    assert world.call("isflagset", 5) is False
    assert world.call("setflag", 5) is True and world.call("setflag", 31) is True
    assert world.call("isflagset", 5) is True and world.request.flags == 1 << 31 | 32
    assert world.call("resetflag", 5) is True
    assert world.call("isflagset", 5) is False and world.call("isflagset", 31) is True


def test_flags_in_a_response_are_those_of_its_request(world):
    request = world.request
    world.on_ringing(request).call("setflag", 3)
    assert request.flags == 8


def test_branch_flags_put_the_flag_first_in_40(world):
    world.assign("$branch", "sip:a@x")
    assert world.call("setbflag", 6) is True and world.call("setbflag", 7, 1) is True
    assert (world.request.branch_flags, world.request.branches[0].flags) == (64, 128)
    assert world.call("isbflagset", 7, 1) is True and world.call("isbflagset", 7) is False
    assert world.call("resetbflag", 7, 1) is True and world.request.branches[0].flags == 0
    assert world.call("setbflag", 1, 2) is False and world.call("isbflagset", 1, 2) is False
    assert world.call("resetbflag", 1, 2) is False


def test_branch_flags_put_the_branch_first_in_21(old_world):
    world = old_world
    world.assign("$branch", "sip:a@x")
    assert world.call("setbflag", 6) is True and world.call("setbflag", 1, 7) is True
    assert (world.request.branch_flags, world.request.branches[0].flags) == (64, 128)
    assert world.call("isbranchflagset", 1, 7) is True and world.call("isbflagset", 7) is False
    assert world.call("isbranchflagset", 1, 6) is False
    assert world.call("resetbflag", 1, 7) is True and world.request.branches[0].flags == 0
    assert world.call("setbranchflag", 0, 5) is True and world.call("resetbranchflag", 6) is True
    assert world.request.branch_flags == 32


def test_branch_flags_of_a_response_are_those_of_its_branch(world):
    world.on_ringing(world.request)
    world.run.branch = SimpleNamespace(flags=4)
    assert world.call("isbflagset", 2) is True
    world.call("setbflag", 0)
    assert world.run.branch.flags == 5
    assert world.value("$bf") == "0 2"


def test_script_flags_last_as_long_as_the_run(world):
    assert world.call("issflagset", 1) is False and world.call("isscriptflagset", 1) is False
    assert world.call("setsflag", 1) is True and world.call("isscriptflagset", 1) is True
    assert world.call("setscriptflag", 2) is True and world.call("resetsflag", 1) is True
    assert world.call("issflagset", 1) is False and world.call("issflagset", 2) is True
    assert world.call("resetscriptflag", 2) is True and world.call("issflagset", 2) is False
    world.call("setsflag", 1)
    assert world.on_invite().call("issflagset", 1) is False

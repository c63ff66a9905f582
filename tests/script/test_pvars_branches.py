import pytest


def test_without_branches_the_request_is_meant(world):
    assert world.value("$msg.branch") == world.request.uri
    assert world.value("$msg.branch.last_idx") == 0
    assert world.value("$branch") is None and world.value("$(branch(uri)[0])") is None
    world.assign("$msg.branch.uri", "sip:new@x")
    assert world.request.uri == "sip:new@x"


def test_assigning_adds_branches(world):
    world.assign("$branch", "sip:a@x")
    world.assign("$msg.branch", "sip:b@x")
    assert [each.uri for each in world.request.branches] == ["sip:a@x", "sip:b@x"]
    assert (world.value("$msg.branch"), world.value("$msg.branch.last_idx")) == ("sip:b@x", 2)
    assert (world.value("$branch(uri)"), world.value("$(branch(uri)[1])"), world.value("$(branch(uri)[2])")) == (
        "sip:a@x", "sip:b@x", None)
    assert world.value("$(msg.branch.uri[*])") == f"{world.request.uri}, sip:a@x, sip:b@x"
    assert world.value("$(msg.branch.uri[0])") == world.value("$(msg.branch.uri[-3])") == world.request.uri
    assert world.values("$(branch(uri)[*])") == ["sip:a@x", "sip:b@x"]


def test_fields_of_branches(world):
    world.assign("$branch", "sip:a@x")
    world.assign("$(branch(duri)[0])", "sip:proxy")
    world.assign("$(branch(q)[0])", 300)
    world.assign("$(branch(socket)[0])", "tcp:127.0.0.1:5060")
    world.assign("$(branch(path)[0])", "<sip:edge;lr>")
    world.assign("$(branch(flags)[0])", "ONE TWO")
    target = world.request.branches[0]
    assert (target.destination, target.q, target.send_socket, target.path) == (
        "sip:proxy", 300, world.other, "<sip:edge;lr>")
    assert [world.value(f"$msg.branch.{each}") for each in ("uri", "duri", "q", "socket", "path", "flags")] == [
        "sip:a@x", "sip:proxy", "0.3", "tcp:127.0.0.1:5060", "<sip:edge;lr>", "TWO ONE"]
    world.assign("$(branch(q)[0])", "0.9")
    world.assign("$(branch(uri)[0])", None)
    world.assign("$(branch(uri)[7])", "sip:nobody")
    assert (target.q, target.uri) == (300, "sip:a@x")


def test_fields_of_the_last_branch(world):
    world.assign("$branch", "sip:a@x")
    world.assign("$branch", "sip:b@x")
    world.assign("$msg.branch.duri", "sip:proxy")
    world.assign("$msg.branch.q", 300)
    world.assign("$msg.branch.socket", "tcp:127.0.0.1:5060")
    world.assign("$msg.branch.path", "<sip:edge;lr>")
    world.assign("$msg.branch.flags", "ONE TWO")
    first, last = world.request.branches
    assert (last.destination, last.q, last.send_socket, last.path, last.flags) == (
        "sip:proxy", 300, world.other, "<sip:edge;lr>", 3 << 30)
    assert (first.destination, first.send_socket, first.path, first.flags) == (None, None, None, 0)


@pytest.mark.parametrize("variable", ["$branch", "$msg.branch"])
def test_a_branch_is_added_by_its_uri(world, variable):
    world.assign(variable, "sip:a@x")
    world.assign(variable, 7)
    world.assign(variable, None)
    assert [each.uri for each in world.request.branches] == ["sip:a@x"]


def test_what_a_branch_lacks_leaves_its_place_empty(world):
    assert [world.value(each) for each in ("$(branch(q)[*])", "$(msg.branch.q[*])", "$msg.branch.q")] == [None, "", ""]
    for name in "ab":
        world.assign("$branch", f"sip:{name}@x")
    world.assign("$(branch(q)[1])", 500)
    world.assign("$(branch(duri)[0])", "sip:proxy")
    assert [world.value(each) for each in (
        "$(branch(q)[*])", "$(msg.branch.q[*])", "$(branch(duri)[*])", "$(msg.branch.duri[*])", "$(branch(q)[0])",
        "$(branch(duri)[1])")] == [", 0.5", ", , 0.5", "sip:proxy, ", ", sip:proxy, ", "", None]


@pytest.mark.parametrize("variable", ["$(msg.branch.attr(x)[*])", "$(msg.branch.flag(x)[*])", "$(branch.flag(x)[*])"])
def test_flags_and_attributes_are_of_one_branch(world, variable):
    world.assign("$msg.branch.attr(x)", 5)
    assert world.value(variable) is None


def test_flags_of_branches(world):
    world.assign("$branch", "sip:a@x")
    world.assign("$msg.branch.flag(pstn)", 1)
    assert (world.value("$msg.branch.flag(pstn)"), world.value("$(msg.branch.flag(pstn)[0])"),
            world.value("$branch.flag(pstn)")) == (1, 0, 1)
    world.assign("$(msg.branch.flag(pstn)[0])", 1)
    assert world.request.branch_flags == world.request.branches[0].flags == 1 << 31
    world.assign("$(branch.flag(pstn)[0])", 0)
    assert world.value("$(branch.flag(pstn)[0])") == 0
    assert world.value("$(msg.branch.flag(pstn)[5])") is None


def test_attributes_of_branches(world):
    world.assign("$msg.branch.attr(name)", "of the request")
    world.assign("$branch", "sip:a@x")
    world.assign("$msg.branch.attr(name)", "one")
    world.assign("$msg.branch.attr(num)", 5)
    assert (world.value("$msg.branch.attr(name)"), world.value("$(msg.branch.attr(name)[0])"),
            world.value("$(msg.branch.attr(num)[1])"), world.value("$msg.branch.attr(none)")) == (
        "one", "of the request", 5, None)
    world.assign("$msg.branch.attr(num)", None)
    assert world.request.branches[0].attributes == {"name": "one"}
    assert world.value("$(msg.branch.attr(name)[7])") is None


def test_responses_have_no_branches(world):
    world.on_ringing()
    for text in ("$branch", "$msg.branch", "$msg.branch.uri", "$msg.branch.last_idx", "$msg.branch.flag(x)"):
        assert world.value(text) is None

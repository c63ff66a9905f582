def test_the_newest_value_comes_first(world):
    for value in ("one", "two", 3):
        world.assign("$avp(x)", value)
    assert world.value("$avp(x)") == 3
    assert world.value("$(avp(x)[2])") == world.value("$(avp(x)[-1])") == "one"
    assert world.value("$(avp(x)[3])") is None
    assert world.value("$(avp(x)[*])") == "3, two, one"
    assert world.values("$(avp(x)[*])") == [3, "two", "one"]
    assert world.run.avps == {"x": [3, "two", "one"]}


def test_null_takes_the_newest_and_colon_equal_all(world):
    for value in (1, 2, 3):
        world.assign("$avp(x)", value)
    world.assign("$avp(x)", None)
    assert world.run.avps["x"] == [2, 1]
    world.assign("$avp(x)", 9, ":=")
    assert world.run.avps["x"] == [9]
    world.assign("$avp(x)", None, ":=")
    assert world.value("$avp(x)") is None and world.run.avps == {}


def test_assignment_at_an_index(world):
    for value in (1, 2, 3):
        world.assign("$avp(x)", value)
    world.assign("$(avp(x)[1])", "middle")
    world.assign("$(avp(x)[append])", "oldest")
    assert world.run.avps["x"] == [3, "middle", 1, "oldest"]
    world.assign("$(avp(x)[0])", None)
    world.assign("$(avp(x)[9])", "nowhere")
    assert world.run.avps["x"] == ["middle", 1, "oldest"]
    world.assign("$(avp(x)[*])", None)
    assert world.run.avps == {}


def test_prefixes_are_part_of_the_name_and_names_may_be_dynamic(world):
    world.assign("$avp(s:name)", "w")
    world.assign("$avp(name)", "v")
    assert world.value("$avp(s:name)") == "w"
    world.assign("$var(n)", "name")
    assert world.value("$avp($var(n))") == "v"
    world.assign("$var(i)", 0)
    assert world.value("$(avp(name)[$var(i)])") == "v"
    world.assign("$avp(i:700)", 1)
    assert world.value("$avp(700)") is None and world.value("$avp(i:700)") == 1

import pytest

from opensips_py.errors import ScriptError
from opensips_py.module.run import Route
from opensips_py.script.variables import Spot, parse


@pytest.mark.parametrize(("text", "message"), [
    ("$nosuch", "$nosuch is unknown"), ("$hdr", "$hdr needs a name"), ("$ru(x)", "$ru takes no name"),
    ("$(ru[1])", "$ru takes no index"), ("$var", "$var needs a name"), ("$(var(x)[1])", "$var takes no index"),
    ("$avp", "$avp needs a name")])
def test_wrong_use_is_an_error_at_its_place(world, text, message):
    with pytest.raises(ScriptError) as caught:
        world.scope.bind(parse(text, Spot("a.cfg", 3, 9)))
    assert caught.value.message.startswith(message)
    assert (caught.value.line, caught.value.column) == (3, 9)


def test_the_nearest_name_is_offered(world):
    with pytest.raises(ScriptError) as caught:
        world.scope.bind(parse("$ct.field(uri)"))
    assert "ct.fields" in caught.value.hint


def test_reading_without_a_message_is_null(world):
    world.on(None, kind=Route.TIMER)
    for text in ("$ru", "$fu", "$hdr(Via)", "$(hdr(Via)[1])", "$(<request>ru)", "$(<reply>rs)", "$ct", "$(ct[*])",
                 "$rb", "$si", "$msg.branch", "$(ru{s.len})"):
        assert world.value(text) is None
    assert world.values("$(hdr(Via)[*])") == []
    world.assign("$ru", "sip:x@y")
    assert world.text("at $Ts: <$ru>").endswith("<<null>>")


def test_what_cannot_be_assigned_has_no_writer(world):
    for text in ("$fu", "$(ru{s.len})", "$hdr(Via)", "$Ts"):
        assert world.scope.bind(parse(text)).write is None


def test_for_each_over_a_plain_variable_is_its_value(world):
    assert world.values("$rU") == ["bob"]
    assert world.values("$var(none)") == []


def test_the_place_of_the_script_is_known_when_it_compiles(world):
    bound = world.scope.bind(parse("$cfg_line", Spot("a.cfg", 42, 1)))
    assert (bound.inline, bound.read(world.run)) == ("42", 42)
    assert world.scope.bind(parse("$cfg_file", Spot("a.cfg", 42, 1))).inline == "'a.cfg'"


@pytest.mark.parametrize(("text", "value"), [
    ("$(hdr(Via)[$var(one)])", "SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK2;received=1.2.3.4"),
    ("$(hdr(Via)[$var(text)])", "SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK2;received=1.2.3.4"),
    ("$(hdr(Via)[$var(none)])", None), ("$(hdr(Via)[$var(word)])", None), ("$(avp(list)[$var(none)])", None),
    ("$(avp(list)[$var(one)])", "old"), ("$(ct.fields(uri)[$var(one)])", "sip:x@c")])
def test_an_index_may_be_a_variable(world, text, value):
    world.run.variables.update(one=1, text="1", word="last")
    world.run.avps["list"] = ["new", "old"]
    assert world.value(text) == value

import pytest

from opensips_py.errors import ScriptError


@pytest.mark.parametrize(("steps", "message", "hint"), [
    ("{s.lenn}", "{s.lenn} is no transformation", "{s.len}"), ("{s.substr,1}", "takes 2 arguments", ""),
    ("{s.len,1}", "takes no argument", ""), ("{s.substr,a,0}", "a number is needed", ""),
    ("{uri.0.user}", "takes no argument", ""), ("{s.index}", "takes 1 to 2 arguments", ""),
    ("{re.subst,/(/x/}", "nmatched (", ""), ("{re.subst,/a/x}", "no third /", "")])
def test_errors_when_the_script_compiles(world, steps, message, hint):
    with pytest.raises(ScriptError) as caught:
        world.value(f"$(ru{steps})")
    assert message in caught.value.message and hint in caught.value.hint
    assert caught.value.column == 6


def test_transformations_work_on_items_of_a_list(world):
    assert world.values("$(hdr(Via)[*]{via.host})") == ["pc33.atlanta.com", "10.0.0.1"]

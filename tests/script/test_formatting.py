import pytest

from opensips_py.script.formatting import compiled, shown


@pytest.mark.parametrize(("text", "expected"), [
    ("", ""), ("plain", "plain"), ("$var(n)", "5"), ("$var(none)", None), ("a $var(none) b", "a <null> b"),
    ("$$var(n) $ 5%", "$var(n) $ 5%"), ("$(var(t){s.len})$var(n)", "45"), ("to $var(t).", "to text.")])
def test_texts(world, text, expected):
    world.run.variables.update(n=5, t="text")
    assert world.text(text) == expected


def test_pieces():
    assert compiled([])(None) == "" and compiled(["a"])(None) == "a" and compiled([lambda run: 5])(None) == "5"
    assert compiled(["a", lambda run: None, lambda run: 7])(None) == "a<null>7"
    assert (shown(None), shown(5), shown("x")) == ("<null>", "5", "x")

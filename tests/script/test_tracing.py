"""The arguments of a call as its account shows them."""
from types import SimpleNamespace

from opensips_py.script import tree
from opensips_py.script.diagnostics import Place
from opensips_py.script.tracing import Called, source_of, written

PLACE = Place("x.cfg", 1, 1, 1)


def test_what_only_the_function_can_read_is_shown_as_the_script_has_it():
    nodes = (tree.String(PLACE, "$avp(a);$avp(b)"), tree.Variable(PLACE, "$ru"), tree.String(PLACE, "word"), None)
    what = Called("f", ("first", "second", "third", "fourth"), tuple(map(written, nodes)), tuple(map(source_of, nodes)),
                  1, False)
    given = (object(), object(), "sip:a@b", frozenset("x"), 5)
    assert what.arguments(SimpleNamespace(trace=None), given) == ["$avp(a);$avp(b)", "sip:a@b", "word", 5]

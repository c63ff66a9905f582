from opensips_py.script import tree
from opensips_py.script.walk import nodes
from tests.script.script import parsed


def test_everything_in_the_order_of_the_text():
    script, _ = parsed('route { if ($a == 1) f(1, , "x"); else { $b = 2 + 3; } switch ($c) { case 4: exit; } }')
    found = [getattr(each, "text",
        getattr(each, "value", getattr(each, "name", None))) for each in nodes(script.items[0])
             if isinstance(each, (tree.Variable, tree.Number, tree.String, tree.Call))]
    assert found == ["$a", 1, "f", 1, "x", "$b", 2, 3, "$c", 4]


def test_depth_does_not_matter():
    place = parsed("route { exit; }")[0].items[0].place
    node = tree.Number(place, 1)
    for _ in range(5000):
        node = tree.Not(place, node)
    assert sum(1 for _ in nodes(node)) == 5001

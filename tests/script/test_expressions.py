import pytest

from tests.script.script import parsed


def shape(node):
    """An expression in brackets, as it was understood."""
    kind = type(node).__name__
    if kind in ("Binary", "Comparison", "Logical"):
        return f"({shape(node.left)} {node.operator} {shape(node.right)})"
    if kind in ("Unary", "Not"):
        return f"{getattr(node, 'operator', '!')}{shape(node.operand)}"
    if kind in ("Call", "RouteCall"):
        arguments = ", ".join("" if each is None else shape(each) for each in node.arguments)
        return f"{node.name if kind == 'Call' else 'route ' + shape(node.route)}({arguments})"
    if kind == "Transformed":
        return shape(node.operand) + node.transformations
    for name in ("text", "value", "name"):
        if hasattr(node, name):
            return f"{kind[0]}:{getattr(node, name)}"
    return kind


def condition(text):
    script, diagnostics = parsed(f"route {{ if ({text}) exit; }}")
    assert not diagnostics.found, diagnostics.render()
    return shape(script.items[0].body[0].condition)


@pytest.mark.parametrize(("text", "expected"), [
    ("$a == 1 || $b == 2 && $c", "(((V:$a == N:1) or (V:$b == N:2)) and V:$c)"),
    ("not $a == 1 and $b", "(!(V:$a == N:1) and V:$b)"),
    ("!($a || $b)", "!(V:$a or V:$b)"),
    ("$a + 1 * 2 == 3 - -4", "(((V:$a + N:1) * N:2) == (N:3 - N:-4))"),
    ("$a - 1 - 2 == 0", "(((V:$a - N:1) - N:2) == N:0)"),
    ("$a | 1 & 2 ^ 3 << 4 + 5", "((((V:$a | N:1) & N:2) ^ N:3) << (N:4 + N:5))"),
    ("~$a & +2", "(~V:$a & N:2)"),
    ("[$a + 1]", "(V:$a + N:1)"),
    ('$a =~ "x" and $b !~ "y"', "((V:$a =~ S:x) and (V:$b !~ S:y))"),
    ("$a == NULL or $b == null", "((V:$a == Null) or (V:$b == Null))"),
    ("$si == 10.0.0.0/8", "(V:$si == A:10.0.0.0/8)"),
    ("src_ip == host.example.com", "(O:src_ip == N:host.example.com)"),
    ("uri == myself", "(O:uri == O:myself)"),
    ("f(a,,2)", "f(N:a, , N:2)"),
    ("route(x, 1) > 0", "(route N:x(N:1) > N:0)"),
    ("yes", "N:1"), ("$a == off", "(V:$a == N:0)"),
    ('"abc"{s.len} == 3', "(S:abc{s.len} == N:3)"),
    ("$a == 0x10 && $b == 010", "((V:$a == N:16) and (V:$b == N:8))"),
    ("$a == 0xffffffff", "(V:$a == N:-1)")])
def test_how_it_is_understood(text, expected):
    assert condition(text) == expected


def test_texts_of_xlog_are_joined():
    script, _ = parsed('route { xlog("L_INFO", "a"\n"b"); }')
    assert [shape(each) for each in script.items[0].body[0].call.arguments] == ["S:L_INFO", "S:ab"]

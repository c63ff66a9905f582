"""What Python files name of the script that imports them."""
import pytest

from opensips_py.lsp.python_files import examined

TEXT = '''from opensips_py.module import ScriptMessage, route

WAYS = {"a": "relay"}


@route
def screen(message: ScriptMessage, why: str) -> bool:
    """Whether "relay" is right."""
    message.var["reason"] = why
    äö = message.avp.get('limit'); message.avp.push("limit", 1)
    if "limit" in message.avp and other["limit"]:
        message.call("price", "relay")
    return message.route("relay", "other") > 0 or message.route(r"relay")
'''


def test_names():
    found = examined("x.py", TEXT.split("\n"))
    assert [(each.kind, each.name, each.place.line, each.is_spelled) for each in sorted(
            found.names, key=lambda each: (each.place.line, each.place.column))] == [
        ("var", "reason", 9, True), ("avp", "limit", 10, True), ("avp", "limit", 10, True), ("avp", "limit", 11, True),
        ("function", "price", 12, True), ("route", "relay", 13, True), ("route", "relay", 13, False)]
    assert {(each.name, each.place.line) for each in found.others} >= {
        ("relay", 3), ("limit", 11), ("relay", 12), ("other", 13)}
    lines = TEXT.split("\n")
    for each in found.names:
        if each.is_spelled:
            assert lines[each.place.line - 1][each.place.column - 1:][:each.place.length] == each.name


@pytest.mark.parametrize("text", ["def f(:", "x = '\0'"])
def test_what_cannot_be_read(text):
    assert not examined("x.py", [text]).is_read

"""Every message of the script layer has a code of its own kind."""
import ast
import pathlib
import re

import pytest

from opensips_py.script import codes
from tests.script.broken import BROKEN

SCRIPT = pathlib.Path(codes.__file__).parent
REPORTING = {"error": "error", "misread": "error", "fail": "error", "report": "error", "warning": "warning",
             "note": "note"}
FILLINGS = ("$ru", "route[x]", "failure_route", "include_file", "async", "the module", "the loop variable", "else")
AT_RUN_TIME = re.compile(r"(functions|pvars|transformations)_\w+|runtime|core|reloading")  # these log


def constant(node):
    """The text of a literal; * for what the run fills in, '' where all of it is."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [each.value if isinstance(each, ast.Constant) else "x" for each in node.values]
        return "".join(parts) if any(isinstance(each, ast.Constant) for each in node.values) else ""
    return constant(node.left) + constant(node.right) if isinstance(node, ast.BinOp) else ""


def messages():
    for path in sorted(SCRIPT.rglob("*.py")):
        if AT_RUN_TIME.fullmatch(path.stem):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args \
                    and node.func.attr in REPORTING and (text := constant(node.args[0])):
                yield f"{path.name}:{node.lineno}", REPORTING[node.func.attr], text


@pytest.mark.parametrize(("where", "severity", "text"), [
    each for each in messages() if len(re.sub(r"\bx\b|\W", "", each[2])) > 3], ids=lambda each: each)
def test_a_message_has_a_code(where, severity, text):
    filled = [text, text.replace("{x}", "{s.x}"), text.replace("argumentx, not x", "arguments, not 1"),
              *(re.sub(r"\bx\b", each, text, count=1) for each in FILLINGS)]
    assert any(codes.find(severity, each).code != codes.OTHER[severity] for each in filled), (where, text)


def test_codes_begin_with_their_severity():
    for severity, table in codes.TABLES.items():
        assert all(re.fullmatch(rf"{severity[0].upper()}0\d\d\d", each.code) for each in table)


def test_known_mistakes_have_codes():
    expected = {
        "unknown module": "E0201", "unknown function": "E0202", "unknown variable": "E0203", "unknown route": "E0207",
        "too few arguments": "E0301", "wrong expression": "E0310", "function in the wrong route": "E0401",
        "text without end": "E0102", "port out of range": "E0502", "missing include": "E0601"}
    for name, code in expected.items():
        assert codes.find("error", BROKEN[name][1]).code == code

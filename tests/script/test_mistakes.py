"""Mistakes of people who write scripts, as data: each is reported once, in its place, and the fix says what to write.

A row is: what stands in cfg/residential.cfg (nothing: a statement in its place), what is written instead, code, line
(counted from there) and column, the message, and what the edits make of it: null where the fix needs a decision, "*"
where they change the script elsewhere.
"""
import json
import pathlib

import pytest

from opensips_py.script.preprocessor import read_text
from opensips_py.script.remedies import Edit, applied
from opensips_py.server.verdict import overlaid, verdict

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "cfg/residential.cfg"
GOOD = read_text(str(SCRIPT))
STATEMENT = 'xlog("L_ERR", "cannot register $tu\\n");'
ROWS = json.loads(pathlib.Path(__file__).with_name("mistakes.json").read_text())


def errors(text):
    found = verdict(str(SCRIPT), overlaid({str(SCRIPT): text}), notes=False).as_data()["findings"]
    return [each for each in found if each["severity"] == "error"]


@pytest.mark.parametrize("row", ROWS, ids=[each[1] for each in ROWS])
def test_a_mistake(row):
    right, wrong, code, line, column, message, mended = row
    before, _, behind = GOOD.partition(right or STATEMENT)
    text = before + wrong + behind
    (found,) = errors(text)
    assert (found["code"], found["message"]) == (code, message)
    assert (found["line"] - before.count("\n") - 1, found["column"]) == (line, column)
    assert found["fix"] not in ("", "write a value of that kind")
    after = applied(text, [Edit(**each) for each in found["edits"]])
    assert (after != text) == (mended is not None)
    if mended is not None:
        assert not errors(after)
        assert mended == "*" or after == before + mended + behind


def test_all_mistakes_are_told_at_once():
    """A socket whose protocol no module speaks, and each variable of a text, beside others."""
    text = GOOD.replace('loadmodule "proto_tcp.so"\n', "").replace("log_level=3", 'log_level="3"').replace(
        STATEMENT, 'xlog("$tuu $(ru{uri.usr}) $hdr\\n")')
    assert [each["message"] for each in errors(text)] == [
        "log_level is a number, not '3'", "no loaded module speaks tcp", "$tuu is unknown",
        "{uri.usr} is no transformation", "$hdr needs a name", "missing ';' after this statement"]

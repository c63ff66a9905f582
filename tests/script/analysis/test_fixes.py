"""Fixes carried out."""
from opensips_py.script import analysis, configuration
from opensips_py.script.analysis import fixes

TEXT = """socket=udp:127.0.0.1:5060\r
loadmodule "tm.so"
# a comment; with = signs
route {
	if ($rm = "INVITE") record_route()
	sl_send_reply("404" "x");  # \xe9
	if ($rU == 5) rewritehost("x")
	t_rely();
}"""


def check(texts):
    found = configuration.read("x.cfg", read=lambda path: texts[path])
    analysis.add_warnings(found)
    return found.diagnostics


def test_what_leaves_no_doubt_is_fixed_and_nothing_else():
    before = {"x.cfg": TEXT}
    after = fixes.fixed(before, check)
    assert after["x.cfg"] == """socket=udp:127.0.0.1:5060\r
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sl.so"
# a comment; with = signs
route {
	if ($rm == "INVITE") record_route();
	sl_send_reply(404, "x");  # \xe9
	if ($rU == "5") sethost("x");
	t_rely();
}"""
    assert [each.message for each in check(after).errors] == ["function t_rely is unknown"]
    assert fixes.fixed(after, check) == after
    assert fixes.changed(before, after) == ["x.cfg"]


def test_the_changes_as_a_patch():
    assert fixes.diff({"a": "1\n2\n3"}, {"a": "1\n2\n4", "b": ""}) == (
        "--- a\n+++ a\n@@ -1,3 +1,3 @@\n 1\n 2\n-3\n\\ No newline at end of file\n+4\n\\ No newline at end of file\n")

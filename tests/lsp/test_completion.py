"""What is proposed, and what the manual says, at a place of a script that is being written."""
import errno

import pytest

from opensips_py.lsp import completion, hover
from opensips_py.lsp.analysis import Analysis
from opensips_py.lsp.text import call_at, depth, without_comments

SCRIPT = """log_level=2
socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
modparam("tm", "fr_timeout", 5)
HERE
route {
	$var(count) = 1;
	route(relay);
	THERE
}
route[relay] {
	t_on_failure("again");
	t_relay();
}
failure_route[again] {
	$avp(x) = $(ru{uri.user});
}
"""


def at(line, where):
    """The analysis of the script with *line* in one of its two places, the text, and where the line ends."""
    text = SCRIPT.replace(where, line).replace("HERE", "").replace("THERE", "")

    def read(path):
        if path != "x.cfg":
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return text
    number = text.split("\n").index(line)
    return Analysis("x.cfg", read), "x.cfg", text, number, len(line)


@pytest.mark.parametrize(("line", "wanted", "unwanted"), [
    ("\t$r", {"ru", "rU", "rd"}, {"t_relay"}), ("\t$var(", {"count"}, {"ru", "x"}), ("\t$avp(", {"x"}, {"count"}),
    ("\tt_", {"t_relay", "t_on_failure", "if", "sl_send_reply"}, {"socket"}),
    ('\tt_on_failure("', {"again"}, {"relay"}), ("\troute(", {"relay"}, {"again"}),
    ("\t$(ru{s.", {"s.len", "uri.user"}, {"ru"}), ('\tt_relay("', {"no-auto-477"}, {"t_relay"}),
    ('\txlog("calls t_', set(), {"t_relay"}), ('\tif (sl_send_reply(200, "OK") && t_', {"t_relay"}, {"socket"})])
def test_in_a_route(line, wanted, unwanted):
    labels = {each.label for each in completion.proposals(*at(line, "\tTHERE"))}
    assert wanted <= labels and not unwanted & labels


@pytest.mark.parametrize(("line", "wanted", "unwanted"), [
    ('loadmodule "', {"registrar.so", "tm.so"}, {"socket"}), ('modparam("', {"tm", "sl"}, {"registrar"}),
    ('modparam("tm", "', {"fr_inv_timeout"}, {"enable_stats_"}),
    ("soc", {"socket", "loadmodule", "route"}, {"listen"})])
def test_outside(line, wanted, unwanted):
    labels = {each.label for each in completion.proposals(*at(line, "HERE"))}
    assert wanted <= labels and not unwanted & labels


def test_functions_come_with_their_manual():
    (found,) = [each for each in completion.proposals(*at("\tt_", "\tTHERE")) if each.label == "t_relay"]
    assert found.detail.startswith("([flags][, outbound_proxy])") and "It may wait" in found.help


@pytest.mark.parametrize(("text", "offset", "said"), [
    ("t_relay", 2, "Send the request on to its targets"), ("$(ru{", 3, "`$ru"), ("uri.user", 2, "`{uri.user}`"),
    ("fr_timeout", 2, "fr_timeout (int"), ('"tm.so"', 2, "**tm**"), ("log_level", 3, "core parameter"),
    ("again", 1, ""), ("nowhere", 0, "")])
def test_hover(text, offset, said):
    analysis, _, script, _, _ = at("nowhere", "HERE")
    before = script[:script.index(text) + offset]
    found = hover.entry(analysis.configuration.registry, script, before.count("\n"),
                        len(before) - before.rfind("\n") - 1)
    assert said in found if said else not found


def test_comments_are_blanked_in_place():
    text = 'a # b\n"# c" /* d\ne */ f // g\n#!define X'
    assert without_comments(text) == 'a    \n"# c"     \n     f     \n#!define X'


@pytest.mark.parametrize(("before", "found"), [
    ('f("a, b", ', ("f", 1, ["a, b"])), ("g(h(1, 2), ", ("g", 2, None)), ("x = 1;", None), ("if (is_method(", (
        "is_method", 0, []))])
def test_the_call_that_is_open(before, found):
    got = call_at(before)
    assert got == found or (found is not None and found[2] is None and got is not None and got[0] == found[0])


def test_blocks_that_are_open():
    assert depth('route { if (x) { xlog("}"); # }\n') == 2 and depth("route { }") == 0

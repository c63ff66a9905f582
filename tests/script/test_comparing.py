"""What is different between two configurations, in words."""
import pytest

from opensips_py.script.comparing import differences
from tests.script.script import right

HEAD = ('log_level=2\nsocket=udp:127.0.0.1:5060\nloadmodule "proto_udp.so"\nloadmodule "sl.so"\n'
        'loadmodule "cfgutils.so"\n')
ROUTES = 'route { route(a); }\nroute[a] { xlog("x"); switch ($rU) { case "a": exit; } }\nonreply_route[b] { exit; }\n'
TEXT = HEAD + ROUTES


def found(new, old=TEXT, files=None):
    return differences(right(old), right(new, files))


@pytest.mark.parametrize("same", [
    TEXT, "# a comment\n\n" + TEXT, TEXT.replace("{ ", "{\n\t"), TEXT.replace("xlog(\"x\")", "xlog( \"x\" ) "),
    HEAD + 'modparam("cfgutils", "lock_pool_size", 32)\n' + ROUTES, HEAD.replace("=2", " = 2") + ROUTES])
def test_what_makes_no_difference(same):
    result = found(same)
    assert (result.routes, result.others, result.fixed) == ([], [], [])


@pytest.mark.parametrize(("old", "new", "told"), [
    ('xlog("x")', 'xlog("y")', ["route[a] is changed"]),
    ('case "a"', 'case "b"', ["route[a] is changed"]),
    ("exit; } }", "exit; } return; }", ["route[a] is changed"]),
    ("exit; } }", "exit; drop; } }", ["route[a] is changed"]),
    ("onreply_route[b]", "onreply_route[c]", ["onreply_route[c] is added", "onreply_route[b] is removed"]),
    ("route(a)", "route(b)", ["route[b] is added", "route[a] is removed", "route is changed"])])
def test_routes(old, new, told):
    text = TEXT.replace(old, new)
    if new == "route(b)":
        text = text.replace("route[a]", "route[b]")
    result = found(text)
    assert (result.routes, result.others) == (told, [])


@pytest.mark.parametrize(("line", "told"), [
    ("log_level=4", "log_level is 4, was 2"),
    ("log_level=2\nmhomed=1", "mhomed is True, was False"),
    ('log_level=2\nalias="udp:x.example:5060"', "alias is udp:x.example:5060, was not set"),
    ('log_level=2\nserver_header="Server: ' + "x" * 80 + '"',
     "server_header is \"Server: " + "x" * 51 + "..., was \"\"")])
def test_core_parameters(line, told):
    result = found(TEXT.replace("log_level=2", line))
    assert (result.routes, result.others) == ([], [told])
    assert result.parameters == {told.split()[0]}


def test_modules_and_their_parameters():
    result = found(TEXT.replace('loadmodule "cfgutils.so"', 'loadmodule "maxfwd.so"\n'
                                'modparam("maxfwd", "max_limit", 7)\nmodparam("sl", "enable_stats", 0)'))
    assert result.others == ["module maxfwd is added", "module cfgutils is removed",
                             "enable_stats of module sl is 0, was as by default"]


def test_a_parameter_that_cannot_change():
    result = found(HEAD + 'modparam("cfgutils", "shv_hash_size", 128)\n' + ROUTES)
    assert result.others == ["shv_hash_size of module cfgutils is 128, was as by default"]
    assert result.fixed == [result.others[0] + ": the memory for shared variables is laid out when the server starts"]


def test_parameters_that_are_given_again_and_again():
    more = HEAD + 'modparam("cfgutils", "varset", "a=i:1")\nmodparam("cfgutils", "varset", "b=i:2")\n' + ROUTES
    assert found(more).others == ['varset of module cfgutils is "a=i:1", "b=i:2", was as by default']
    assert found(TEXT, more).others == ['varset of module cfgutils is as by default, was "a=i:1", "b=i:2"']


def test_the_dialect():
    result = found(TEXT.replace("log_level=2\nsocket=", "debug=2\nlisten="))
    assert result.others[0] == "the dialect is 2.1, was 4.0"


def test_blacklists_are_told_by_their_names():
    listed = "dst_blacklist=bad:{10.0.0.0/8}\n"
    assert found(listed + TEXT).others == ["dst_blacklist is bad, was not set"]
    assert found(listed.replace("10.", "11.") + TEXT, listed + TEXT).others == ["dst_blacklist is changed"]
    assert found("# a comment\n" + listed + TEXT, listed + TEXT).others == []

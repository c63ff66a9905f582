import pytest

from opensips_py.script import configuration, decided
from opensips_py.script.dialect import infer, is_guessed, marks
from tests.script.script import parsed


def inferred(text):
    script, diagnostics = parsed(text)
    return infer(script, diagnostics), [each.message for each in diagnostics.found]


@pytest.mark.parametrize(("text", "dialect"), [
    ("route { exit; }", "4.0"), ("children=4", "2.1"), ("listen=udp:127.0.0.1", "2.1"), ("debug=3", "2.1"),
    ("socket=udp:127.0.0.1", "4.0"), ("udp_workers=4", "4.0"), ("log_level=3", "4.0"),
    ("route { if (method == INVITE) exit; }", "2.1"), ("route { if (uri == myself) exit; }", "2.1"),
    ("route { launch(f()); }", "4.0"), ("dialect=2.1\nsocket=udp:127.0.0.1", "2.1"), ("dialect=4.0\nchildren=4", "4.0"),
    ("log_facility=LOG_LOCAL0\ncheck_via=1", "4.0"), ('loadmodule "uri.so"', "4.0"),
    ("log_level=3\nchildren=4\nlisten=udp:127.0.0.1", "2.1"),  # as OpenSIPS 2.2 to 3.0 have it
    ("listen=udp:127.0.0.1\nudp_workers=4", "4.0"),  # 3.0 to 3.6
    ("debug_mode=no\nroute { if (uri == myself) exit; }", "2.1"), ("children=4\nroute { launch(f()); }", "2.1"),
    ("log_level=3\nlisten=udp:127.0.0.1", "4.0")])
def test_what_gives_a_script_away(text, dialect):
    assert inferred(text) == (dialect, [])


def test_both_at_once_are_an_error_that_shows_both():
    script, diagnostics = parsed("children=4\nlog_level=3\nsocket=udp:127.0.0.1\nfork=yes")
    infer(script, diagnostics)
    (found,) = diagnostics.errors
    assert (found.message, str(found.place), str(found.related[0][1])) == (
        "socket= is of the 4.0 dialect, and children= of the 2.1 dialect", "test.cfg:3:1", "test.cfg:1:1")


def test_where_both_are_said_as_often_a_hint_counts():
    script, diagnostics = parsed("log_level=3\nsocket=udp:127.0.0.1\nroute { if (uri == myself) exit; }")
    assert infer(script, diagnostics) == "4.0"
    (found,) = diagnostics.errors
    assert (found.message, found.fix[:47]) == (
        "the operand uri is of the 2.1 dialect, and socket= of the 4.0 dialect",
        "OpenSIPS 4.0 has $ru: write that, or name the d")


def test_a_dialect_that_is_none():
    assert inferred("dialect=3.1") == ("4.0", ["there is no dialect 3.1"])


def test_includes_count_as_one_file():
    script, diagnostics = parsed('include_file "a.cfg"\nroute { exit; }', {"a.cfg": "children=4"})
    assert infer(script, diagnostics) == "2.1"
    assert [each.what for each in marks(script)] == ["children="]


@pytest.mark.parametrize(("text", "guessed"), [
    ("route { exit; }", True), ("check_via=1", True), ("dialect=4.0", False), ("children=4", False),
    ("route { launch(f()); }", True), ("log_level=3", True), ("listen=udp:127.0.0.1", True), ("udp_workers=4", False)])
def test_a_dialect_is_guessed_where_nothing_says_it(text, guessed):
    assert is_guessed(parsed(text)[0]) is guessed


HEAD = 'loadmodule "proto_udp.so"\nloadmodule "sl.so"\nloadmodule "signaling.so"\nloadmodule "auth.so"\n'


def read(text):
    return configuration.read("test.cfg", read=lambda path: text)


@pytest.mark.parametrize(("text", "dialect", "why"), [
    # numbers in quotes: 2.4
    ('log_level=3\nroute { sl_send_reply("404", "Not Found"); }', "2.1", "in 4.0 more of the script would be wrong"),
    ('route { sl_send_reply("404", "Not Found"); }', "2.1", "in 4.0 more of the script would be wrong"),
    # an argument that 2.1 does not have: 3.2
    ('listen=udp:127.0.0.1\nroute { www_challenge("", "auth", "MD5"); }', "4.0",
     "in 2.1 more of the script would be wrong"),
    ('log_level=3\nroute { sl_send_reply(404, "Not Found"); }', "4.0", "log_level= suggests it"),
    # what is wrong in both does not decide
    ('route { sl_send_reply(404, "Not Found"); nonsense(); }', "4.0", "nothing in the script tells"),
    ('listen=udp:127.0.0.1\nroute { sl_send_reply("404", "Not Found"); nonsense(); }', "2.1", "listen= suggests it"),
    # a word that only one dialect has is not outvoted
    ('udp_workers=1\nroute { sl_send_reply("404", "Not Found"); }', "4.0", "only that has udp_workers=")])
def test_a_script_that_does_not_say_is_of_the_dialect_in_which_it_is_right(text, dialect, why):
    found = read(HEAD + text)
    assert (found.dialect, next(decided.findings(found))[0]) == (dialect, f"the dialect is {dialect}: {why}")


def test_a_named_dialect_takes_the_parameters_of_the_other():
    found = read('dialect=2.1\nsocket=udp:127.0.0.1:5060\nudp_workers=3\nloadmodule "proto_udp.so"\nroute { exit; }')
    assert not found.diagnostics.errors
    assert (found.dialect, found.globals["udp_workers"], found.sockets[0].port) == ("2.1", 3, 5060)

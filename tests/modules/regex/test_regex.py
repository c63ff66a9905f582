"""regex: patterns and groups of them, by real scripts."""
import time

import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.testing import request

HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "regex.so"
"""
GROUPS = """### user agents
[0]

# Softphones
^Twinkle/1
^SIP Communicator\r
 ignored
\tignored too

[5]
^1\\d{3}$
^((\\+|00)34)?900\\d{6}$
[7]
"""


def run(opensips, body, settings="", dialect="4.0"):
    server = opensips(text=f"dialect={dialect}\n{HEAD}{settings}\nroute {{ {body} }}\n")
    server.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    return server


def outcome(opensips, call, settings="", dialect="4.0", before=""):
    return run(opensips, f"{before} {call}; $var(rc) = $rc;", settings, dialect).variables["rc"]


@pytest.fixture
def file(tmp_path):
    """The file of groups, and the line that sets it."""
    path = tmp_path / "groups"
    path.write_bytes(GROUPS.encode())
    return path, f'modparam("regex", "file", "{path}")\n'


@pytest.mark.parametrize(("text", "pattern", "code"), [
    ("Twinkle/1.4", "(?i)^twinkle", 1), ("Twinkle/1.4", "^twinkle", -1), ("user1", "^user[1234]$$", 1),
    ("user12", "^user[1234]$$", -1), ("user1", "^user[1234]$", 1), ("abc", "b", 1), ("12345", "^\\\\d++5$", -1),
    ("((x))", "^(\\\\((?:[^()]|(?1))*\\\\))$", 1), ("((x)", "^(\\\\((?:[^()]|(?1))*\\\\))$", -1),
    ("foobar", "foo\\\\Kbar", 1), ("a b", "a\\\\hb", 1), ("é", "^.$", -1), ("é", "(*UTF)^.$", 1), ("", "^$", 1)])
def test_patterns_as_perl_has_them(opensips, text, pattern, code):
    assert outcome(opensips, f'pcre_match("{text}", "{pattern}")') == code


def test_in_21_and_with_variables(opensips):
    assert outcome(opensips, 'pcre_match("$rU", "^bob$$")', dialect="2.1") == 1
    assert outcome(opensips, 'pcre_match("81055", "^(\\810)55$$")', dialect="2.1") == 1  # no pattern in PCRE2
    assert outcome(opensips, "pcre_match($rU, $var(p))", before='$var(p) = "^b.b$";') == 1


def test_a_wrong_pattern(opensips):
    server = run(opensips, '$var(p) = "(b"; pcre_match($rU, $var(p)); $var(rc) = $rc;')
    assert server.variables["rc"] == -4 and server.log.matching("missing closing parenthesis")
    with pytest.raises(ConfigError, match="is no pattern"):
        run(opensips, 'pcre_match($rU, "(b");')


def test_an_explosion_is_given_up(opensips):
    began = time.perf_counter()
    server = run(opensips, f'pcre_match("{"a" * 60}!", "^(a+)+$"); $var(rc) = $rc;')
    assert server.variables == {"rc": -1} and server.log.matching("is given up: match limit")
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize(("option", "text", "pattern"), [
    ("caseless", "BOB", "^bob$"), ("multiline", "a\\nb", "^b"), ("dotall", "a\\nb", "a.b"),
    ("extended", "ab", "a b # and a (")])
def test_options(opensips, option, text, pattern, tmp_path):
    path = tmp_path / "groups"
    path.write_text(f"[0]\n{pattern}\n" if option != "extended" else "[0]\na b\n")
    settings = f'modparam("regex", "file", "{path}")\n'
    for value, code in ((1, 1), (0, -1)):
        chosen = f'{settings}modparam("regex", "pcre_{option}", {value})\n'
        before = f'$var(t) = "{text}"; $var(p) = "{pattern}";'
        if option != "extended" or value:
            assert outcome(opensips, "pcre_match($var(t), $var(p))", chosen, before=before) == code
        assert outcome(opensips, "pcre_match_group($var(t), 0)", chosen, before=before) == code


def test_an_extended_constant(opensips):
    assert outcome(opensips, 'pcre_match("ab", "a b # and a (")', 'modparam("regex", "pcre_extended", 1)\n') == 1


@pytest.mark.parametrize(("arguments", "code"), [
    ('"Twinkle/1.4"', 1), ('"Twinkle/1.4", 0', 1), ('"Twinkle/1.4", 1', -1), ('"SIP Communicator 2"', 1),
    ('" ignored"', -1), ('"ignored"', -1), ('"1234", 1', 1), ('"12345", 1', -1), ('"+34900123456", 1', 1),
    ('"900123456", 1', 1), ('"", 2', -1), ('"x", 2', -1), ('"x", 3', -4), ('"x", -1', -4)])
def test_groups(opensips, file, arguments, code):
    assert outcome(opensips, f"pcre_match_group({arguments})", file[1]) == code


def test_groups_in_21(opensips, file):
    assert outcome(opensips, 'pcre_match_group("1234", "1")', file[1], dialect="2.1") == 1


def test_without_a_file(opensips):
    server = run(opensips, 'pcre_match_group("x"); $var(rc) = $rc;')
    assert server.variables == {"rc": -2} and server.log.matching("there are no groups")
    with pytest.raises(MIError, match="not enabled") as error:
        server.mi("regex:reload")
    assert error.value.code == 403
    with pytest.raises(MIError, match="disabled"):
        server.mi("regex:match_group", "x", 0)


@pytest.mark.parametrize(("content", "settings", "message"), [
    ("^a\n[0]\n", "", "before the first group"), ("[0]\n(a\n", "", "is no pattern"), (None, "", "No such file"),
    ("[0]\na\n[1]\nb\n", 'modparam("regex", "max_groups", 1)\n', "max_groups is 1"),
    ("[0]\nabcd\nefgh\n", 'modparam("regex", "group_max_size", 14)\n', "group_max_size is 14")])
def test_files_that_are_refused(opensips, tmp_path, content, settings, message):
    path = tmp_path / "groups"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        run(opensips, "exit;", f'modparam("regex", "file", "{path}")\n{settings}')


def test_limits_that_just_suffice(opensips, tmp_path):
    path = tmp_path / "groups"
    path.write_text("[0]\nabcd\nefgh")
    settings = (f'modparam("regex", "file", "{path}")\nmodparam("regex", "max_groups", 1)\n'
                'modparam("regex", "group_max_size", 15)\n')
    assert outcome(opensips, 'pcre_match_group("efgh")', settings) == 1


@pytest.mark.parametrize(("dialect", "command"), [("4.0", "regex:reload"), ("4.0", "regex_reload"),
                                                  ("2.1", "regex_reload")])
def test_reading_the_file_again(opensips, file, dialect, command):
    path, settings = file
    server = run(opensips, 'pcre_match_group("new"); $var(rc) = $rc;', settings, dialect)
    assert server.variables == {"rc": -1}
    path.write_text("[0]\n^new$\n")
    server.mi(command)
    server.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert server.variables == {"rc": 1}
    path.write_text("[0]\n(\n")
    with pytest.raises(MIError, match="is no pattern") as error:
        server.mi(command)
    assert error.value.code == 500
    server.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert server.variables == {"rc": 1}


def test_matching_by_management(opensips, file):
    server = run(opensips, "exit;", file[1])
    for name in ("regex:match", "regex_match"):
        assert [server.mi(name, "1234", each) for each in ("^1234$", "^1235$")] == ["Match", "Not Match"]
    for name in ("regex:match_group", "regex_match_group"):
        assert [server.mi(name, string="1234", group=each) for each in (1, 0)] == ["Match", "Not Match"]
    with pytest.raises(MIError, match="compilation"):
        server.mi("regex:match", "x", "(")
    with pytest.raises(MIError, match="index"):
        server.mi("regex:match_group", "x", 9)

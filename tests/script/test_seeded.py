"""Mistakes seeded into good scripts: each is refused, and what is blamed is within one line of it."""
import functools
import pathlib

import pytest

from opensips_py.script import configuration
from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.lexer import Lexer
from opensips_py.script.preprocessor import read_text
from opensips_py.script.remedies import applied

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESIDENTIAL, ACCOUNTING = "residential.cfg", "accounting.cfg"

SEEDS = {
    # name of the mistake: script, what stands there, what is seeded instead (§: the line to blame, if not the first)

    # Names
    "function": (RESIDENTIAL, "mf_process_maxfwd_header(10)", "mf_proces_maxfwd_header(10)"),
    "function in a condition": (RESIDENTIAL, "if (!save(", "if (!sav("),
    "function that ends a route": (RESIDENTIAL, "if (!t_relay())", "if (!t_realy())"),
    "function of a module not loaded": (RESIDENTIAL, 'append_to_reply("', 'avp_subst_none("'),
    "module": (RESIDENTIAL, '"registrar.so"', '"registar.so"'),
    "module parameter": (RESIDENTIAL, '"fr_inv_timeout"', '"fr_inv_timout"'),
    "module of a parameter": (RESIDENTIAL, 'modparam("registrar"', 'modparam("registar"'),
    "core parameter": (RESIDENTIAL, "stderror_enabled=yes", "stderr_enabled=yes"),
    "variable": (RESIDENTIAL, 'is_myself("$fd")', 'is_myself("$fdd")'),
    "variable in a condition": (RESIDENTIAL, "$rU == NULL)", "$rUU == NULL)"),
    "variable in a text": (RESIDENTIAL, "$tu\\n", "$tuser\\n"),
    "variable with a name": (RESIDENTIAL, "$hdr(Proxy-Require) != NULL", "$hrd(Proxy-Require) != NULL"),
    "transformation": (RESIDENTIAL, "from $fu to", "from $(fu{uri.usr}) to"),
    "transformation of a class that is not there": (ACCOUNTING, "$acc_extra(caller) = $fU;",
                                                    "$acc_extra(caller) = $(fU{str.len});"),
    "route": (RESIDENTIAL, "route(relay);", "route(rely);"),
    "failure route": (RESIDENTIAL, 't_on_failure("missed_call")', 't_on_failure("misssed_call")'),
    "name of a failure route": (RESIDENTIAL, "failure_route[missed_call]", "failure_route[missed_cal]"),
    "onreply route": (ACCOUNTING, 't_on_reply("answered")', 't_on_reply("answred")'),
    "statement": (RESIDENTIAL, "\t\texit;\n\t}\n\tif (!($ru", "\t\texti;\n\t}\n\tif (!($ru"),
    "kind of route": (RESIDENTIAL, "failure_route[", "failure_rout["),
    "keyword": (ACCOUNTING, "else if", "elseif"),

    # Arguments
    "too few arguments": (RESIDENTIAL, 'send_reply(483, "Too Many Hops")', "send_reply(483)"),
    "too many arguments": (RESIDENTIAL, 'is_method("CANCEL")', 'is_method("CANCEL", 1)'),
    "no argument": (RESIDENTIAL, "mf_process_maxfwd_header(10)", "mf_process_maxfwd_header()"),
    "argument where none belongs": (RESIDENTIAL, "has_totag()", 'has_totag("x")'),
    "text for a number": (RESIDENTIAL, "send_reply(500,", 'send_reply("five hundred",'),
    "number out of range": (RESIDENTIAL, "send_reply(503,", "send_reply(99,"),
    "flag that is none": (ACCOUNTING, 'do_accounting("log", "missed")', 'do_accounting("log", "misssed")'),
    "words of a flag": (RESIDENTIAL, '"method-filtering"', '"method-filterin"'),
    "text for a module parameter": (RESIDENTIAL, '"fr_timeout", 5', '"fr_timeout", "5"'),
    "number for a module parameter": (RESIDENTIAL, '"/tmp/opensips_py_fifo"', "5"),
    "value of a module parameter": (ACCOUNTING, '"LOG_LOCAL0"', '"LOG_LOKAL0"'),
    "text for a core parameter": (RESIDENTIAL, "log_level=3", "log_level=high"),
    "assignment to what cannot be assigned": (ACCOUNTING, "$acc_extra(src_ip) = $si;", "$si = $acc_extra(src_ip);"),
    "name for a variable without one": (ACCOUNTING, "$fU;", "$fU(x);"),

    # Spelling
    "closing brace of an if": (RESIDENTIAL, 'send_reply(416, "Unsupported URI Scheme");\n\t\texit;\n\t}',
                               'send_reply(416, "Unsupported URI Scheme");\n\t\texit;§'),
    "closing brace of a route": (ACCOUNTING, "\texit;\n}\n\nonreply", "\texit;\n§\nonreply"),
    "closing brace of a nested block": (RESIDENTIAL, "\t\t\tt_relay();\n\t\t\texit;\n\t\t}",
                                        "\t\t\tt_relay();\n\t\t\texit;§"),
    "opening brace": (RESIDENTIAL, "if (has_totag()) {", "if (has_totag())"),
    "opening brace before two statements": (RESIDENTIAL, 'if (!($ru =~ "^(sips?|tel):")) {',
                                            'if (!($ru =~ "^(sips?|tel):"))'),
    "semicolon": (RESIDENTIAL, 'send_reply(420, "Bad Extension");', 'send_reply(420, "Bad Extension")'),
    "semicolon of an exit": (RESIDENTIAL, "\texit;\n}\n\nfailure", "\texit\n}\n\nfailure"),
    "quote": (RESIDENTIAL, '"Preload Route Denied"', '"Preload Route Denied'),
    "quote of a parameter": (RESIDENTIAL, 'loadmodule "maxfwd.so"', 'loadmodule "maxfwd.so'),
    "parenthesis of a condition": (RESIDENTIAL, 'if (is_method("INVITE"))', 'if (is_method("INVITE")'),
    "parenthesis of a call": (RESIDENTIAL, 'send_reply(484, "Address Incomplete");',
                              'send_reply(484, "Address Incomplete";'),
    "comma": (RESIDENTIAL, 'send_reply(404, "Not Found")', 'send_reply(404 "Not Found")'),
    "assignment as a condition": (ACCOUNTING, '$rm == "CANCEL"', '$rm = "CANCEL"'),
    "comparison as an assignment": (ACCOUNTING, "$acc_extra(callee) = $rU;", "$acc_extra(callee) == $rU;"),
    "brackets of a variable": (RESIDENTIAL, "$hdr(Proxy-Require)\\r", "$hdr(Proxy-Require\\r"),
    "name without quotes": (ACCOUNTING, '$rm == "REGISTER"', "$rm == REGISTER"),
    "equals sign": (RESIDENTIAL, "alias=localhost", "alias localhost"),
    "comment without end": (RESIDENTIAL, "# Residential service", "/* Residential service"),

    # Where things stand
    "function in a wrong route": (RESIDENTIAL, "if (t_was_cancelled())", 'if (save("location"))'),
    "function in a route of replies": (ACCOUNTING, "$acc_extra(dst_ip) = $si;", "t_relay();"),
    "route twice": (RESIDENTIAL, "failure_route[missed_call] {",
                    "route[relay] { exit; }\nfailure_route[missed_call] {"),
    "break outside of a loop": (RESIDENTIAL, "\tt_check_trans();\n", "\tbreak;\n"),
    "parameter before its module": (RESIDENTIAL, 'loadmodule "tm.so"\nmodparam("tm", "fr_timeout", 5)',
                                    'modparam("tm", "fr_timeout", 5)\nloadmodule "tm.so"'),
    "two dialects": (RESIDENTIAL, "alias=localhost", "children=4"),

    # Addresses, expressions, files
    "address": (RESIDENTIAL, "socket=udp:127.0.0.1:5060", "socket=udp:127.0.0.300:5060"),
    "port": (RESIDENTIAL, "socket=tcp:127.0.0.1:5060", "socket=tcp:127.0.0.1:506000"),
    "protocol": (RESIDENTIAL, "socket=udp:", "socket=udpp:"),
    "address in a condition": (ACCOUNTING, "if ($rs >= 200)", "if ($si == 10.0.0.999)"),
    "regular expression": (RESIDENTIAL, '"^(sips?|tel):"', '"^(sips?|tel:"'),
    "include": (RESIDENTIAL, "alias=localhost", 'include_file "not_there.cfg"'),
    "condition of the preprocessor": (RESIDENTIAL, "alias=localhost", "#!ifdef LOCAL"),
    "number too large": (RESIDENTIAL, '"max_contacts", 10', '"max_contacts", 99999999999'),
}


def seeded(name):
    """The script with the mistake in it, and the line of the mistake."""
    script, right, wrong = SEEDS[name]
    text = read_text(str(ROOT / "cfg" / script))
    assert right in text, f"{right} is no longer in {script}"
    before, _, behind = text.partition(right)
    marked = before + wrong + behind
    at = marked.find("§") if "§" in wrong else len(before) + first_difference(right, wrong)
    return marked.replace("§", ""), marked.count("\n", 0, at) + 1


def first_difference(one, other):
    return next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
                min(len(one), len(other)))


def read_diagnostics(text):
    def reader(path):
        if path == "seeded.cfg":
            return text
        raise FileNotFoundError(2, "No such file or directory", path)
    return configuration.read("seeded.cfg", read=reader).diagnostics


@functools.cache
def errors(text):
    return read_diagnostics(text).errors


@pytest.mark.parametrize("name", SEEDS)
def test_a_mistake_is_refused_at_its_place(name):
    text, line = seeded(name)
    found = errors(text)
    assert found
    blamed = [place.line for each in found for place in (each.place, *(other for _, other in each.related))]
    assert any(abs(each - line) <= 1 for each in blamed), (line, [str(each) for each in found])


@pytest.mark.parametrize("name", SEEDS)
def test_a_mistake_is_one_error(name):
    found = errors(seeded(name)[0])
    assert len(found) == 1, [str(each) for each in found]


@pytest.mark.parametrize("script", [RESIDENTIAL, ACCOUNTING])
def test_the_scripts_are_good(script):
    assert not errors(read_text(str(ROOT / "cfg" / script)))


LEFT_OUT = (";", ")", "{", "}")
MEANT = ("xlog", "else")  # lines where less is right, too


@pytest.mark.parametrize("character", LEFT_OUT)
def test_any_such_character_left_out_is_one_error_that_its_fix_mends(character):
    text = read_text(str(ROOT / "cfg" / RESIDENTIAL))
    lines = text.split("\n")
    tried = 0
    for token in Lexer(text, "seeded.cfg", Diagnostics()):
        line = lines[token.place.line - 1]
        if token.text != character or any(each in line for each in MEANT):
            continue
        start = sum(len(each) + 1 for each in lines[:token.place.line - 1]) + token.place.column - 1
        without = text[:start] + text[start + 1:]
        found = read_diagnostics(without)
        (error,) = found.errors
        assert abs(error.place.line - token.place.line) <= 1, (token.place, str(error))
        assert not errors(applied(without, found.edits_of(error)[0])), (token.place, str(error))
        tried += 1
    assert tried > 15

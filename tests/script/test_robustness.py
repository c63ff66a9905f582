"""No text makes the reader raise, hang or blame a place that is not there."""
import random
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensips_py.script import configuration
from tests.script.broken import BROKEN

PIECES = ["route", "failure_route", "timer_route", "event_route", "[", "]", "{", "}", "(", ")", ";", ",", ":", "=",
          "==", "=~", "!=", "!", "&&", "||", "+", "-", "*", "/", "%", "~", "<<", "if", "else", "while", "for", "in",
          "switch",
          "case", "default", "break", "return", "exit", "drop", "assert", "async", "launch", "$ru", "$var(x)",
          "$(ru{s.len})", "$(avp(x)[*])", "$(", "$var(", "$(ru{", '"text"', '"$rU and $(hdr(Via)[1])"', '"', "'", "5",
          "0x1F", "-1", "10.0.0.1", "10.0.0.0/8", "::1", "NULL", "myself", "method", "xlog", "setflag", "t_relay",
          "route(x)", "loadmodule", '"tm.so"', "modparam", "socket=", "listen=", "udp:127.0.0.1:5060", "alias=",
          "children=4", "udp_workers=4", "dst_blacklist=", "auto_scaling_profile=", "include_file", "import_file",
          "#!define A B\n", "#!define B A\n", "#!ifdef A\n", "#!else\n", "#!endif\n", "#!subst /a(/b/\n",
          "#!subst /t(e)x/\\1/g\n", "A", "#", "//", "/*", "*/", "\n", " ", "\t", "\\", "\x00", "é", "\udc80", "@", "`"]
QUICK = settings(max_examples=150, deadline=None, database=None, derandomize=True,
                 suppress_health_check=[HealthCheck.too_slow])


def check(text):
    begun = time.process_time()
    result = configuration.read("fuzz.cfg", read=lambda path: text if path == "fuzz.cfg" else missing(path))
    assert time.process_time() - begun < 5
    lines = text.split("\n")
    for each in result.diagnostics.found:
        assert each.place.line <= len(lines), str(each)
        if each.place.line:
            assert 1 <= each.place.column <= len(lines[each.place.line - 1]) + 2, str(each)
    assert result.diagnostics.render(notes=True) is not None
    if not result.diagnostics.errors:
        assert result.routes.main is not None


def missing(path):
    raise FileNotFoundError(2, "No such file or directory", path)


@QUICK
@given(st.text(max_size=200))
def test_any_text(text):
    check(text)


@QUICK
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_any_words(pieces):
    check(" ".join(pieces))


@QUICK
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_statements(pieces):
    check("route { " + " ".join(pieces) + " }")


@QUICK
@given(st.sampled_from(sorted(BROKEN)), st.integers(0, 400), st.integers(0, 20), st.sampled_from(PIECES))
def test_broken_ones_broken_further(name, at, length, piece):
    text = BROKEN[name][0].replace("§", "")
    check(text[:at] + piece + text[at + length:])


def test_a_large_text_takes_its_time_only_once():
    """Twice the text, about twice the time: nothing is read again and again."""
    lines = ['if ($(ru{s.len}) > 5 && $rU =~ "^a(b|c)") { xlog("L_INFO", "$rU calls $(hdr(To)[0]) /* */\\n"); }',
             "$avp(x) = $var(y) + 1; # comment", "switch ($rc) { case 1: exit; default: setflag(A); }"]
    random.Random(5).shuffle(lines)
    times = []
    for count in (300, 1200):
        text = "route {\n" + "\n".join(lines * (count // 3)) + "\n}\n"
        begun = time.process_time()
        assert not configuration.read("x.cfg", read=lambda _, text=text: text).diagnostics.errors
        times.append(time.process_time() - begun)
    assert times[1] < 12 * times[0]

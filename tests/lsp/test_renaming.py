"""What renaming refuses, so that nothing that runs changes."""
import pytest

from opensips_py.lsp import renaming
from opensips_py.lsp.analysis import Analysis
from tests.script.script import reader

HEAD = 'socket=udp:127.0.0.1:5060\nloadmodule "proto_udp.so"\nloadmodule "tm.so"\nimport_python "x.py"\n'
PYTHON = """from opensips_py.module import ScriptMessage, route

@route
def python(message: ScriptMessage) -> int:
    return %s
"""


def rename(script, marked, wanted, python="1"):
    """How many places change where the name behind `@` in *marked*, a piece of *script*, is renamed; or why none do."""
    text = HEAD + script
    analysis = Analysis("test.cfg", reader(text, {"x.py": PYTHON % python}))
    before = text[:text.index(marked.replace("@", ""))] + marked.partition("@")[0]
    mention = analysis.at("test.cfg", before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert mention is not None
    try:
        return len(renaming.places(analysis, mention, wanted))
    except renaming.Refused as refused:
        return str(refused)


TWO = "route { route(one); local $a = 1; xlog(\"$a\"); }\nroute[one] { exit; }\n"


@pytest.mark.parametrize(("script", "marked", "wanted", "found"), [
    (TWO, "route(@one", "two", 2), (TWO, "$@a\"", "b", 2), (TWO, "$@a\"", "a", 2),
    ("#!define WAY one\nroute { route(WAY); }\nroute[one] { exit; }", "[@one", "two",
     "one is not written in line 6 of test.cfg, but defined to be meant there"),
    ("#!define A $a\nroute { local $a = 1; xlog(\"$a\"); $var(x) = A; xlog(\"$var(x)\"); }", "$@a\"", "b",
     "a is not written in line 6 of test.cfg, but defined to be meant there"),
    (TWO + "route[two] { $var(r) = \"one\"; route($var(r)); }", "route(@one", "three",
     'the text "one" in line 7 of test.cfg may name this route: only the run knows'),
    (TWO + "route[two] { $var(r) = \"one\"; }", "route(@one", "three", 2),
    (TWO + "route[two] { exit", "route(@one", "three",
     "mend line 7 of test.cfg first: what cannot be read may name one"),
    (TWO + "#!ifdef OLD\nroute[x] { route(one); }\n#!endif\n", "route(@one", "two",
     "line 8 of test.cfg is not read now, and may name one"),
    (TWO + "#!ifdef OLD\nroute[x] { xlog(\"$a\"); }\n#!endif\n", "$@a\"", "b", 2),
    ("route { local $a = 1;\n#!ifdef OLD\n$avp(x) = $a;\n#!endif\nxlog(\"$a\"); }", "$@a\"", "b",
     "line 7 of test.cfg is not read now, and may name a"),
    ("route { local $a = \"\n a \n\"; # a\n # a\nxlog(\"$a\"); }", "$@a\"", "b", 2),
    ("#!define WAY one\nroute { route(two); }\nroute[one] { exit; }\nroute[two] { exit; }", "[@one", "three",
     "line 5 of test.cfg is not read now, and may name one"),
    ("route { local $a = 1; { local $b = 2; xlog(\"$a$b\"); } }", "\"$@a", "b", "$b is declared in line 5"),
    ("route { { local $b = 2; xlog(\"$b\"); } local $a = 1; xlog(\"$a\"); }", "$@a\"", "b", 2),
    ("route { local $a = 1; xlog(\"$a\"); }\nroute[x] { local $b = 1; xlog(\"$b\"); }", "\"$@a", "b", 2),
    ("route { local $a = 1; xlog(\"$a\"); }", "\"$@a", "avp", "$avp is a pseudo-variable"),
    ("route { $var(a) = 1; $var(b) = $var(a); }", "@a) = 1", "b", "there is a $var(b)"),
    ("route { $var(a) = 1; $var(c) = $(var(a){s.int}); }", "@a) = 1", "b", 2),
    ("route { exit; }\nroute[x](a) { xlog(\"$var(a)\"); }", "(@a)", "b", 2),
    ("route { exit; }\nevent_route[E_CORE_THRESHOLD] { exit; }", "[@E_CORE", "E_OTHER",
     "an event_route has the name of its event"),
    ("route { t_on_failure(\"f\"); t_relay(); }\nfailure_route[f] { exit; }", "\"@f", "g", 2),
    ("route { t_on_failure(\"f\"); t_relay(); }\nroute[f] { exit; }\nfailure_route[f] { exit; }", "\"@f", "g", 2)])
def test_renaming(script, marked, wanted, found):
    assert rename(script, marked, wanted) == found


@pytest.mark.parametrize(("python", "found"), [
    ("message.route('one')", 3), ("message.route('two')", 2), ("message.route('o' + 'ne')", 2),
    ("message.route({'a': 'one'}['a'])", 'the text "one" in line 5 of x.py may name this route: only the run knows'),
    ("message.route('''one''')", "one is not written in line 5 of x.py, but defined to be meant there"),
    ("(", "mend x.py first: it may name one")])
def test_python_may_name_a_route(python, found):
    assert rename(TWO, "route(@one", "three", python) == found


def test_a_text_that_is_taken_as_it_stands_names_no_local():
    assert rename("route { local $a = 1; $var(x) = \"$a\"; xlog(\"$a\"); }", "xlog(\"$@a", "b") == 2

"""avpops: AVPs copied, compared, calculated with, by real scripts, as OpenSIPS 2.1.5 does it."""
import logging
import pathlib
import re

import pytest

from opensips_py.errors import ConfigError
from opensips_py.module import Route
from opensips_py.testing import request
from tests.modules.bench import Bench, options

VALUES = pathlib.Path(__file__).with_name("opensips-2.1.5.txt")  # a line of script, then $rc, $avp(a) and $avp(b)
HEAD = 'socket=udp:192.0.2.9:5060\nloadmodule "proto_udp.so" loadmodule "tm.so" loadmodule "avpops.so"\n'


def table():
    lines = VALUES.read_text().splitlines()
    return [(line, *after.strip().split(" | ")) for line, after in zip(lines[::2], lines[1::2], strict=True)]


@pytest.fixture(scope="module")
def bench():
    """All lines of the table, each in a route of its own."""
    kept = "$var(rc) = $rc;\n$var(a) = $(avp(a)[*]);\n$var(b) = $(avp(b)[*]);"
    routes = "\n".join(f"route[r{number}] {{\n{line}\n{kept}\n}}" for number, (line, *_) in enumerate(table()))
    return Bench("avpops", "exit;", routes=routes, dialect="2.1")


@pytest.mark.parametrize("number", range(len(table())), ids=[line for line, *_ in table()])
def test_as_opensips(bench, number):
    _, code, a, b = table()[number]
    found = bench.run_on(bench.message(options()), name=f"r{number}").variables
    assert ["<null>" if found[each] is None else str(found[each]) for each in ("rc", "a", "b")] == [code, a, b]


def run(body, settings=""):
    bench = Bench("avpops", body, settings, dialect="2.1")
    return bench.run_on(bench.message(options()))


def branches(found):
    return [each.uri for each in found.request.branches or ()]


@pytest.mark.parametrize(("body", "code", "uri", "added"), [
    ('$avp(a) = "carol"; avp_pushto("$ru/username", "$avp(a)");', 1, "sip:carol@192.0.2.2", []),
    ('avp_pushto("$ru/domain", "$fd");', 1, "sip:bob@example.com", []),
    ('$avp(a) = 77; avp_pushto("$ru/username", "$avp(a)");', 1, "sip:77@192.0.2.2", []),
    ('$avp(a) = "sip:x@y.net"; $avp(a) = "sip:z@y.net"; avp_pushto("$ru", "$avp(a)");', 1, "sip:z@y.net", []),
    ('$avp(a) = "sip:x@y.net"; $avp(a) = "sip:z@y.net"; avp_pushto("$ru", "$avp(a)/g");', 1, "sip:x@y.net",
     ["sip:z@y.net"]),
    ('$avp(a) = "h1.net"; $avp(a) = "h2.net"; avp_pushto("$ru/domain", "$avp(a)/G");', 1, "sip:bob@h1.net",
     ["sip:bob@h2.net"]),
    ('$avp(a) = "sip:d@y.net"; $avp(a) = "sip:e@y.net"; avp_pushto("$br", "$avp(a)/g");', 1, "sip:bob@192.0.2.2",
     ["sip:e@y.net", "sip:d@y.net"]),
    ('avp_pushto("$ru", "$avp(none)");', -1, "sip:bob@192.0.2.2", [])])
def test_pushing(body, code, uri, added):
    found = run(f"{body} $var(rc) = $rc;")
    assert (found.variables["rc"], found.request.uri, branches(found)) == (code, uri, added)


def test_pushing_a_destination():
    assert run('$avp(a) = "sip:d@y.net"; $avp(a) = "sip:e@y.net"; avp_pushto("$du", "$avp(a)/g"); $var(x) = $du;'
               ).variables["x"] == "sip:d@y.net"


def test_nothing_to_push_into():
    bench = Bench("avpops", "exit;", routes='onreply_route { avp_pushto("$ru", "$fu"); $var(rc) = $rc; }',
                  dialect="2.1")
    reply = bench.message(options().replace("OPTIONS sip:bob@192.0.2.2 SIP/2.0", "SIP/2.0 200 OK"))
    assert bench.run_on(reply, Route.ONREPLY).variables == {"rc": -1}


def test_values_keep_their_type():
    found = run('''$avp(n) = 4; avp_insert("$avp(a)", "$avp(n)", "0"); avp_insert("$avp(a)", "5", "0");
        avp_insert("$avp(a)", "user $rU", "9"); avp_insert("$avp(a)", "$avp(none)", "0"); $avp(t) = "12";
        avp_copy("$avp(t)", "$avp(t)/nd");''')
    assert found.avps == {"n": [4], "a": ["", "5", 4, "user bob"], "t": [12]}


def test_deleting_everything():
    assert run('$avp(a) = 1; $avp(b) = 2; avp_delete("*"); $var(rc) = $rc;').avps == {}


def test_names_in_variables_and_without_quotes():
    found = run('''$var(name) = "a"; $avp(a) = 3; avp_op("$avp($var(name))/$avp(b)", "add/i:1"); avp_delete($avp(a));
        avp_copy("$avp(b)", "$avp($(var(name){s.toupper}))");''')
    assert found.avps == {"b": [4], "A": [4]}


def test_aliases(opensips):
    server = opensips(text=f'''dialect=2.1\navp_aliases="short=long_name"\n{HEAD}route {{
        $avp(short) = 1; avp_insert("$avp(short)", "x", "0"); $var(x) = $(avp(long_name)[*]); }}''')
    server.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert server.variables == {"x": "x, 1"}


def test_mismatches_and_mistakes_of_values_are_logged(caplog):
    run('$avp(a) = "x"; avp_copy("$avp(a)", "$avp(b)/n"); $avp(c) = 1; avp_op("$avp(c)", "div/i:0");')
    assert [each.getMessage() for each in caplog.records] == ["avp_copy: x is no number", "avp_op: div by 0"]


def test_printing(caplog):
    with caplog.at_level(logging.INFO, "opensips_py"):
        run('$avp(a) = 1; $avp(a) = "x"; avp_print();')
    assert [each.getMessage() for each in caplog.records] == ["AVP a: x", "AVP a: 1"]


@pytest.mark.parametrize(("call", "message"), [
    ('avp_check("$avp(a)", "zz/i:1")', "no operator"), ('avp_check("$avp(a)", "eq/a/b")', "only g, i"),
    ('avp_check("$avp(a)", "i:1")', "no operator"), ('avp_check("$avp(a)", "re/$avp(b)")', "stands in the script"),
    ('avp_check("$avp(a)", "re/(")', "Unmatched"), ('avp_check("a", "eq/a")', "a variable is needed"),
    ('avp_op("$avp(a)", "add/x")', "a number is needed"), ('avp_op("$avp(a)/g", "add/i:1")', "flags"),
    ('avp_op("$fU", "add/i:1")', "is needed, not"), ('avp_copy("$fU", "$avp(b)")', "is needed, not"),
    ('avp_copy("$avp(a)", "$var(b)")', "is needed, not"), ('avp_copy("$avp(a)", "$avp(b)/x")', "only g, d, n, s"),
    ('avp_copy("$(avp(a)[1])", "$avp(b)")', "is needed, not"), ('is_avp_set("$avp(a)/g")', "only e, s, n"),
    ('avp_delete("$avp(a)/d")', "only g"), ('avp_delete("x")', "neither"), ('avp_delete("ax")', "neither"),
    ('avp_insert("$var(b)", "x", "1")', "is needed, not"), ('avp_insert("$avp(a)", "x", "-1")', "from 0"),
    ('avp_pushto("$du/domain", "$avp(a)")', "is none of"), ('avp_pushto("$ru", "fixed")', "a variable is needed"),
    ('avp_pushto("$ru", "$avp(a)/d")', "only g"), ('avp_subst("$avp(a)//g", "/x/y/")', "only g, d"),
    ('avp_subst("$avp(a)", "/x/")', "third"), ('avp_subst("$avp(a)", "/x/$nothing/")', "nothing")])
def test_mistakes_in_the_script(call, message):
    with pytest.raises(AssertionError, match=re.escape(message)):
        run(f"{call};")


def test_on_a_real_engine(opensips):
    server = opensips(text=f'dialect=2.1\n{HEAD}modparam("avpops", "buf_size", 2048)\n'
                           'route { $avp(a) = "sip:x@192.0.2.7"; avp_pushto("$ru", "$avp(a)"); t_relay(); }')
    server.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert server.take_one().message.uri == "sip:x@192.0.2.7"


def test_in_40_as_opensips_3_has_it(opensips):
    opensips(text=f'dialect=4.0\n{HEAD}route {{ avp_copy("$avp(a)", "$avp(b)"); }}')
    with pytest.raises(ConfigError, match="avp_insert"):
        opensips(text=f'dialect=4.0\n{HEAD}route {{ avp_insert("$avp(a)", "x", "0"); }}')

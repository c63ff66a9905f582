"""Substitutions on the message and on its Request-URI."""
from __future__ import annotations

import pytest

from opensips_py.module.run import Route
from tests.modules.bench import Bench, options
from tests.modules.textops.sending import BODY, body_after, header_after

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])


@DIALECTS
@pytest.mark.parametrize(("subexp", "values", "code"), [
    ("/One/1/", ["1 two one"], 1), ("/one/1/g", ["One two 1"], 1), ("/one/1/gi", ["1 two 1"], 1),
    (r"/(two) (one)/\2 \1/", ["One one two"], 1), (r"/two/<\0 $fU $rm>/", ["One <two alice OPTIONS> one"], 1),
    (r"/two/\u/", ["One sip:bob@192.0.2.2 one"], 1), (r"/two/\$5/", ["One $5 one"], 1),
    (r"|two|a/b|", ["One a/b one"], 1), (r"/(x)?two/<\1>/", ["One <> one"], 1), ("/three/3/", ["One two one"], -1),
    (r"/^Subject: (.*)one/Subject: \1$(hdr(To){s.len})/", ["One two 21"], 1), ("/two/$var(none)/", ["One  one"], 1),
])
def test_headers_change(subexp, values, code, dialect):
    assert header_after(f"subst('{subexp}')", dialect=dialect) == (values, code)


@DIALECTS
@pytest.mark.parametrize(("subexp", "body", "code"), [
    ("/First/2nd/", BODY.replace("First", "2nd"), 1), ("/^(.)irst/<\\1>/gi", "<F> line\r\n<f> again\r\nLast", 1),
    ("/line.*again/x/s", "First x\r\nLast", 1), ("/line.*again/x/", BODY, -1), ("/One/x/", BODY, -1),
])
def test_bodies_change(subexp, body, code, dialect):
    assert body_after(f"subst_body('{subexp}')", dialect) == (body, code)
    assert body_after("subst_body('/x*/y/')", dialect, content="") == ("", -1)


def test_start_line_and_what_was_written_are_not_seen():
    assert header_after("subst('/^OPTIONS/INVITE/')", "CSeq") == (["1 OPTIONS"], -1)
    assert header_after("subst('/two/2/'); subst('/2 one/x/')") == (["One 2 one"], -1)


def uri_after(call, uri="sip:1234:pw@192.0.2.2;lr?a=b", dialect="4.0"):
    bench = Bench("textops", f'$ru = "{uri}"; {call}; $var(rc) = $rc; $var(uri) = $ru;', dialect=dialect)
    found = bench.run_on(bench.message(options())).variables
    return found["uri"], found["rc"]


@DIALECTS
@pytest.mark.parametrize(("subexp", "uri", "code"), [
    (r"/^sip:([0-9]+):.*@(.*)$/sip:99\1@\2/", "sip:991234@192.0.2.2;lr?a=b", 1),
    (r"/@.*/@$fd/", "sip:1234:pw@example.com", 1), ("/SIP/sips/i", "sips:1234:pw@192.0.2.2;lr?a=b", 1),
    ("/^tel:/sip:/", "sip:1234:pw@192.0.2.2;lr?a=b", -1), ("/[0-9]/n/g", "sip:nnnn:pw@nnn.n.n.n;lr?a=b", 1),
])
def test_uri_changes_at_once(subexp, uri, code, dialect):
    assert uri_after(f"subst_uri('{subexp}')", dialect=dialect) == (uri, code)


@DIALECTS
@pytest.mark.parametrize(("subexp", "before", "after", "code"), [
    ("/34$/43/", "sip:1234:pw@h;lr", "sip:1243:pw@h;lr", 1), (r"/(.*)34$/$fU\134/", "sip:1234@h", "sip:alice1234@h", 1),
    ("/pw/x/", "sip:1234:pw@h", "sip:1234:pw@h", -1), ("/.*//", "sip:1234:pw@h:5070", "sip:h:5070", 1),
    ("/^$/op/", "sip:h:5070", "sip:op@h:5070", 1), ("/^[+]/00/", "tel:+123;x=y", "tel:00123;x=y", 1),
])
def test_user_changes(subexp, before, after, code, dialect):
    assert uri_after(f"subst_user('{subexp}')", before, dialect) == (after, code)


def test_substitution_may_stand_in_a_variable():
    assert uri_after('$var(s) = "/1(.)/\\2\\1/"; subst_user("/12/21/")')[0].startswith("sip:2134")
    assert uri_after("$var(s) = '/12/21/'; subst_user($var(s))") == ("sip:2134:pw@192.0.2.2;lr?a=b", 1)
    assert uri_after("$var(s) = '12/'; subst_user('/' + $var(s) + '21/')") == ("sip:2134:pw@192.0.2.2;lr?a=b", 1)


@pytest.mark.parametrize("call", ["subst_uri('/sip/x/')", "subst_user('/^/x/')"])
def test_a_response_has_no_uri_to_change(call):
    bench = Bench("textops", routes=f"onreply_route[r] {{ {call}; $var(rc) = $rc; }}")
    response = bench.message("SIP/2.0 200 OK\r\n" + options().partition("\r\n")[2])
    assert bench.run_on(response, Route.ONREPLY, "r").variables == {"rc": -1}


@pytest.mark.parametrize("subexp", ["/a/b", "/(/b/", r"/a/\1/", "/a/b/x"])
def test_a_wrong_substitution_is_refused(subexp):
    with pytest.raises(AssertionError, match="subst"):
        Bench("textops", f"subst('{subexp}');")

"""Replacing what matches."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench, options
from tests.modules.textops.sending import BODY, body_after, header_after, sent

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])


@DIALECTS
@pytest.mark.parametrize(("call", "values", "code"), [
    ('replace("one", "1")', ["1 two one"], 1), ('replace_all("one", "1")', ["1 two 1"], 1),
    ('replace("^Subject: .*two", "Subject: $rm")', ["OPTIONS one"], 1), ('replace_all("nothing", "1")',
     ["One two one"], -1), ('replace("nothing", "1")', ["One two one"], -1), ('replace("~*", "1")',
     ["One two one"], -1), ('replace_all("~*", "1")', ["One two one"], -1),
])
def test_headers_change(call, values, code, dialect):
    assert header_after(call, dialect=dialect) == (values, code)


@DIALECTS
@pytest.mark.parametrize(("call", "body", "code"), [
    ('replace("again", "once more")', BODY.replace("again", "once more"), 1),
    ('replace_body("first", "2nd")', BODY.replace("First", "2nd"), 1),
    ('replace_body_all("first", "2nd")', BODY.replace("First", "2nd").replace("first", "2nd"), 1),
    ('replace_body_all("^.", "*")', "*irst line\r\n*irst again\r\n*ast", 1),
    ('replace_body_all("^first", "")', " line\r\n again\r\nLast", 1),
    ('replace_body_atonce("^.", "*")', "*" + BODY[1:], 1), ('replace_body_atonce("^.+$", "")', "", 1),
    ('replace_body_all("^.+$", "x")', "x\nx\nx", 1),
    ('replace_body("^.+$", "x")', "x\nfirst again\r\nLast", 1),
    ('replace_body("Subject", "x")', BODY, -1), ('replace_body_all("Subject", "x")', BODY, -1),
    ('replace_body_atonce("Subject", "x")', BODY, -1),
])
def test_bodies_change(call, body, code, dialect):
    assert body_after(call, dialect) == (body, code)


@DIALECTS
@pytest.mark.parametrize("call", ["replace_body", "replace_body_all", "replace_body_atonce"])
def test_a_message_without_body_stays(call, dialect):
    text, found = sent(f'{call}(".*", "x");', dialect, content="")
    assert found["rc"] == -1 and text.endswith("\r\n\r\n")


def test_start_line_stays_as_it_is():
    text, _ = sent('replace_all("bob", "carol");')
    assert text.startswith("OPTIONS sip:bob@") and "To: <sip:carol@example.com>" in text


def test_of_two_replacements_of_one_place_the_first_stays():
    assert header_after('replace("two", "2"); replace("two", "II")') == (["One 2 one"], 1)


def test_responses_change_too():
    bench = Bench("textops", routes='onreply_route[r] { replace("^Server: .*$", "Server: x\\r"); }')
    response = bench.message("SIP/2.0 200 OK\r\n" + options(headers="Server: secret 1.0\r\n").partition("\r\n")[2])
    bench.run_on(response, kind=4, name="r")
    assert b"\r\nServer: x\r\n" in response.edited() and b"secret" not in response.edited()

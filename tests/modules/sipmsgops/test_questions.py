"""Questions about a message: each in a compiled script, in both dialects."""
from __future__ import annotations

import pytest

from opensips_py.module.registry import Registry
from opensips_py.module.run import Route
from tests.modules.bench import Bench, options

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])
REPLY = ("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx1\r\nFrom: <sip:a@example.com>;tag=a1\r\n"
         "To: <sip:b@example.com>;tag=b1\r\nCall-ID: call-9\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")


def answer(call, dialect="4.0", **how):
    bench = Bench("sipmsgops", f"{call}; $var(rc) = $rc;", dialect=dialect)
    return bench.run_on(bench.message(options(**how))).variables["rc"]


@DIALECTS
@pytest.mark.parametrize(("names", "method", "expected"), [
    ("INVITE", "INVITE", 1), ("INVITE|ACK", "ACK", 1), ("INVITE | ACK", "BYE", -1), ("ack|invite", "INVITE", 1),
    ("FOO", "FOO", 1), ("FOO", "foo", 1), ("FOO", "FOOD", -1)])
def test_method_is_one_of_a_list(names, method, expected, dialect):
    assert answer(f'is_method("{names}")', dialect, method=method) == expected


@DIALECTS
def test_method_from_a_variable(dialect):
    assert answer('$var(m) = "BYE|OPTIONS"; is_method("$var(m)")', dialect) == 1
    assert answer('$var(m) = "BYE"; is_method("$var(m)")', dialect) == -1


@DIALECTS
def test_constant_list_is_read_when_the_script_compiles(dialect):
    with pytest.raises(AssertionError, match="name of a method"):
        Bench("sipmsgops", 'is_method("|");', dialect=dialect)


@DIALECTS
def test_method_of_a_reply_is_in_its_cseq(dialect):
    routes = 'onreply_route[x] { is_method("ACK"); $var(no) = $rc; is_method("INVITE"); $var(yes) = $rc; }'
    bench = Bench("sipmsgops", routes=routes, dialect=dialect)
    assert bench.run_on(bench.message(REPLY), Route.ONREPLY, "x").variables == {"no": -1, "yes": 1}


@DIALECTS
@pytest.mark.parametrize(("name", "expected"), [
    ("From", 1), ("f", 1), ("Subject", 1), ("s", 1), ("subject", 1), ("X-One", 1), ("x-one", 1), ("X-Two", -1),
    ("Route", -1), ("i", 1)])
def test_header_is_present_by_any_of_its_names(name, expected, dialect):
    assert answer(f'is_present_hf("{name}")', dialect, headers="s: tea\r\nX-One: 1\r\n") == expected


@pytest.mark.parametrize(("tag", "expected"), [("b1", 1), ("", -1)])
def test_to_tag(tag, expected):
    assert answer("has_totag()", to_tag=tag) == expected


def test_21_has_it_in_module_uri():
    for modules in (["sipmsgops", "uri"], ["uri", "sipmsgops"]):
        owners = [Registry.load(modules, each).functions["has_totag"].module.name for each in ("2.1", "4.0")]
        assert owners == ["uri", "sipmsgops"]


@DIALECTS
@pytest.mark.parametrize(("kind", "headers", "expected"), [
    ("id", "Privacy: id\r\n", 1), ("ID", "Privacy: header; Id;critical\r\n", 1), ("user", "Privacy: id\r\n", -1),
    ("critical", "Privacy: id\r\nPrivacy: critical\r\n", 1), ("none", "", -1)])
def test_privacy_that_is_asked_for(kind, headers, expected, dialect):
    assert answer(f'is_privacy("{kind}")', dialect, headers=headers) == expected

"""The Request-URI's parameters, and telephone numbers."""
from __future__ import annotations

import pytest

from opensips_py.module.registry import Registry
from tests.modules.bench import Bench, options


def after(call, uri="sip:bob@192.0.2.2;lr;user=phone", headers_from="<sip:alice@example.com>"):
    """The code of a call and the Request-URI behind it."""
    bench = Bench("sipmsgops", f'$ru = "{uri}"; {call}; $var(rc) = $rc;')
    message = bench.message(options().replace("<sip:alice@example.com>", headers_from))
    return bench.run_on(message).variables["rc"], message.uri


@pytest.mark.parametrize(("call", "expected"), [
    ('ruri_has_param("lr")', 1), ('ruri_has_param("LR")', 1), ('ruri_has_param("user")', -1),
    ('ruri_has_param("user", "phone")', 1), ('ruri_has_param("user", "ip")', -1), ('ruri_has_param("x")', -1)])
def test_parameter_is_there(call, expected):
    assert after(call)[0] == expected


@pytest.mark.parametrize(("uri", "code", "expected"), [
    ("sip:bob@192.0.2.2", 1, "sip:bob@192.0.2.2;nat=yes"), ("sip:h;lr?a=b", 1, "sip:h;lr;nat=yes?a=b"),
    ("tel:+123", -1, "tel:+123")])
def test_parameter_is_added(uri, code, expected):
    assert after('ruri_add_param("nat=yes")', uri) == (code, expected)


@pytest.mark.parametrize(("name", "uri", "code", "expected"), [
    ("user", "sip:bob@192.0.2.2;lr;user=phone", 1, "sip:bob@192.0.2.2;lr"),
    ("LR", "sip:b;lr@192.0.2.2;lr;x=1?y=2;lr", 1, "sip:b;lr@192.0.2.2;x=1?y=2;lr"),
    ("phone", "sip:bob@192.0.2.2;user=phone", -1, "sip:bob@192.0.2.2;user=phone"),
    ("bob", "sip:bob@192.0.2.2", -1, "sip:bob@192.0.2.2")])
def test_parameter_is_deleted(name, uri, code, expected):
    assert after(f'ruri_del_param("{name}")', uri) == (code, expected)


@pytest.mark.parametrize(("uri", "from_", "expected"), [
    ("tel:+1-201-555;ext=5", "<sip:alice@example.com>", (1, "sip:+1-201-555;ext=5@example.com;user=phone")),
    ("sip:bob@192.0.2.2", "<sip:alice@example.com>", (1, "sip:bob@192.0.2.2")),
    ("tel:+123", "<tel:+1>", (-1, "tel:+123")), ("nonsense", "<sip:alice@example.com>", (-1, "nonsense"))])
def test_telephone_number_becomes_a_sip_uri(uri, from_, expected):
    assert after("ruri_tel2sip()", uri, from_) == expected


@pytest.mark.parametrize(("uri", "expected"), [
    ("sip:+12025550123@h", 1), ("sip:+1@h", -1), ("sip:12025550123@h", -1), ("sip:+1202x@h", -1), ("nonsense", -1)])
def test_e164_number(uri, expected):
    assert after(f'$avp(uri) = "{uri}"; is_uri_user_e164($avp(uri))')[0] == expected


def test_21_has_them_in_module_uri():
    functions = Registry.load(["sipmsgops", "uri"], "2.1").functions
    assert functions["is_uri_user_e164"].module.name == "uri" and functions["ruri_has_param"].module.name == "sipmsgops"

"""Questions about URIs, and changes to them."""
from __future__ import annotations

import pytest

from opensips_py.module.registry import Registry
from tests.modules.bench import Bench, options


def code(call, dialect="2.1", **how):
    bench = Bench("uri", f"{call}; $var(rc) = $rc;", dialect=dialect)
    return bench.run_on(bench.message(options(**how))).variables["rc"]


def uri_after(call, uri):
    bench = Bench("uri", f'$ru = "{uri}"; {call}; $var(rc) = $rc; $var(uri) = $ru;', dialect="2.1")
    found = bench.run_on(bench.message(options())).variables
    return found["rc"], found["uri"]


def credentials(user, header="Proxy-Authorization"):
    return f'{header}: Digest username="{user}", realm="example.com", nonce="n", uri="sip:x", response="0a"\r\n'


@pytest.mark.parametrize(("headers", "expected"), [
    (credentials("john"), 1), (credentials("john@example.com"), 1), (credentials("john", "Authorization"), 1),
    (credentials("jane"), -1), ("", -1), ("Authorization: Basic am9objpwdw==\r\n", -1),
    (credentials("john") + credentials("john", "Authorization"), 1),
    (credentials("john") + credentials("jane"), -1),  # which of them was proved is unknown
])
def test_user_of_the_credentials(headers, expected):
    assert code('is_user("john")', headers=headers) == expected


def test_user_may_come_from_a_variable():
    assert code('is_user("$fU")', headers=credentials("alice")) == 1


@pytest.mark.parametrize(("tag", "expected"), [("b1", 1), ("", -1)])
def test_to_tag(tag, expected):
    assert code("has_totag()", to_tag=tag) == expected


@pytest.mark.parametrize(("call", "expected"), [
    ('uri_param("lr")', 1), ('uri_param("LR")', 1), ('uri_param("user")', -1), ('uri_param("none")', -1),
    ('uri_param("user","phone")', 1), ('uri_param("user","ip")', -1), ('uri_param("lr","on")', -1)])
def test_parameter_of_the_request_uri(call, expected):
    assert code(call, uri="sip:bob@192.0.2.2;lr;user=phone") == expected


@pytest.mark.parametrize(("uri", "expected"), [
    ("sip:bob@192.0.2.2", "sip:bob@192.0.2.2;nat=yes"),
    ("sip:bob@192.0.2.2:5070;lr?Subject=x", "sip:bob@192.0.2.2:5070;lr;nat=yes?Subject=x"),
    ("sip:b?b@192.0.2.2", "sip:b?b@192.0.2.2;nat=yes")])
def test_parameter_is_added_before_the_headers(uri, expected):
    assert uri_after('add_uri_param("nat=yes")', uri) == (1, expected)


def test_parameter_is_added_to_no_other_scheme():
    assert uri_after('add_uri_param("nat=yes")', "tel:+123") == (-1, "tel:+123")


@pytest.mark.parametrize(("uri", "expected"), [
    ("tel:+1-201-555-0123;ext=5", "sip:+1-201-555-0123;ext=5@example.com;user=phone"),
    ("sip:bob@192.0.2.2", "sip:bob@192.0.2.2")])
def test_telephone_number_becomes_a_sip_uri(uri, expected):
    assert uri_after("tel2sip()", uri) == (1, expected)


def test_telephone_number_needs_a_host_in_from():
    bench = Bench("uri", "tel2sip(); $var(rc) = $rc;", dialect="2.1")
    message = bench.message(options(uri="tel:+123").replace("<sip:alice@example.com>", "<tel:+1>"))
    assert bench.run_on(message).variables == {"rc": -1} and message.uri == "tel:+123"


@pytest.mark.parametrize(("uri", "expected"), [
    ("sip:+12025550123@h", 1), ("sip:+12@h", 1), ("sip:+1@h", -1), ("sip:+123456789012345@h", 1),
    ("sip:+1234567890123456@h", -1), ("sip:12025550123@h", -1), ("sip:+1202x@h", -1), ("sip:h", -1), ("nonsense", -1)])
def test_e164_number(uri, expected):
    assert code(f'$avp(uri) = "{uri}"; is_uri_user_e164("$avp(uri)")') == expected


def test_what_moved_to_sipmsgops_is_left_to_it():
    assert {"has_totag", "is_uri_user_e164"} & set(Registry.load(["uri"], "4.0").functions) == set()
    assert code('uri_param("x")', "4.0") == -1

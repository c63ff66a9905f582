"""What www_challenge and proxy_challenge ask for."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.sip import Challenge
from opensips_py.testing import request
from tests.modules.auth.client import Client, script


def asked(opensips, call, kind="www", dialect="", **how):
    server = opensips(text=dialect + script(f"{call}; $var(after) = 1;"))
    answer = Client(server, kind=kind, **how).send()
    assert "after" not in server.variables  # the script has ended
    return answer


def values(answer, name="WWW-Authenticate"):
    return [each.value for each in answer.message.headers(name)]


def test_without_qop(opensips):
    answer = asked(opensips, 'www_challenge("example.com")')
    assert (answer.status, answer.message.reason) == (401, "Unauthorized")
    [value] = values(answer)
    nonce = Challenge.parse(value).nonce
    assert value == f'Digest realm="example.com", nonce="{nonce}"' and len(nonce) == 42


def test_a_proxy_asks_with_407(opensips):
    answer = asked(opensips, 'proxy_challenge("example.com", "auth")', "proxy")
    assert (answer.status, answer.message.reason) == (407, "Proxy Authentication Required")
    [value] = values(answer, "Proxy-Authenticate")
    assert Challenge.parse(value).qop == "auth" and values(answer) == []


@pytest.mark.parametrize(("qop", "offered"), [
    ("auth", "auth"), ("auth-int", "auth-int"), ("auth,auth-int", "auth-int,auth"), ("auth-int, auth", "auth-int,auth"),
    ("", "")])
@pytest.mark.parametrize("kind", ["www", "proxy"])
def test_qualities_of_protection(opensips, kind, qop, offered):
    answer = asked(opensips, f'{kind}_challenge("example.com", "{qop}")', kind)
    [found] = Client(None, kind=kind).challenges(answer)
    assert found.qop == offered


@pytest.mark.parametrize("kind", ["www", "proxy"])
def test_algorithms_from_the_strongest_to_the_weakest(opensips, kind):
    answer = asked(opensips, f'{kind}_challenge("example.com", "auth", "MD5,sha-256-SESS,SHA-512-256,SHA-256,'
                             'SHA-512-256-sess,md5-sess")', kind)
    found = Client(None, kind=kind).challenges(answer)
    assert [each.algorithm for each in found] == ["SHA-512-256-sess", "SHA-512-256", "SHA-256-sess", "SHA-256",
                                                  "MD5-sess", "MD5"]
    assert len({each.nonce for each in found}) == 6


def test_an_algorithm_that_is_named_is_told(opensips):
    [value] = values(asked(opensips, 'www_challenge("example.com", , "MD5")'))
    assert value.endswith(", algorithm=MD5") and "qop" not in value


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5-sess"])
def test_all_but_md5_have_a_qop(opensips, algorithm):
    [found] = Client(None).challenges(asked(opensips, f'www_challenge("example.com", , "{algorithm}")'))
    assert found.qop == "auth"


def test_arguments_may_be_variables(opensips):
    answer = asked(opensips, '$var(a) = "SHA-256"; $var(q) = "auth-int"; www_challenge("$fd", "$var(q)", $var(a))')
    [found] = Client(None).challenges(answer)
    assert (found.realm, found.qop, found.algorithm) == ("example.com", "auth-int", "SHA-256")
    [found] = Client(None).challenges(asked(opensips, 'www_challenge("r", $avp(none), $avp(none))'))
    assert (found.qop, found.algorithm) == ("", "MD5")


@pytest.mark.parametrize(("kind", "method", "realm"), [
    ("www", "REGISTER", "example.org"), ("www", "OPTIONS", "example.com"), ("proxy", "REGISTER", "example.com"),
    ("proxy", "OPTIONS", "example.com")])
def test_an_empty_realm_is_that_of_the_request(opensips, kind, method, realm):
    answer = asked(opensips, f'{kind}_challenge("", "auth")', kind, method=method)
    [found] = Client(None, kind=kind).challenges(answer)
    assert found.realm == realm


def test_a_prefix_is_left_out_of_such_a_realm_alone(opensips):
    settings = 'modparam("auth", "realm_prefix", "sip.")\n'
    server = opensips(text=script('www_challenge("", "auth");', settings))
    assert Client(server).challenge(to="sip:alice@sip.example.org").realm == "example.org"
    assert Client(server).challenge(to="sip:alice@example.org").realm == "example.org"
    server = opensips(text=script('www_challenge("sip.example.org", "auth");', settings))
    assert Client(server).challenge().realm == "sip.example.org"


def test_no_realm_at_all_is_a_bad_request(opensips):
    server = opensips(text=script('www_challenge("", "auth"); $var(after) = 1;'))
    assert Client(server).send(to="tel:+4930123").status == 400
    assert "after" not in server.variables


def test_a_realm_is_quoted_and_begins_no_header(opensips):
    [found] = Client(None).challenges(asked(opensips, '''www_challenge('a "b" \\\\ c')'''))
    assert found.realm.startswith('a "b" ')
    answer = asked(opensips, '$var(r) = "x$(ua)"; www_challenge("evil\\r\\nX-Evil: 1", "auth")')
    assert answer.header("X-Evil") is None


def test_an_ack_cannot_be_challenged(opensips):
    server = opensips(text=script('www_challenge("example.com"); $var(after) = 1;'))
    assert server.receive(request("ACK", "sip:example.net"), "192.0.2.1") == []


@pytest.mark.parametrize("kind", ["www", "proxy"])
@pytest.mark.parametrize(("qop", "offered"), [("1", "auth"), ("0", "")])
def test_the_older_dialect_has_a_switch_for_qop(opensips, kind, qop, offered):
    answer = asked(opensips, f'{kind}_challenge("$fd", "{qop}")', kind, dialect="dialect=2.1\n")
    [found] = Client(None, kind=kind).challenges(answer)
    assert (found.realm, found.qop) == ("example.com", offered)


@pytest.mark.parametrize(("call", "why"), [
    ('www_challenge("r", "yes")', "not one of auth, auth-int"), ('www_challenge("r", "1")', "not one of auth"),
    ('proxy_challenge("r", "auth", "SHA-1")', "not one of md5")])
def test_what_cannot_be_offered_is_an_error_of_the_script(opensips, call, why):
    with pytest.raises(ConfigError, match=why):
        opensips(text=script(f"{call};"))


def test_within_a_transaction_the_answer_belongs_to_it(opensips):
    server = opensips(text='loadmodule "tm.so"\n' + script('t_newtran(); www_challenge("example.com");'))
    first = Client(server).send(call_id="x", branch="z9hG4bK1")
    server.take()
    assert Client(server).send(call_id="x", branch="z9hG4bK1").data == first.data  # the retransmission

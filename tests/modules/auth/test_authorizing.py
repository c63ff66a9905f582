"""Users that the script knows."""
from __future__ import annotations

import pytest

from opensips_py.sip.digest import ha1
from opensips_py.testing import request
from tests.modules.auth.client import HEAD, KNOWN, PLAIN, Client, guarded, script


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256-sess"])
def test_a_hash_in_place_of_the_password(opensips, algorithm):
    stored = ha1("alice", "example.com", "secret", algorithm)
    text = guarded(more=f'"auth", "{algorithm}"', settings="").replace('"secret"', f'"{stored}"')
    client = Client(opensips(text=text))
    assert client.prove(client.challenge()) == 200
    client.password = "wrong"
    assert client.prove(client.challenge()) == 401 and client.server.variables["rc"] == -2


def test_a_hash_of_another_length_proves_nothing(opensips):
    stored = ha1("alice", "example.com", "secret")
    text = guarded(more='"auth", "SHA-256"', settings="").replace('"secret"', f'"{stored}"')
    client = Client(opensips(text=text))
    assert client.prove(client.challenge()) == 401 and client.server.variables["rc"] == -2


@pytest.mark.parametrize(("dialect", "rc"), [("4.0", -5), ("2.1", -1)])
@pytest.mark.parametrize("missing", ["user", "password"])
def test_variables_without_a_value(opensips, missing, dialect, rc):
    more = '"auth"' if dialect == "4.0" else '"1"'
    text = guarded(more=more).replace(f"$avp({missing}) =", "$avp(unused) =")
    client = Client(opensips(text=f"dialect={dialect}\n{text}"))
    assert client.prove(client.challenge()) == 401 and client.server.variables["rc"] == rc


def test_without_the_parameters_nobody_is_known(opensips):
    text = guarded().replace('modparam("auth", "username_spec", "$avp(user)")\n', "")
    client = Client(opensips(text=text))
    assert client.prove(client.challenge()) == 401 and client.server.variables["rc"] == -5
    text = guarded().replace('modparam("auth", "password_spec", "$avp(password)")\n', "")
    client = Client(opensips(text=text))
    assert client.prove(client.challenge()) == 401 and client.server.variables["rc"] == -5


@pytest.mark.parametrize(("kind", "method", "realm"), [
    ("www", "REGISTER", "example.org"), ("www", "OPTIONS", "example.com"), ("proxy", "REGISTER", "example.com")])
def test_an_empty_realm_is_that_of_the_request(opensips, kind, method, realm):
    client = Client(opensips(text=guarded(kind, realm="")), kind=kind, method=method)
    challenge = client.challenge()
    assert challenge.realm == realm and client.prove(challenge) == 200


def test_a_prefix_is_left_out_of_such_a_realm(opensips):
    settings = f'{PLAIN}modparam("auth", "realm_prefix", "sip.")\n'
    client = Client(opensips(text=guarded(realm="", settings=settings)))
    challenge = client.challenge(to="sip:alice@sip.example.org")
    assert challenge.realm == "example.org" and client.prove(challenge, to="sip:alice@sip.example.org") == 200


def test_a_request_without_a_realm(opensips):
    server = opensips(text=script('$var(rc) = pv_www_authorize("");'))
    Client(server).send(to="tel:+4930123")
    assert server.variables["rc"] == -5


RELAY = """%sloadmodule "tm.so"
%sroute {
%s
if (!pv_%s_authorize("example.com")) { %s_challenge("example.com", "auth"); exit; }
$var(consumed) = consume_credentials();
$var(again) = consume_credentials();
$du = "sip:192.0.2.2"; t_relay(); }
"""


@pytest.mark.parametrize("kind", ["www", "proxy"])
def test_credentials_are_taken_out(opensips, kind):
    server = opensips(text=RELAY % (HEAD, PLAIN, KNOWN, kind, kind))
    client = Client(server, kind=kind, method="OPTIONS")
    name = "Authorization" if kind == "www" else "Proxy-Authorization"
    other = 'Digest username="a", realm="elsewhere", nonce="n", uri="u", response="r"'
    sent = client.send(other, str(client.answer(client.challenge())))
    assert (sent.host, [each.value for each in sent.message.headers(name)]) == ("192.0.2.2", [other])
    assert (server.variables["consumed"], server.variables["again"]) == (1, -1)
    assert server.log.matching("nothing has authorized this request")


def test_nothing_to_take_out(opensips):
    server = opensips(text=script("$var(rc) = consume_credentials();"))
    Client(server).send()
    assert server.variables["rc"] == -1
    server.log.clear()
    server.receive(request("ACK", "sip:example.net"), "192.0.2.1")
    assert not server.log.matching("authorized")

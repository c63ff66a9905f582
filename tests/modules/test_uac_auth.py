"""Credentials, and which challenge they answer; what comes of the answers: tests/modules/uac."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.sip import Ha1, Password, parse
from opensips_py.sip.digest import ha1
from opensips_py.testing import request, response
from tests.modules.loaded import loaded

ASKED = parse(request("REGISTER", "sip:example.com"))
DIGEST = 'Digest realm="{}", nonce="n"'


def answer(status, *values, name="WWW-Authenticate"):
    return parse(response(ASKED, status, headers={name: list(values)}))


@pytest.mark.parametrize(("text", "username", "realm", "secret"), [
    ("u:r:p", "u", "r", Password("p")), ("u:r:p:q:", "u", "r", Password("p:q:")), ("u:r:", "u", "r", Password("")),
    (f"u:r:0x{'ab' * 16}", "u", "r", Ha1(md5="ab" * 16)), (f"u:r:0x{'AB' * 16}", "u", "r", Ha1(md5="ab" * 16)),
    (f"u:r:0x{'ab' * 32}", "u", "r", Ha1(sha_256="ab" * 32, sha_512_256="ab" * 32)),
    (f"u:r:0x{'ab' * 20}", "u", "r", Password(f"0x{'ab' * 20}"))])
def test_credentials(text, username, realm, secret):
    found = loaded("uac_auth", credential=text).known(realm)
    assert (found.username, found.secret) == (username, secret)


@pytest.mark.parametrize("text", ["", "u", "u:r", ":r:p", "u::p"])
def test_what_is_no_credential(text):
    with pytest.raises(ConfigError, match="user:realm:password"):
        loaded("uac_auth", credential=text)


def test_other_modules_answer_without_a_run():
    module = loaded("uac_auth", credential="u:r:p")
    found = module.choose(answer(401, DIGEST.format("other"), DIGEST.format("r")))
    credentials = found.answer("REGISTER", "sip:example.com")
    assert found.header == "Authorization" and credentials.verify(ha1("u", "r", "p"), "REGISTER")
    assert module.choose(answer(407, DIGEST.format("r"), name="Proxy-Authenticate")).header == "Proxy-Authorization"
    assert module.choose(answer(401, DIGEST.format("r"), name="Proxy-Authenticate")) is None
    assert module.choose(answer(403, DIGEST.format("r"))) is None


def test_a_response_with_very_many_challenges():
    module = loaded("uac_auth", credential="u:r:p")
    assert module.choose(answer(401, *["Digest rubbish"] * 19, DIGEST.format("r"))) is not None
    assert module.choose(answer(401, *["Digest rubbish"] * 20, DIGEST.format("r"))) is None


@pytest.mark.parametrize(("settings", "why"), [
    ('modparam("uac_auth", "auth_realm_avp", "$avp(r)")', "are needed together"),
    ('modparam("uac_auth", "auth_realm_avp", "$avp(r)")\nmodparam("uac_auth", "auth_username_avp", "$avp(u)")',
     "are needed together"),
    ("".join(f'modparam("uac_auth", "auth_{each}_avp", "$var(x)")\n' for each in ("realm", "username", "password")),
     "auth_realm_avp names an AVP"),
    ('modparam("uac_auth", "auth_realm_avp", "r")', "variable")])
def test_three_avps_make_a_credential(opensips, settings, why):
    with pytest.raises(ConfigError, match=why):
        opensips(text=f'socket=udp:127.0.0.1:5060\nloadmodule "proto_udp.so"\nloadmodule "uac_auth.so"\n{settings}\n'
                      "route { exit; }")

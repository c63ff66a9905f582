"""The parameters, and the secrets behind them."""
from __future__ import annotations

import re

import pytest

from opensips_py.errors import ConfigError
from tests.modules.topology_hiding.conftest import contact, script

CONTACTS = ('modparam("topology_hiding", "th_contact_encode_passwd", "{}")'
            'modparam("topology_hiding", "th_contact_encode_param", "x")')
CALLS = ('modparam("topology_hiding", "th_callid_passwd", "{}")'
         'modparam("topology_hiding", "th_callid_prefix", "MINE-")')


def word(sides, name="thinfo"):
    sides.call()
    return contact(sides.invite).parsed_uri.parameter(name)


def test_a_password_makes_words_that_other_servers_read(hiding):
    first = word(hiding(False, CONTACTS.format("one")), "x")
    sides = hiding(False, CONTACTS.format("one"))
    assert word(sides, "x") == first
    sides.bob.ask("BYE")
    assert sides.alice.last("BYE").message.uri == sides.alice.target
    assert word(hiding(False, CONTACTS.format("other")), "x") != first


def test_the_default_is_a_secret_of_this_installation(hiding):
    default = 'modparam("topology_hiding", "th_contact_encode_passwd", "ToPoCtPaSS")'
    assert len({word(hiding()), word(hiding()), word(hiding(False, default))}) == 3


def test_call_ids_behind_a_password(hiding):
    def call_id(*settings):
        sides = hiding(True, *settings, hide='topology_hiding("C");')
        sides.call()
        sides.bob.ask("BYE")
        assert sides.alice.last("BYE").header("Call-ID") == f"call@{sides.alice.inner}"
        return sides.invite.header("Call-ID")
    first = call_id(CALLS.format("one"))
    assert first.startswith("MINE-") and first == call_id(CALLS.format("one"))
    assert first != call_id(CALLS.format("two")) and call_id() != call_id()


@pytest.mark.parametrize(("scheme", "form"), [("base64", r"[\w-]*[A-Z][\w-]*"), ("base32", "[a-z2-7]+")])
def test_schemes(hiding, scheme, form):
    sides = hiding(False, f'modparam("topology_hiding", "th_contact_encode_scheme", "{scheme}")')
    assert re.fullmatch(form, word(sides))
    sides.bob.ask("BYE", sides.bob.peer.replace("thinfo=", "\0").upper().replace("\0", "thinfo="))
    assert [each.method for each in sides.alice.inbox] == (["BYE"] if scheme == "base32" else [])


@pytest.mark.parametrize(("setting", "why"), [
    ('"th_callid_prefix", ""', "th_callid_prefix may not be empty"),
    ('"th_contact_encode_param", ""', "th_contact_encode_param may not be empty"),
    ('"th_contact_encode_scheme", "base16"', "base64, base32")])
def test_bad_parameters(opensips, setting, why):
    with pytest.raises(ConfigError, match=why):
        opensips(text=script(False, f'modparam("topology_hiding", {setting})'))


def test_requests_that_leave_without_module_rr(opensips):
    text = script(False).replace('loadmodule "rr.so"', "")
    server = opensips(text=text)
    from tests.modules.topology_hiding.conftest import Sides
    sides = Sides(server)
    sides.call()
    assert contact(sides.invite).parsed_uri.parameter("thinfo") and not sides.leaks

"""Contacts of ours."""
from __future__ import annotations

import pytest

from opensips_py.modules.topology_hiding.shown import Passing, Shown, first_of
from opensips_py.sip.splitting import separated
from opensips_py.transport import Listener

UDP, WSS = Listener("udp", "192.0.2.9", 5060), Listener("wss", "::1", 443)


def value(text, user=None, tail=";did=1", mark="", passing=("", ""), listener=UDP):
    return Shown(first_of(text), Passing(*passing), user, tail, mark).value(listener)


@pytest.mark.parametrize(("user", "mark", "front"), [
    (None, "", "alice@"), ("", "", ""), ("x", "", "x@"), ("", "did.1", "X.did.1@"), (None, "did.1", "alice.did.1@")])
def test_users(user, mark, front):
    assert value("<sip:alice@10.1.1.1>", user, mark=mark) == f"<sip:{front}192.0.2.9;did=1>"


def test_other_protocols():
    assert value("<sip:10.1.1.1>", listener=WSS) == "<sip:[::1]:443;transport=wss;did=1>"


def test_what_passes():
    given = "<sip:a@b;one;Two=2;three>;q=1;x=\"a;y=2\";z"
    assert value(given, "", passing=(" two ;one", "y;x")) == '<sip:192.0.2.9;did=1;one;Two=2>;x="a;y=2"'


@pytest.mark.parametrize("odd", [None, "", "<tel:+49>", "<sip:a", "*"])
def test_what_is_no_sip_contact(odd):
    assert value(odd, passing=("a", "b")) == "<sip:192.0.2.9;did=1>"


def test_splitting():
    assert separated(r'a="x\";y";b;c="', ";") == [r'a="x\";y"', "b", 'c="']

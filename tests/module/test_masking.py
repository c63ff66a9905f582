"""Secrets do not get into accounts."""
import pytest

from opensips_py.module.masking import is_secret, masked, readable, shown


@pytest.mark.parametrize(("text", "kept"), [
    ('Digest username="a", response="dead"', 'Digest username="a", response=***'),
    ("Digest response=dead,cnonce = x", "Digest response=***,cnonce = ***"),
    ("Authorization: Bearer eyJhbGciOi.abc", "Authorization: Bearer ***"),
    ("Authorization: Basic YWxpY2U6c3dvcmQ=\r\nX: y", "Authorization: Basic ***\r\nX: y"),
    ("a=crypto:1 AES inline:abc|2^20\r\nk=clear:xyz", "a=crypto:1 AES inline:***|2^20\r\nk=clear:***"),
    ("a basic idea", "a basic idea"), ("in response to you", "in response to you")])
def test_masked(text, kept):
    assert masked(text) == kept


@pytest.mark.parametrize(("name", "secret"), [
    ("$avp(password)", True), ("$var(passwd)", True), ("auth_token", True), ("$avp(ha1)", True), ("api-key", False),
    ("apikey", True), ("$avp(secret_word)", True), ("$var(passed)", False), ("$ru", False)])
def test_names(name, secret):
    assert is_secret(name) is secret


def test_values_are_bounded_and_readable():
    assert shown(5) == 5 and shown(None) is None and shown(5, "password") == "***"
    assert shown("x" * 600) == "x" * 512 + "… (600 characters)"
    assert shown(b"\xff") == readable("\udcff") == "�"

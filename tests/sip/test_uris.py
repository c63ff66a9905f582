"""URIs changed with every other byte kept."""
from __future__ import annotations

import pytest

from opensips_py.sip.uris import has_e164_user, sip_of_tel, uri_of, with_parameter, without_parameter


@pytest.mark.parametrize(("uri", "expected"), [
    ("sip:a@h", "sip:a@h;x=1"), ("sip:a;u?v@h;lr?s=t", "sip:a;u?v@h;lr;x=1?s=t"), ("sip:h?s=t", "sip:h;x=1?s=t")])
def test_parameter_goes_behind_the_others(uri, expected):
    assert with_parameter(uri, "x=1") == expected and with_parameter(uri, "") == uri


@pytest.mark.parametrize(("uri", "expected"), [
    ("sip:a;x=2@h;x=1;lr", "sip:a;x=2@h;lr"), ("sip:a@h;lr;X?x=1", "sip:a@h;lr?x=1"), ("sip:a;x@h", None),
    ("sip:h?x=1", None), ("sip:h;x;y;x", "sip:h;y")])
def test_parameter_is_taken_away(uri, expected):
    assert without_parameter(uri, "x") == expected and without_parameter(uri, "") is None


def test_telephone_numbers():
    assert sip_of_tel("tel:+12;ext=3", "h") == "sip:+12;ext=3@h;user=phone"
    assert has_e164_user("sip:+123456789012345@h") and not has_e164_user("sip:+1234567890123456@h")


def test_no_uri_is_none():
    found = uri_of("sip:h")
    assert uri_of("nonsense") is None and found is not None and found.host == "h"

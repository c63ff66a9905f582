"""Targets and route sets."""
from __future__ import annotations

from opensips_py.dialog import contact_of, route_values, routes_to_callee, uri_of


def test_contacts():
    assert contact_of('"A" <sip:a@192.0.2.1;transport=tcp>;expires=3') == "sip:a@192.0.2.1;transport=tcp"
    assert contact_of("sip:a@192.0.2.1") == "sip:a@192.0.2.1"
    assert [contact_of(each) for each in (None, "", "*", "<<>")] == [""] * 4


def test_uris_of_from_and_to():
    assert uri_of('"A" <sip:a@example.com>;tag=1') == uri_of("sip:a@example.com;tag=1") == "sip:a@example.com"
    assert uri_of("<sip:") == ""


def test_values_in_one_header_and_in_several():
    assert route_values(["<sip:a;lr>, <sip:b;lr>;x=1", "<sip:c>", "<<"]) == ["<sip:a;lr>", "<sip:b;lr>;x=1", "<sip:c>"]


def test_the_way_to_the_callee_is_what_stands_above_us():
    recorded = ["<sip:far>", "<sip:near>", "<sip:us;did=1>", "<sip:us;did=1;r2=on>", "<sip:before>"]
    assert routes_to_callee(recorded, 1, lambda value: "did=1" in value) == ["<sip:near>", "<sip:far>"]


def test_a_proxy_that_is_not_on_the_path():
    assert routes_to_callee(["<sip:near>", "<sip:before>"], 1, lambda value: False) == ["<sip:near>"]
    assert routes_to_callee([], 1, lambda value: False) == []

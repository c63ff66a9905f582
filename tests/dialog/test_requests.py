"""Requests within a dialog (RFC 3261, 12.2.1.1)."""
from __future__ import annotations

from opensips_py.dialog import Leg, Way, way, way_to


def test_without_routes():
    assert way("sip:a@192.0.2.1", []) == Way("sip:a@192.0.2.1", (), None)


def test_loose_routers():
    going = way_to(Leg("", "", "", "sip:a@192.0.2.1", ["<sip:p1;lr>", "<sip:p2;lr>"]))
    assert going == Way("sip:a@192.0.2.1", ("<sip:p1;lr>", "<sip:p2;lr>"), "sip:p1;lr")
    assert going.lines == b"Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"


def test_a_strict_router_gets_it_as_request_uri():
    assert way("sip:a@192.0.2.1", ["<sip:p1>", "<sip:p2;lr>"]) == Way("sip:p1", ("<sip:p2;lr>", "<sip:a@192.0.2.1>"),
                                                                     None)

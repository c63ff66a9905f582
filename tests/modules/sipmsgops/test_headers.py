"""Headers that a script adds: where they stand in what is sent."""
from __future__ import annotations

import pytest

from opensips_py.module.run import Route
from tests.modules.bench import Bench, options

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])


def sent(body, dialect="4.0", **how):
    """The header lines that leave, and the variables of the script."""
    bench = Bench("sipmsgops", body, dialect=dialect)
    message = bench.message(options(**how))
    found = bench.run_on(message).variables
    return message.edited().decode().partition("\r\n\r\n")[0].split("\r\n")[1:], found


@DIALECTS
def test_headers_are_appended_in_order(dialect):
    lines, found = sent(r'append_hf("X-One: $rm\r\n"); append_hf("X-Two: 2\r\nX-Three: 3\r\n");'
                        '$var(rc) = $rc; $var(seen) = $hdr(X-One);', dialect)
    assert lines[-3:] == ["X-One: OPTIONS", "X-Two: 2", "X-Three: 3"]
    assert found["rc"] == 1 and not found["seen"]  # what is added is not read


@DIALECTS
@pytest.mark.parametrize(("anchor", "before"), [("To", "To: <sip:bob@example.com>"), ("t", "To: <sip:bob@example.com>"),
                                                ("X-Old", "X-Old: 1"), ("None", "Content-Length: 0")])
def test_header_is_appended_behind_the_first_anchor(anchor, before, dialect):
    lines, _ = sent(rf'append_hf("X-New: 1\r\n", "{anchor}");', dialect, headers="X-Old: 1\r\nX-Old: 2\r\n")
    assert lines[lines.index("X-New: 1") - 1] == before


@DIALECTS
def test_missing_line_end_is_added(dialect):
    lines, _ = sent('append_hf("X-One: 1"); append_hf("X-Two: 2");', dialect)
    assert lines[-2:] == ["X-One: 1", "X-Two: 2"]


@DIALECTS
def test_headers_are_inserted_before_all_others(dialect):
    lines, found = sent(r'insert_hf("X-One: $rm\r\n"); $var(rc) = $rc;', dialect)
    assert lines[0] == "X-One: OPTIONS" and lines[1].startswith("Via") and found["rc"] == 1


@DIALECTS
@pytest.mark.parametrize(("anchor", "behind"), [("Call-ID", "Call-ID: call-9"), ("i", "Call-ID: call-9"),
                                                ("X-Old", "X-Old: 1"),
                                                ("None", "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx1")])
def test_header_is_inserted_before_the_first_anchor(anchor, behind, dialect):
    lines, _ = sent(rf'insert_hf("X-New: 1\r\n", "{anchor}");', dialect, headers="X-Old: 1\r\nX-Old: 2\r\n")
    assert lines[lines.index("X-New: 1") + 1] == behind


@DIALECTS
def test_request_uri_as_received_goes_into_a_header(dialect):
    lines, found = sent(r'$ru = "sip:other@example.com"; append_urihf("CC-Diversion: <", ">\r\n"); $var(rc) = $rc;',
                        dialect)
    assert lines[-1] == "CC-Diversion: <sip:bob@192.0.2.2>" and found["rc"] == 1


@DIALECTS
def test_headers_are_added_to_replies_that_pass(dialect):
    routes = r'onreply_route[x] { append_hf("X-End: 1\r\n"); insert_hf("X-Top: 1\r\n"); }'
    bench = Bench("sipmsgops", routes=routes, dialect=dialect)
    message = bench.message("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx1\r\n"
                            "From: <sip:a@example.com>;tag=a1\r\nTo: <sip:b@example.com>;tag=b1\r\n"
                            "Call-ID: call-9\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
    bench.run_on(message, Route.ONREPLY, "x")
    lines = message.edited().decode().split("\r\n")
    assert lines[1] == "X-Top: 1" and lines[-3] == "X-End: 1"

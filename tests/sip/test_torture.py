"""The torture messages of RFC 4475 and RFC 5118, where a folder with them is named by TORTURE.

The folder holds rfc4475/ and rfc5118/, each with the messages as files and an index.json saying how each is treated.
"""
import json
import os
import pathlib
import re

import pytest

from opensips_py.sip import Framer, Request, Response, build_response, forward_request, forward_response, scan

FOLDER = os.environ.get("TORTURE", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="TORTURE names no folder with the messages of RFC 4475 and RFC 5118")
VIA = b"Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKnew\r\n"


def cases(corpus):
    folder = pathlib.Path(FOLDER) / corpus
    if not FOLDER:
        return []
    index = json.loads((folder / "index.json").read_text())
    return [pytest.param(case, read(folder, case), id=case["name"]) for case in index]


def read(folder, case):
    """The message as it is to be sent: CRLF at line ends, an empty line behind the headers, the body's own length."""
    data = (folder / case["file"]).read_bytes() + case.get("append", "").encode()
    if case.get("line_ends") != "LF":
        return data
    data = data.replace(b"\n", b"\r\n")
    headers, empty, body = data.partition(b"\r\n\r\n")
    if not empty:
        return data + b"\r\n"
    return re.sub(rb"(?m)^Content-Length: \d+", b"Content-Length: %d" % len(body), headers) + empty + body


def check(case, data):
    message = scan(data)
    assert isinstance(message, Request if case["kind"] == "request" else Response)
    if case["valid"]:
        assert message.fault is None
        assert message.fault_status == 0
        return message
    assert message.fault
    assert message.fault_status in (case["status"] or [0])
    return message


@pytest.mark.parametrize(("case", "data"), cases("rfc4475"))
def test_rfc_4475(case, data):
    message = check(case, data)
    if case["valid"]:
        assert message.call_id and message.from_ and message.to and message.vias
        if message.is_request:
            assert forward_request(message, VIA).replace(VIA, b"", 1).startswith(message.data[:message.body_offset - 2])


@pytest.mark.parametrize(("case", "data"), cases("rfc5118"))
def test_rfc_5118(case, data):
    message = check(case, data)
    if case["valid"]:
        assert message.vias and message.contacts is not None


def one(name, corpus="rfc4475"):
    folder = pathlib.Path(FOLDER) / corpus
    case = next(c for c in json.loads((folder / "index.json").read_text()) if c["name"] == name)
    return scan(read(folder, case))


def test_wsinv_is_read_through_its_folds():
    m = one("wsinv")
    assert (m.to_tag, m.from_tag, m.cseq, m.cseq_method, m.max_forwards) == ("1918181833n", "98asjd8", 9, "INVITE", 68)
    assert [(v.protocol, v.host, v.branch) for v in m.vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"), ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239")]
    assert m.header("NewFangledHeader") == "newfangled value continued newfangled value"
    contact = m.contacts[0]
    assert (contact.display_text, contact.q, contact.parameter("newparam"), contact.parameter("secondparam")) == (
        'Quoted string ""', 330, "newvalue", "")
    assert (m.header("s"), m.from_.display_text) == ("", 'J Rosenberg \\"')


def test_intmeth_keeps_every_character():
    m = one("intmeth")
    assert m.method == m.cseq_method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert m.parsed_uri.host == "example.com"
    assert m.parsed_uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert m.parsed_uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert m.to.display_text == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert m.from_tag == "_token~1'+`*%!-."
    assert m.header("extensionHeader-!.%*+_`'~") == "\ufeff大停電"


def test_escapes_are_not_decoded_into_something_else():
    m = one("esc01")
    assert (m.parsed_uri.user, m.parsed_uri.host) == ("sips%3Auser%40example.com", "example.net")
    assert [c.parsed_uri.user for c in one("escnull").contacts] == ["%00", "%00%00"]
    assert [c.parsed_uri.aor().partition("@")[0] for c in one("escnull").contacts] == ["\x00", "\x00\x00"]
    m = one("esc02")
    assert m.method == "RE%47IST%45R"
    assert len(m.contacts) == 2


def test_long_values_are_whole():
    m = one("longreq")
    assert len(m.from_tag) > 100 and m.call_id.endswith("longcallid")
    assert len(m.vias) == 34


def test_parameters_belong_where_they_stand():
    assert (one("cparam01").contacts[0].parameters, one("cparam01").contacts[0].uri) == (
        "unknownparam", "sip:+19725552222@gw1.example.net")
    assert one("cparam02").contacts[0].uri == "sip:+19725552222@gw1.example.net;unknownparam"
    assert one("regescrt").contacts[0].parsed_uri.headers == "Route=%3Csip:sip.example.com%3E"
    assert one("semiuri").parsed_uri.user == "user;par=u%40example.net"


def test_bodies_and_what_stands_behind_them():
    assert one("dblreq").data.endswith(b"Content-Length: 0\r\n\r\n")
    assert len(one("mpart01").body) == 553


def test_reasons_and_old_requests():
    assert one("unreason").reason.startswith("= 2**3 * 5**2 но сто")
    assert (one("noreason").status, one("noreason").reason) == (100, "")
    m = one("inv2543")
    assert (m.via_branch, m.from_tag, m.max_forwards) == ("", "", None)
    assert one("badbranch").via_branch == "z9hG4bK"


def test_responses_are_forwarded_without_the_top_via():
    assert [v.host for v in scan(forward_response(one("bcast"))).vias] == ["255.255.255.255"]


@pytest.mark.parametrize(("case", "data"), cases("rfc4475"))
def test_every_faulty_request_can_be_answered(case, data):
    message = scan(data)
    if message.is_request and message.fault_status:
        answer = build_response(message, message.fault_status, "Bad Request", "t")
        assert answer.startswith(b"SIP/2.0 %d " % message.fault_status)
        assert scan(answer) is not None


def test_ipv6_ports_and_received():
    assert (one("port-ambiguous", "rfc5118").parsed_uri.host, one("port-ambiguous", "rfc5118").parsed_uri.port) == (
        "[2001:db8::10:5070]", 0)
    assert one("port-unambiguous", "rfc5118").parsed_uri.port == 5070
    assert one("via-received-param-with-delim", "rfc5118").top_via.received == "[2001:db8::9:255]"
    assert one("via-received-param-no-delim", "rfc5118").top_via.received == "2001:db8::9:255"


@pytest.mark.parametrize("corpus", ["rfc4475", "rfc5118"])
def test_streams_end_each_message_where_it_ends(corpus):
    folder = pathlib.Path(FOLDER) / corpus
    for case in json.loads((folder / "index.json").read_text()):
        data = read(folder, case)
        framer = Framer()
        found = framer.feed(data)
        if case["name"] == "clerr":
            assert not found and framer.pending, "the rest is waited for"
        elif case["name"] in ("ncl", "mcl01"):
            assert len(found) == 1 and framer.fault, "answered, then closed"
        elif case["name"] == "inv2543":
            assert data.startswith(found[0]), "without a length, no body"
        else:
            assert found[0] == scan(data).data or not case["valid"], case["name"]

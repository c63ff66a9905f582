"""The fields of messages, edits through them, and what never raises."""
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensips_py.errors import MalformedMessage
from opensips_py.sip import (
    BranchTarget,
    HeaderId,
    Message,
    NameAddr,
    Request,
    Response,
    address_key,
    parse,
    parse_uri,
    scan,
)


def test_fields_of_a_request(invite):
    m = scan(invite, "listener", address_key("10.0.0.2", 5062), "connection", 1.5)
    assert isinstance(m, Request)
    assert (m.listener, m.connection, m.received_at, m.source_host, m.source_port) == (
        "listener", "connection", 1.5, "10.0.0.2", 5062)
    assert (m.is_request, m.method) == (True, "INVITE")
    assert m.uri == m.original_uri == "sip:bob@example.com"
    assert (m.call_id, m.from_tag, m.to_tag, m.cseq, m.cseq_method) == ("one@10.0.0.1", "abc", "", 7, "INVITE")
    assert (m.via_branch, m.max_forwards, m.content_type) == ("z9hG4bK-1", 70, "application/sdp")
    assert m.body == invite[m.body_offset:] and m.content_length == len(m.body)
    assert (m.from_.display_text, m.to.uri) == ("Alice, A.", "sip:bob@example.com")
    assert [(v.protocol, v.host, v.port) for v in m.vias] == [("UDP", "10.0.0.1", 5060), ("TCP", "host.example.net", 0)]
    assert m.top_via.rport == 0
    assert [r.uri for r in m.routes] == ["sip:a.example.com;lr", "sip:b.example.com;lr"]
    assert [c.uri for c in m.contacts] == ["sip:alice@10.0.0.1:5060"]
    assert m.record_routes == []


def test_fields_of_a_response(ok):
    m = scan(ok)
    assert isinstance(m, Response)
    assert (m.is_request, m.status, m.reason, m.to_tag, m.via_branch) == (False, 200, "OK", "def", "z9hG4bK-top")
    assert [v.branch for v in m.vias] == ["z9hG4bK-top", "z9hG4bK-1"]
    assert (m.source_host, m.source_port, m.max_forwards) == ("", 0, None)


def test_headers_by_name_number_and_compact_form(invite):
    m = scan(invite)
    assert m.header("SUBJECT") == m.header("s") == m.header(HeaderId.SUBJECT) == "folded over lines"
    assert m.header("x-unknown") == "kept ,, as it is"
    assert (m.header("X-Other"), m.header("Expires"), m.header(99999), m.header("")) == (None, None, None, None)
    assert [h.name for h in m.headers("via")] == ["Via", "v"]
    assert [h.value for h in m.headers("x-unknown")] == ["kept ,, as it is"]
    assert len(m.headers()) == 13


def test_places_of_headers(invite):
    m = scan(invite)
    for header in m.headers():
        assert invite[header.start:header.end].startswith(header.name.encode() + b":")
        assert invite[header.start:header.end].endswith(b"\r\n")
    unknown = m.headers("X-Unknown")[0]
    assert invite[unknown.value_start:unknown.value_end] == b"kept ,, as it is"
    assert unknown.id == HeaderId.OTHER


def test_values_split_lists(invite):
    m = scan(invite)
    assert m.values("Route") == ["<sip:a.example.com;lr>", '"x, y" <sip:b.example.com;lr>']
    assert m.values("via") == ["SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-1;rport",
                               "SIP/2.0/TCP host.example.net;branch=z9hG4bK-0"]
    assert m.values("x-unknown") == ["kept", "as it is"]


def test_offsets_of_values_point_into_the_message(invite):
    m = scan(invite)
    second = m.routes[1]
    assert invite[second.start:second.end] == b'"x, y" <sip:b.example.com;lr>'
    assert invite[second.uri_start:second.uri_end] == b"sip:b.example.com;lr"
    via = m.vias[1]
    assert invite[via.start:via.end] == b"SIP/2.0/TCP host.example.net;branch=z9hG4bK-0"


@pytest.mark.parametrize(("value", "seconds"), [(b"60", 60), (b"soon", 3600), (b"9" * 9000, 4294967295)])
def test_expires(ok, value, seconds):
    assert scan(ok).expires is None
    assert scan(ok.replace(b"CSeq", b"Expires: " + value + b"\r\nCSeq")).expires == seconds


def test_contact_star():
    m = parse(b"REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nf: sip:a@b\r\nt: sip:a@b\r\ni: x\r\n"
              b"CSeq: 1 REGISTER\r\nm: *\r\n\r\n")
    assert [str(c) for c in m.contacts] == ["*"]


def test_text_is_utf8_and_other_bytes_survive(invite):
    m = scan(invite.replace(b"folded", b"\xd0\xbd\xff"))
    assert m.header("Subject").encode("utf-8", "surrogateescape").startswith(b"\xd0\xbd\xff")


def test_bytes_behind_the_body_are_cut_off(invite):
    m = scan(invite + b"\r\nINVITE sip:x SIP/2.0\r\n\r\n", "l", 5, "c", 2.0)
    assert m.data == invite
    assert (m.listener, m.source, m.connection, m.received_at) == ("l", 5, "c", 2.0)


def test_body_without_a_length_goes_to_the_end(ok):
    assert scan(ok.replace(b"Content-Length: 0\r\n", b"") + b"x\x00y").body == b"x\x00y"


def test_empty_lines_before_a_message_do_not_count(ok):
    assert scan(b"\r\n\r\n" + ok).data == ok


def test_bare_line_feeds_end_lines_too(invite):
    m = scan(invite.partition(b"Content-Length")[0].replace(b"\r\n", b"\n") + b"\n")
    assert m.fault is None
    assert m.header("Subject") == "folded over lines"


def test_the_request_uri_can_be_set(invite):
    m = scan(invite)
    assert m.parsed_uri.user == "bob"
    m.uri = "sip:carol@example.net"
    assert (m.uri, m.parsed_uri.user, m.original_uri) == ("sip:carol@example.net", "carol", "sip:bob@example.com")
    m.uri = parse_uri("sip:dave@h")
    assert (m.uri, m.parsed_uri.user) == ("sip:dave@h", "dave")


def test_max_forwards_has_bounds(invite):
    m = scan(invite)
    m.max_forwards = 255
    for value in (-1, 256):
        with pytest.raises(ValueError):
            m.max_forwards = value
    assert m.max_forwards == 255


def test_routing_state_starts_empty(invite):
    m = scan(invite)
    assert (m.destination, m.path, m.send_socket, m.branches, m.context) == (None, None, None, None, None)
    assert (m.flags, m.branch_flags, m.q, m.force_rport) == (0, 0, -1, False)


def test_branch_targets():
    target = BranchTarget("sip:a@b", q=500, flags=3)
    assert (target.uri, target.flags, target.q) == ("sip:a@b", 3, 500)
    assert (target.destination, target.path, target.send_socket, target.instance) == (None, None, None, None)


def test_header_edits(invite):
    m = scan(invite)
    m.append_header("X-Last: 1\r\n")
    m.insert_header(b"X-First: 1\r\n")
    m.remove_header(m.headers("X-Unknown")[0])
    m.set_header_value(m.headers("Subject")[0], "plain")
    out = m.edited()
    assert out.startswith(b"INVITE sip:bob@example.com SIP/2.0\r\nX-First: 1\r\nVia: ")
    assert b"\r\nSubject: plain\r\nContent-Type" in out
    assert b"X-Unknown" not in out
    assert b"\r\nX-Last: 1\r\n\r\nv=0" in out
    assert m.header("X-Last") is None, "edits are invisible to reads"


def test_edits_show_when_they_are_applied(invite):
    m = scan(invite, "l", 7, "c", 3.0)
    m.uri, m.destination, m.flags, m.max_forwards = "sip:x@y", "sip:z", 4, 9
    m.append_header("X-Last: 1\r\n")
    new = m.apply_edits()
    assert new.header("X-Last") == "1"
    assert not new.has_edits
    assert (new.listener, new.source, new.connection, new.received_at) == ("l", 7, "c", 3.0)
    assert (new.uri, new.original_uri, new.destination, new.flags, new.max_forwards) == (
        "sip:x@y", "sip:bob@example.com", "sip:z", 4, 9)


def test_edits_that_break_the_message_are_refused(invite):
    m = scan(invite)
    m.remove_header(m.headers("From")[0])
    with pytest.raises(MalformedMessage):
        m.apply_edits()


def test_a_new_body_brings_its_length_and_type(invite, ok):
    m = scan(invite)
    m.replace_body(b"hello", "text/plain")
    new = m.apply_edits()
    assert (new.body, new.content_type, new.header("l")) == (b"hello", "text/plain", "5")
    m = scan(ok)
    m.replace_body(b"hello", "text/plain")
    assert m.edited().endswith(b"Content-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello")
    m = scan(invite)
    m.replace_body(b"")
    assert m.apply_edits().body == b""


def test_a_removed_length_comes_back(ok):
    m = scan(ok)
    m.remove_header(m.headers("Content-Length")[0])
    assert m.edited().endswith(b"CSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(("index", "left"), [
    (0, b'Route: "x, y" <sip:b.example.com;lr>\r\n'), (1, b"Route: <sip:a.example.com;lr>\r\n")])
def test_one_value_of_a_list_can_be_removed(invite, index, left):
    m = scan(invite)
    m.remove_value(m.routes[index])
    assert left in m.edited()


def test_a_header_goes_with_its_only_value(invite):
    m = scan(invite)
    m.remove_value(m.contacts[0])
    m.remove_value(m.vias[0])
    out = m.edited()
    assert b"Contact" not in out
    assert out.count(b"SIP/2.0/") == 1
    with pytest.raises(ValueError):
        m.remove_value(NameAddr("sip:of@nowhere"))


def test_parse_tells_what_is_wrong(ok):
    assert parse(ok).status == 200
    with pytest.raises(MalformedMessage, match="malformed CSeq"):
        parse(ok.replace(b"7 INVITE", b"x"))
    with pytest.raises(MalformedMessage):
        parse(b"nothing")


def test_messages_that_nobody_scanned_hold_nothing():
    for kind in (Message, Request, Response):
        m = kind()
        assert (m.call_id, m.from_tag, m.cseq, m.headers(), m.body) == ("", "", 0, [], b"")


def test_messages_leave_no_garbage(invite):
    gc.collect()
    for _ in range(100):
        m = scan(invite)
        m.edits.insert(0, b"x")
        assert m.from_ and m.vias and m.contacts
    del m
    assert gc.collect() == 0


def read_all(m):
    for name in ("fault", "call_id", "from_tag", "to_tag", "cseq", "cseq_method", "via_branch", "max_forwards", "body",
                 "content_type", "content_length", "source_host"):
        getattr(m, name)
    for name in ("from_", "to", "top_via", "vias", "contacts", "routes", "record_routes"):
        try:
            getattr(m, name)
        except MalformedMessage:
            assert m.fault is not None
    for header in m.headers():
        m.values(header.name)
    m.edited()


@given(st.binary(max_size=200))
def test_no_bytes_make_scan_raise(data):
    m = scan(data)
    if m is not None:
        read_all(m)


@given(st.data())
def test_no_change_to_a_message_makes_scan_raise(data):
    base = (b"REGISTER sip:bob@[::1]:5060;x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9;rport\r\n"
            b"m: \"a\" <sip:a@b>;q=1\r\nFrom: \"A\" <sip:a@b>;tag=1\r\nTo: b <sip:b@c>\r\n"
            b"Call-ID: c\r\nCSeq: 1\r\n REGISTER\r\nl: 3\r\n\r\nabc")
    start = data.draw(st.integers(0, len(base)))
    end = data.draw(st.integers(start, min(len(base), start + 8)))
    marks = [b"\r\n", b"\r\n ", b'"', b"<", b">", b",", b";", b":", b"\n", b"\r", b"=", b"SIP/2.0",
             b"*", b"?", b"[", b"@"]
    text = data.draw(st.one_of(st.binary(max_size=6), st.sampled_from(marks)))
    m = scan(base[:start] + text + base[end:], None, address_key("10.0.0.9", 5))
    if m is not None:
        read_all(m)

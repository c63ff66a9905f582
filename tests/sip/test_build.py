"""What leaves: forwarded messages, responses, ACK, CANCEL, new requests."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensips_py.sip import (
    Edits,
    address_key,
    build_ack,
    build_cancel,
    build_request,
    build_response,
    forward_request,
    forward_response,
    parse,
    scan,
    via_lines,
)

VIA = b"Via: SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bKnew\r\n"
SOURCE = address_key("10.0.0.2", 1234)


def lines(data):
    return data.partition(b"\r\n\r\n")[0].split(b"\r\n")


def test_a_forwarded_request_differs_in_its_vias_alone(invite):
    out = forward_request(scan(invite), VIA)
    assert out == invite.replace(b"SIP/2.0\r\n", b"SIP/2.0\r\n" + VIA, 1)


def test_rport_is_filled_in_and_received_always_with_it(invite):
    top = parse(forward_request(scan(invite, None, SOURCE), VIA)).vias[1]
    assert (top.received, top.rport, top.branch) == ("10.0.0.2", 1234, "z9hG4bK-1")
    assert (top.host, top.port) == ("10.0.0.1", 5060)
    top = parse(forward_request(scan(invite, None, address_key("10.0.0.1", 5060)), VIA)).vias[1]
    assert (top.received, top.rport) == ("10.0.0.1", 5060)


@pytest.mark.parametrize(("via", "source", "expected"), [
    (b"10.0.0.2", "10.0.0.2", b"10.0.0.2"), (b"10.0.0.1", "10.0.0.2", b"10.0.0.1;received=10.0.0.2"),
    (b"h.example", "10.0.0.2", b"h.example;received=10.0.0.2"), (b"[::1]", "::1", b"[::1]"),
    (b"[::1]:5060;ttl=1", "::2", b"[::1]:5060;received=::2;ttl=1"),
    (b"10.0.0.2;received=1.1.1.1;x", "10.0.0.2", b"10.0.0.2;received=10.0.0.2;x"),
    (b"[0:0::1] ; rport ;x", "::1", b"[0:0::1];received=::1;rport=1234  ;x")])
def test_received_follows_the_rules(invite, via, source, expected):
    data = invite.replace(b"10.0.0.1:5060;branch=z9hG4bK-1;rport", via)
    out = forward_request(scan(data, None, address_key(source, 1234)), VIA)
    assert lines(out)[2] == b"Via: SIP/2.0/UDP " + expected


def test_rport_can_be_forced(invite):
    m = scan(invite.replace(b";rport", b""), None, SOURCE)
    m.force_rport = True
    top = parse(forward_request(m, VIA)).vias[1]
    assert (top.received, top.rport) == ("10.0.0.2", 1234)


def test_request_uri_max_forwards_and_routes(invite):
    out = forward_request(scan(invite), VIA, "sip:x@y", (), None, 69, b"Route: <sip:z;lr>\r\n")
    assert lines(out)[0] == b"INVITE sip:x@y SIP/2.0"
    assert b"Max-Forwards: 69\r\n" in out
    assert [r.uri for r in parse(out).routes] == ["sip:z;lr", "sip:a.example.com;lr", "sip:b.example.com;lr"]


def test_what_was_set_on_the_request_is_written(invite):
    m = scan(invite)
    m.uri, m.max_forwards = "sip:x@y", 5
    out = parse(forward_request(m, VIA))
    assert (out.uri, out.max_forwards) == ("sip:x@y", 5)
    assert parse(forward_request(m, VIA, "sip:branch@y")).uri == "sip:branch@y"


def test_missing_max_forwards_routes_and_length_are_added(ok):
    data = (b"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nf:sip:a@b\r\nt:sip:a@b\r\ni:x\r\n"
            b"CSeq:1 OPTIONS\r\n\r\nbody")
    out = forward_request(scan(data), VIA, max_forwards=70, routes=b"Route: <sip:z;lr>\r\n")
    assert lines(out)[1:4] == [VIA.strip(), b"Route: <sip:z;lr>", b"Max-Forwards: 70"]
    assert out.endswith(b"CSeq:1 OPTIONS\r\nContent-Length: 4\r\n\r\nbody")


def test_edits_of_the_request_and_of_the_branch_meet(invite):
    m = scan(invite)
    m.insert_header("Record-Route: <sip:me;lr>\r\n")
    branch = Edits()
    branch.insert(m.headers("Via")[0].start, lambda outgoing: f"X-Branch: {outgoing}\r\n".encode())
    out = forward_request(m, VIA, edits=(m.edits, branch), outgoing=3)
    assert lines(out)[1:4] == [VIA.strip(), b"Record-Route: <sip:me;lr>", b"X-Branch: 3"]
    assert out.count(b"Record-Route") == 1, "the request's own edits count once"


def test_removed_max_forwards_stays_away(invite):
    m = scan(invite)
    m.remove_header(m.headers("Max-Forwards")[0])
    assert b"Max-Forwards" not in forward_request(m, VIA, max_forwards=3)


def test_length_follows_edits_of_the_body(invite):
    m = scan(invite)
    m.edits.replace(m.body_offset, m.body_offset + 3, b"v=0\r\nb=1")
    out = parse(forward_request(m, VIA))
    assert len(out.body) == len(m.body) + 5
    assert out.header("Content-Length") == str(len(out.body))


def test_top_via_value_is_stripped_from_responses(ok):
    out = forward_response(scan(ok))
    assert out == ok.replace(b"SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK-top , ", b"")
    assert forward_response(scan(out)) == b"\r\n".join(x for x in out.split(b"\r\n") if not x.startswith(b"Via"))


def test_response_takes_over_what_it_must(invite):
    data = invite.replace(b"Route:", b"Record-Route:").replace(b"Subject", b"Timestamp")
    out = build_response(scan(data, None, SOURCE), 183, "In Progress", "tt", b"Server: x\r\n", b"abc", "text/plain")
    assert lines(out) == [
        b"SIP/2.0 183 In Progress", b"Via: SIP/2.0/UDP 10.0.0.1:5060;received=10.0.0.2;rport=1234;branch=z9hG4bK-1",
        b"v: SIP/2.0/TCP host.example.net;branch=z9hG4bK-0",
        b'Record-Route: <sip:a.example.com;lr>, "x, y" <sip:b.example.com;lr>',
        b'From: "Alice, A." <sip:alice@example.com>;tag=abc', b"To: Bob <sip:bob@example.com>;tag=tt",
        b"Call-ID: one@10.0.0.1", b"CSeq: 7 INVITE", b"Server: x", b"Content-Type: text/plain", b"Content-Length: 3"]
    assert out.endswith(b"\r\n\r\nabc")


def test_trying_has_timestamp_and_neither_tag_nor_route(invite):
    data = invite.replace(b"Route:", b"Record-Route:").replace(b"Subject", b"Timestamp")
    out = parse(build_response(scan(data), 100, "Trying", "tt"))
    assert (out.to_tag, out.record_routes, out.header("Timestamp")) == ("", [], "folded over lines")
    assert parse(build_response(scan(data), 404, "Not Found", "tt")).header("Record-Route") is None


def test_a_tag_that_is_there_stays(invite):
    m = scan(invite.replace(b"<sip:bob@example.com>\r", b"<sip:bob@example.com>;tag=old\r"))
    assert parse(build_response(m, 200, "OK", "new")).to_tag == "old"


@pytest.mark.parametrize("fault", [(b"Via: SIP/2.0/UDP 10.0.0.1:5060", b"Via: SIP/2.0/UDP ;;"), (b"7 INVITE", b"x"),
                                   (b"SIP/2.0\r\n", b"SIP/7.0\r\n"), (b"From:", b"X:"), (b"INVITE sip", b"(( sip")])
def test_faulty_requests_are_answered_too(invite, fault):
    m = scan(invite.replace(*fault, 1), None, SOURCE)
    out = build_response(m, m.fault_status, "No", "t")
    assert out.startswith(b"SIP/2.0 %d No\r\nVia: " % m.fault_status)
    assert out.endswith(b"Content-Length: 0\r\n\r\n")


def test_edits_outside_of_the_message_are_refused(invite):
    m = scan(invite)
    m.edits.insert(len(invite) + 1, b"x")
    with pytest.raises(ValueError):
        forward_request(m, VIA)


def test_a_request_line_that_cannot_be_read_is_no_trap(invite):
    m = scan(invite.replace(b"INVITE", b"((", 1))
    assert forward_request(m, VIA, "sip:x@y").endswith(m.body)


def test_ack_of_a_refused_invite(invite):
    sent = forward_request(scan(invite), VIA, "sip:bob@10.1.1.1")
    refusal = parse(build_response(scan(sent), 486, "Busy Here", "callee"))
    ack = parse(build_ack(sent, refusal, b"X-A: b\r\n"))
    assert (ack.method, ack.uri, ack.cseq, ack.cseq_method) == ("ACK", "sip:bob@10.1.1.1", 7, "ACK")
    assert (ack.to_tag, ack.from_tag, ack.call_id, ack.header("X-A")) == ("callee", "abc", "one@10.0.0.1", "b")
    assert [v.branch for v in ack.vias] == ["z9hG4bKnew"]
    assert [r.uri for r in ack.routes] == ["sip:a.example.com;lr", "sip:b.example.com;lr"]
    assert (ack.body, ack.header("Contact")) == (b"", None)


def test_cancel_of_an_invite(invite):
    sent = forward_request(scan(invite), VIA, "sip:bob@10.1.1.1")
    cancel = parse(build_cancel(scan(sent), b"Reason: SIP;cause=200\r\n"))
    assert (cancel.method, cancel.uri, cancel.cseq, cancel.cseq_method) == ("CANCEL", "sip:bob@10.1.1.1", 7, "CANCEL")
    assert (cancel.to_tag, [v.branch for v in cancel.vias]) == ("", ["z9hG4bKnew"])
    assert cancel.header("Reason") == "SIP;cause=200"


def test_nothing_is_built_from_what_is_no_request(ok):
    for data in (ok, b"x"):
        with pytest.raises(ValueError):
            build_cancel(data)


def test_new_requests():
    data = build_request("MESSAGE", "sip:b@c", via=VIA, from_="<sip:a@b>;tag=1", to="sip:b@c", call_id="x", cseq=3,
                         headers=b"X-A: b\r\n", body=b"hi", content_type="text/plain")
    m = parse(data)
    assert (m.method, m.uri, m.from_tag, m.to.uri, m.call_id, m.cseq, m.max_forwards) == (
        "MESSAGE", "sip:b@c", "1", "sip:b@c", "x", 3, 70)
    assert (m.header("X-A"), m.body, m.content_type, m.via_branch) == ("b", b"hi", "text/plain", "z9hG4bKnew")


@given(st.binary(max_size=60), st.text(alphabet="abc-XYZ019", min_size=1, max_size=8))
def test_unknown_headers_and_bodies_pass_through_to_the_byte(body, name):
    value = bytes(b for b in body if b not in b"\r\n")
    line = b"X-" + name.encode() + b" :" + value + b"\r\n"
    data = (b"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" + line + b"f:sip:a@b\r\nt:sip:a@b\r\ni:x\r\n"
            b"CSeq:1 OPTIONS\r\nl: %d\r\n\r\n" % len(body) + body)
    assert forward_request(scan(data), VIA) == data.replace(b"SIP/2.0\r\n", b"SIP/2.0\r\n" + VIA, 1)


def test_via_lines_are_those_of_a_response(invite):
    data = invite.replace(b"\r\nMax-", b"\r\nv: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa,SIP/2.0/TCP b\r\nMax-", 1)
    request = scan(data, None, SOURCE)
    vias = via_lines(request)
    assert [each for each in lines(build_response(request, 200, "OK")) if each[:2].lower() in (b"vi", b"v:")] == (
        vias.rstrip().split(b"\r\n"))
    assert b"received=10.0.0.2;rport=1234" in vias and vias.count(b"\r\n") == 3

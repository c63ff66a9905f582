from opensips_py.sip import parse
from opensips_py.sip.bodies import boundary, parts, parts_of

MULTIPART = ("--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1\r\nContent-Type:\r\n"
             " application/isup;v=1\r\nContent-Disposition: signal\r\n\r\n\x01\x02\r\n--b1\r\n\r\nplain\r\n--b1--\r\n")


def message(content_type="", body=""):
    header = f"Content-Type: {content_type}\r\n" if content_type else ""
    return parse((f"MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                  f"Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
                  f"Call-ID: 1\r\nCSeq: 1 MESSAGE\r\n{header}Content-Length: {len(body)}\r\n\r\n{body}").encode())


def test_parts_of_a_multipart_body():
    found = parts_of(message('multipart/mixed; boundary="b1"', MULTIPART))
    assert [(each.media_type, each.content) for each in found] == [
        ("application/sdp", b"v=0\r\n"), ("application/isup", b"\x01\x02"), ("text/plain", b"plain")]


def test_parts_know_where_they_are():
    body = MULTIPART.encode()
    found = parts(body, "multipart/mixed;boundary=b1")
    assert [body[each.start:each.start + len(each.content)] for each in found] == [each.content for each in found]
    assert [body[each.head:each.start].partition(b"\r\n")[0] for each in found] == [b"--b1"] * 3
    assert parts(b"v=0", "application/sdp")[0][2:] == (0, 0)


def test_other_bodies_are_their_own_only_part():
    assert parts_of(message()) == []
    assert [each.content for each in parts_of(message("text/plain", "hello"))] == [b"hello"]


def test_a_body_by_itself():
    assert [each.media_type for each in parts(b"v=0", "application/SDP;x=y")] == ["application/sdp"]
    assert parts(b"", "application/sdp") == []


def test_boundaries():
    assert boundary("multipart/mixed;boundary=x") == "x" and boundary("text/plain;boundary=x") is None
    assert boundary("multipart/mixed") is None

"""Messages that several tests start from."""
from __future__ import annotations

import pytest

BODY = b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n"


@pytest.fixture
def invite() -> bytes:
    """An INVITE with two Via values, a Route list, an unknown header, a folded one and a body."""
    return (b"INVITE sip:bob@example.com SIP/2.0\r\n"
            b"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-1;rport\r\n"
            b"v: SIP/2.0/TCP host.example.net;branch=z9hG4bK-0\r\n"
            b"Max-Forwards: 70\r\n"
            b"Route: <sip:a.example.com;lr>, \"x, y\" <sip:b.example.com;lr>\r\n"
            b"From: \"Alice, A.\" <sip:alice@example.com>;tag=abc\r\n"
            b"To: Bob <sip:bob@example.com>\r\n"
            b"Call-ID: one@10.0.0.1\r\n"
            b"CSeq: 7 INVITE\r\n"
            b"Contact: <sip:alice@10.0.0.1:5060>\r\n"
            b"X-Unknown:  kept ,, as it is \r\n"
            b"Subject: folded\r\n  over lines\r\n"
            b"Content-Type: application/sdp\r\n"
            b"Content-Length: %d\r\n\r\n" % len(BODY)) + BODY


@pytest.fixture
def ok() -> bytes:
    """A 200 to it, with two Via values in one header."""
    return (b"SIP/2.0 200 OK\r\n"
            b"Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK-top , SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK-1\r\n"
            b"From: <sip:alice@example.com>;tag=abc\r\n"
            b"To: <sip:bob@example.com>;tag=def\r\n"
            b"Call-ID: one@10.0.0.1\r\n"
            b"CSeq: 7 INVITE\r\n"
            b"Content-Length: 0\r\n\r\n")

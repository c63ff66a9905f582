"""Calls with a body that a script with sipmsgops has worked on."""
from __future__ import annotations

from typing import Any

from opensips_py.sip import parse
from tests.modules.bench import Bench, options

AUDIO = ("m=audio 4000 RTP/AVP 0 8 97 98 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 speex/8000\r\n"
         "a=rtpmap:98 speex/16000\r\na=fmtp:97 mode=1\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
         "a=sendrecv\r\n")
VIDEO = "m=video 4002 RTP/SAVP 34 99\r\na=rtpmap:99 H264/90000\r\na=rtcp-fb:99 nack\r\n"
SESSION = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
SDP = SESSION + AUDIO + VIDEO
ISUP = "\x01\x02isup"
MIXED = "multipart/mixed;boundary=b"
BOTH = (f"--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b\r\nContent-Type: application/isup;v=1\r\n"
        f"Content-Disposition: signal;\r\n handling=optional\r\n\r\n{ISUP}\r\n--b--\r\n")


def invite(content: str = SDP, kind: str = "application/sdp") -> str:
    """An INVITE with this body."""
    return options(method="INVITE", body=content, headers=f"Content-Type: {kind}\r\n" if kind else "")


def play(body: str, content: str = SDP, kind: str = "application/sdp", dialect: Any = "4.0",
         modules: str = "sipmsgops") -> tuple[Any, dict[str, Any]]:
    """The request as it leaves, and the variables of the script; $var(rc) is the code of the last call."""
    bench = Bench(modules, f"{body} $var(rc) = $rc;", dialect=dialect)
    message = bench.message(invite(content, kind))
    found = bench.run_on(message).variables
    sent = parse(message.edited())
    assert sent.content_length == len(sent.body)
    return sent, found


def sdp_after(call: str, content: str = SDP, dialect: Any = "4.0", modules: str = "sipmsgops") -> tuple[str, int]:
    """The body that leaves, and what the last call answered."""
    sent, found = play(f"{call};", content, dialect=dialect, modules=modules)
    return sent.body.decode(), found["rc"]


def answer(call: str, content: str = SDP, kind: str = "application/sdp", dialect: Any = "4.0") -> int:
    """What a call answers that changes nothing."""
    sent, found = play(f"{call};", content, kind, dialect)
    assert sent.body.decode() == content
    code: int = found["rc"]
    return code

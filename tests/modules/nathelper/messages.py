"""Messages of phones behind NAT, and what a script makes of them."""
from __future__ import annotations

from typing import Any

from opensips_py.sip import address_key, parse, scan
from tests.modules.bench import Bench

SESSION = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n"
AUDIO = "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
SDP = SESSION + AUDIO
SOURCE = "203.0.113.7"


def invite(contact: str = "<sip:alice@10.0.0.5:5062>", via: str = "10.0.0.5:5062", body: str = SDP,
           kind: str = "application/sdp", method: str = "INVITE") -> str:
    """A request of Alice's, who sits at a private address."""
    lines = [f"{method} sip:bob@192.0.2.2 SIP/2.0", f"Via: SIP/2.0/UDP {via};branch=z9hG4bKx1",
             "From: <sip:alice@example.com>;tag=a1", "To: <sip:bob@example.com>", "Call-ID: call-9",
             f"CSeq: 1 {method}", "Max-Forwards: 70", *([f"Contact: {contact}"] if contact else []),
             *([f"Content-Type: {kind}"] if body else []), f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines)


def arrived(bench: Bench, text: str, host: str = SOURCE, port: int = 40001, tcp: bool = False) -> Any:
    """The message, come in from *host* and *port*."""
    listener = bench.network.tcp if tcp else bench.network.udp
    message = scan(text.encode(), listener, address_key(host, port))
    assert message is not None and message.fault is None, message and message.fault
    return message


def play(body: str, text: str | None = None, settings: str = "", dialect: Any = "4.0", modules: str = "nathelper",
         tcp: bool = False, host: str = SOURCE) -> tuple[Any, Any]:
    """The request as it leaves, and the run that it went through; $var(rc) is the code of the last call."""
    bench = Bench(modules, f"{body} $var(rc) = $rc;", settings, dialect=dialect)
    message = arrived(bench, invite() if text is None else text, host, tcp=tcp)
    run = bench.run_on(message)
    sent = parse(message.edited())
    assert sent.content_length == len(sent.body)
    return sent, run

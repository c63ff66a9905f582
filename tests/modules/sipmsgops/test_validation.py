"""sipmsg_validate: each code, by a message that earns it."""
from __future__ import annotations

import pytest

from opensips_py.module.run import Route
from opensips_py.modules.sipmsgops.verdicts import TEXTS, Verdict
from tests.modules.bench import Bench, options

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])
SDP = "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
TYPE = "Content-Type: application/sdp\r\n"
CONTACT = "Contact: <sip:alice@192.0.2.1>\r\n"
ALL = "shrftc"


def bench_of(flags, dialect, before=""):
    call = f'sipmsg_validate("{flags}", $var(why)); $var(rc) = $rc;'
    return Bench("sipmsgops", before + call, routes=f"onreply_route[r] {{ {call} }}", dialect=dialect)


def verdict(text, flags=ALL, dialect="4.0", before="", tcp=False):
    """The code for a message; the reason in words must go with it."""
    bench = bench_of(flags, dialect, before)
    message = bench.message(text, tcp)
    run = bench.run_on(message) if message.is_request else bench.run_on(message, Route.ONREPLY, "r")
    found = Verdict(run.variables["rc"])
    assert run.variables.get("why") == TEXTS.get(found)
    return found


def reply(status=200, method="INVITE", headers=CONTACT, body=""):
    return (f"SIP/2.0 {status} Whatever\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx1\r\n"
            "From: <sip:a@example.com>;tag=a1\r\nTo: <sip:b@example.com>;tag=b1\r\nCall-ID: call-9\r\n"
            f"CSeq: 1 {method}\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}")


def without(header, text):
    return "".join(line for line in text.splitlines(True) if not line.startswith(header))


@DIALECTS
@pytest.mark.parametrize("text", [
    options(), options(method="INVITE", headers=TYPE, body=SDP), reply(), reply(180, headers=""),
    reply(405, headers="Allow: INVITE, ACK\r\n"), reply(423, "REGISTER", "Min-Expires: 60\r\n"),
    reply(407, headers='Proxy-Authenticate: Digest realm="x", nonce="y"\r\n'),
    reply(420, headers="Unsupported: foo\r\n"), reply(401, headers='WWW-Authenticate: Digest realm="x", nonce="y"\r\n'),
    options(method="REGISTER", headers="Path: <sip:p.example.com;lr>\r\n"),
    without("Contact", options()), options(headers="Supported:\r\nExpires: 10 ;x=1\r\nContent-Disposition: render\r\n"),
    options(uri="tel:+123").replace("<sip:alice@example.com>", "<tel:+1>"),
    options(uri="sip:%41lice@[2001:db8::1]:5060"), options(uri="sip:192.0.2.2"), options(uri="sip:b@example.com.")])
def test_sound_messages(text, dialect):
    assert verdict(text, dialect=dialect) == Verdict.VALID


@DIALECTS
@pytest.mark.parametrize(("expected", "text"), [
    (-5, options(headers=TYPE, body=SDP).replace(f"Content-Length: {len(SDP)}\r\n", "")),
    (-13, options(forwards=None)), (-14, without("Contact", options(method="INVITE"))), (-14, reply(headers="")),
    (-15, options(headers="Path: <sip:p.example.com;lr>\r\n")), (-16, reply(405)), (-17, reply(423)), (-18, reply(407)),
    (-19, reply(420)), (-20, reply(401)), (-21, options(body="hello"))])
def test_what_is_checked_always(expected, text, dialect):
    assert verdict(text, "", dialect) == expected


@DIALECTS
def test_streams_need_a_length(dialect):
    text = options().replace("Content-Length: 0\r\n", "")
    assert verdict(text, "", dialect, tcp=True) == -4 and verdict(text, "", dialect) == 1


@DIALECTS
def test_function_without_arguments(dialect):
    bench = Bench("sipmsgops", "sipmsg_validate(); $var(rc) = $rc;", dialect=dialect)
    assert bench.run_on(bench.message(options(forwards=None))).variables["rc"] == -13
    assert bench.run_on(bench.message(options())).variables["rc"] == 1


@DIALECTS
def test_max_forwards_may_be_left_out(dialect):
    assert verdict(options(forwards=None), "m", dialect) == 1


@DIALECTS
@pytest.mark.parametrize("body", [
    "o=a 1 1 IN IP4 192.0.2.1\r\n" + SDP, SDP.replace("c=IN IP4 192.0.2.1\r\n", ""), SDP.replace("o=a 1 1", "o=a"),
    SDP.replace("m=audio 4000", "m=audio"), SDP.replace("v=0\r\n", ""), "nonsense"])
def test_session_description(body, dialect):
    text = options(headers=TYPE, body=body)
    assert verdict(text, "s", dialect) == -6 and verdict(text, "", dialect) == 1
    assert verdict(text.replace("application/sdp", "text/plain"), "s", dialect) == 1


@DIALECTS
@pytest.mark.parametrize("header", [
    "Supported: a b", "Allow: INVITE,,ACK", "Expires: soon", "Min-SE: -1", "Event: pre sence", "RAck: 1 INVITE",
    "Content-Type: sdp", "Authorization: Digest realm", "Content-Disposition: ;x"])
def test_values_of_headers(header, dialect):
    text = options(headers=f"{header}\r\n")
    assert verdict(text, "h", dialect) == -2 and verdict(text, "", dialect) == 1


@DIALECTS
@pytest.mark.parametrize("header", [
    "RAck: 1 2 INVITE", "Content-Type: text/plain;charset=x", "Authorization: Basic am9objpwdw==",
    'Authorization: Digest username="a", realm="r", nonce="n", uri="sip:x", response="0a"', "Retry-After: 5 (away)",
    "Subscription-State: active;expires=3"])
def test_sound_values_of_headers(header, dialect):
    assert verdict(options(headers=f"{header}\r\n"), "h", dialect) == 1


@DIALECTS
@pytest.mark.parametrize("host", ["ex_ample.com", "-x.com", "x-.com", "x..com"])
def test_hosts(host, dialect):
    assert verdict(options(uri=f"sip:b@{host}"), "r", dialect) == -12
    assert verdict(options().replace("sip:bob@example.com", f"sip:bob@{host}"), "t", dialect) == -23
    assert verdict(options().replace("sip:alice@example.com", f"sip:alice@{host}"), "f", dialect) == -25
    text = options().replace("alice@192.0.2.1>", f"alice@{host}>")
    assert verdict(text, "c", dialect) == -26 and verdict(text, "rtf", dialect) == 1


@pytest.mark.parametrize(("dialect", "codes"), [("4.0", (-27, -28, -29)), ("2.1", (1, 1, 1))])
@pytest.mark.parametrize("user", ["a#b", "a%4", "a%zz"])
def test_users(user, dialect, codes):
    assert verdict(options(uri=f"sip:{user}@h"), "r", dialect) == codes[0]
    assert verdict(options().replace("sip:alice@example", f"sip:{user}@example"), "f", dialect) == codes[1]
    assert verdict(options().replace("sip:bob@example", f"sip:{user}@example"), "t", dialect) == codes[2]


@DIALECTS
def test_uris_that_are_none(dialect):
    assert verdict(options(), "r", dialect, before='$ru = "nonsense";') == -11
    assert verdict(options().replace("<sip:bob@example.com>", "<sip:>"), "t", dialect) == -22
    assert verdict(options().replace("<sip:alice@example.com>", "<sip:>"), "f", dialect) == -24
    assert verdict(options().replace("<sip:alice@192.0.2.1>", "<sip:>"), "c", dialect) == -26


@DIALECTS
def test_star_in_contact(dialect):
    text = options(method="REGISTER", headers="Expires: 0\r\n").replace("Contact: <sip:alice@192.0.2.1>", "Contact: *")
    assert verdict(text, "c", dialect) == 1
    assert verdict(text.replace("Expires: 0", "Expires: 5"), "c", dialect) == -26
    outside = -30 if dialect == "4.0" else -26
    assert verdict(text.replace("REGISTER", "OPTIONS"), "c", dialect) == outside
    assert verdict(reply(headers="Contact: *\r\n"), "c", dialect) == outside


def test_unknown_flag_is_refused_when_the_script_compiles():
    with pytest.raises(AssertionError, match="is not one of s, h, m, r, f, t, c"):
        Bench("sipmsgops", 'sipmsg_validate("z");')

"""Reading and checking: what is a fault, and what a fault is answered with."""
import pytest

from opensips_py.sip import Response, scan

HEAD = b"OPTIONS sip:bob@example.com SIP/2.0\r\n"
HEADERS = {
    b"Via": b"SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1", b"From": b"<sip:a@b>;tag=1", b"To": b"<sip:a@b>", b"Call-ID": b"c",
    b"CSeq": b"1 OPTIONS", b"Max-Forwards": b"70"}


def message(head=HEAD, extra=b"", body=b"", **changes):
    given = {**HEADERS, **{name.replace("_", "-").encode(): value for name, value in changes.items()}}
    lines = [name + b": " + value + b"\r\n" for name, value in given.items() if value is not None]
    return head + b"".join(lines) + extra + b"\r\n" + body


def test_a_plain_request_has_no_fault():
    found = scan(message())
    assert (found.fault, found.fault_status) == (None, 0)


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_a_mandatory_header_is_missing(name):
    found = scan(message(**{name: None}))
    assert found.fault.startswith("no ")
    assert found.fault_status == (0 if name == "Via" else 400)


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type",
                                  "t", "l"])
def test_a_header_stands_twice_that_may_not(name):
    value = {"t": b"<sip:a@b>", "l": b"0", "Content-Length": b"0", "Content-Type": b"text/plain"}
    line = name.encode() + b": " + value.get(name, HEADERS.get(name.encode(), b"")) + b"\r\n"
    first = b"" if name in HEADERS or name == "t" else line
    assert scan(message(extra=first + line)).fault_status == 400


@pytest.mark.parametrize(("name", "value"), [
    ("CSeq", b"x OPTIONS"), ("CSeq", b"1"), ("CSeq", b"1 INVITE"), ("CSeq", b"2147483648 OPTIONS"),
    ("CSeq", b"1OPTIONS"),
    ("CSeq", b"1 OPT IONS"), ("CSeq", b"-1 OPTIONS"), ("Max-Forwards", b"256"), ("Max-Forwards", b"-1"),
    ("Max-Forwards", b""), ("Max-Forwards", b"7 0"), ("Call-ID", b""), ("Call-ID", b"a b"), ("From", b""),
    ("From", b"a@b"), ("From", b'"x <sip:a@b>'), ("From", b"<sip:a@b>, <sip:c@d>"), ("To", b"Bell, A <sip:a@b>"),
    ("To", b"< sip:a@b >"), ("To", b"<sip:a@b>;;"), ("Via", b"SIP/2.0/UDP"), ("Via", b"SIP/2.0/UDP h;;,;,,"),
    ("Via", b"SIP/2.0/UDP h, "), ("Contact", b"sip:a@b?Route=x"), ("Contact", b"*, <sip:a@b>"), ("Contact", b""),
    ("Route", b"sip:a@b,"), ("Record-Route", b"<sip:a@b"), ("Date", b"Fri, 01 Jan 2010 16:00:00 EST"),
    ("Content-Length", b"-1"), ("Content-Length", b"1"), ("Content-Length", b"99999999999999999999"),
    ("Content-Length", b"0 0"), ("Content-Length", b""), ("Subject", b"a\rb"), ("X Y", b"z"), ("", b"z")])
def test_a_malformed_header_is_answered_with_400(name, value):
    found = scan(message(**{name: value}))
    assert found.fault
    assert found.fault_status == 400


@pytest.mark.parametrize(("name", "value"), [
    ("CSeq", b"2147483647 OPTIONS"), ("CSeq", b"0009\r\n OPTIONS"), ("Max-Forwards", b"0068"), ("Max-Forwards", b"255"),
    ("From", b"sip:a@b"), ("From", b"caller<sip:a@b>"), ("From", b"<isbn:1>;x=\"\xd1\x80\""), ("Contact", b"*"),
    ("Contact", b"\"a, b\" <sip:c@d>, sip:e@f;q=1"), ("Subject", b""),
    ("Call-ID", b"w%ZK-!.*_+'@word`~)(><:\\/\"][?}{"),
    ("Date", b"Sat, 15 Oct 2005 04:44:56 GMT"), ("X-Any", b";;,,;;,;"), ("Expires", b"9" * 100), ("l", b"0"),
    ("Content-Length", b"000"), ("Route", b"\r\n <sip:a;lr>"), ("Max-Forwards", None), ("X!%*_+`'~", b"\xef\xbb\xbf")])
def test_unusual_headers_are_taken(name, value):
    assert scan(message(**{name: value})).fault is None


@pytest.mark.parametrize(("line", "status"), [
    (b"OPTIONS  sip:a@b SIP/2.0", 400), (b"OPTIONS sip:a@b  SIP/2.0", 400), (b"OPTIONS sip:a@b SIP/2.0 ", 400),
    (b"OPTIONS sip:a@b; lr SIP/2.0", 400), (b"OPTIONS <sip:a@b> SIP/2.0", 400), (b"OPTIONS sip:a@b?x=y SIP/2.0", 400),
    (b"OPTIONS sip:2001:db8::1 SIP/2.0", 400), (b"OPTIONS SIP/2.0", 400), (b"OPT\tIONS sip:a@b SIP/2.0", 400),
    (b"(OPTIONS) sip:a@b SIP/2.0", 400), (b"OPTIONS sip:a@b SIP/7.0", 505), (b"OPTIONS sip:a@b SIP/2.00", 400)])
def test_malformed_request_lines(line, status):
    found = scan(message(line + b"\r\n"))
    assert found.fault_status == status


@pytest.mark.parametrize("line", [b"OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", b"OPTIONS nobody:opaque SIP/2.0",
                                  b"OPTIONS tel:+1 SIP/2.0", b"OPTIONS sip:[::1]:5 SIP/2.0",
                                  b"OPTIONS sip:a@b sip/2.0"])
def test_unusual_request_lines_are_taken(line):
    assert scan(message(line + b"\r\n")).fault is None


@pytest.mark.parametrize("line", [b"SIP/2.0 99 x", b"SIP/2.0 700 x", b"SIP/2.0 4294967301 x", b"SIP/2.0 20 x",
                                  b"SIP/3.0 200 OK", b"SIP/2.0  200 OK", b"SIP/2.0 200OK"])
def test_malformed_status_lines_are_dropped(line):
    found = scan(message(line + b"\r\n"))
    assert isinstance(found, Response)
    assert found.fault
    assert found.fault_status == 0


@pytest.mark.parametrize(("line", "status", "reason"), [
    (b"SIP/2.0 100 ", 100, ""), (b"SIP/2.0 200 = 2**3 \xd0\xbd", 200, "= 2**3 н"), (b"SIP/2.0 699 x", 699, "x")])
def test_status_lines(line, status, reason):
    found = scan(message(line + b"\r\n"))
    assert (found.fault, found.status, found.reason) == (None, status, reason)


def test_a_faulty_ack_is_never_answered():
    found = scan(message(b"ACK sip:a@b SIP/2.0\r\n", CSeq=b"1 BYE"))
    assert found.fault
    assert found.fault_status == 0


def test_the_first_fault_is_told():
    assert scan(message(CSeq=b"x", Max_Forwards=b"x")).fault == "malformed CSeq"


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\x00" * 40, b"GET / HTTP/1.1\r\n\r\n",
                                  b"hello world, nothing here\r\n\r\n",
                                  b"INVITE sip:alan@jasomi.com\r\nTo: x\r\n\r\n", b"OPTIONS sip:a@b SIP/2.0"])
def test_what_is_not_sip_is_nothing(data):
    assert scan(data) is None


def test_headers_must_end():
    data = message()
    assert scan(data[:-2]).fault == "no empty line behind the headers"
    assert scan(data[:-4]).fault_status == 400


def test_more_headers_than_fit_at_first_are_all_found():
    found = scan(message(extra=b"".join(b"X-%d: %d\r\n" % (i, i) for i in range(500))))
    assert found.fault is None
    assert found.header("x-499") == "499"
    assert len(found.headers()) == 506


def test_there_is_an_end_to_headers():
    assert scan(message(extra=b"X: y\r\n" * 1100)).fault == "too many headers"

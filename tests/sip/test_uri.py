"""URIs, addresses and Via values."""
import pytest

from opensips_py.errors import MalformedMessage
from opensips_py.sip import NameAddr, Uri, Via, parse_addresses, parse_uri, unquoted


def test_all_parts_of_a_sip_uri():
    uri = Uri.parse("sips:alice:secret@[2001:db8::1]:5070;transport=TCP;lr;x=%20?Subject=a&b=c")
    assert (uri.scheme, uri.user, uri.password) == ("sips", "alice", "secret")
    assert (uri.host, uri.port) == ("[2001:db8::1]", 5070)
    assert uri.parameters == "transport=TCP;lr;x=%20"
    assert uri.headers == "Subject=a&b=c"
    assert (uri.transport, uri.parameter("LR"), uri.parameter("x"), uri.parameter("y")) == ("tcp", "", "%20", None)


def test_everything_before_the_at_is_the_user():
    uri = parse_uri("sip:user;par=u%40example.net/?,@example.com")
    assert (uri.user, uri.host, uri.parameters) == ("user;par=u%40example.net/?,", "example.com", "")


@pytest.mark.parametrize("source", [
    "sip:example.com", "SIP:a@b", "sip:a@b:5060", "sip:a@b;lr?x=y", "sip:+1-2@b;user=phone",
    "tel:+1(2)3;phone-context=x",
    "urn:service:sos", "sip:a@[::1]", "sip:a@[2001:db8:::192.0.2.1]", "sip:a:@b", "http://x/y", "sip:a@b?c=d"])
def test_text_is_kept(source):
    assert str(parse_uri(source)) == source


def test_parts_put_together_make_the_same_text():
    for source in ("sip:a:p@b:1;c;d=e?f=g", "tel:+1;x=y", "sip:b"):
        assert str(parse_uri(source).replace()) == source


def test_replace_changes_one_part():
    assert str(parse_uri("sip:a@b;lr").replace(host="c", port=5)) == "sip:a@c:5;lr"
    with pytest.raises(TypeError):
        parse_uri("sip:a@b").replace(nothing=1)


@pytest.mark.parametrize("source", [
    "", "alice", "sip:", "sip:@b", "sip:a@", "sip:a@b:", "sip:a@b:x", "sip:a@b:70000", "sip:2001:db8::10", "sip:a b@c",
    "sip:a@b c", "<sip:a@b>", "sip:[::1", "sip:[]", "sip:a@b/x", ":a@b", "1sip:a@b", "tel:", "sip:a@b:5060x"])
def test_malformed_uris(source):
    with pytest.raises(MalformedMessage):
        parse_uri(source)


@pytest.mark.parametrize(("one", "other"), [  # RFC 3261, 19.1.4, and what follows from it
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
    ("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
     "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"),
    ("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
     "sip:alice@atlanta.com?priority=urgent&subject=project%20x")])
def test_equal_uris(one, other):
    assert parse_uri(one).equals(parse_uri(other))
    assert parse_uri(other).equals(parse_uri(one))


@pytest.mark.parametrize(("one", "other"), [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:a@b", "sips:a@b"), ("sip:a:x@b", "sip:a@b")])
def test_different_uris(one, other):
    assert not parse_uri(one).equals(parse_uri(other))
    assert not parse_uri(other).equals(parse_uri(one))


def test_address_of_record():
    assert parse_uri("sip:%41lice:pw@EXAMPLE.com:5070;x").aor() == "Alice@example.com"
    assert parse_uri("sip:Example.com").aor() == "example.com"
    assert parse_uri("sip:100%zz@h").aor() == "100%zz@h"
    assert parse_uri("tel:+123").aor() == "+123"


def test_name_addr_with_everything():
    address = NameAddr.parse('"Bob \\"B.\\" <x>, y" <sip:bob@h;p=1?q=2>;tag=t1 ; q=0.75;+sip.instance="<urn:uuid:1;2>"')
    assert address.display_name == '"Bob \\"B.\\" <x>, y"'
    assert address.display_text == 'Bob "B." <x>, y'
    assert (address.uri, address.tag, address.q) == ("sip:bob@h;p=1?q=2", "t1", 750)
    assert address.parameter("+SIP.Instance") == "<urn:uuid:1;2>"
    assert address.parsed_uri.parameter("p") == "1"


def test_parameters_of_an_address_without_brackets_belong_to_the_header():
    address = NameAddr.parse("sip:a@b;tag=x;lr")
    assert (address.uri, address.parameters, address.tag) == ("sip:a@b", "tag=x;lr", "x")


@pytest.mark.parametrize(("source", "expires"), [("", None), (";expires=60", 60), (";expires=x", 3600),
                                                 (";expires=99999999999999", 4294967295),
                                                 (";expires=" + "9" * 9000, 4294967295), (";expires=0", 0)])
def test_expires(source, expires):
    assert NameAddr.parse(f"<sip:a@b>{source}").expires == expires


@pytest.mark.parametrize(("q", "value"), [("0", 0), ("1.0", 1000), ("0.333", 333), ("2", -1), ("x", -1), (".5", 500)])
def test_q(q, value):
    assert NameAddr.parse(f"<sip:a@b>;q={q}").q == value


@pytest.mark.parametrize("source", ["", "a@b", "Bell, A <sip:a@b>", '"x <sip:a@b>', "< sip:a@b>", "<sip:a@b",
                                    "<sip:a@b>;;",
                                    "<sip:a@b>;", "<sip:a@b> x", "sip:a@b?x=y", "<>", "sip:a@b,sip:c@d", '"x" sip:a@b'])
def test_malformed_addresses(source):
    with pytest.raises(MalformedMessage):
        NameAddr.parse(source)


def test_lists_split_at_commas_outside_of_quotes_and_brackets():
    found = parse_addresses('"a, b" <sip:x,y@h>, <sip:c@d>;p="e,f" ,sip:g@h')
    assert [str(a) for a in found] == ['"a, b" <sip:x,y@h>', '<sip:c@d>;p="e,f"', "<sip:g@h>"]


def test_via_with_white_space_everywhere():
    via = Via.parse("SIP / 2.0 / TLS  [::1] : 5061 ; branch = z9 ;received=1.2.3.4; rport = 7;ttl=1")
    assert (via.protocol, via.transport, via.host, via.port, via.branch) == ("TLS", "tls", "[::1]", 5061, "z9")
    assert (via.received, via.rport, via.parameter("ttl"), via.parameter("maddr")) == ("1.2.3.4", 7, "1", None)


def test_via_asks_for_the_port():
    assert Via.parse("SIP/2.0/UDP h;rport").rport == 0
    assert Via.parse("SIP/2.0/UDP h").rport is None


@pytest.mark.parametrize("source", ["", "SIP/2.0/UDP", "SIP/2.0 h", "SIP/2.0/UDP h;", "SIP/2.0/UDP h;;,", "UDP h",
                                    "SIP/2.0/UDP h:x", "SIP/2.0/UDP h x", "SIP/2.0/UDP h;rport=x", "SIP/2.0/UDP a,b"])
def test_malformed_vias(source):
    with pytest.raises(MalformedMessage):
        Via.parse(source)


def test_unquoted():
    assert [unquoted(s) for s in ('"a"', 'a', '"', '""', '"a\\\\\\"b"')] == ["a", "a", '"', "", 'a\\"b']


def test_bytes_that_are_no_utf8_survive():
    text = b"sip:\xff@h".decode("utf-8", "surrogateescape")
    assert parse_uri(text).user.encode("utf-8", "surrogateescape") == b"\xff"

import pytest

URI = "sips:alice:secret@[2001:db8::1]:5071;transport=tcp;user=phone;ttl=3;method=INVITE;maddr=1.2.3.4;lr;r2=on?a=b&c=d"
VIA = ("SIP / 2.0 / UDP first.example.com: 4000;ttl=16;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1;received=9.8.7.6"
       ";rport=99")
LIST = '"first" <sip:first@opensips.org>;tag=a;private=yes, "a, b" <sip:second@x>, sip:third@y'


@pytest.mark.parametrize(("steps", "result"), [
    ("{uri.user}", "alice"), ("{uri.passwd}", "secret"), ("{uri.host}", "[2001:db8::1]"),
    ("{uri.domain}", "[2001:db8::1]"),
    ("{uri.port}", 5071), ("{uri.schema}", "sips"), ("{uri.transport}", "tcp"), ("{uri.ttl}", "3"),
    ("{uri.uparam}", "phone"), ("{uri.maddr}", "1.2.3.4"), ("{uri.method}", "INVITE"), ("{uri.lr}", None),
    ("{uri.r2}", "on"), ("{uri.param,user}", "phone"), ("{uri.param,none}", None), ("{uri.headers}", "a=b&c=d"),
    ("{uri.params}", "transport=tcp;user=phone;ttl=3;method=INVITE;maddr=1.2.3.4;lr;r2=on")])
def test_uri(world, steps, result):
    assert world.through(URI, steps) == result


def test_missing_parts_of_a_uri_are_null(world):
    for part in ("user", "passwd", "port", "params", "headers", "transport", "lr"):
        assert world.through("sip:host", f"{{uri.{part}}}") is None
        assert world.through("not a uri", f"{{uri.{part}}}") is None


@pytest.mark.parametrize(("steps", "result"), [
    ("{via.name}", "SIP"), ("{via.version}", "2.0"), ("{via.transport}", "UDP"), ("{via.transport}{s.tolower}", "udp"),
    ("{via.host}", "first.example.com"), ("{via.domain}", "first.example.com"), ("{via.port}", 4000),
    ("{via.param,ttl}", "16"), ("{via.branch}", "z9hG4bKa7c6a8dlze.1"), ("{via.received}", "9.8.7.6"),
    ("{via.rport}", "99"), ("{via.param,none}", None), ("{via.comment}", None)])
def test_via(world, steps, result):
    assert world.through(VIA, steps) == result


def test_further_via_values_and_missing_parts(world):
    assert world.through("SIP/2.0/TCP a;branch=1, SIP/2.0/UDP b", "{via.host}") == "a"
    assert world.through("SIP/2.0/TCP a", "{via.port}") is None
    assert world.through("SIP/2.0/TCP a", "{via.params}") is None
    assert world.through("nonsense", "{via.host}") is None


@pytest.mark.parametrize(("steps", "result"), [
    ("{nameaddr.name}", '"first"'), ("{nameaddr.uri}", "sip:first@opensips.org"), ("{nameaddr.param,tag}", "a"),
    ("{nameaddr.params}", "tag=a;private=yes"), ("{nameaddr.len}", 32), ("{nameaddr.1.name}", '"a, b"'),
    ("{nameaddr.1.uri}", "sip:second@x"), ("{nameaddr.-1.uri}", "sip:third@y"), ("{nameaddr.5.uri}", None),
    ("{nameaddr.-1.name}", None), ("{nameaddr.1.param,tag}", None)])
def test_nameaddr(world, steps, result):
    assert world.through(LIST, steps) == result


@pytest.mark.parametrize(("steps", "result"), [
    ("{param.value,c}", "3"), ("{param.value,C}", "3"), ("{param.value,ob}", ""), ("{param.value,x}", None),
    ("{param.exist,ob}", 1), ("{param.exists,foo}", 0), ("{param.valueat,1}", "2;2"), ("{param.valueat,-1}", "3"),
    ("{param.name,1}", "b"), ("{param.name,-1}", "c"), ("{param.name,9}", None), ("{param.count}", 4)])
def test_param(world, steps, result):
    assert world.through('a=1;b="2;2";ob; c = 3', steps) == result


@pytest.mark.parametrize("text", ["a=1;c=3;", "x y;c=3", "a=1 2;c=3"])
def test_no_list_of_parameters(world, text):
    assert [world.through(text, each) for each in ("{param.value,c}", "{param.exist,c}", "{param.count}")] == [None] * 3


def test_the_argument_may_be_a_variable(world):
    world.assign("$var(p)", "branch")
    assert world.value("$(hdr(Via)[1]{via.param,$var(p)})") == "z9hG4bK2"
    assert world.value("$(hdr(Via)[1]{param.value,received})") is None

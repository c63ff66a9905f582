import pytest

from opensips_py.script.variables import parse

SDP = ("v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n"
       "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\nm=video 4002 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n"
       "m=audio 4004 RTP/AVP 3\r\n")


@pytest.mark.parametrize(("value", "steps", "result"), [
    ("194.168.4.34", "{ip.pton}{ip.ntop}", "194.168.4.34"),
    ("2001:db8::1", "{ip.pton}{ip.ntop}", "2001:DB8:0:0:0:0:0:1"),
    ("194.168.4.34", "{ip.pton}{s.len}", 4), ("[::1]", "{ip.pton}{ip.family}", "INET6"),
    ("1.2.3.4", "{ip.pton}{ip.family}", "INET"), ("x", "{ip.pton}", None), ("x", "{ip.ntop}", None),
    ("194.068.4.034", "{ip.isip}", 1), ("194.068.4.034.1", "{ip.isip}", 0), ("::1", "{ip.isip4}", 0),
    ("1.2.3.4", "{ip.isip4}", 1), ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "{ip.isip6}", 1),
    ("1.2.3.4", "{ip.isip6}", 0),
    ("10.10.0.9", "{ip.matches,10.10.0.1/24}", 1), ("10.11.0.9", "{ip.matches,10.10.0.1/24}", 0),
    ("::1", "{ip.matches,10.10.0.1/24}", None), ("1.2.3.4", "{ip.matches,nonsense}", None),
    ("192.168.3.4", "{ip.isprivate}", 1), ("100.64.1.1", "{ip.isprivate}", 1), ("127.0.0.1", "{ip.isprivate}", 1),
    ("8.8.8.8", "{ip.isprivate}", 0), ("host", "{ip.isprivate}", 0), ("1.2.3.4", "{ip.resolve}", "1.2.3.4"),
    ("a,b,c", "{csv.count}", 3), ("a,b,c", "{csv.value,2}", "c"), ("a,b,c", "{csv.value,-1}", "c"),
    ("a,b,c", "{csv.value,3}", None), ('a,"b,""c""",d', "{csv.value,1}", 'b,"c"'), ('a,"b,c",d', "{csv.count}", 3),
    (SDP, "{sdp.line,m}", "m=audio 4000 RTP/AVP 0 8"), (SDP, "{sdp.line,a,1}", "a=ptime:20"),
    (SDP, "{sdp.line,a,9}", None),
    (SDP, "{sdp.stream,1}", "m=video 4002 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n"),
    (SDP, "{sdp.stream,-1}", "m=audio 4004 RTP/AVP 3\r\n"),
    (SDP, "{sdp.stream,video}{sdp.line,m}", "m=video 4002 RTP/AVP 31"),
    (SDP, "{sdp.stream,text}", None), (SDP, "{sdp.stream-delete,text}", None),
    (SDP, "{sdp.stream-delete,audio}{sdp.line,m}", "m=video 4002 RTP/AVP 31"),
    (SDP, "{sdp.stream-delete,audio}{sdp.line,m,1}", None),
    (SDP, "{sdp.stream-delete,0}{sdp.line,m,1}", "m=audio 4004 RTP/AVP 3"),
    ("abc", "{re.subst,/b/B/g}", "aBc"), ("abcb", "{re.subst,/B/x/i}", "axcb"), ("abc", "{re.subst,/x/y/}", "abc"),
    ("sip:bob@x", r"{re.subst,/^sip:(.*)@(.*)$/\2-\1/}", "x-bob"), ("aaa", r"{re.subst,/a{2}/<\0>/}", "<aa>a"),
    ("a/b", r"{re.subst,/\//-/}", "a-b"), ("a/b", "{re.subst,#/#-#}", "a-b"), ("a,b", "{re.subst,/,/;/}", "a;b"),
])
def test_values(world, value, steps, result):
    assert world.through(value, steps) == result


def test_the_substitution_may_be_a_variable(world):
    world.assign("$var(reg)", "/a/A/g")
    assert world.through("banana", "{re.subst,$var(reg)}") == "bAnAnA"
    world.assign("$var(reg)", "nonsense")
    assert world.through("banana", "{re.subst,$var(reg)}") is None


def test_a_host_name_is_resolved(world):
    assert world.through("localhost", "{ip.resolve}{ip.isip}") == 1
    assert world.scope.bind(parse("$(var(x){ip.resolve})")).waits
    assert not world.scope.bind(parse("$(var(x){ip.isip})")).waits

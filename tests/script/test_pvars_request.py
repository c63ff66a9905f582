import pytest


@pytest.mark.parametrize(("text", "value"), [
    ("$rm", "INVITE"), ("$ru", "sip:bob@biloxi.com:5070;transport=tcp"),
    ("$ruri", "sip:bob@biloxi.com:5070;transport=tcp"),
    ("$rU", "bob"), ("$ruri.user", "bob"), ("$rd", "biloxi.com"), ("$ruri.domain", "biloxi.com"), ("$rp", 5070),
    ("$rP", "tcp"), ("$rs", None), ("$rr", None), ("$du", None), ("$duri", None), ("$dd", None), ("$dp", None),
    ("$dP", None), ("$ru_q", -1), ("$ou", "sip:bob@biloxi.com:5070;transport=tcp"), ("$oU", "bob"),
    ("$od", "biloxi.com"), ("$op", 5070), ("$oP", "tcp"),
    ("$ds", "Contact: <sip:bob@biloxi.com:5070;transport=tcp>")])
def test_of_a_request(world, text, value):
    assert world.value(text) == value


def test_of_a_response(world):
    world.on_ringing()
    assert (world.value("$rs"), world.value("$rr"), world.value("$rm")) == (180, "Ringing", "INVITE")
    for text in ("$ru", "$rU", "$rd", "$rp", "$rP", "$ou", "$oU", "$od", "$op", "$oP", "$du", "$dd", "$dp", "$dP",
    "$ds",
                 "$ru_q"):
        assert world.value(text) is None


def test_assigning_parts_of_the_request_uri_keeps_the_others(world):
    world.assign("$rU", "carol")
    world.assign("$rd", "example.org")
    world.assign("$rp", 5080)
    assert world.value("$ru") == "sip:carol@example.org:5080;transport=tcp"
    world.assign("$rU", None)
    world.assign("$rp", None)
    assert world.value("$ru") == "sip:example.org;transport=tcp"
    assert (world.value("$rU"), world.value("$rp")) == (None, 5060)
    assert world.value("$oU") == "bob"
    world.assign("$ruri", "sip:new@host")
    assert (world.value("$rd"), world.request.uri) == ("host", "sip:new@host")
    world.assign("$ruri.user", "dave")
    world.assign("$ruri.domain", "example.net")
    assert world.request.uri == "sip:dave@example.net"
    assert world.value("$ouri") == world.value("$ou") == "sip:bob@biloxi.com:5070;transport=tcp"


def test_default_ports_and_protocols(world):
    world.assign("$ru", "sips:bob@biloxi.com")
    assert (world.value("$rp"), world.value("$rP")) == (5061, "tls")
    world.assign("$ru", "sip:bob@biloxi.com")
    assert (world.value("$rp"), world.value("$rP")) == (5060, "udp")


def test_destination(world):
    world.assign("$du", "sip:proxy.example.org:5066;transport=tls")
    assert [world.value(each) for each in ("$dd", "$dp", "$dP")] == ["proxy.example.org", 5066, "tls"]
    world.assign("$dd", "10.0.0.1")
    world.assign("$dp", 5067)
    assert world.value("$du") == "sip:10.0.0.1:5067;transport=tls"
    world.assign("$du", "no uri")
    assert world.value("$du") == "sip:10.0.0.1:5067;transport=tls"
    assert world.value("$duri") == "sip:10.0.0.1:5067;transport=tls"
    world.assign("$duri", None)
    assert world.value("$du") is None
    world.assign("$dd", "10.0.0.2")
    assert world.value("$du") is None


def test_q_of_the_request_uri(world):
    world.assign("$ru_q", "0.75")
    assert (world.value("$ru_q"), world.request.q) == (750, 750)
    world.assign("$ru_q", "5")
    assert world.value("$ru_q") == 750
    world.assign("$ru_q", 5000)
    assert world.value("$ru_q") == 1000
    world.call("append_branch", "sip:x@y", None)
    assert world.value("$ds") == "Contact: <sip:bob@biloxi.com:5070;transport=tcp>;q=1, <sip:x@y>"


def test_contexts_choose_the_message(world):
    request = world.request
    world.on_ringing(request)
    assert world.value("$(<request>ru)") == request.uri
    assert (world.value("$(<reply>rs)"), world.value("$(<request>rs)")) == (180, None)
    world.assign("$(<request>rU)", "dave")
    assert request.uri.startswith("sip:dave@")

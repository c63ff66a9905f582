import pytest

START = "sip:bob@biloxi.com:5070;transport=tcp"


@pytest.mark.parametrize(("name", "argument", "uri"), [
    ("seturi", "sip:x@y", "sip:x@y"), ("rewriteuri", "sip:x@y", "sip:x@y"),
    ("sethost", "h.org", "sip:bob@h.org:5070;transport=tcp"), ("seth", "[::1]", "sip:bob@[::1]:5070;transport=tcp"),
    ("rewritehost", "h.org", "sip:bob@h.org:5070;transport=tcp"),
    ("sethostport", "h.org:99", "sip:bob@h.org:99;transport=tcp"), ("sethp", "h.org", "sip:bob@h.org;transport=tcp"),
    ("rewritehostport", "[::1]:7", "sip:bob@[::1]:7;transport=tcp"),
    ("setport", "99", "sip:bob@biloxi.com:99;transport=tcp"), ("setp", "99", "sip:bob@biloxi.com:99;transport=tcp"),
    ("rewriteport", "99", "sip:bob@biloxi.com:99;transport=tcp"),
    ("setuser", "carol", "sip:carol@biloxi.com:5070;transport=tcp"),
    ("setu", "carol", "sip:carol@biloxi.com:5070;transport=tcp"),
    ("rewriteuser", "carol", "sip:carol@biloxi.com:5070;transport=tcp"),
    ("setuserpass", "s3cret", "sip:s3cret@biloxi.com:5070;transport=tcp"),
    ("setup", "u:p", "sip:u:p@biloxi.com:5070;transport=tcp"),
    ("rewriteuserpass", "p", "sip:p@biloxi.com:5070;transport=tcp"),
    ("prefix", "00", "sip:00bob@biloxi.com:5070;transport=tcp"), ("strip", 2, "sip:b@biloxi.com:5070;transport=tcp"),
    ("strip", 9, "sip:biloxi.com:5070;transport=tcp"), ("strip_tail", 1, "sip:bo@biloxi.com:5070;transport=tcp"),
    ("strip_tail", 9, "sip:biloxi.com:5070;transport=tcp")])
def test_rewriting(world, name, argument, uri):
    assert world.call(name, argument) is True
    assert world.request.uri == uri
    assert world.call("revert_uri") is True
    assert world.request.uri == START


def test_responses_have_no_uri_to_rewrite(world):
    world.on_ringing()
    for name, argument in (("seturi", "sip:x@y"), ("sethost", "h"), ("sethostport", "h:1"), ("setport", "1"),
                           ("setuser", "u"), ("setuserpass", "p"), ("prefix", "0"), ("strip", 1), ("strip_tail", 1)):
        assert world.call(name, argument) is False
    assert world.call("revert_uri") is False


def test_destination_uri(world):
    assert world.call("isdsturiset") is False and world.call("isduriset") is False
    assert world.call("setdsturi", "sip:10.0.0.1") is True
    assert world.call("isduriset") is True and world.request.destination == "sip:10.0.0.1"
    assert world.call("setduri", "nonsense") is False
    assert world.call("resetdsturi") is True and world.request.destination is None
    world.call("setdsturi", "sip:a")
    assert world.call("resetduri") is True and not world.call("isdsturiset")


def test_construct_uri(world):
    result = world.writable("$avp(newuri)")
    assert world.call("construct_uri", "sip", "vlad", "opensips.org", "5080", "transport=tcp", result) is True
    assert world.value("$avp(newuri)") == "sip:vlad@opensips.org:5080;transport=tcp"
    assert world.call("construct_uri", "sips", None, "opensips.org", "", None, result) is True
    assert world.value("$avp(newuri)") == "sips:opensips.org"
    assert world.call("construct_uri", "sip", "u", "", None, None, result) is False

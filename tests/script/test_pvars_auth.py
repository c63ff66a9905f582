import pytest

HEADER = (
    'Authorization: Digest username="alice@home", realm="biloxi.com", nonce="n0,1", uri="sip:b@x", response="r3s", '
    'cnonce="c1", opaque="o1", algorithm=MD5, qop=auth, nc=00000001\r\n')


@pytest.mark.parametrize(("text", "value"), [
    ("$au", "alice"), ("$ad", "home"), ("$aU", "alice@home"), ("$Au", "alice@biloxi.com"), ("$ar", "biloxi.com"),
    ("$adu", "sip:b@x"),
    ("$an", "n0,1"), ("$auth.nonce", "n0,1"), ("$auth.resp", "r3s"), ("$auth.cnonce", "c1"), ("$auth.opaque", "o1"),
    ("$auth.alg", "MD5"), ("$auth.qop", "auth"), ("$auth.nc", "00000001")])
def test_credentials(world, text, value):
    assert world.on_invite(HEADER).value(text) == value
    assert world.on_invite("Proxy-" + HEADER).value(text) == value


def test_without_credentials(world):
    assert [world.value(each) for each in ("$au", "$ad", "$aU", "$ar", "$auth.nc")] == [None] * 5
    assert world.value("$Au") == "alice@atlanta.com"
    assert world.on_invite("Authorization: Bearer abc\r\n").value("$au") is None
    assert world.on_invite('Authorization: Digest username="bob", realm="r"\r\n').value("$ad") is None


@pytest.mark.parametrize(("text", "value"), [
    ("realm", "a.b"), ("nonce", "xyz"), ("opaque", "op"), ("algorithm", "AKAv1-MD5"), ("qop", "auth,auth-int"),
    ("ik", "00ff"), ("ck", "ff00")])
def test_challenges(world, text, value):
    world.on_ringing(more='WWW-Authenticate: Digest realm="a.b", nonce="xyz", opaque="op", algorithm=AKAv1-MD5,'
                          ' qop="auth,auth-int", ik="00ff", ck="ff00"\r\n')
    assert world.value(f"$challenge.{text}") == value
    assert world.value("$au") is None

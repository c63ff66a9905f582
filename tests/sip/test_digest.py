"""Digest authentication, with the examples of the RFCs."""
import hashlib

import pytest

from opensips_py.errors import MalformedMessage
from opensips_py.sip._digest import (
    credential_values,
    digest_parameters,
    equal_texts,
    hexadecimal,
    is_digest,
    md5_hex,
    md5_joined,
    parse_parameters,
)
from opensips_py.sip.digest import (
    ALGORITHMS,
    Challenge,
    Credentials,
    Ha1,
    Password,
    algorithm_of,
    digest_hash,
    digest_response,
    ha1,
    quote,
)

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def test_example_of_rfc_2617():
    response = digest_response(ha1("Mufasa", "testrealm@host.com", "Circle Of Life"), "GET", "/dir/index.html",
                               "dcd98b7102dd2f0e8b11d0f600bfb0c093", qop="auth", nc="00000001", cnonce="0a4f113b")
    assert response == "6629fae49393a05397450978507c4ef1"


@pytest.mark.parametrize(("algorithm", "expected"), [  # RFC 7616, 3.9.1
    ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
    ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")])
def test_examples_of_rfc_7616(algorithm, expected):
    secret = ha1("Mufasa", "http-auth@example.org", "Circle of Life", algorithm)
    assert digest_response(secret, "GET", "/dir/index.html", NONCE, algorithm=algorithm, qop="auth", nc="00000001",
                           cnonce=CNONCE) == expected


def test_sha_512_256_is_no_cut_sha_512():
    assert digest_hash("SHA-512-256", "abc") == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def test_without_qop():
    expected = md5(f"{md5('u:r:p')}:n:{md5('REGISTER:sip:r')}")
    assert digest_response(ha1("u", "r", "p"), "REGISTER", "sip:r", "n") == expected


def test_session_keys_and_integrity():
    session = md5(f"{md5('u:r:p')}:n:c")
    expected = md5(f"{session}:n:00000001:c:auth-int:{md5('INVITE:sip:r:' + md5('body'))}")
    assert digest_response(ha1("u", "r", "p"), "INVITE", "sip:r", "n", algorithm="MD5-sess", qop="auth-int",
                           nc="00000001", cnonce="c", body=b"body") == expected


@pytest.mark.parametrize("algorithm", ["MD5", "md5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"])
@pytest.mark.parametrize("qop", ["", "auth", "auth-int", "auth,auth-int"])
def test_an_answer_verifies_and_only_that(algorithm, qop):
    challenge = Challenge.parse(str(Challenge("r", "n", algorithm, qop, "o")))
    found = Credentials.parse(str(challenge.answer("u\"x", "p", "INVITE", "sip:r", cnonce="c", body=b"b")))
    secret = ha1("u\"x", "r", "p", algorithm)
    assert found.verify(secret, "INVITE", b"b")
    assert not found.verify(secret, "BYE", b"b")
    assert not found.verify(ha1("u", "r", "wrong", algorithm), "INVITE", b"b")
    assert found.verify(secret, "INVITE", b"other") == (qop != "auth-int")
    assert (found.opaque, found.nc) == ("o", "00000001" if qop else "")


def test_credentials_as_phones_write_them():
    found = Credentials.parse('DIGEST username="a\\"b",realm="x, y" , nonce=n,uri="sip:h",response="ABC",z=1')
    assert (found.username, found.realm, found.nonce, found.response) == ('a"b', "x, y", "n", "abc")
    assert "z=" not in str(found)


@pytest.mark.parametrize("value", [
    "", "Basic abc", "NoOneKnowsThisScheme opaque-data=here", "Digest", 'Digest username="u"', "Digest x",
    'Digest username="u,realm="r"', 'Digest username="u",username="u",realm="r",nonce="n",uri="x",response="y"',
    'Digest username="u",realm="r",nonce="n",uri="x",response="y",qop=auth'])
def test_malformed_credentials(value):
    with pytest.raises(MalformedMessage):
        Credentials.parse(value)


def test_challenges():
    text = 'Digest realm="r", nonce="n", qop="auth", opaque="o", stale=true, domain="sip:x", algorithm=SHA-256'
    assert str(Challenge.parse(text)) == text
    assert Challenge.parse('Digest realm="r",nonce="n"') == Challenge("r", "n")
    with pytest.raises(MalformedMessage):
        Challenge.parse('Digest realm="r"')


def test_unknown_algorithms():
    with pytest.raises(ValueError):
        digest_hash("SHA-1", "x")
    assert not Credentials("u", "r", "n", "x", "y", "SHA-1").verify("h", "INVITE")


@pytest.mark.parametrize(("name", "number", "size", "session"), [
    ("MD5", 0, 32, False), ("md5-SESS", 1, 32, True), ("sha-256", 2, 64, False), ("SHA-256-sess", 3, 64, True),
    ("SHA-512-256", 4, 64, False), ("SHA-512-256-sess", 5, 64, True), ("", 0, 32, False)])
def test_algorithms(name, number, size, session):
    found = algorithm_of(name)
    assert (found.number, found.size, found.session) == (number, size, session)
    assert len(found.hash(b"")) == size and ALGORITHMS[number] is found


def test_unknown_algorithms_answer_nothing():
    assert algorithm_of("SHA-1") is None and algorithm_of("sess") is None
    with pytest.raises(ValueError, match=r"unknown digest algorithm 'SHA-1'; known are MD5, MD5-sess"):
        digest_hash("SHA-1", "")
    assert Challenge("r", "n", "SHA-1").respond("u", Password("p"), "M", "u", cnonce="c") is None
    with pytest.raises(ValueError, match="unknown"):
        Challenge("r", "n", "SHA-1").answer("u", "p", "M", "u")


def test_what_servers_store():
    md5, sha = (algorithm_of(name) for name in ("MD5-sess", "SHA-256"))
    assert Password("p").ha1("u", "r", md5) == ha1("u", "r", "p")
    stored = Ha1(md5=ha1("u", "r", "p").upper(), sha_256="cut")
    assert stored.ha1("u", "r", md5) == ha1("u", "r", "p") and stored.ha1("u", "r", sha) is None
    assert "p" not in repr(Password("p")).removeprefix("Password") and ha1("u", "r", "p") not in repr(stored).lower()


def test_quotes_hold_no_line_end():
    assert quote('a"\r\n\\\x00b\x7f') == '"a\\"\\\\b"'


@pytest.mark.parametrize(("source", "expected"), [
    ("", {}), (" , ,", {}), ("a=1,,b=2,", {"a": "1", "b": "2"}), ('A = "x, \\"y\\\\" , b=', {"a": 'x, "y\\', "b": ""}),
    ('a="",b=""', {"a": "", "b": ""}), ("a=b=c", {"a": "b=c"}), ('a="1"\r\n ,b="2"', {"a": "1", "b": "2"})])
def test_parameters(source, expected):
    assert parse_parameters(source) == expected


@pytest.mark.parametrize("source", [
    "a", "=1", "a=1,b", 'a="', 'a="\\"', 'a="\\', 'a="1"x', 'a=1"', 'a="1" "2"', '"a"=1', "a=1,a=2",
    ",".join(f"p{i}=1" for i in range(51))])
def test_malformed_parameters(source):
    with pytest.raises(MalformedMessage):
        parse_parameters(source)


def test_as_many_parameters_as_anybody_needs():
    assert len(parse_parameters(",".join(f"p{i}=1" for i in range(50)))) == 50


@pytest.mark.parametrize("size", [*range(140), 1000])
def test_md5(size):
    data = bytes(range(size % 256)) * (size // 255 + 1)
    assert md5_hex(data[:size]) == hashlib.md5(data[:size]).hexdigest()


@pytest.mark.parametrize(("text", "number"), [
    ("0", 0), ("00000001", 1), ("fF", 255), ("ffffffff", 0xFFFFFFFF), ("", -1), ("000000001", -1),
    ("0x1", -1), ("1_0", -1), (" 1", -1), ("-1", -1), ("g", -1), ("é", -1), ("\u0661", -1)])
def test_hexadecimal_numbers(text, number):
    assert hexadecimal(text) == number


@pytest.mark.parametrize(("value", "claims", "parameters"), [
    ("Digest a=1", True, {"a": "1"}), (" dIGEST\ta=1", True, {"a": "1"}), ("Digest", True, {}),
    ("Digests a=1", True, {}), ("Diges a=1", False, {}), ("Basic a=1", False, {}), ("", False, {}),
    ('Digest a="é"', True, {"a": "é"}), ("Digést a=1", False, {}),
    ('Digest USERNAME = "u",Nonce=n', True, {"username": "u", "nonce": "n"})])
def test_the_scheme(value, claims, parameters):
    assert is_digest(value) is claims and digest_parameters(value) == parameters


FIELDS = ("username", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "opaque")


@pytest.mark.parametrize("value", [
    'Digest username="u",realm="r",cnonce="c",nc=00000001,qop=auth,uri="sip:x",nonce="n",response="0f",algorithm=MD5',
    'Digest USERNAME="a\\"b" , Realm="" , nonce=n\r\n ,uri="x",response="0AF" ,nc=00000002 ,qop="auth-int",other=1',
    'Digest username="é",realm="r",nonce="n",uri="x",response="É",opaque="o",algorithm=SHA-256,cnonce=c', "Digest",
    'Digests username="u"', 'Basic username="u"', "", 'Digest response="\\A",nc=x,algorithm=md5,qop=Auth,opaque=',
    ",".join(["Digest p=1", *(f"p{i}=1" for i in range(48)), "uri=x"])])
def test_credentials_are_read_as_any_parameters_are(value):
    given = digest_parameters(value)
    if "response" in given:
        given["response"] = given["response"].lower()
    assert credential_values(value) == [given.get(each) for each in FIELDS]


@pytest.mark.parametrize("value", [
    "Digest a", "Digest uri=x,URI=y", 'Digest uri="', "Digest a=1,uri=x,A=2", 'Digest uri="x"y', 'Digest uri=x"y"',
    ",".join(["Digest p=1", *(f"p{i}=1" for i in range(49)), "uri=x"]),
    ",".join(["Digest uri=x", *(f"p{i}=1" for i in range(50))])])
def test_credentials_that_cannot_be_read(value):
    for read in (digest_parameters, credential_values):
        with pytest.raises(MalformedMessage):
            read(value)


@pytest.mark.parametrize("texts", [
    ("",), ("a", "b"), ("", ""), ("é", "b"), ("x" * 1022, ""), ("x" * 1023, "y"), ("x" * 1024,), ("x" * 5000, "y"),
    *(("x" * size, "") for size in range(50, 130))])
def test_md5_of_texts_with_colons_between(texts):
    assert md5_joined(texts) == hashlib.md5(":".join(texts).encode()).hexdigest()


@pytest.mark.parametrize(("one", "other", "equal"), [
    ("", "", True), ("abc", "abc", True), ("abc", "abd", False), ("abc", "abcd", False), ("abc", "", False),
    ("é", "é", True), ("é", "è", False), ("é", "e", False), ("xbc", "abc", False)])
def test_equal_texts(one, other, equal):
    assert equal_texts(one, other) is equal


@pytest.mark.parametrize("function", [
    is_digest, digest_parameters, hexadecimal, md5_hex, credential_values, md5_joined,
    lambda none: equal_texts("", none),
    lambda none: md5_joined((none,))])
def test_what_is_no_text(function):
    with pytest.raises(TypeError):
        function(None)

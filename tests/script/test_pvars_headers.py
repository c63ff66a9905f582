import pytest


@pytest.mark.parametrize(("text", "value"), [
    ("$ci", "a84b@pc33"), ("$cs", "314"), ("$cl", 0), ("$ua", "Phone 1.0"), ("$fu", "sip:alice@atlanta.com"),
    ("$from", "sip:alice@atlanta.com"), ("$fU", "alice"), ("$from.user", "alice"), ("$fd", "atlanta.com"),
    ("$from.domain", "atlanta.com"), ("$fn", '"Alice"'), ("$ft", "1928"), ("$tu", "sip:bob@biloxi.com"),
    ("$to", "sip:bob@biloxi.com"), ("$tU", "bob"), ("$to.user", "bob"), ("$td", "biloxi.com"),
    ("$to.domain", "biloxi.com"), ("$tn", "Bob"), ("$tt", None), ("$path", None), ("$rt", None), ("$ai", None),
    ("$hdr(subject)", None), ("$hdrcnt(via)", 2), ("$hdrcnt(v)", 2), ("$(hdr_name[0])", "Via"),
    ("$(hdr_name[-1])", "Content-Length"), ("$(hdr_name[99])", None)])
def test_common_headers(world, text, value):
    assert world.value(text) == value


def test_contacts(world):
    assert world.value("$ct") == "<sip:alice@pc33.atlanta.com>;q=0.5;expires=60"
    assert world.value("$(ct[1])") == world.value("$(ct[-1])") == '"X" <sip:x@c>'
    assert world.value("$(ct[2])") is None
    assert world.value("$(ct[*])") == '<sip:alice@pc33.atlanta.com>;q=0.5;expires=60, "X" <sip:x@c>'
    assert world.values("$(ct[*])") == [world.value("$ct"), world.value("$(ct[1])")]


@pytest.mark.parametrize(("text", "value"), [
    ("$ct.fields(uri)", "sip:alice@pc33.atlanta.com"), ("$ct.fields(q)", "0.5"), ("$ct.fields(expires)", "60"),
    ("$ct.fields(name)", None), ("$(ct.fields(name)[1])", '"X"'), ("$(ct.fields(q)[1])", None),
    ("$ct.fields(params)", "q=0.5;expires=60"), ("$ct.fields(methods)", None),
    ("$(ct.fields(uri)[*])", "sip:alice@pc33.atlanta.com, sip:x@c")])
def test_fields_of_contacts(world, text, value):
    assert world.value(text) == value


def test_headers_by_index(world):
    first, second = "SIP/2.0/UDP pc33.atlanta.com:5061;branch=z9hG4bK776;rport", \
        "SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK2;received=1.2.3.4"
    assert world.value("$hdr(Via)") == world.value("$hdr(v)") == first
    assert world.value("$(hdr(Via)[1])") == world.value("$(hdr(via)[-1])") == second
    assert world.value("$(hdr(Via)[*])") == f"{first}, {second}"
    assert world.values("$(hdr(Via)[*])") == [first, second]


def test_a_header_named_by_a_variable(world):
    world.assign("$var(n)", "User")
    assert world.value("$hdr($var(n)-Agent)") == "Phone 1.0"
    world.assign("$var(i)", 1)
    assert world.value("$(hdr(Via)[$var(i)]{via.host})") == "10.0.0.1"


def test_identities(world):
    world.on_invite('P-Asserted-Identity: "A" <sip:a@x.org>, <tel:+123>\r\n'
                    'P-Preferred-Identity: "P" <sip:p@y.org>\r\n'
                    "Remote-Party-ID: <sip:r@z.org>;party=calling\r\n"
                    "Refer-To: <sip:t@w.org>\r\n"
                    "Diversion: <sip:d@v.org>;reason=unconditional;privacy=off\r\n"
                    "Path: <sip:edge>\r\n")
    assert [world.value(each) for each in ("$ai", "$pu", "$pU", "$pd", "$pn", "$re", "$rt", "$di", "$dip", "$dir",
    "$path")
            ] == ["sip:a@x.org", "sip:p@y.org", "p", "y.org", '"P"', "sip:r@z.org", "sip:t@w.org", "sip:d@v.org", "off",
                  "unconditional", None]
    world.request.path = "<sip:edge>"
    assert world.value("$path") == "<sip:edge>"


def test_to_tag_of_a_response(world):
    assert world.on_ringing().value("$tt") == "b1"
    assert world.value("$fU") == "alice"


@pytest.mark.parametrize(("field", "text"), [
    ("uri", "sip:alice@pc33.atlanta.com, sip:x@c"), ("expires", "60, "), ("q", "0.5, "), ("name", '"X"'),
    ("params", "q=0.5;expires=60, "), ("methods", "")])
def test_what_contacts_lack_at_the_index_of_all(world, field, text):
    assert world.value(f"$(ct.fields({field})[*])") == text

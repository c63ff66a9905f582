"""The grammar of single values: whatever is put together by its rules is read back in its parts."""
import string

from hypothesis import given
from hypothesis import strategies as st

from opensips_py.errors import MalformedMessage
from opensips_py.sip import NameAddr, Uri, Via, parse_addresses

tokens = st.text(string.ascii_letters + string.digits + "-.!%*_+`'~", min_size=1, max_size=12)
users = st.text(string.ascii_letters + string.digits + "-_.!~*'()&=+$,;?/", min_size=1, max_size=12)
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
hosts = st.one_of(st.lists(labels, min_size=1, max_size=3).map(".".join), st.ip_addresses(v=4).map(str),
                  st.ip_addresses(v=6).map(lambda ip: f"[{ip}]"))
ports = st.one_of(st.just(0), st.integers(1, 65535))
spaces = st.sampled_from(["", " ", "\t ", "\r\n "])
quoted = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12)
names = st.from_regex(r"[a-z]{1,6}", fullmatch=True).filter(lambda name: name not in ("branch", "rport", "received"))


@given(st.sampled_from(["sip", "sips"]), st.one_of(st.just(""), users), hosts, ports, st.lists(tokens, max_size=3))
def test_uris(scheme, user, host, port, parameters):
    written = str(Uri(scheme, user, "", host, port, ";".join(parameters)))
    uri = Uri.parse(written)
    assert (uri.scheme, uri.user, uri.host, uri.port) == (scheme, user, host, port)
    assert uri.parameters == ";".join(parameters)
    assert str(uri) == written
    assert uri.equals(Uri.parse(written))


@given(quoted, users, hosts, st.dictionaries(names, st.one_of(tokens, st.none()), max_size=4), spaces)
def test_addresses(display, user, host, parameters, space):
    escaped = display.replace("\\", "\\\\").replace('"', '\\"')
    given_values = {name: f"{space}={space}{value}" if value else "" for name, value in parameters.items()}
    tail = "".join(f"{space};{space}{name}{value}" for name, value in given_values.items())
    address = NameAddr.parse(f'"{escaped}"{space}<sip:{user}@{host}>{tail}')
    assert (address.display_text, address.uri) == (display, f"sip:{user}@{host}")
    for name, value in parameters.items():
        assert address.parameter(name) == (value or "")
    assert [a.uri for a in parse_addresses(f"{address}, <sip:x>,{address}")] == [address.uri, "sip:x", address.uri]


@given(tokens, hosts, ports, st.one_of(st.none(), st.integers(0, 65535)), tokens, spaces)
def test_vias(transport, host, port, rport, branch, space):
    protocol = f"SIP{space}/{space}2.0{space}/{space}{transport}"
    place = host + (f"{space}:{space}{port}" if port else "")
    asked = "" if rport is None else f"{space};rport" + (f"={rport}" if rport else "")
    via = Via.parse(f"{protocol} {space}{place}{asked}{space};{space}branch={branch}")
    assert (via.protocol, via.host, via.port, via.rport, via.branch) == (transport, host, port, rport, branch)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    for reader in (Uri.parse, NameAddr.parse, Via.parse, parse_addresses):
        try:
            assert reader(text) is not None
        except (MalformedMessage, UnicodeEncodeError):
            continue

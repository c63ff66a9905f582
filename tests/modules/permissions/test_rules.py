"""Files of rules, and URIs as they see them."""
import pytest

from opensips_py.modules.permissions.rules import parse, read
from opensips_py.modules.permissions.uris import plain, plain_text
from opensips_py.sip import Uri


@pytest.mark.parametrize(("line", "pair", "matches"), [
    ('ALL : ALL', ("sip:a@x", "sip:b@y"), True),
    ('"^sip:a" : ALL', ("sip:a@x", "sip:b@y"), True),
    ('"^sip:A@X$" : "Y$"', ("sip:a@x", "sip:b@y"), True),
    ('"^sip:b" : ALL', ("sip:a@x", "sip:b@y"), False),
    ('ALL : "^sip:a"', ("sip:a@x", "sip:b@y"), False),
    ('"^sip:c", "^sip:a" : "b@", "c@"', ("sip:a@x", "sip:b@y"), True),
    ('ALL EXCEPT "@x$" : ALL', ("sip:a@x", "sip:b@y"), False),
    ('ALL EXCEPT "@z$" : ALL', ("sip:a@x", "sip:b@y"), True),
    ('ALL EXCEPT ALL : ALL', ("sip:a@x", "sip:b@y"), False),
    ('ALL : "^sip:36[0-9]*@" EXCEPT "^sip:36[0-9]*3@", "^sip:36[0-9]*4@"', ("sip:a@x", "sip:361@y"), True),
    ('ALL : "^sip:36[0-9]*@" EXCEPT "^sip:36[0-9]*3@", "^sip:36[0-9]*4@"', ("sip:a@x", "sip:364@y"), False),
    ('"a:b,c#d" : ALL  # what follows is a comment: "', ("sip:a:b,c#d@x", "sip:b@y"), True),
    (r'"q\"q" : ALL', ('sip:q"q@x', "sip:b@y"), True),
    ('ALL,"x":ALL', ("sip:a@x", "sip:b@y"), True),
])
def test_a_rule(line, pair, matches):
    assert parse([line]).match(pair) is matches


def test_blank_lines_and_comments_are_no_rules():
    assert parse(["", "  \t\n", "# ALL : ALL\n"]) == ()


@pytest.mark.parametrize(("line", "why"), [
    ("ALL", "one colon"), ("ALL : ALL : ALL", "one colon"), (": ALL", "a list"), ("ALL :", "a list"),
    ('"a" "b" : ALL', "a list"), ('"a", : ALL', "a list"), ("ALL EXCEPT : ALL", "a list"), ("sip:a : ALL", "one colon"),
    ("someone : ALL", "neither ALL"), ('"a : ALL', "not closed"), ('"(" : ALL', "POSIX"),
    ('"a" EXCEPT "b" EXCEPT "c" : ALL', "neither ALL|a list")])
def test_a_mistake_is_told_with_its_line(line, why):
    with pytest.raises(ValueError, match=f"^x.allow, line 2: .*({why})"):
        parse(["ALL : ALL", line], "/etc/x.allow")


def test_a_file_that_is_not_there_has_no_rules(tmp_path):
    assert read(str(tmp_path / "nothing.allow")) == ()
    (tmp_path / "one.allow").write_bytes(b'ALL : "\xff"\n')
    assert len(read(str(tmp_path / "one.allow"))) == 1


@pytest.mark.parametrize(("uri", "seen"), [
    ("sip:alice@example.com", "sip:alice@example.com"), ("sips:alice@example.com:5061;transport=tls?x=y",
                                                         "sip:alice@example.com"),
    ("sip:example.com", "sip:example.com"), ("sip:alice:secret@[2001:db8::1]", "sip:alice@[2001:db8::1]"),
    ("sip:%31%32%61@x", "sip:12a@x"), ("sip:a%40b%00@x", "sip:a%40b%00@x"), ("tel:+%331", "tel:+31")])
def test_a_uri_as_rules_see_it(uri, seen):
    assert plain(Uri.parse(uri)) == plain_text(uri) == seen


def test_what_is_no_uri_has_no_form():
    assert plain_text("alice") is None and plain_text("") is None

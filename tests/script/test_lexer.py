import pytest

from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.lexer import Lexer, resolve_escapes, written_at


def tokens(text):
    diagnostics = Diagnostics()
    found = [(each.kind, each.value if each.kind == "string" else each.text)
             for each in Lexer(text, "a.cfg", diagnostics)]
    return found, [str(each) for each in diagnostics.found]


@pytest.mark.parametrize(("text", "expected"), [
    ("if ($rU)", [("word", "if"), ("operator", "("), ("variable", "$rU"), ("operator", ")")]),
    ("$(hdr(To)[0]{s.select,1,(});", [("variable", "$(hdr(To)[0]{s.select,1,(})"), ("operator", ";")]),
    ("$var(x)=$?", [("variable", "$var(x)"), ("operator", "="), ("variable", "$?")]),
    ("a<<=1", [("word", "a"), ("operator", "<<="), ("number", "1")]),
    ("10.0.0.0/8 ::1 fe80::1/64", [("net", "10.0.0.0/8"), ("ip", "::1"), ("net", "fe80::1/64")]),
    ('"a\\"b\\n" \'c\\n\'', [("string", 'a"b\n'), ("string", "c\\n")]),
    ('"x"{s.len}{s.int}', [("string", "x"), ("transformation", "{s.len}{s.int}")]),
    ("a # b\n# c\n/* d /* e */ f */ g", [("word", "a"), ("word", "g")]),
    ('"two\nlines");', [("string", "two\nlines"), ("operator", ")"), ("operator", ";")]),
    ("#!define A 1\nx", [("directive", "#!define A 1"), ("word", "x")]),
    ("x #!define A", [("word", "x")]),
    ("0x1F 5060abc msg:len", [("number", "0x1F"), ("word", "5060abc"), ("word", "msg:len")])])
def test_tokens(text, expected):
    assert tokens(text) == (expected, [])


@pytest.mark.parametrize(("text", "error", "rest"), [
    ('log("abc);\nx', 'a.cfg:1:5: error: text without closing quote (add the missing ")', ["x"]),
    ('f("abc);\ng("def");', 'a.cfg:1:3: error: text without closing quote (add the missing ")',
    ["g", "(", "def", ")", ";"]),
    ("$(ru{s.len} == 5) x", "a.cfg:1:13: error: missing ) behind $(ru{s.len} (add ')' here)", ["==", "5", ")", "x"]),
    ("a /* b", "a.cfg:1:3: error: comment without end (close it with */)", []),
    ("a ` b", "a.cfg:1:3: error: unexpected character '`'", ["b"])])
def test_mistakes(text, error, rest):
    found, errors = tokens(text)
    assert errors == [error]
    assert [text for _, text in found][-len(rest) or len(found):] == rest


def test_blanks_that_editors_and_web_pages_leave():
    assert tokens("\ufeffa\u00a0( b )")[0] == tokens(" a ( b )")[0]


def test_places():
    found = list(Lexer("a\n  $ru\t'x'", "a.cfg", Diagnostics()))
    assert [(each.place.line, each.place.column, each.place.length, each.glued) for each in found] == [
        (1, 1, 1, False), (2, 3, 3, False), (2, 7, 3, False)]


@pytest.mark.parametrize(("written", "meant"), [
    ("a\\tb", "a\tb"), ("\\x41\\101", "AA"), ("\\xc3\\xa9", "é"), ("\\^a\\.", "\\^a\\."), ("a\\\nb", "ab")])
def test_escapes(written, meant):
    assert resolve_escapes(written) == meant


def test_where_a_character_was_written():
    raw = '"a\\tb\\"$x"'
    meant = resolve_escapes(raw[1:-1])
    assert raw[written_at(raw, meant.index("$")):].startswith("$x")

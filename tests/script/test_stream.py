import pytest

from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.preprocessor import Preprocessor
from opensips_py.script.stream import TokenStream, Unparsable


def stream(text):
    diagnostics = Diagnostics()
    return TokenStream(Preprocessor(diagnostics).tokens("a.cfg", text), diagnostics)


def test_looking_and_taking():
    tokens = stream("a ( 5")
    assert (tokens.token.text, tokens.ahead().text, tokens.ahead(9).kind) == ("a", "(", "end")
    assert tokens.accept("b") is False and tokens.accept("a") is True
    assert tokens.expect("(", "here").text == "("
    assert (tokens.take().text, tokens.take().kind, tokens.take().kind) == ("5", "end", "end")


def test_insisting():
    tokens = stream("a b")
    with pytest.raises(Unparsable):
        tokens.expect(";", "here")
    assert str(tokens.diagnostics.found[0]) == "a.cfg:1:1: error: ';' expected here, found 'a' (add ';')"


def test_what_is_missing_is_reported_behind_the_last_token():
    tokens = stream("abc\n;")
    tokens.take()
    tokens.expect(")", "here", lenient=("{",))
    assert str(tokens.diagnostics.found[0]) == "a.cfg:1:4: error: missing ')' here (add ')' here)"


def test_glued_words():
    tokens = stream("udp:10.0.0.1:5060 x;")
    assert tokens.glued_text(";")[0] == "udp:10.0.0.1:5060"
    assert tokens.glued_text(";")[0] == "x"


@pytest.mark.parametrize(("text", "rest"), [
    ("a b; c", "c"), ("a { b; } c", "c"), ("a } c", "}"), ("a { b } else { c } d", "d"), ("a route[x] { }", "route")])
def test_the_way_back_into_statements(text, rest):
    tokens = stream(text)
    tokens.skip_statement()
    assert tokens.token.text == rest


@pytest.mark.parametrize(("text", "rest"), [
    ("(a (b) c) d", "d"), ("(a { b", "{"), ("a == { b", "{"), ("(a; b", ";")])
def test_the_way_out_of_a_condition(text, rest):
    tokens = stream(text)
    tokens.skip_condition(0)
    assert tokens.token.text == rest


def test_the_way_back_outside_of_routes():
    tokens = stream("a b {\nx = 5\n}\ny = 6")
    assert tokens.skip_item() is True
    assert tokens.token.text == "y"

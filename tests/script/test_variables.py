import pytest

from opensips_py.errors import ScriptError
from opensips_py.script.variables import Reference, Spot, Step, parse, parse_at, split


def test_plain_names_end_where_no_name_goes_on():
    assert parse("$ru").variable == "ru"
    assert parse("$ct.fields(uri)").variable == "ct.fields"
    reference, end = parse_at("to $du, please", 3)
    assert (reference.variable, end) == ("du", 6)


def test_a_dot_that_ends_a_sentence_is_no_part_of_the_name():
    assert [part if isinstance(part, str) else part.variable for part in split("sent to $du. Bye")] == [
        "sent to ", "du", ". Bye"]


@pytest.mark.parametrize(("text", "name"), [
    ("$avp(x)", "x"), ("$avp( x )", "x"), ("$hdr(P-Asserted-Identity)", "P-Asserted-Identity"),
    ("$sdp.line(a=ptime[1]/[2])", "a=ptime[1]/[2]"), ("$time(%H:%M (UTC))", "%H:%M (UTC)"), ("$ru", None),
])
def test_inner_names(text, name):
    assert parse(text).name == name


def test_a_dynamic_name_is_kept_as_parts():
    name = parse("$hdr(X-$var(n)-$rU)").name
    assert isinstance(name, tuple)
    assert [part if isinstance(part, str) else part.text for part in name] == ["X-", "$var(n)", "-", "$rU"]


@pytest.mark.parametrize(("text", "index"), [
    ("$(ct[0])", 0), ("$(ct[-1])", -1), ("$(hdr(Via)[*])", "*"), ("$(avp(x)[append])", "append"), ("$(ru)", None),
    ("$(ct[ 2 ])", 2)])
def test_indexes(text, index):
    assert parse(text).index == index


def test_a_variable_index():
    index = parse("$(avp(x)[$var(i)])").index
    assert isinstance(index, Reference)
    assert (index.variable, index.name) == ("var", "i")


def test_contexts():
    assert parse("$(<request>ru)").context == "request"
    assert parse("$(<reply>hdr(Contact)[1])").context == "reply"


def test_transformations_hold_commas_and_braces():
    reference = parse(r"$(hdr(Via)[1]{param.value,branch}{re.subst,/^.{3}(.*)$/\1/g}{s.select,1,,}{nameaddr.-1.uri})")
    assert reference.steps == (
        Step("param.value", "branch", None, 14), Step("re.subst", r"/^.{3}(.*)$/\1/g", None, 34),
        Step("s.select", "1,,", None, 61), Step("nameaddr.uri", None, -1, 75))


def test_split_knows_doubled_and_lonely_dollars():
    assert split("$$5 and $ and $") == ("$5 and $ and $",)
    assert split("") == ()
    parts = split("<$ru>$rU")
    assert [part if isinstance(part, str) else part.text for part in parts] == ["<", "$ru", ">", "$rU"]


def test_the_question_mark_is_the_return_code():
    assert parse("$?").variable == "retcode"


@pytest.mark.parametrize(("text", "column", "message"), [
    ("$(hdr(Via)[1)", 13, "missing ]"), ("$(<foo>ru)", 3, "no context"), ("$(ct[x])", 5, "no index"),
    ("$avp(x", 7, "missing )"), ("$(ru{s.len)", 11, "missing }"), ("$()", 3, "name of a variable is missing"),
    ("$ru x", 4, "behind the variable")])
def test_errors_say_where(text, column, message):
    with pytest.raises(ScriptError) as caught:
        parse(text, Spot("a.cfg", 7, 1))
    assert message in caught.value.message
    assert (caught.value.file, caught.value.line, caught.value.column) == ("a.cfg", 7, column)


def test_errors_inside_a_dynamic_name_say_where_as_well():
    with pytest.raises(ScriptError) as caught:
        parse("$hdr(X-$(ct[x]))", Spot("a.cfg", 1, 10))
    assert caught.value.column == 10 + len("$hdr(X-$(ct")

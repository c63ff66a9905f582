"""Which local a name means, and which are seen where, compared with what the compiler makes of the same scripts."""
import pathlib
import re

import pytest

from opensips_py.lsp.scopes import Scopes
from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.preprocessor import Preprocessor
from tests.docs.test_extension import PAIRS, PYTHON
from tests.script.script import read, reader

CFG = pathlib.Path(__file__).resolve().parents[2] / "cfg"
FILES = {**PYTHON, "typed_routing.py": (CFG / "typed_routing.py").read_text()}
NASTY = """route {
	local $x = 1;
	local int $n = $x + 1;
	if ($x == 1) {
		local $x = "inner $x";
		xlog("$x, $(x{s.len}) \\"$x\\" $$x");
	} else if ($n == 2)
		for (local $x in $(avp(list)[*]))
			if ($x == "a") xlog("$x"); else xlog("not $x");
	else {
		xlog("$x");
		local $x = "other";
		xlog("$x
			in two lines: $x");
	}
	$avp($x) = $(avp($x)[$n]);
	while ($n > 0) {
		local $m = $n; $n -= 1;
		{ local $m = $m + $x; xlog("$m"); }
		$avp(seen) = $m;
	}
	switch ($n) {
		case 0:
			local $c = "zero"; xlog("$c");
			break;
		case 1:
		default:
			local $c = "more"; xlog("$c $x");
	}
	local list $l = $(avp(list)[*]);
	for (local $e in $l) xlog("$e of $l");
	for ($x in $l) if ($x == "b") { local $e = $x; xlog("$e"); } else xlog("$x");
	local str $s; pv_printf($s, "$x and $(l[0])");
	xlog("$s $(l[-1])");
	$n = route[sum]($x, $n, "$x");
	xlog("$n");
}
route[sum](any $x, int $n = 3, str $t = "x", old) {
	if ($param(n) == 1) return $n + $param(x);
	local $y = $t;
	{ local $n = "hides"; xlog("$n $param(n) $param(t) $var(old)"); }
	return $y;
}
"""


def scopes(text, files=None):
    diagnostics = Diagnostics()
    tokens = Preprocessor(diagnostics, reader(text, files)).tokens("test.cfg")
    return Scopes(tokens, diagnostics.texts)


def seen(main, more=""):
    """The names and types seen where `@` stands in one of the texts."""
    file, marked = ("more.cfg", more) if "@" in more else ("test.cfg", main)
    before = marked.partition("@")[0]
    found = scopes(main.replace("@", ""), {"more.cfg": more.replace("@", "")})
    return [(each.name, each.type) for each in found.seen_at(file, before.count("\n") + 1,
                                                             len(before) - before.rfind("\n"))]


@pytest.mark.parametrize(("text", "names"), [
    ("route { local $a = 1; @ }", "a"), ("route { local $a = @1; }", ""), ("route { local $a = 1;@ }", "a"),
    ("@route { local $a = 1; }", ""), ("route { local $a = 1; }@", ""), ("route { local $a = 1; }\nroute[x] { @ }", ""),
    ("route { { local $a = 1; @ } }", "a"), ("route { { local $a = 1; } @ }", ""),
    ("route { local $a = 1; { local $b = 1; @ } local $c = 1; }", "a b"),
    ("route[x](int $a, $b = 5) { @ }", "a b"), ("route[x](int $a, $b = 5) { } @", ""),
    ("route { for (local $a in $(avp(x)[*])) xlog(\"@\"); }", "a"),
    ("route { for (local $a in $(avp(x)[*])) xlog(\"\"); @ }", ""),
    ("route { for (local $a in $(avp(x)[*])) { xlog(\"\"); } @ }", ""),
    ("route { for (local $a in $(avp(x)[*])) if ($a) xlog(\"\"); else xlog(\"@\"); }", "a"),
    ("route { for (local $a in $(avp(x)[*])) if ($a) { xlog(\"\"); } else { @ } }", "a"),
    ("route { if (1) for (local $a in $(avp(x)[*])) xlog(\"\"); else xlog(\"@\"); }", ""),
    ("route { if (1) local $a = 1; xlog(\"@\"); }", ""), ("route { switch (1) { case 1: local $a = 1; @ } }", "a"),
    ("route { switch (1) { case 1: local $a = 1; case 2: @ } }", ""),
    ("route { switch (1) { case 1: if (1) { local $b = 1; } default: local $a = 1; @ } }", "a"),
    ("route { local $a = 1; xlog(\"$@", "a"), ("route { local $a = 1;\n$@\n}\nroute[y] { }", "a"),
    ("route { local $a = 1; if ($a == @", "a"), ("route { local $a = 1; # comment @\n }", "a")])
def test_what_is_seen(text, names):
    assert [name for name, _ in seen(text)] == names.split()


def test_the_inner_one_hides_the_outer_one():
    assert seen("route { local int $a = 1; { local str $a = \"\"; @ } }") == [("a", "str")]
    assert seen("route { local int $a = 1; { local str $a = \"\"; } @ }") == [("a", "int")]


def test_through_included_files():
    main = 'route {\n\tlocal int $a = 1;\n\tinclude_file "more.cfg"\n\t%s\n}'
    assert seen(main % "", "@\nlocal str $b = \"\";\n") == [("a", "int")]
    assert seen(main % "", "local str $b = \"\";\n@\n") == [("a", "int"), ("b", "str")]
    assert seen(main % "@", "local str $b = \"\";\n") == [("a", "int"), ("b", "str")]
    (use,) = [each for each in scopes(main % 'xlog("$b");', {"more.cfg": "local $b = $a;\n"}).uses
              if each.local.name == "b" and each.place != each.local.place]
    assert (use.place.file, use.local.place.file) == ("test.cfg", "more.cfg")


def test_a_definition_is_no_spelling():
    found = scopes("#!define WHO $who\nroute { local $who = 1; xlog(WHO); $who = 2; }").uses
    assert [(each.place.line, each.place.column, each.is_spelled) for each in found] == [
        (2, 16, True), (2, 31, False), (2, 37, True)]


# The compiler says the same


SCRIPTS = {"everything": NASTY, "typed.cfg": (CFG / "typed.cfg").read_text(),
           **{f"page {number}": text for number, (kind, text, _) in enumerate(PAIRS) if kind != "opensips-wrong"}}


def compiled(text):
    """The Python that a script becomes, with the names of its locals numbered."""
    found = read(text, FILES)
    assert not found.diagnostics.errors, found.diagnostics.render()
    numbers = {}
    return re.sub(r"\bmy_\w+", lambda match: f"my_{numbers.setdefault(match[0], len(numbers))}", found.routes.dump())


def renamed(text, found, local, name):
    """*text* with another name for a local."""
    lines = text.split("\n")
    for each in sorted({use.place for use in found.uses if use.local is local}, key=lambda each: (-each.line,
                                                                                                 -each.column)):
        line, start, end = lines[each.line - 1], each.column - 1, each.column - 1 + each.length
        assert line[start:end] == local.name
        lines[each.line - 1] = f"{line[:start]}{name}{line[end:]}"
    return "\n".join(lines)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_with_a_local_renamed_becomes_the_same_code(name):
    text = SCRIPTS[name]
    before, found = compiled(text), scopes(text, FILES)
    locals_ = dict.fromkeys(each.local for each in found.uses)
    assert locals_ or not re.search(r"\blocal\b", text)
    for local in locals_:
        after = compiled(renamed(text, found, local, "fresh"))  # texts that tell of it have the name, too
        assert re.sub(rf"\b(?:fresh|{local.name})\b", "X", after) == re.sub(rf"\b{local.name}\b", "X", before), local

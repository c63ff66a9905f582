from opensips_py.script import configuration
from tests.script.script import messages, parsed, read, right, run_of


def word(text, files=None):
    """What the core parameter server_header is set to."""
    script, diagnostics = parsed(text, files)
    assert not diagnostics.found, diagnostics.render()
    return [each.value for each in script.items if each.name == "server_header"]


def test_definitions():
    assert word('#!define A "x"\n#!define B A\nserver_header=B') == ["x"]
    assert word('#!define A "x"\n#!redefine A "y"\nserver_header=A') == ["y"]
    assert word('#!define A\n#!define A\nserver_header="z"') == ["z"]  # as often in scripts put together from parts
    assert word('#!trydef A "x"\n#!trydef A "y"\nserver_header=A') == ["x"]
    assert word('#!define A B\n#!define B A\nserver_header=A') == ["A"]
    assert word("#!define A \\\n  5\nserver_header=A") == [5]
    assert word('server_header=#!define A "x"\nA') == ["A"]  # only at the start of a line


def test_conditions():
    text = '#!ifdef A # why\nserver_header="x"\n#!else\nserver_header="y"\n#!endif\n'
    assert word(text) == ["y"]
    assert word("#!define A\n" + text) == ["x"]
    assert word("#!define A\n#!undef A\n" + text) == ["y"]
    nested = '#!ifndef A\n#!ifdef B\nserver_header="b"\n#!else\nserver_header="n"\n#!endif\nserver_header="z"\n#!endif'
    assert word(nested) == ["n", "z"]
    assert word("#!define A\n" + nested) == []


def test_substitutions():
    assert word('#!subst "/N(.)ME/x\\1x/"\nserver_header="aNQMENQME"') == ["axQxNQME"]
    assert word("#!subst /n/m/gi\nserver_header='NnN'") == ["mmm"]
    assert word('#!substdef /HEADER/value/\nserver_header="HEADER"\nserver_header=HEADER') == ["value", "value"]


def test_substitutions_that_define_a_text():
    assert word('#!substdefs /HEADER/a "b"/\nserver_header=HEADER\nserver_header="HEADER"') == ['a "b"', 'a "b"']


def test_definitions_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENSIPS_PY_TEST", 'a "b"')
    monkeypatch.setenv("OPENSIPS_PY_NUMBER", "5")
    assert word("#!defenvs OPENSIPS_PY_TEST\nserver_header=OPENSIPS_PY_TEST") == ['a "b"']
    assert word("#!defenv NAME=OPENSIPS_PY_NUMBER\nserver_header=NAME") == [5]
    assert word('#!trydefenv NONE=OPENSIPS_PY_NONE\n#!ifdef NONE\nserver_header="x"\n#!endif') == []
    assert word("#!trydefenvs OPENSIPS_PY_NUMBER\nserver_header=OPENSIPS_PY_NUMBER") == ["5"]
    (found,) = read("#!defenv OPENSIPS_PY_NONE\nroute { exit; }").diagnostics.errors
    assert (found.message, found.fix) == ("the environment has no OPENSIPS_PY_NONE",
                                          "use #!trydefenv where it may be missing")


def test_included_files():
    files = {"sub/a.cfg": 'include_file "b.cfg"\n', "sub/b.cfg": 'server_header="b"\n', "top.cfg": 'server_header="t"'}
    assert word('include_file "sub/a.cfg"\nserver_header="m"', files) == ["b", "m"]  # beside the one that includes
    assert word('#!include_file "top.cfg"\n', files) == ["t"]
    assert word('import_file "absent.cfg"\nserver_header="m"') == ["m"]


def test_definitions_reach_included_files():
    found = right('#!define CODE 7\ninclude_file "sub.cfg"\nroute { route(sub); }',
                  {"sub.cfg": "route[sub] { return(CODE); }"})
    assert run_of(found)[0] == 7


def test_what_cannot_be_read():
    assert messages(read("", {}).diagnostics)[-1] == "there is no main route"
    found = read('include_file "a\x00b"\nroute { exit; }')
    assert messages(found.diagnostics) == ["cannot find the file a\x00b"]


def test_definitions_that_grow():
    lines = [f"#!define A{n} A{n + 1} A{n + 1}" for n in range(40)]
    _, diagnostics = parsed("\n".join([*lines, "server_header=A0"]))
    assert "the definitions become too much text" in messages(diagnostics)


def test_another_preprocessor(tmp_path):
    path = tmp_path / "x.cfg"
    path.write_text("route { return(CODE); }")
    found = configuration.read(str(path), {"preprocessor": "sed s/CODE/9/"})
    assert run_of(found)[0] == 9
    failed = configuration.read(str(path), {"preprocessor": "echo no >&2; false"})
    assert messages(failed.diagnostics) == ["the preprocessor 'echo no >&2; false' failed: no"]

"""An external preprocessor: what it is given, and where in the files its output comes from."""
import shlex
import shutil

import pytest

from opensips_py.script import configuration, external
from opensips_py.script.external import Flattener, Mapped, mapped
from tests.script.script import messages, missing, run_of

FILES = {
    "dir/test.cfg": 'include_file "sub.cfg"\nimport_file "none.cfg"\nroute {\n\t/* a\n\tb */ $var(t) = "one\ntwo";\n'
                    "\troute(sub);\n\t$var(c) = CODE;\n}\n",
    "dir/sub.cfg": "\nroute[sub] {\n\t$var(s) = CODE;\n}\n",
}


def read(files, command, path="dir/test.cfg"):
    return configuration.read(path, {"preprocessor": command},
                              lambda wanted: files[wanted] if wanted in files else missing(wanted))


def places(found):
    return [f"{each.place} {each.message}" for each in found.diagnostics.in_order()]


def flattened(files, path="dir/test.cfg"):
    told = []
    flattener = Flattener(lambda wanted: files[wanted] if wanted in files else missing(wanted),
                          lambda file, text: told.append(file))
    flattener.add(path, files[path])
    return flattener.result, told


def test_definitions_reach_all_files():
    found = read(FILES, "sed s/CODE/7/")
    assert not found.diagnostics.found, found.diagnostics.render()
    assert run_of(found)[1].variables == {"t": "one\ntwo", "s": 7, "c": 7}


def test_errors_are_placed_in_the_files():
    files = {"dir/test.cfg": FILES["dir/test.cfg"].replace("= CODE", "= CODE; nonsense(CODE); more();"),
             "dir/sub.cfg": FILES["dir/sub.cfg"].replace("$var(s) = CODE;", "bar(1);")}
    found = read(files, "sed s/CODE/7/g")
    assert places(found) == [
        "dir/test.cfg:8:2 function nonsense is unknown", "dir/test.cfg:8:2 function more is unknown",
        "dir/sub.cfg:3:2 function bar is unknown"]
    assert "8 |     $var(c) = CODE; nonsense(CODE); more();" in found.diagnostics.render().replace("\t", "    ")


def test_a_line_that_was_not_changed_keeps_its_columns():
    found = read({"dir/test.cfg": "route {\n  X  foo();\n}\nroute[y] { exit;   bar(); }"}, "sed 's/X/Y/'")
    assert "dir/test.cfg:4:20 function bar is unknown" in places(found)


def test_what_the_preprocessor_is_given():
    text = 'a\n#!include_file "sub.cfg" # why\nimport_file "none.cfg"\n"x\ny"\nb \\\nc'
    result, told = flattened({"dir/test.cfg": text, "dir/sub.cfg": "s"})
    assert result.text.splitlines() == [
        '__OSSPP_FILEBEGIN__ "dir/test.cfg"', "__OSSPP_LINE__ 1", "a", "__OSSPP_LINE__ 2",
        '__OSSPP_FILEBEGIN__ "dir/sub.cfg"', "__OSSPP_LINE__ 1", "s", "__OSSPP_FILEEND__",
        "__OSSPP_LINE__ 3", 'import_file "none.cfg"', "__OSSPP_LINE__ 4", '"x', 'y"', "__OSSPP_LINE__ 6", "b \\", "c",
        "__OSSPP_FILEEND__"]
    assert told == ["dir/test.cfg", "dir/sub.cfg"]


@pytest.mark.parametrize(("text", "kept"), [
    ('/*\ninclude_file "sub.cfg"\n*/', True), ('# include_file "sub.cfg"', True), ('"\ninclude_file "sub.cfg"', True),
    ('/* x */\ninclude_file "sub.cfg"', False), ('# "\ninclude_file "sub.cfg"', False),
    ('// /*\ninclude_file "sub.cfg"', False), ("'\"'\ninclude_file \"sub.cfg\"", False),
    ('"a" "b\\"c"\ninclude_file "sub.cfg"', False), ('"/*"\ninclude_file "sub.cfg";', False),
    ('include_file "test.cfg"', True)])
def test_lines_that_include(text, kept):
    result, _ = flattened({"dir/test.cfg": text, "dir/sub.cfg": "s"})
    assert ("include_file" in result.text) == kept


def test_files_that_include_each_other_are_refused():
    files = {"dir/test.cfg": 'include_file "b.cfg"\nroute { exit; }', "dir/b.cfg": 'include_file "test.cfg"\n'}
    found = read(files, "cat")
    assert messages(found.diagnostics) == ["files include each other: test.cfg -> test.cfg"]


def test_a_missing_file_is_an_error_for_include_file_alone():
    found = read({"dir/test.cfg": 'import_file "a.cfg"\n\ninclude_file "b.cfg"\nroute { exit; }'}, "cat")
    assert places(found) == ["dir/test.cfg:3:14 cannot find the file b.cfg"]


def test_what_is_included_by_what_the_preprocessor_made():
    files = {"dir/test.cfg": "X\nroute { route(sub); }", "dir/sub.cfg": "route[sub] { $var(x) = 1; }"}
    found = read(files, "sed 's/^X$/include_file \"sub.cfg\"/'")
    assert run_of(found)[1].variables == {"x": 1}


def test_return_codes_are_kept_for_what_the_preprocessor_made():
    found = read({"dir/test.cfg": "route { route(a); $var(x) = X; }\nroute[a] { return 5; }"}, "sed 's/X/$rc/'")
    assert run_of(found)[1].variables == {"x": 5}


def test_one_that_makes_another_configuration_altogether():
    found = read({"dir/test.cfg": "x"}, "printf 'route {\\n foo();\\n}\\n'")
    assert places(found) == ["dir/test.cfg:2:2 function foo is unknown"]
    assert " foo();" in found.diagnostics.render()


@pytest.mark.parametrize("marks", ['#line 5 "other.m4"\n', '# 5 "other.m4" 1 3\n', '__OSSPP_FILEBEGIN__ "other.m4"\n'
                                   "__OSSPP_LINE__ 5\n"])
def test_marks_that_name_another_file(marks, tmp_path):
    path = tmp_path / "out"
    path.write_text(f"route {{\n{marks}foo();\nbar();\n}}\n")
    found = read({"dir/test.cfg": "x\n"}, f"cat {shlex.quote(str(path))}")
    assert places(found) == ["other.m4:5:1 function foo is unknown", "other.m4:6:1 function bar is unknown"]


def test_marks_that_count_the_lines_of_what_was_given():
    given, _ = flattened({"dir/test.cfg": "a\nb\nc\n"})
    output = mapped('# 1 "<built-in>"\n#line 5 "stdin"\nb\n# 7\nc\n# 900 "<stdin>"\nd\n', given, "dir/test.cfg")
    assert output.text == "b\nc\nd\n"
    assert output.origins == [("dir/test.cfg", 2), ("dir/test.cfg", 3), ("dir/test.cfg", 4)]


def test_ends_of_files():
    output = mapped(f'{external.BEGIN} "a"\nx\n{external.BEGIN} "b"\ny\n{external.END}\nz\n{external.END}\n'
                    f"{external.END}\n{external.END}\n", Mapped(), "c")
    assert output.origins == [("a", 1), ("b", 1), ("a", 2)]


def test_marks_in_a_file_that_was_preprocessed_before():
    text = f'{external.BEGIN} "real.cfg"\n{external.LINE} 40\nroute {{\n{external.LINE} 41\n foo();\n}}\n{external.END}'
    found = configuration.read("out.cfg", {}, {"out.cfg": text}.__getitem__)
    assert places(found) == ["real.cfg:41:2 function foo is unknown"]


@pytest.mark.parametrize("command", [
    each for each in ("cpp", "cpp -traditional -P", "m4", "m4 -s") if shutil.which(each.split()[0])])
def test_real_ones(command):
    define = "#define CODE 7" if command.startswith("cpp") else "define(`CODE', `7')dnl"
    files = {"dir/test.cfg": f'{define}\n\n\ninclude_file "sub.cfg"\nroute {{\n\n\t$var(c) = CODE;\n\tfoo(1);\n'
                             "\troute(sub);\n}\n",
             "dir/sub.cfg": "route[sub] {\n\n\n\tbar(CODE);\n}\n"}
    assert sorted(places(read(files, command))) == [
        "dir/sub.cfg:4:2 function bar is unknown", "dir/test.cfg:8:2 function foo is unknown"]

"""What is wrong with a configuration is said once, at the right place, whatever else is wrong."""
import pytest

from opensips_py.script import configuration
from opensips_py.script.diagnostics import ERROR
from tests.script.broken import BROKEN, FILES, HEAD, MAIN


def marked(text):
    """The text without its marks, and the line and column of each."""
    parts = text.split("§")
    places, before = [], ""
    for part in parts[:-1]:
        before += part
        places.append((before.count("\n") + 1, len(before) - before.rfind("\n")))
    return "".join(parts), places


def read(text, files=FILES):
    def reader(path):
        if path == "test.cfg":
            return text
        if path in files:
            return files[path]
        raise FileNotFoundError(2, "No such file or directory", path)
    return configuration.read("test.cfg", read=reader).diagnostics


def errors(diagnostics):
    return [each for each in diagnostics.in_order() if each.severity == ERROR]


@pytest.mark.parametrize("name", BROKEN)
def test_one_mistake_is_one_error_at_its_place(name):
    marks, *messages = BROKEN[name]
    text, places = marked(marks)
    found = errors(read(text))
    assert [(each.place.line, each.place.column) for each in found] == places, [str(each) for each in found]
    for each, message in zip(found, messages, strict=True):
        assert each.message.startswith(message)
        assert each.place.file == "test.cfg"


OR_2_1 = "; or dialect=2.1 at the top, if it is a script of OpenSIPS 2.1"  # where nothing says the dialect


def test_what_is_proposed_instead():
    fixes = {name: errors(read(marked(BROKEN[name][0])[0]))[0].fix for name in (
        "misspelt module", "unknown parameter", "unknown function", "unknown transformation", "unknown core parameter",
        "unknown kind of route", "misspelt while", "word as a statement", "quoted number in 4.0", "elif",
        "name without quotes", "assignment in a condition", "function of a module that is not loaded")}
    assert fixes == {
        "misspelt module": "did you mean maxfwd?", "unknown parameter": "did you mean fr_timeout?",
        "unknown function": "did you mean t_relay?", "unknown transformation": "did you mean {s.len}?",
        "unknown core parameter": "did you mean log_level?", "unknown kind of route": "did you mean 'failure_route'?",
        "misspelt while": "did you mean 'while'?", "word as a statement": "did you mean 'return'?",
        "quoted number in 4.0": "write 404 without the quotes", "elif": "write else if",
        "name without quotes": 'put it in quotes if it is a text: "INVITE"',
        "assignment in a condition": "write == to compare",
        "function of a module that is not loaded": 'add loadmodule "rr.so"'}


def test_no_main_route_stands_nowhere():
    (found,) = errors(read("route[other] { exit; }\n"))
    assert (found.message, found.place.line) == ("there is no main route", 0)


def test_files_that_include_each_other():
    found = errors(read(f'include_file "loop.cfg"\n{MAIN}'))
    assert [(each.place.file, each.place.line, each.message) for each in found] == [
        ("again.cfg", 1, "files include each other: test.cfg -> loop.cfg -> again.cfg -> loop.cfg")]


def test_a_mistake_in_an_included_file_is_shown_there():
    found = errors(read(f'include_file "sub.cfg"\n{MAIN}', {"sub.cfg": "route[x] {\n  nothing();\n}\n"}))
    assert [str(each.place) for each in found] == ["sub.cfg:2:3"]


def test_an_included_file_knows_the_rest():
    assert not errors(read('include_file "good.cfg"\nroute { route(extra); }\n'))
    assert errors(read("route { route(extra); }\n"))


def test_what_is_lost_may_hold_what_is_missing():
    """A route behind a missing file is not missed as well."""
    found = errors(read('include_file "absent.cfg"\nroute { route(extra); }\n'))
    assert [each.message for each in found] == ["cannot find the file absent.cfg"]


TEN = f"""udp_workers=§0
{HEAD}loadmodule §"maxfwdd.so"
modparam("tm", §"fr_timeot", 5)
route {{
  if (!mf_process_maxfwd_header(10)) exit;   # of the module that is not there: no error of its own
  if ($rU §= "bob") {{ xlog("bob"); }} else {{ §t_rely(); }}
  xlog(§"no end);
  xlog("next: §$nothing");
  sl_send_reply(§"404", "Not found");
  route(§missing);
  t_newtran()§
}}
failure_route[x] {{
  §sl_reply_error();
}}
"""


def test_ten_mistakes_are_ten_errors():
    text, places = marked(TEN)
    assert len(places) == 11
    found = errors(read(text))
    assert [(each.place.line, each.place.column) for each in found] == places, [str(each) for each in found]


def test_how_an_error_looks():
    text, _ = marked('route {\n\tif ($rU = "x") exit;\n}\nroute { exit; }\n')
    assert read(text).render() == """error[E0107]: '=' assigns, and this is a condition
 --> test.cfg:2:10
  |
2 | \tif ($rU = "x") exit;
  | \t        ^
  = help: write == to compare

error[E0402]: route is there twice
 --> test.cfg:4:1
  |
4 | route { exit; }
  | ^^^^^
  = note: the first one
 --> test.cfg:1:1
  |
1 | route {
  | ^^^^^
  = help: name one of them, as in route[name], or remove it

2 errors found; nothing was started"""


def test_one_missing_module_is_one_error():
    found = errors(read("route { record_route(); if (loose_route()) exit; xlog(\"$rr_params\"); }"))
    assert [each.fix for each in found] == ['add loadmodule "rr.so"']


def test_data_for_programs():
    text, _ = marked(BROKEN["unknown function"][0])
    (found,) = read(text).as_data()
    assert found == {
        "code": "E0202", "severity": "error", "message": "function t_rely is unknown", "file": "test.cfg", "line": 4,
        "column": 1, "length": 6, "range": {"start": {"line": 4, "column": 1}, "end": {"line": 4, "column": 7}},
        "label": "", "fix": "did you mean t_relay?", "related": [], "applicability": "likely",
        "edits": [{"file": "test.cfg", "line": 4, "column": 1, "end_line": 4, "end_column": 7, "text": "t_relay"}]}


def test_nothing_sets_what_is_read():
    found = read('route { $var(count) = 1; xlog("$var(cuont)"); if ($var(count)) exit; }').in_order()
    assert [(each.severity, each.message, each.fix) for each in found] == [
        ("warning", "nothing ever sets $var(cuont): it is always NULL", "did you mean 'count'?")]


def test_a_route_too_deep_for_python():
    deep = "route { " + "while ($rU) { " * 30 + "exit; " + "}" * 30 + " }"
    assert [each.message for each in errors(read(deep))] == ["route is nested too deeply"]
    deeper = "route { $var(x) = " + "(" * 5000 + "1" + ")" * 5000 + "; }"
    assert [each.message for each in errors(read(deeper))] == ["this is nested too deeply"]


def test_long_chains_are_no_depth():
    chain = "route { " + " else ".join(f"if ($ml == {number}) setflag(1);" for number in range(150)) + " }"
    assert not errors(read(chain))

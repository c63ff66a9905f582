"""Locals, typed routes and Python routes in the editor: a script in two files that imports a Python file."""
import asyncio
import re

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from opensips_py.server.verdict import verdict
from tests.lsp.editor import changed, opened, place, talk

SCRIPT = """log_level=2
socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
import_python "routing.py"
include_file "more.cfg"

route {
	local int $cents = route[price]("$rU", 3);
	local list $ways = gateways($rU);
	if ($cents > 5) {
		local str $cents = "too much";
		xlog("$cents: $(cents{s.len})");
	}
	xlog("$cents by $ways");
	route(relay, $cents);
	async(screen("x"), price);
}

# What a call costs,
# in cents.
route[price](str $number, int $minutes = 1) {
	$avp(asked) = $number;
	if ($param(minutes) == 0)
		return 0;
	return $minutes * 2;
}
"""
MORE = """route[relay](int $cents) {
	if (route(price, "x", 2) > $cents)
		t_relay();
	route(screen, "y");
	$var(why) = 1;
}
"""
PYTHON = '''from opensips_py.module import ScriptMessage, route


@route
def gateways(number: str, most: int = 2) -> list[str]:
    """Where calls to *number* may leave."""
    return ["10.0.0.1"]


@route(name="screen", waits=True)
def screened(message: ScriptMessage, why: str) -> bool:
    """Whether the caller may."""
    message.var["why"] = why
    return message.route("price", "y") > 0 and message["$avp(asked)"] != ""
'''
FILES = {"opensips.cfg": SCRIPT, "more.cfg": MORE, "routing.py": PYTHON}


def of(uri, name):
    return types.TextDocumentIdentifier(uri.replace("opensips.cfg", name))


def spots(locations):
    """Files and lines, in order."""
    return sorted((each.uri.rpartition("/")[2], each.range.start.line) for each in locations)


def line_of(text, what):
    return text[:text.index(what)].count("\n")


def labels(found):
    return {each.label: each.detail for each in found}


async def complete(editor, uri, version, before, typed, name="opensips.cfg"):
    """What is proposed behind *typed*, put in front of *before*."""
    text = FILES[name].replace(before, f"{typed}\n{before}", 1)
    await editor.change(of(uri, name).uri, text, version)
    return labels(await editor.text_document_completion_async(types.CompletionParams(
        of(uri, name), place(text, f"{typed}\n{before}", len(typed)))))


def test_completion(tmp_path):
    async def conversation(editor, uri):
        found = await complete(editor, uri, 2, "\t\txlog(\"$cents:", "\t\txlog(\"$ce")
        assert found["cents"] == "local str $cents" and found["ways"] == "local list $ways" and "ru" in found
        found = await complete(editor, uri, 3, "\txlog(\"$cents by", "\t$")
        assert found["cents"] == "local int $cents"
        found = await complete(editor, uri, 4, "\tif ($param", "\t$(mi")
        assert found["minutes"] == "parameter int $minutes = 1" and "cents" not in found
        assert set(await complete(editor, uri, 5, "\tif ($param", "\t$param(")) == {"number", "minutes"}
        for version, typed in enumerate(("\troute(", "\troute[", "\t$var(x) = route[pr", "\tasync(t_relay(), ",
                                         "\tlaunch(xlog(\"a, b\"), "), 6):
            found = await complete(editor, uri, version, "\troute(relay,", typed)
            price = found.pop("price").removesuffix(" -> int")  # known where a statement asks for it
            assert price == "(str $number, [int $minutes])" and found == {
                "relay": "(int $cents)", "gateways": "(number: str, most: int = 2) -> list",
                "screen": "(why: str) -> int"}, typed
        found = await complete(editor, uri, 20, "\troute(relay,", "\tgat")
        assert found["gateways"].startswith("(number[, most])") and {"local", "price"} & found.keys() == {"local"}
        assert set(await complete(editor, uri, 21, "\troute(relay,", "\tlocal i")) == {"int", "str", "list", "any"}
    talk(tmp_path, conversation, FILES)


def test_completion_in_an_included_file(tmp_path):
    async def conversation(editor, uri):
        more = of(uri, "more.cfg")
        editor.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(
            more.uri, "opensips", 1, MORE)))
        found = await complete(editor, uri, 2, "\troute(screen", "\t$", "more.cfg")
        assert found["cents"] == "parameter int $cents" and "ways" not in found
    talk(tmp_path, conversation, FILES)


def as_told(findings):
    """Findings as the editor has them."""
    return sorted((each.severity.name.lower(), each.range.start.line + 1, each.range.start.character + 1, each.code,
                   each.message.split("\n")[0]) for each in findings)


def test_findings_are_those_of_check(tmp_path):
    wrong = {"opensips.cfg": SCRIPT.replace('route[price]("$rU", 3)', 'route[price]("$rU", "x")').replace(
        "$cents by", "$cnts by").replace("gateways($rU)", "gateways()").replace('screen("x")', 'scren("x")'),
        "more.cfg": MORE.replace("t_relay();", "{ local $inner = 1; } $du = $inner;"), "routing.py": PYTHON}

    async def conversation(editor, uri):
        data = verdict(str(tmp_path / "opensips.cfg"), notes=False).as_data()["findings"]
        for name in ("opensips.cfg", "more.cfg"):
            expected = sorted((each["severity"], each["line"], each["column"], each["code"], each["message"])
                              for each in data if each["file"].endswith(name))
            assert as_told(editor.findings[name]) == expected
        assert {each[4] for name in ("opensips.cfg", "more.cfg") for each in as_told(editor.findings[name])} >= {
            "route[price], argument 'minutes': an int is needed, and this is a text", "$cnts is unknown",
            "function scren is unknown", "gateways takes 1 to 2 arguments, not 0", "$inner is unknown"}
    talk(tmp_path, conversation, wrong)


def test_a_python_file_that_changes(tmp_path):
    async def conversation(editor, uri):
        assert not editor.errors("opensips.cfg")
        (tmp_path / "routing.py").write_text(PYTHON.replace("most: int = 2", "most: int").replace("-> bool", "-> "))
        await outside(editor, uri)
        (error,) = editor.errors("routing.py")
        assert error.range.start.line == line_of(PYTHON, "def screened") and "cannot import this" in error.message
        (tmp_path / "routing.py").write_text(PYTHON.replace("most: int = 2", "most: int"))
        await outside(editor, uri)
        assert not editor.errors("routing.py")
        (error,) = editor.errors("opensips.cfg")
        assert error.message.startswith("gateways takes 2 arguments, not 1")
    talk(tmp_path, conversation, FILES)


async def outside(editor, uri):
    """Tell that the Python file has changed, and wait for what is said then."""
    editor.findings.clear()
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(
        [types.FileEvent(of(uri, "routing.py").uri, types.FileChangeType.Changed)]))
    await editor.told_of("routing.py", "opensips.cfg")


@pytest.mark.parametrize(("file", "text", "offset", "said"), [
    ("opensips.cfg", "$cents: $", 2, "local str $cents\n```\n\nopensips.cfg, line 13"),
    ("opensips.cfg", "$cents by", 2, "local int $cents\n```\n\nopensips.cfg, line 10"),
    ("opensips.cfg", "$minutes * 2", 2, "parameter int $minutes = 1\n"),
    ("opensips.cfg", "route[price](\"", 8, "route[price](str $number, [int $minutes])"),
    ("opensips.cfg", "price);", 2, "What a call costs,\nin cents.\n\nopensips.cfg, line 23"),
    ("more.cfg", "price, \"x\"", 2, "What a call costs,"),
    ("opensips.cfg", "gateways(", 2, "gateways(number: str, most: int = 2) -> list"),
    ("opensips.cfg", "gateways(", 2, "Where calls to *number* may leave."),
    ("more.cfg", "screen,", 2, "screen(why: str) -> int\n```\n\nWhether the caller may."),
    ("more.cfg", "screen,", 2, "It may wait; other calls go on meanwhile.\n\nrouting.py, line 11")])
def test_hover(session, file, text, offset, said):
    shown = session("hover", file, text, offset)
    assert said in shown.contents.value


@pytest.mark.parametrize(("file", "text", "offset", "home", "what"), [
    ("opensips.cfg", "$cents: $", 2, "opensips.cfg", "cents = \"too"), ("opensips.cfg", "$(cents{", 3, "opensips.cfg",
                                                                       "cents = \"too"),
    ("opensips.cfg", "$cents by", 2, "opensips.cfg", "cents = route"), ("opensips.cfg", "$cents > 5", 2, "opensips.cfg",
                                                                       "cents = route"),
    ("more.cfg", "$cents)\n", 2, "more.cfg", "cents) {"), ("opensips.cfg", "param(minutes", 8, "opensips.cfg",
                                                          "minutes = 1"),
    ("more.cfg", "price, \"x\"", 1, "opensips.cfg", "price](str"), ("opensips.cfg", "gateways(", 2, "routing.py",
                                                                   "gateways(number"),
    ("opensips.cfg", "screen(", 2, "routing.py", "screened("), ("more.cfg", "screen,", 2, "routing.py", "screened("),
    ("routing.py", "price\", \"y", 1, "opensips.cfg", "price](str")])
def test_definition(session, file, text, offset, home, what):
    (found,) = session("definition", file, text, offset)
    assert found.uri.endswith(f"/{home}") and found.range.start == place(FILES[home], what)


@pytest.mark.parametrize(("file", "text", "offset", "where"), [
    ("opensips.cfg", "$cents by", 2, ["$cents = route", "$cents > 5", "$cents by", "$cents);"]),
    ("opensips.cfg", "$cents: $", 2, ["$cents = \"too", "$cents: $", "$(cents{"]),
    ("opensips.cfg", "$minutes * 2", 2, ["int $minutes", "$param(minutes)", "$minutes * 2"])])
def test_references_of_a_local(session, file, text, offset, where):
    assert spots(session("references", file, text, offset)) == sorted(
        (file, line_of(FILES[file], each)) for each in where)


def test_references_of_routes(session):
    assert spots(session("references", "more.cfg", "price, \"x\"", 1)) == [
        ("more.cfg", 1), ("opensips.cfg", 9), ("opensips.cfg", 17), ("opensips.cfg", 22), ("routing.py", 13)]
    assert spots(session("references", "more.cfg", "screen,", 1)) == [
        ("more.cfg", 3), ("opensips.cfg", 17), ("routing.py", 10)]


def renamed(session, file, text, offset, name):
    """The files that a renaming changes, as they are then."""
    edit = session("rename", file, text, offset, name)
    return {key.rpartition("/")[2]: changed(FILES[key.rpartition("/")[2]], edits)
            for key, edits in edit.changes.items()}


def test_renaming_a_local_within_its_scope(session):
    assert renamed(session, "opensips.cfg", "$cents: $", 2, "$words") == {
        "opensips.cfg": SCRIPT.replace("str $cents = \"too", "str $words = \"too").replace(
            "$cents: $(cents{", "$words: $(words{")}
    assert renamed(session, "opensips.cfg", "$minutes * 2", 2, "most") == {
        "opensips.cfg": SCRIPT.replace("minutes", "most")}


def test_renaming_a_typed_route_everywhere(session):
    assert renamed(session, "more.cfg", "price, \"x\"", 2, "cost") == {
        name: text.replace("price", "cost") for name, text in FILES.items()}


def test_renaming_a_variable_that_python_knows(session):
    assert renamed(session, "more.cfg", "why)", 1, "reason") == {
        "more.cfg": MORE.replace("why", "reason"), "routing.py": PYTHON.replace('var["why"]', 'var["reason"]')}
    assert renamed(session, "opensips.cfg", "asked)", 1, "number") == {
        "opensips.cfg": SCRIPT.replace("asked", "number"), "routing.py": PYTHON.replace("asked", "number")}


@pytest.mark.parametrize(("file", "text", "name", "reason"), [
    ("opensips.cfg", "gateways(", "ways", "gateways is a function in line 5 of routing.py"),
    ("more.cfg", "screen,", "look", "screen is a function in line 11 of routing.py"),
    ("opensips.cfg", "price);", "relay", "there is a route[relay]"),
    ("opensips.cfg", "price);", "screen", "screen is a Python route"),
    ("opensips.cfg", "cents by", "ways", "$ways is declared in line 11"),
    ("opensips.cfg", "cents by", "ru", "$ru is a pseudo-variable"),
    ("opensips.cfg", "cents by", "two words", "cannot be the name of a local")])
def test_renaming_is_refused(session, file, text, name, reason):
    with pytest.raises(JsonRpcException, match=re.escape(reason)) as refused:
        session("rename", file, text, 1, name)
    assert refused.value.code == types.LSPErrorCodes.RequestFailed


def test_what_cannot_be_renamed_says_so_at_once(session):
    with pytest.raises(JsonRpcException, match=r"is a function in line 5 of routing\.py"):
        session("prepare_rename", "opensips.cfg", "gateways(", 2)
    assert session("prepare_rename", "opensips.cfg", "price);", 2).start == place(SCRIPT, "price);")


def test_symbols(session):
    found = {each.name: each for each in session("document_symbol", "opensips.cfg", "log_level", 0)}
    assert list(found) == ["route", "route[price]"] and found["route[price]"].detail == "(str $number, [int $minutes])"
    assert [(each.name, each.detail) for each in found["route"].children] == [
        ("$cents", "local int $cents"), ("$ways", "local list $ways"), ("$cents", "local str $cents")]
    assert found["route"].range.end.line == line_of(SCRIPT, "# What") - 2
    (more,) = session("document_symbol", "more.cfg", "route", 0)
    assert [each.name for each in more.children] == ["$cents"]


REQUESTS = {"hover": types.HoverParams, "definition": types.DefinitionParams,
            "prepare_rename": types.PrepareRenameParams}


def params(what, document, at, name):
    """The parameters of a request."""
    if what == "references":
        return types.ReferenceParams(types.ReferenceContext(True), document, at)
    if what == "rename":
        return types.RenameParams(document, at, name)
    return types.DocumentSymbolParams(document) if what == "document_symbol" else REQUESTS[what](document, at)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Asks a server something about a place in one of the files."""
    loop = asyncio.new_event_loop()
    server = opened(tmp_path_factory.mktemp("typed"), FILES)
    editor, uri = loop.run_until_complete(asyncio.wait_for(server.__aenter__(), 60))

    def ask(what, file, text, offset, name=""):
        given = params(what, of(uri, file), place(FILES[file], text, offset), name)
        return loop.run_until_complete(asyncio.wait_for(getattr(editor, f"text_document_{what}_async")(given), 20))
    yield ask
    loop.run_until_complete(server.__aexit__(None, None, None))
    loop.close()

"""`opensips-py lsp` as an editor uses it: over its standard input and output."""
from lsprotocol import types

from tests.lsp.editor import place, talk

SCRIPT = """log_level=2
socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
modparam("tm", "fr_timeout", 5)
include_file "more.cfg"

route {
	$var(count) = 1;
	route(relay);
	$var(other) = "$var(count)";
}
route[relay] {
	# route(relay) of old: $var(count)
	t_on_failure("again");
	t_relay();
}
failure_route[again] {
	t_relay();
	route(relay);
}
"""
MORE = "route[more] {\n\t$var(count) = 2;\n\tt_rely();\n}\n"


def started(tmp_path, conversation, script=SCRIPT):
    """Run *conversation* with a server that has the script open."""
    return talk(tmp_path, conversation, {"opensips.cfg": script, "more.cfg": MORE})


def test_findings_fixes_and_what_changes_them(tmp_path):
    async def conversation(editor, uri):
        (found,) = [each for each in editor.findings["more.cfg"] if each.severity == types.DiagnosticSeverity.Error]
        assert found.message.startswith("function t_rely is unknown") and found.range.start == types.Position(2, 1)
        more = uri.replace("opensips.cfg", "more.cfg")
        (fix,) = await editor.text_document_code_action_async(types.CodeActionParams(
            types.TextDocumentIdentifier(more), found.range, types.CodeActionContext([found])))
        (edit,) = fix.edit.changes[more]
        assert edit.new_text == "t_relay" and edit.range == found.range
        editor.findings.clear()
        editor.text_document_did_open(types.DidOpenTextDocumentParams(
            types.TextDocumentItem(more, "opensips", 1, MORE.replace("t_rely", "t_relay"))))
        await editor.told_of("more.cfg")
        assert not [each for each in editor.findings["more.cfg"] if each.severity == types.DiagnosticSeverity.Error]
    started(tmp_path, conversation)


def test_completion_and_hover(tmp_path):
    script = SCRIPT.replace("\troute(relay);\n\t$var(other)", "\t$r\n\t$var(other)")

    async def conversation(editor, uri):
        at = types.TextDocumentIdentifier(uri)
        found = await editor.text_document_completion_async(types.CompletionParams(at, place(script, "$r\n", 2)))
        assert {"ru", "rU"} <= {each.label for each in found}
        shown = await editor.text_document_hover_async(types.HoverParams(at, place(script, "t_relay", 2)))
        assert "Send the request on to its targets" in shown.contents.value
        assert await editor.text_document_hover_async(types.HoverParams(at, types.Position(8, 0))) is None
    started(tmp_path, conversation, script)


def test_definition_references_and_renaming(tmp_path):
    async def conversation(editor, uri):
        at = types.TextDocumentIdentifier(uri)
        called = place(SCRIPT, "route(relay)", 8)
        (home,) = await editor.text_document_definition_async(types.DefinitionParams(at, called))
        assert home.range.start == place(SCRIPT, "route[relay]", 6)
        seen = await editor.text_document_references_async(
            types.ReferenceParams(types.ReferenceContext(True), at, called))
        assert len(seen) == 3  # the comment does not count
        (again,) = await editor.text_document_definition_async(
            types.DefinitionParams(at, place(SCRIPT, '"again"', 3)))
        assert again.range.start == place(SCRIPT, "failure_route[again]", 14)
        edit = await editor.text_document_rename_async(types.RenameParams(at, place(SCRIPT, "$var(count)", 6), "calls"))
        assert {key.rpartition("/")[2]: len(each) for key, each in edit.changes.items()} == {"opensips.cfg": 2,
                                                                                           "more.cfg": 1}
        script = SCRIPT.split("\n")
        for each in edit.changes[uri]:
            line = script[each.range.start.line]
            assert line[each.range.start.character:each.range.end.character] == "count"
        symbols = await editor.text_document_document_symbol_async(types.DocumentSymbolParams(at))
        assert [each.name for each in symbols] == ["route", "route[relay]", "failure_route[again]"]
        assert symbols[1].range.start == place(SCRIPT, "route[relay]") and symbols[1].range.end.line == \
            place(SCRIPT, "failure_route").line - 1
    started(tmp_path, conversation)

"""The language server itself: the protocol around analysis, completion and hover."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from opensips_py import __version__
from opensips_py.lsp import completion, hover, renaming
from opensips_py.lsp.analysis import LOCAL, Analysis, Mention
from opensips_py.lsp.scopes import Block
from opensips_py.script.diagnostics import Place
from opensips_py.script.preprocessor import read_text

SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning,
              "note": types.DiagnosticSeverity.Hint}
KINDS = {"function": types.CompletionItemKind.Function, "variable": types.CompletionItemKind.Variable,
         "local": types.CompletionItemKind.Variable,
         "keyword": types.CompletionItemKind.Keyword, "module": types.CompletionItemKind.Module,
         "parameter": types.CompletionItemKind.Property, "route": types.CompletionItemKind.Class,
         "transformation": types.CompletionItemKind.Method}


class Server(LanguageServer):
    """Answers an editor about the configurations that it has open."""

    def __init__(self) -> None:
        super().__init__("opensips-py", __version__)
        self.analyses: dict[str, Analysis] = {}
        self.told: dict[str, set[str]] = {}  # the files that each configuration has findings in

    def read(self, path: str) -> str:
        """A file as the editor has it, else as it is on disk."""
        document = self.workspace.text_documents.get(uri_of(path))
        return document.source if document is not None else read_text(path)

    def analysis(self, uri: str) -> Analysis:
        """What is known of the configuration *uri*, or of the one that includes it."""
        path = path_of(uri)
        for each in self.analyses.values():
            if path in each.files and each.path != path:
                return each
        return self.analyses.get(uri) or self.look(uri)

    def look(self, uri: str) -> Analysis:
        """Read a configuration again, and tell the editor what is wrong with it."""
        made = self.analyses[uri] = Analysis(path_of(uri), self.read)
        files = (made.path, *made.files, *self.told.get(uri, ()))
        found: dict[str, list[types.Diagnostic]] = {file: [] for file in files}
        for finding in made.findings():  # one that is of no file is shown in the first
            found.setdefault(finding["file"] or made.path, []).append(diagnostic_of(finding))
        self.told[uri] = {file for file, each in found.items() if each}
        for file, each in found.items():
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri_of(file), each))
        return made

    def refresh(self, uri: str) -> None:
        """A document has changed: look again at every configuration that it belongs to."""
        path = path_of(uri)
        owners = [key for key, each in self.analyses.items() if path in each.files and key != uri]
        for each in owners or [uri]:
            self.look(each)

    def mention(self, document: types.TextDocumentIdentifier,
                position: types.Position) -> tuple[Analysis, Mention | None]:
        """What the cursor is on."""
        analysis = self.analysis(document.uri)
        return analysis, analysis.at(path_of(document.uri), position.line + 1, position.character + 1)


def path_of(uri: str) -> str:
    """The path of a file: URI."""
    return unquote(urlsplit(uri).path)


def uri_of(path: str) -> str:
    """The file: URI of a path."""
    return Path(os.path.abspath(path)).as_uri()


def range_of(place: Place) -> types.Range:
    """A place as the protocol has it."""
    start = types.Position(max(place.line - 1, 0), max(place.column - 1, 0))
    return types.Range(start, types.Position(start.line, start.character + place.length))


def diagnostic_of(data: dict[str, Any]) -> types.Diagnostic:
    """A finding as the protocol has it."""
    place = Place(data["file"], data["line"], data["column"], data["length"])
    message = data["message"] + (f"\n{data['fix']}" if data["fix"] else "")
    related = [types.DiagnosticRelatedInformation(types.Location(uri_of(each["file"]), range_of(
        Place(each["file"], each["line"], each["column"], each["length"]))), each["message"])
        for each in data["related"] if each["file"]]
    return types.Diagnostic(range_of(place), message, SEVERITIES[data["severity"]], data["code"],
                            source="opensips-py", related_information=related or None, data=data["edits"])


def made() -> Server:
    """A server with all that it can do."""
    server = Server()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.refresh(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.refresh(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.refresh(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def changed_outside(params: types.DidChangeWatchedFilesParams) -> None:
        for uri in list(server.analyses):  # any may import or include what has changed
            server.look(uri)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["$", "(", '"', "{"]))
    def complete(params: types.CompletionParams) -> list[types.CompletionItem]:
        uri, position = params.text_document.uri, params.position
        found = completion.proposals(server.analysis(uri), path_of(uri), server.read(path_of(uri)), position.line,
                                     position.character)
        return [types.CompletionItem(each.label, kind=KINDS[each.kind], detail=each.detail or None,
                                     documentation=each.help or None) for each in found]

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(params: types.HoverParams) -> types.Hover | None:
        uri, position = params.text_document.uri, params.position
        analysis, mention = server.mention(params.text_document, position)
        text = hover.declared(analysis, mention) if mention is not None else ""
        text = text or hover.entry(analysis.registry, server.read(path_of(uri)), position.line, position.character)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if text else None

    navigation(server)
    return server


def navigation(server: Server) -> None:
    """Going to definitions, finding references, renaming, and fixes."""
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(params: types.DefinitionParams) -> list[types.Location]:
        analysis, mention = server.mention(params.text_document, params.position)
        return [location(each) for each in (analysis.like(mention) if mention else []) if each.defines]

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def references(params: types.ReferenceParams) -> list[types.Location]:
        analysis, mention = server.mention(params.text_document, params.position)
        return [location(each) for each in (analysis.like(mention) if mention else [])]

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def renameable(params: types.PrepareRenameParams) -> types.Range | None:
        analysis, mention = server.mention(params.text_document, params.position)
        if mention is None:
            return None
        try:
            renaming.check(analysis, mention)
        except renaming.Refused as refused:
            raise JsonRpcException(str(refused), types.LSPErrorCodes.RequestFailed) from None
        return range_of(mention.place)

    @server.feature(types.TEXT_DOCUMENT_RENAME)
    def rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        analysis, mention = server.mention(params.text_document, params.position)
        if mention is None:
            return None
        wanted = params.new_name.removeprefix("$") if mention.kind == LOCAL else params.new_name
        try:
            places = renaming.places(analysis, mention, wanted)
        except renaming.Refused as refused:
            raise JsonRpcException(str(refused), types.LSPErrorCodes.RequestFailed) from None
        changes: dict[str, list[types.TextEdit]] = {}
        for each in places:
            changes.setdefault(uri_of(each.file), []).append(types.TextEdit(range_of(each), wanted))
        return types.WorkspaceEdit(changes)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
    def fixes(params: types.CodeActionParams) -> list[types.CodeAction]:
        return [action(each) for each in params.context.diagnostics if each.data]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        analysis, path = server.analysis(params.text_document.uri), path_of(params.text_document.uri)
        return [symbol(each, analysis) for each in analysis.scopes.routes if each.name_place.file == path]


def symbol(route: Block, analysis: Analysis) -> types.DocumentSymbol:
    """A route with its locals, for the outline."""
    first, last = (analysis.scopes.tokens[each].place for each in (route.begin, route.end))
    end = range_of(last).end if last.file == first.file else range_of(route.name_place).end
    whole = types.Range(range_of(first).start, end)
    inner = [types.DocumentSymbol(f"${each.name}", types.SymbolKind.Variable, range_of(each.place),
                                  range_of(each.place), hover.declaration(each))
             for each in route.locals if each.place.file == first.file]
    return types.DocumentSymbol(f"{route.kind}[{route.name}]" if route.name else route.kind, types.SymbolKind.Function,
                                whole, range_of(route.name_place), hover.parameters(analysis, route.name)
                                if route.kind == "route" else "", children=inner)


def location(mention: Mention) -> types.Location:
    """A mention as the protocol has it."""
    return types.Location(uri_of(mention.place.file), range_of(mention.place))


def action(diagnostic: types.Diagnostic) -> types.CodeAction:
    """The fix of a finding."""
    changes: dict[str, list[types.TextEdit]] = {}
    for each in diagnostic.data or []:
        edit = types.TextEdit(types.Range(types.Position(each["line"] - 1, each["column"] - 1),
                                          types.Position(each["end_line"] - 1, each["end_column"] - 1)), each["text"])
        changes.setdefault(uri_of(each["file"]), []).append(edit)
    title = diagnostic.message.rpartition("\n")[2]
    return types.CodeAction(title, types.CodeActionKind.QuickFix, [diagnostic], edit=types.WorkspaceEdit(changes))

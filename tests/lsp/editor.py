"""An editor that talks to `opensips-py lsp` over its standard input and output."""
import asyncio
import sys
from contextlib import asynccontextmanager

from lsprotocol import types
from pygls.lsp.client import LanguageClient


class Editor(LanguageClient):
    """A client that keeps what it is told."""

    def __init__(self):
        super().__init__("test", "1")
        self.findings = {}
        self.told = asyncio.Event()

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params):
            self.findings[params.uri.rpartition("/")[2]] = params.diagnostics
            self.told.set()

    async def told_of(self, *names):
        """Wait for the findings of files."""
        while not set(names) <= self.findings.keys():
            self.told.clear()
            await self.told.wait()

    def errors(self, name):
        """The errors in a file."""
        return [each for each in self.findings[name] if each.severity == types.DiagnosticSeverity.Error]

    async def change(self, uri, text, version):
        """Type *text* in place of all that stood in a document, and wait for what is said of it."""
        self.findings.clear()
        self.text_document_did_change(types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(version, uri), [types.TextDocumentContentChangeWholeDocument(text)]))
        await self.told_of(uri.rpartition("/")[2])


@asynccontextmanager
async def opened(folder, files):
    """A server that has the first of *files* open, and the URI of that."""
    for name, text in files.items():
        (folder / name).write_text(text)
    first = next(iter(files))
    uri, editor = (folder / first).as_uri(), Editor()
    await editor.start_io(sys.executable, "-m", "opensips_py", "lsp")
    try:
        await editor.initialize_async(types.InitializeParams(types.ClientCapabilities()))
        editor.initialized(types.InitializedParams())
        editor.text_document_did_open(types.DidOpenTextDocumentParams(
            types.TextDocumentItem(uri, "opensips", 1, files[first])))
        await editor.told_of(*(name for name in files if name.endswith(".cfg")))
        yield editor, uri
    finally:
        await editor.shutdown_async(None)
        editor.exit(None)
        await editor.stop()


def talk(folder, conversation, files):
    """Run *conversation* with a server that has the first of *files* open."""
    async def whole():
        async with opened(folder, files) as (editor, uri):
            return await conversation(editor, uri)
    return asyncio.run(asyncio.wait_for(whole(), 60))


def place(script, text, offset=0):
    """Where *text* first stands in *script*."""
    before = script[:script.index(text) + offset]
    return types.Position(before.count("\n"), len(before) - before.rfind("\n") - 1)


def changed(text, edits):
    """*text* with the edits of one document carried out."""
    lines = text.split("\n")
    for each in sorted(edits, key=lambda each: (-each.range.start.line, -each.range.start.character)):
        assert each.range.start.line == each.range.end.line
        line = lines[each.range.start.line]
        lines[each.range.start.line] = line[:each.range.start.character] + each.new_text \
            + line[each.range.end.character:]
    return "\n".join(lines)

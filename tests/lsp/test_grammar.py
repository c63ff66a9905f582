"""The colouring of the VS Code extension."""
import json
import pathlib

import regex

from opensips_py.lsp import grammar

EXTENSION = pathlib.Path(__file__).resolve().parents[2] / "editors" / "vscode"


def test_the_file_is_what_the_tables_say():
    assert (EXTENSION / grammar.FILE).read_text() == grammar.text(), \
        "run: python -m opensips_py.lsp.grammar editors/vscode"


def test_every_pattern_is_one():
    def patterns(entry):
        for each in entry.get("patterns", ()):
            yield from (each[key] for key in ("match", "begin", "end") if key in each)
            yield from patterns(each)
    found = list(patterns(grammar.grammar()))
    assert len(found) > 15 and all(regex.compile(each) for each in found)


def test_the_extension_names_files_that_are_there():
    package = json.loads((EXTENSION / "package.json").read_text())
    assert (EXTENSION / package["main"]).exists()
    assert (EXTENSION / package["contributes"]["grammars"][0]["path"]).exists()
    json.loads((EXTENSION / package["contributes"]["languages"][0]["configuration"]).read_text())

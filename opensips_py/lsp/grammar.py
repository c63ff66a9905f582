"""Syntax colouring for editors, out of the tables that the server itself reads scripts by.

``python -m opensips_py.lsp.grammar FOLDER`` writes the TextMate grammar of the VS Code extension.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from opensips_py.lsp.completion import STATEMENTS
from opensips_py.script import globals
from opensips_py.script.core import registry_with_core
from opensips_py.script.expressions import FALSE_WORDS, TRUE_WORDS
from opensips_py.script.parser import TOP_WORDS
from opensips_py.script.routes import KINDS
from opensips_py.script.sockets import PROTOCOLS
from opensips_py.script.statements import LOCAL_TYPES

FILE = Path("syntaxes") / "opensips.tmLanguage.json"


def words(names: Any) -> str:
    """A pattern for any of *names* as a whole word, longest first."""
    return r"\b(?:" + "|".join(sorted(dict.fromkeys(names), key=lambda name: (-len(name), name))) + r")\b"


def grammar() -> dict[str, Any]:
    """The TextMate grammar."""
    core = registry_with_core("4.0")
    older = registry_with_core("2.1")
    parameters = [each.name for each in globals.TABLE] + [name for each in globals.TABLE for name in each.aliases]
    variable = {"name": "variable.other.opensips", "match": r"\$(?:\(?(?:<\w+>)?[A-Za-z_.?]+(?:\([^()]*\))?)"}
    patterns = [
        {"name": "keyword.control.preprocessor.opensips", "match": r"^\s*(?:#!|!!)\w+.*$"},
        {"name": "comment.line.opensips", "match": r"#(?!!).*$|//.*$"},
        {"name": "comment.block.opensips", "begin": r"/\*", "end": r"\*/"},
        {"name": "string.quoted.double.opensips", "begin": '"', "end": '"', "patterns": [
            {"name": "constant.character.escape.opensips", "match": r"\\."}, variable]},
        {"name": "string.quoted.single.opensips", "begin": "'", "end": "'", "patterns": [
            {"name": "constant.character.escape.opensips", "match": r"\\."}, variable]},
        variable,
        {"name": "support.function.transformation.opensips", "match": r"\{(?:" + "|".join(
            sorted({name.partition(".")[0] for name in core.transformations})) + r")\.[\w.]+[^{}]*\}"},
        {"name": "storage.type.route.opensips", "match": words(KINDS)},
        {"name": "keyword.other.opensips", "match": words(TOP_WORDS)},
        {"name": "keyword.control.opensips", "match": words(STATEMENTS)},
        {"name": "entity.name.section.route.opensips", "match": r"(?<=route[\[(])[\w-]+"},
        {"name": "storage.type.opensips", "match": words(LOCAL_TYPES) + r"(?=\s+\$)"},
        {"name": "constant.language.opensips", "match": words((*TRUE_WORDS, *FALSE_WORDS, *PROTOCOLS)) + r"(?!\s*\()"},
        {"name": "keyword.operator.word.opensips", "match": words(("and", "or", "not", "in", "NULL"))},
        {"name": "support.function.core.opensips", "match": words([*core.functions, *older.functions]) + r"(?=\s*\()"},
        {"name": "support.type.property-name.opensips", "match": r"^\s*" + words(parameters) + r"(?=\s*=)"},
        {"name": "entity.name.function.opensips", "match": r"\b[A-Za-z_]\w*(?=\s*\()"},
        {"name": "constant.numeric.opensips", "match": r"\b(?:0x[0-9A-Fa-f]+|\d+(?:\.\d+){3}(?:/\d+)?|\d+)\b"},
        {"name": "keyword.operator.opensips", "match": r"=~|!~|[=!<>]=|&&|\|\||<<|>>|[-+*/%&|^~<>=!]"},
    ]
    return {"$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
            "name": "OpenSIPS", "scopeName": "source.opensips", "fileTypes": ["cfg"], "patterns": patterns}


def text() -> str:
    """The grammar as the file has it."""
    return json.dumps(grammar(), indent=1) + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) / FILE).write_text(text())

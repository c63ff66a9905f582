"""What stands in the parentheses of $json, and what is assigned to it."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from opensips_py.module.kinds import Kind
from opensips_py.modules.json.path import Path, path_of
from opensips_py.modules.json.reading import parsed

NAMES = "json(?:_compact|_compact_noescape|_pretty)?"
ONE = re.compile(rf"\${NAMES}\((.*)\)|\$\({NAMES}\((.*)\)\)", re.DOTALL)


@dataclass(frozen=True)
class JsonPath(Kind):
    """The way to a value in a document."""

    name = "path"
    script = True
    as_written = True

    def compile(self, value: str, language: Any) -> Path:
        """The path; in 2.1 a dot is a character like any other."""
        return path_of(value, language, lists=language.registry.dialect != "2.1")


@dataclass(frozen=True)
class JsonVariable(Kind):
    """A $json itself; 2.1 quotes it."""

    name = "var"
    script = True
    literal = True

    def compile(self, value: str, language: Any) -> Path:
        """The path of the variable."""
        found = ONE.fullmatch(value.strip())
        if found is None:
            raise ValueError(f"$json(name) is needed, not {value}")
        return path_of(found[1] or found[2], language, lists=False)


@dataclass(frozen=True)
class JsonText(Kind):
    """JSON to be parsed; what cannot be is the error that says why, for the variable to be emptied."""

    name = "string"

    def convert(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return parsed(str(value))
        except ValueError as error:
            return error


@dataclass(frozen=True)
class JsonValue(Kind):
    """A number or a text as it is."""

    name = "json"
    replacing = JsonText()

    def convert(self, value: Any) -> Any:
        return value if value is None or isinstance(value, int) else str(value)

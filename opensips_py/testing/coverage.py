"""A plug-in for coverage.py: which lines of a script ran. .coveragerc has ``plugins = opensips_py.testing.coverage``.

Compiled routes carry the names and line numbers of the script, so coverage.py sees them; it only has to be told that
these files are sources, and which of their lines can run.
"""
from __future__ import annotations

import os
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from coverage import CoveragePlugin, FileReporter, FileTracer

from opensips_py.script.preprocessor import read_text
from opensips_py.server import generation

if TYPE_CHECKING:
    from coverage.plugin_support import Plugins

SUFFIXES = (".cfg", ".m4", ".conf")


class Scripts(CoveragePlugin):
    """Takes the frames of compiled routes."""

    def file_tracer(self, filename: str) -> FileTracer | None:
        """The tracer of a script; None for any other file."""
        return Script(filename) if filename.endswith(SUFFIXES) else None

    def file_reporter(self, filename: str) -> FileReporter | str:
        """What reports on a script."""
        return Report(filename)


class Script(FileTracer):
    """One file of a configuration."""

    def __init__(self, filename: str) -> None:
        self.filename = os.path.abspath(filename)

    def source_filename(self) -> str:
        """The file."""
        return self.filename


class Report(FileReporter):
    """The lines of one file that can run: those of its routes that hold a statement."""

    def lines(self) -> set[int]:
        """Their numbers."""
        read = generation.read(self.filename, {}, read_text)
        found: set[int] = set()
        for routes in read.routes.by_kind.values():
            for route in routes.values():
                found |= lines_of(route, self.filename)
        return found


def lines_of(route: Any, filename: str) -> set[int]:
    """The numbers of the lines of *filename* that the compiled *route* has code for."""
    found: set[int] = set()
    waiting: list[CodeType] = [route.__code__] if isinstance(route, FunctionType) else []
    while waiting:
        code = waiting.pop()
        if os.path.abspath(code.co_filename) == filename:
            found.update(line for _, _, line in code.co_lines() if line and line != code.co_firstlineno)
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
    return found


def coverage_init(plugins: Plugins, options: dict[str, Any]) -> None:
    """Called by coverage.py."""
    plugins.add_file_tracer(Scripts())

"""A pytest plug-in: which declared names do tests execute, and what do they notice when a name does nothing?

The environment says what to do: SURFACE_RECORD is the file that receives name -> tests, SURFACE_MUTATE the name that
is to do nothing but succeed, SURFACE_TESTS a file with the tests to run, one a line, in this order.
"""
from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.surface import language, probes


class Recorder:
    """What has been executed, by the test that did it."""

    def __init__(self, mutated: str = "") -> None:
        self.mutated = mutated
        self.current = self.file = ""
        self.failed: set[str] = set()
        self.seen: dict[str, dict[str, None]] = {}
        self.watched: list[tuple[str, Any, list[int]]] = []  # counters by their keys, with the value seen last

    def note(self, key: str) -> bool:
        """*key* is being executed; True if it shall do its work, False if it shall only succeed."""
        if self.current:
            self.seen.setdefault(key, {})[self.current] = None
        return key != self.mutated

    def watch(self, key: str, counter: Any) -> None:
        """Note *key* for each test in which *counter* counts."""
        self.watched.append((key, counter, [counter.value]))

    def look(self) -> None:
        """See which counters have counted since the last look."""
        for key, counter, seen in self.watched:
            if counter.value != seen[0]:
                seen[0] = counter.value
                self.note(key)

    def begin(self, test: str) -> None:
        """Another test begins; counters are kept for those of one file, which may share a server."""
        if test.partition("::")[0] != self.file:
            self.file = test.partition("::")[0]
            self.watched.clear()
        self.current = test

    def end(self) -> None:
        """The test is over."""
        self.look()
        self.current = ""

    def probed(self, key: str, call: Callable[..., Any], otherwise: Callable[..., Any]) -> Callable[..., Any]:
        """*call*, noted; *otherwise* in its place where the name is mutated."""
        def probe(*arguments: Any, **named: Any) -> Any:
            return call(*arguments, **named) if self.note(key) else otherwise(*arguments, **named)
        return probe

    def tests(self) -> dict[str, list[str]]:
        """The tests that passed, by the names that they executed."""
        return {key: [each for each in tests if each not in self.failed] for key, tests in sorted(self.seen.items())}


class Plugin:
    """The hooks of pytest."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.recorder.begin(item.nodeid)
        try:
            return (yield)
        finally:
            self.recorder.end()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.recorder.failed.add(report.nodeid)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if path := os.environ.get("SURFACE_TESTS"):
            order = {each: number for number, each in enumerate(pathlib.Path(path).read_text().splitlines())}
            items[:] = sorted((each for each in items if each.nodeid in order), key=lambda each: order[each.nodeid])

    def pytest_sessionfinish(self) -> None:
        if path := os.environ.get("SURFACE_RECORD"):
            pathlib.Path(path).write_text(json.dumps(self.recorder.tests()))


def pytest_configure(config: pytest.Config) -> None:
    recorder = Recorder(os.environ.get("SURFACE_MUTATE", ""))
    patch = pytest.MonkeyPatch()
    probes.install(recorder, patch)
    language.install(recorder, patch)
    config.add_cleanup(patch.undo)
    config.pluginmanager.register(Plugin(recorder), "surface-recorder")

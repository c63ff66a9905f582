"""The proof: each name of a module in turn does nothing but succeed, and some test must notice."""
from __future__ import annotations

import os
import pathlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.surface.count import Record
from tests.surface.declared import Name

AT_ONCE = 2  # tests that run beside each other
PATIENCE = 90.0  # seconds; what takes longer has been noticed, too
NOTICED, SURVIVED = 1, 0  # exit codes of pytest
KINDS_OF_LANGUAGE = ("statements", "route_types", "operators", "operands")


@dataclass
class Child:
    """A process that runs the tests of one mutated name."""

    key: str
    process: int
    began: float
    tests: str  # the file that lists them

    def ended(self) -> int | None:
        """Its exit code, once it has one."""
        process, status = os.waitpid(self.process, os.WNOHANG)
        if not process:
            if time.monotonic() - self.began > PATIENCE:
                os.kill(self.process, 9)
            return None
        pathlib.Path(self.tests).unlink()
        return NOTICED if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


def survivors(keys: list[str], record: Record) -> Iterator[tuple[str, str]]:
    """The names whose loss no test notices, and why not."""
    weights = {test: sum(test in tests for tests in record.values()) for key in keys for test in record.get(key, ())}
    waiting, running = [], []
    for key in keys:
        if tests := sorted(record.get(key, ()), key=lambda test: weights[test]):
            waiting.append((key, tests))
        else:
            yield key, "no test executes it"
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            running.append(start(*waiting.pop(0)))
        time.sleep(0.02)
        for child in list(running):
            code = child.ended()
            if code is not None:
                running.remove(child)
                if code == SURVIVED:
                    yield child.key, f"survived {len(record[child.key])} tests"
                elif code != NOTICED:
                    yield child.key, f"its tests could not run, pytest ended with {code}"


def start(key: str, tests: list[str]) -> Child:
    """Begin the tests of one name in a process that has imported everything already."""
    descriptor, path = tempfile.mkstemp(suffix=".txt", text=True)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(tests))
    process = os.fork()
    if process:
        return Child(key, process, time.monotonic(), path)
    code = 70
    try:
        os.nice(5)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        os.environ.update(SURFACE_MUTATE=key, SURFACE_TESTS=path)
        files = sorted({test.partition("::")[0] for test in tests})
        code = int(pytest.main(["-x", "-q", "--tb=no", "-p", "tests.surface.recorder", "-p", "no:cacheprovider", "-o",
                                "timeout=20", *files]))
    finally:
        os._exit(code)


def keys_of(names: list[Name]) -> list[str]:
    """The keys that can be mutated: not the language itself, nor what has no effect anyhow."""
    return sorted({key for each in names if each.kind not in KINDS_OF_LANGUAGE and not each.is_idle
                   for key in each.keys} - {"core/functions/route"})

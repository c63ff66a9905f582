"""Running the tests that execute scripts with the recorder on."""
from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from tests.surface.count import Record

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OF_MODULES = ("tests/modules",)
SUITES = (*OF_MODULES, "tests/script", "tests/mi", "tests/events", "tests/server", "tests/db", "tests/test_explain.py")


def recorded(suites: tuple[str, ...] = SUITES) -> Record:
    """The tests of *suites* by the names that they execute; what fails is told, and does not count."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "tests.surface.recorder", "-p",
                   "no:cacheprovider", *suites]
        run = subprocess.run(command, cwd=ROOT, env={**os.environ, "SURFACE_RECORD": file.name},
                             stdout=subprocess.PIPE, text=True)
        if run.returncode:
            print(run.stdout[-4000:], file=sys.stderr)
        record: Record = json.loads(pathlib.Path(file.name).read_text() or "{}")
        return record

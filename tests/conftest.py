"""What all tests need to be true."""
from __future__ import annotations

import gc
import importlib.machinery
import os
import pathlib
import resource
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests import bytecode
from tests.servers import DatabaseServer, RabbitMQ, mariadb, postgres, rabbitmq

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "opensips_py"

bytecode.keep()

SHARED_MEMORY = "/dev/shm"
ROOM = 4 << 30
if "TMPDIR" not in os.environ and os.path.isdir(SHARED_MEMORY) and shutil.disk_usage(SHARED_MEMORY).free > ROOM:
    # what servers and databases sync to the disk for ever is thrown away a second later: waiting for it took as long
    # as the tests themselves
    os.environ["TMPDIR"] = tempfile.tempdir = SHARED_MEMORY


def outdated() -> list[str]:
    """Compiled files older than what they were made from: Python would run yesterday's code."""
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    found = []
    for compiled in [*PACKAGE.glob(f"*{suffix}"), *PACKAGE.glob(f"*/*{suffix}"), *PACKAGE.glob(f"modules/*/*{suffix}")]:
        stem = compiled.name.removesuffix(suffix)
        sources = [compiled.with_name(stem + ending) for ending in (".py", ".pyx", ".pxd")]
        if any(each.exists() and each.stat().st_mtime > compiled.stat().st_mtime for each in sources):
            found.append(str(compiled.relative_to(PACKAGE.parent)))
    return found


def pytest_configure(config: pytest.Config) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if stale := outdated():
        pytest.exit(f"compiled before their source was changed: {', '.join(stale)}: run `make build`", returncode=4)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Eight thousand tests are a large heap, and going through it again and again took a third of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What a test has logged may hold bytes of hostile messages that no channel between processes of tests takes."""
    outcome: Any = yield
    report = outcome.get_result()
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]


MISSING = "is not installed"
ALLOWED = ("Locust",)  # of an extra that the tests do without
missing: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what was skipped because something is missing on this machine."""
    reason = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if MISSING in reason and not any(word in reason for word in ALLOWED):
        missing.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, which installs all that the tests use, such a skip is a failure."""
    if missing and os.environ.get("CI"):
        print("\nskipped for something that CI should have installed:", *missing, sep="\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[DatabaseServer]:
    """PostgreSQL, for all tests of this process."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[DatabaseServer]:
    """MariaDB, for all tests of this process."""
    with mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[RabbitMQ]:
    """RabbitMQ, for all tests of this process."""
    with rabbitmq() as server:
        yield server

"""What all tests need to be true."""
from __future__ import annotations

import importlib.machinery
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "opensips_py"


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
    if stale := outdated():
        pytest.exit(f"compiled before their source was changed: {', '.join(stale)}: run `make build`", returncode=4)

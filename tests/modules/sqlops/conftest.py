"""A database of SQLite for each test."""
from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.modules.sqlops.asking import Asking


@pytest.fixture
def asking(tmp_path: pathlib.Path) -> Asking:
    """For scripts of 4.0."""
    return Asking(f"sqlite://{tmp_path}/rows.db")


@pytest.fixture
def asking_21(tmp_path: pathlib.Path) -> Asking:
    """For scripts of 2.1."""
    return Asking(f"sqlite://{tmp_path}/rows.db", "2.1")


@pytest.fixture(params=["postgres_server", "mariadb_server"])
def asking_server(request: Any) -> Iterator[Asking]:
    """For scripts of 4.0, on a server of each kind."""
    made = Asking(request.getfixturevalue(request.param).url)
    yield made
    made.close()

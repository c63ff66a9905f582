"""Workers with a registrar, alone and with a database."""
from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.modules.place import START, Place, places
from tests.modules.usrloc.office import Office


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Iterator[Any]:
    """Makes workers; all on one state directory."""
    yield from places(tmp_path)


@pytest.fixture
def office(tmp_path: pathlib.Path, place: Any, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A registrar with an SQLite database."""
    made = Office(tmp_path, place)
    monkeypatch.setattr("opensips_py.modules.usrloc.table.time", made)  # tables begin with the time of the test
    return made


__all__ = ["START", "Place"]

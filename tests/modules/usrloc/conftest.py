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
    monkeypatch.setattr("opensips_py.modules.usrloc.keeping.SteadyClock", lambda folder: Turned(made))
    return made


class Turned:
    """The clock that contacts end by, where the test turns it."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def __call__(self) -> float:
        return self.office.time()

    def ahead(self) -> int:
        return 0


__all__ = ["START", "Place"]

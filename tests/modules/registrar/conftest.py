"""Workers with a registrar."""
from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.modules.place import places


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Iterator[Any]:
    """Makes workers; all on one state directory."""
    yield from places(tmp_path)

"""A clock that nobody sets."""
from __future__ import annotations

import pathlib
import time

import pytest

from opensips_py.state import directory
from opensips_py.state.steady import SteadyClock


def test_it_goes_on_where_the_clock_of_the_machine_is_set(tmp_path: pathlib.Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    directory.begin(tmp_path)
    clock, wall = SteadyClock(tmp_path), time.time
    assert (clock(), clock.ahead()) == (pytest.approx(wall(), abs=1), 0)
    monkeypatch.setattr(time, "time", lambda: wall() - 86400)
    directory.end(tmp_path)
    directory.begin(tmp_path)
    for each in (clock, SteadyClock(tmp_path)):  # the processes of the next start as well
        assert (each(), each.ahead()) == (pytest.approx(wall(), abs=1), -86400)


def test_another_boot_of_the_machine_begins_with_its_clock(tmp_path: pathlib.Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    directory.begin(tmp_path, "another")
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + 3600)
    directory.end(tmp_path)
    assert SteadyClock(tmp_path)() == pytest.approx(wall() + 3600, abs=1)

"""Moments that become numbers, where clocks change."""
from __future__ import annotations

import os
import time
from datetime import datetime

import pytest

from opensips_py.db import catalog, schema
from opensips_py.db.conversion import offsets, unix_time
from opensips_py.db.creation import FLAVOURS
from tests.db.databases import create, url_of

SPRING, AUTUMN = datetime(2026, 3, 29, 3), datetime(2026, 10, 25, 3)
MOMENTS = [datetime(1970, 1, 1), datetime(2026, 1, 1), datetime(2026, 3, 29, 1, 59, 59), datetime(2026, 3, 29, 3),
           datetime(2026, 7, 1, 12), datetime(2026, 10, 25, 1, 59), datetime(2026, 10, 25, 4), datetime(2027, 2, 1)]


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.pop("TZ", None)
    time.tzset()


def test_offsets_change_when_clocks_do(berlin):
    found = list(offsets(datetime(2026, 1, 1), datetime(2026, 12, 31)))
    assert [offset for _, offset in found] == [3600, 7200, 3600]
    assert abs((found[0][0] - SPRING).total_seconds()) <= 3600 and abs((found[1][0] - AUTUMN).total_seconds()) <= 3600


@pytest.mark.parametrize("kind", ["sqlite", "mysql", "postgres"])
def test_every_database_makes_the_numbers_that_the_clock_means(kind, berlin, request, tmp_path):
    made = create(url_of(kind, request, tmp_path), "location", dialect="2.1")
    flavour = FLAVOURS[kind]
    for number, moment in enumerate(MOMENTS):
        made.insert("location", {"id": number + 1, "username": "u", "contact": str(number), "expires": moment})

    def found(session):
        assert catalog.table(session, flavour, "location").column("expires").family == "moment"
        name = flavour.quoted("expires")
        value = unix_time(session, flavour, "location", name)
        return [int(each) for each, in session.query(f"SELECT {value} FROM location ORDER BY id").rows]
    assert made.run(found) == [max(int(each.timestamp()), 0) for each in MOMENTS]
    assert made.select("location", ("id",)) and schema("2.1")["location"].version == 1009
    made.close()

"""The tables of both versions, and the statements that make them."""
from __future__ import annotations

import sqlite3

import pytest

from opensips_py.db import known_versions, schema
from opensips_py.db.creation import MYSQL, POSTGRES, SQLITE, statements


def test_tables_and_their_versions():
    assert {name: schema("2.1")[name].version for name in ("location", "dialog", "dispatcher")} == {
        "location": 1009, "dialog": 10, "dispatcher": 7}
    assert sorted(known_versions("location")) == [1009, 1013] and not known_versions("nothing")
    table = schema("4.0")["location"]
    assert table.key == ("contact_id",) and "kv_store" in table.names and "id" not in table.names


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_sqlite_takes_them_all(dialect):
    made = sqlite3.connect(":memory:")
    for table in schema(dialect).values():
        for each in statements(table, SQLITE):
            made.execute(each)
        columns = [row[1] for row in made.execute(f'PRAGMA table_info("{table.name}")')]
        assert columns == list(table.names)


def test_defaults_and_keys_are_those_of_the_schema():
    table = schema("2.1")["location"]
    made = "\n".join(statements(table, MYSQL))
    assert "`id` INT UNSIGNED AUTO_INCREMENT PRIMARY KEY" in made and "`q` FLOAT NOT NULL DEFAULT 1.0" in made
    assert "`received` VARCHAR(128) NULL DEFAULT NULL" in made
    assert "CREATE UNIQUE INDEX `location_account_contact_idx`" in made
    assert '"contact_id" BIGSERIAL PRIMARY KEY' in "\n".join(statements(schema("4.0")["location"], POSTGRES))


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_indexes_are_over_columns_that_there_are(dialect):
    for table in schema(dialect).values():
        for index in table.indexes:
            assert set(index.columns) <= set(table.names), table.name


def test_a_char_is_a_small_number():
    mask = schema("2.1")["address"]
    assert "`mask` TINYINT NOT NULL DEFAULT 32" in "\n".join(statements(mask, MYSQL))
    assert '"mask" SMALLINT NOT NULL DEFAULT 32' in "\n".join(statements(mask, POSTGRES))

"""What the parameters say about where contacts are kept."""
from __future__ import annotations

from typing import Any

import pytest

from opensips_py.errors import ConfigError
from opensips_py.modules.usrloc.modes import NO_DB, ONLY_CACHE, ONLY_SQL, WRITE_BACK, WRITE_THROUGH, Mode
from tests.modules.loaded import loaded


def mode(**parameters: int | str) -> Mode:
    module = loaded("usrloc", **parameters)
    module.registry.add("db_sqlite")
    module.registry.add("cachedb_local")
    module.registry.globals = {"db_default_url": "sqlite:///nowhere"}
    module.load()
    found: Mode = module.mode
    return found


@pytest.mark.parametrize(("parameters", "expected"), [
    ({}, NO_DB), ({"db_mode": 0}, NO_DB), ({"db_mode": 1}, WRITE_THROUGH), ({"db_mode": 2}, WRITE_BACK),
    ({"db_mode": 3}, ONLY_SQL), ({"working_mode_preset": "single-instance-no-db"}, NO_DB),
    ({"working_mode_preset": "single-instance-sql-write-through"}, WRITE_THROUGH),
    ({"working_mode_preset": "single-instance-sql-write-back"}, WRITE_BACK),
    ({"working_mode_preset": "full-sharing-cachedb-cluster", "cachedb_url": "local://"}, ONLY_CACHE),
    ({"cluster_mode": "full-sharing-cachedb", "cachedb_url": "local://"}, ONLY_CACHE),
    ({"working_mode_preset": "sql-only"}, ONLY_SQL), ({"cluster_mode": "sql-only"}, ONLY_SQL),
    ({"cluster_mode": "none"}, NO_DB), ({"restart_persistency": "none", "sql_write_mode": "none"}, NO_DB),
    ({"restart_persistency": "load-from-sql"}, WRITE_BACK),
    ({"restart_persistency": "load-from-sql", "sql_write_mode": "write-through"}, WRITE_THROUGH),
    ({"restart_persistency": "load-from-sql", "sql_write_mode": "write-back"}, WRITE_BACK),
    ({"restart_persistency": "load-from-sql", "sql_write_mode": "none"}, Mode(loads=True)),
    ({"working_mode_preset": "sql-only", "db_mode": 1, "cluster_mode": "none"}, ONLY_SQL),
    ({"db_mode": 2, "cluster_mode": "sql-only", "sql_write_mode": "write-through"}, WRITE_BACK)])
def test_modes(parameters: dict[str, Any], expected: Mode) -> None:
    assert mode(**parameters) == expected


@pytest.mark.parametrize(("parameters", "match"), [
    ({"working_mode_preset": "full-sharing-cluster"}, "waits for module clusterer"),
    ({"working_mode_preset": "federation-cachedb-cluster"}, "waits for module clusterer"),
    ({"cluster_mode": "full-sharing"}, "waits for module clusterer"),
    ({"restart_persistency": "sync-from-cluster"}, "waits for module clusterer"),
    ({"working_mode_preset": "full-sharing-cachedb-cluster"}, "cachedb_url names none"),
    ({"cluster_mode": "full-sharing-cachedb", "cachedb_url": "redis://h/"}, 'add loadmodule "cachedb_redis.so"'),
    ({"working_mode_preset": "some"}, "is one of single-instance-no-db"), ({"cluster_mode": "sql"}, "is one of none"),
    ({"restart_persistency": "yes"}, "is one of none, load-from-sql"),
    ({"sql_write_mode": "write"}, "is one of none, write-through"),
    ({"sql_write_mode": "write-back"}, "needs restart_persistency load-from-sql")])
def test_what_does_not_fit(parameters: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        mode(**parameters)


@pytest.mark.parametrize("parameters", [{"db_mode": 1}, {"db_mode": 3}, {"restart_persistency": "load-from-sql"}])
def test_a_database_needs_its_driver(parameters: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="names no database"):
        loaded("usrloc", **parameters).load()
    with pytest.raises(ConfigError, match="needs its driver"):
        loaded("usrloc", db_url="mysql://u:p@h/d", **parameters).load()
    loaded("usrloc", db_url="mysql://u:p@h/d").load()

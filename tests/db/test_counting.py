"""How many operations there were, and how many of them were slow."""
from __future__ import annotations

import pytest

from opensips_py.errors import MIError
from tests.modules.auth_db.scripts import guarded, old
from tests.modules.users import subscribers


def test_operations_are_counted(opensips, tmp_path):
    server = opensips(text=guarded(subscribers(tmp_path, "subscriber")[0]))
    db = server.engine.generation.registry.modules["auth_db"].db

    def counted():
        return {name: int(value) for name, value in server.mi("get_statistics", "sql:").items()}
    before = counted()["sql:sql_total_queries"]
    db.select("subscriber", ("username",))
    assert counted() == {"sql:sql_total_queries": before + 1, "sql:sql_slow_queries": 0}
    db.watcher.slow = 1e-9
    db.watcher.done(db, "select", 0.5)
    assert counted() == {"sql:sql_total_queries": before + 2, "sql:sql_slow_queries": 1}
    assert "took 500 ms" in server.log[-1]


def test_2_1_counts_none(opensips, tmp_path):
    server = opensips(text=old(guarded(subscribers(tmp_path, "subscriber", dialect="2.1")[0], more='"1"')))
    server.engine.generation.registry.modules["auth_db"].db.select("subscriber", ("username",))
    with pytest.raises(MIError):
        server.mi("get_statistics", "sql:")

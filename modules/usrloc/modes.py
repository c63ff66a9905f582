"""How contacts are kept: in memory alone, in memory and in an SQL database, or in a database alone, SQL or not."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opensips_py.module import ConfigError

if TYPE_CHECKING:
    from opensips_py.modules.usrloc.parameters import Parameters

MEMORY, SQL, CACHE = "memory", "sql", "cache"  # where look-ups find contacts
NONE, THROUGH, BACK = "none", "write-through", "write-back"  # when the SQL database is told of changes
LOAD, SYNC = "load-from-sql", "sync-from-cluster"  # what happens at a restart
SQL_ONLY, SHARED_CACHE = "sql-only", "full-sharing-cachedb"


@dataclass(frozen=True)
class Mode:
    """Where contacts are kept, when an SQL database is told of changes, and whether it is read at the start."""

    kept: str = MEMORY
    writes: str = NONE
    loads: bool = False

    @property
    def has_database(self) -> bool:
        """Whether there is an SQL database."""
        return self.kept == SQL or self.loads


NO_DB, WRITE_THROUGH, WRITE_BACK = Mode(), Mode(writes=THROUGH, loads=True), Mode(writes=BACK, loads=True)
ONLY_SQL, ONLY_CACHE = Mode(kept=SQL), Mode(kept=CACHE)
BY_NUMBER = (NO_DB, WRITE_THROUGH, WRITE_BACK, ONLY_SQL)  # db_mode of 2.1
PRESETS = {
    "single-instance-no-db": NO_DB, "single-instance-sql-write-through": WRITE_THROUGH,
    "single-instance-sql-write-back": WRITE_BACK, SQL_ONLY: ONLY_SQL,
    f"{SHARED_CACHE}-cluster": ONLY_CACHE}
PRESETS_OF_CLUSTERS = ("federation-cachedb-cluster", "full-sharing-cluster")
CLUSTERS = ("federation-cachedb", "full-sharing")


def mode_of(parameters: Parameters, given: set[str]) -> Mode:
    """The mode that the parameters describe, of which *given* are set by the script: a preset counts before db_mode,
    and that before the others."""
    if "working_mode_preset" in given or not given & {"db_mode", "cluster_mode", "restart_persistency",
                                                      "sql_write_mode"}:
        return preset(parameters.working_mode_preset)
    if "db_mode" in given:
        return BY_NUMBER[parameters.db_mode]
    chosen(parameters.cluster_mode, "cluster_mode", ("none", SQL_ONLY, SHARED_CACHE), CLUSTERS)
    if parameters.cluster_mode != "none":
        return ONLY_SQL if parameters.cluster_mode == SQL_ONLY else ONLY_CACHE
    chosen(parameters.restart_persistency, "restart_persistency", (NONE, LOAD), (SYNC,))
    chosen(parameters.sql_write_mode, "sql_write_mode", (NONE, THROUGH, BACK))
    writes = parameters.sql_write_mode
    if parameters.restart_persistency == LOAD:
        return Mode(writes=writes if "sql_write_mode" in given else BACK, loads=True)
    if writes != NONE:
        raise ConfigError(f"sql_write_mode {writes} needs restart_persistency {LOAD}", "usrloc", "sql_write_mode")
    return NO_DB


def preset(name: str) -> Mode:
    """The mode of a preset."""
    chosen(name, "working_mode_preset", tuple(PRESETS), PRESETS_OF_CLUSTERS)
    return PRESETS[name]


def chosen(value: str, parameter: str, known: tuple[str, ...], awaited: tuple[str, ...] = ()) -> None:
    """Refuse a value that there is not, or not yet."""
    if value in awaited:
        raise ConfigError(f"{parameter} {value} waits for module clusterer, which is not available yet", "usrloc",
                          parameter)
    if value not in known:
        raise ConfigError(f'{parameter} is one of {", ".join(known)}, not "{value}"', "usrloc", parameter)

"""Where contacts are kept: which tables there are, what is read at the start, and what the timer does."""
from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import gevent

from opensips_py.db import Database, DatabaseError
from opensips_py.module import (
    Cache,
    ConfigError,
    cache_driver,
    cachedb,
    database,
    deadline,
    driver,
    form_of,
    process_state,
)
from opensips_py.module.cachedb import KEYS, MAPS
from opensips_py.modules.usrloc.cache_table import CacheTable
from opensips_py.modules.usrloc.loading import PIECE, Loading, with_holder
from opensips_py.modules.usrloc.marks import ALL_SLOTS
from opensips_py.modules.usrloc.memory import MemoryTable
from opensips_py.modules.usrloc.mirror import LOADED, TURN, Mirror
from opensips_py.modules.usrloc.mirrored import MirroredTable
from opensips_py.modules.usrloc.modes import CACHE, MEMORY, SQL, THROUGH, Mode, mode_of
from opensips_py.modules.usrloc.parameters import Parameters
from opensips_py.modules.usrloc.remote_table import RemoteTable
from opensips_py.modules.usrloc.rows import OTHER_PARAMETERS, PARAMETERS
from opensips_py.modules.usrloc.settings import Settings
from opensips_py.modules.usrloc.sql_table import SqlTable
from opensips_py.modules.usrloc.storage import Storage, stored_names
from opensips_py.modules.usrloc.table import Table
from opensips_py.state.steady import SteadyClock

if TYPE_CHECKING:
    from opensips_py.module import Module, Services

FIRST_READING = 10.0  # seconds that a start waits for it; it goes on beside calls then
SET = 1  # seconds that the clock of the machine may differ more than before without anybody having set it
LAST_WORDS = 2.0  # seconds for what the database has not been told when the server ends


class Keeping(Parameters):
    """The tables, and the database that keeps them or is told of their changes."""

    storage: Storage = process_state()

    registry: Any
    services: Services
    told_ahead = 0  # what ahead() was when the database was told of our contacts
    log: logging.Logger
    mode: Mode
    named: dict[str, None]
    cache: Cache | None = None  # the key-value store that keeps contacts

    @property
    def mirror(self) -> Mirror | None:
        """The database that is told of changes in memory, if there is one."""
        found: Mirror | None = self.storage.mirror
        return found

    def decide(self, module: Module) -> None:
        """Find out how contacts are kept; ConfigError where the parameters do not fit together."""
        self.check_numbers()
        self.mode = mode_of(self, self.registry.parameters_set.get(module.name, set()))
        if self.mode.has_database:
            driver(module, self.db_url)
        if self.mode.kept == CACHE:
            if not self.cachedb_url:
                raise ConfigError("contacts are to be kept in a key-value store, and cachedb_url names none",
                                  module.name, "cachedb_url")
            cache_driver(module, self.cachedb_url, needs=(MAPS, KEYS))

    def verify_tables(self, module: Module) -> None:
        """Refuse tables of a version that nobody knows."""
        for name in self.named if self.mode.has_database else ():
            form_of(module, database(module, self.db_url), name, "location")

    def open_tables(self, module: Module) -> None:
        """Have the tables ready; those in memory with what the database knows, if it is to be read."""
        names = [*self.named]
        found = database(module, self.db_url) if self.mode.has_database else None
        if self.mode.loads and self.mirror is None:
            assert found is not None
            self.storage.mirror = Mirror(found, self.versions, self.services.timers, writes=self.mode.writes != "none",
                                         at_once=self.mode.writes == THROUGH)
            self.storage.mirror.follow(self.settings)
        if self.mode.kept == CACHE:
            self.cache = cachedb(module, self.cachedb_url)
        if self.mode.kept == MEMORY:
            names += stored_names(self.services.environment)
        self.storage.open(self.maker(found), names)
        self.told_ahead = self.ahead()
        self.first_reading()

    def maker(self, found: Database | None) -> Callable[[str], Table]:
        """What makes a table by its name; it outlives this generation."""
        services, worker = self.services, max(self.services.index, 0)
        if self.mode.kept == CACHE:
            return partial(CacheTable, services=services, worker=worker)
        if found is not None and self.mode.kept == SQL:
            return partial(SqlTable, services=services, worker=worker, database=found, versions=self.versions)
        if self.mirror is not None:
            return partial(MirroredTable, services=services, worker=worker, mirror=self.mirror, clock=self.steady)
        return partial(MemoryTable, environment=services.environment, slots=services.slots, worker=worker,
                       clock=self.steady)

    @property
    def versions(self) -> str:
        """The table with the versions of tables."""
        return str(self.registry.globals.get("db_version_table") or "version")

    @property
    def settings(self) -> Settings:
        """What tables and the database are to go by in this generation."""
        names = {name: getattr(self, name) for name in (*PARAMETERS.values(), *OTHER_PARAMETERS)}
        return Settings(names, self.use_domain, self.max_contact_delete, self.flag_names, self.flags_of, self.again,
                        self.log, self.ahead, self.cache)

    @cached_property
    def steady(self) -> SteadyClock:
        """What contacts that are kept on this machine end by."""
        return SteadyClock(self.services.environment.path.parent)

    def ahead(self) -> int:
        """Seconds by which the clock of the machine differs from the one that contacts end by."""
        return self.steady.ahead() if self.mode.kept == MEMORY else 0

    def follow(self, table: Table) -> None:
        """Let a table work for this generation."""
        table.newest_first = self.desc_time_order
        if isinstance(table, RemoteTable):
            table.follow(self.settings)

    # Branch flags, which have names in a database

    def flag_names(self, bits: int) -> str:
        """Branch flags by name."""
        if self.registry.flag_text is None:
            return " ".join(str(bit) for bit in range(32) if bits >> bit & 1)
        names: str = self.registry.flag_text("branch", bits)
        return names

    def flags_of(self, names: str) -> int:
        """The branch flags that have these names; those that the script has not are passed over."""
        if self.registry.flag_bits is None:
            return sum(1 << int(each) for each in set(names.split()) if each.isdigit() and int(each) < 32)
        bits: int = self.registry.flag_bits("branch", names)
        return bits

    def flags_outward(self, bits: int) -> int:
        """Branch flags as a number that events tell."""
        return bits if self.registry.flag_outward is None else self.registry.flag_outward("branch", bits)

    def flags_inward(self, told: int) -> int:
        """The branch flags of a number that management was given."""
        return told if self.registry.flag_inward is None else self.registry.flag_inward("branch", told)

    # Reading what the database knows

    def mirrored(self) -> list[MirroredTable]:
        """The tables whose changes a database is told."""
        return [each for each in self.storage.tables.values() if isinstance(each, MirroredTable)]

    def first_reading(self) -> None:
        """Read what was not read yet, before calls are served as long as that is possible."""
        unread = [each for each in self.mirrored() if not each.words.load(LOADED)]
        gevent.joinall([gevent.spawn(self.read, each) for each in unread], timeout=FIRST_READING)

    def read_later(self, table: Table) -> None:
        """Have a table read that nobody has named before: it is there already, with what is in memory."""
        if isinstance(table, MirroredTable) and not table.words.load(LOADED):
            self.services.spawn(self.read, table)

    def read(self, table: MirroredTable) -> None:
        """Read a table, or wait for the worker that does."""
        mirror = self.mirror
        assert mirror is not None
        while not table.words.load(LOADED):
            try:
                loading = Loading(mirror, table, sql_wins=self.mode.writes == THROUGH, writes=mirror.writes,
                                  regenerate=self.regen_broken_contactid)
                if loading.run():
                    self.services.spawn(mirror.flush, table, ALL_SLOTS)  # a start does not wait for that
                    return
            except DatabaseError as error:
                self.log.error("table %s: %s; it is read when the database answers", table.name, error)
                mirror.later(self.again)
                return
            gevent.sleep(TURN)

    # Telling the database

    def again(self) -> None:
        """The database may be back: read what was not read, tell what was not told."""
        if self.__dict__.get("stopped"):
            return
        for table in self.mirrored():
            self.read(table)
        self.tell_all(ALL_SLOTS)  # others may not have noticed

    def tell_own(self, again: bool = False) -> None:
        """Tell the database what it has not been told of our slots; with *again* also what it has refused."""
        self.tell_all(self.services.slots.owned_by(self.services.index), again)

    def tell_all(self, slots: Sequence[int], again: bool = False) -> None:
        """Tell the database what it has not been told of *slots*."""
        mirror = self.mirror
        if mirror is not None and mirror.writes:
            for table in self.mirrored():
                mirror.flush(table, slots, again)

    def follow_clock(self) -> None:
        """Where the clock of the machine was set, the database has to hear anew when our contacts end by it."""
        ahead = self.ahead()
        if abs(ahead - self.told_ahead) <= SET:
            return
        self.log.warning("the clock was set by %+d s: contacts last as long as before", ahead - self.told_ahead)
        self.told_ahead = ahead
        for table in self.mirrored() if self.mirror is not None and self.mirror.writes else ():
            for number, (aor, _) in enumerate(table.records(self.services.slots.owned_by(self.services.index))):
                table.mark_all(aor)
                if number % PIECE == PIECE - 1:
                    gevent.sleep(0)

    def last_words(self) -> None:
        """Tell the database what is left when the server ends; a generation that is over leaves that to the next."""
        if self.mirror is not None and self.services.generation.registry is self.registry:
            with contextlib.suppress(TimeoutError), deadline(LAST_WORDS):
                self.tell_own()

    def synchronize(self, table: MirroredTable, aors: Sequence[str] | None) -> bool:
        """Have the database forget a table, or *aors*, and tell it anew; false where another process is at it."""
        mirror = self.mirror
        assert mirror is not None
        rows = mirror.rows(table.name)

        def forget() -> None:
            for number, aor in enumerate(aors if aors is not None else (name for name, _ in table.records())):
                table.mark_all(aor)
                if number % PIECE == PIECE - 1:
                    gevent.sleep(0)
            for where in [{}] if aors is None else map(rows.owner, aors):
                mirror.database.delete(rows.table, where)
        if not with_holder(table, forget):
            return False
        mirror.flush(table, ALL_SLOTS, again=True)
        return True

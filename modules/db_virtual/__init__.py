"""A database made of others."""
from __future__ import annotations

import re
from typing import Annotated, Any

from opensips_py.db import Database, DatabaseUrl
from opensips_py.module import Between, ConfigError, DatabaseDriver, MIError, driver, first, mi, param, param_setter
from opensips_py.modules.db_virtual.groups import FAILOVER, MODES, Member, VirtualDatabase

DEFINE = re.compile(r"define\s+(\S+)\s+(\S+)\s*\Z")
NOT_FOUND = 404


class DbVirtual(DatabaseDriver, name="db_virtual", provides=("sqldb", "database:virtual")):
    """Make one database of several: `virtual://NAME` is the set NAME of parameter db_urls. FAILOVER asks the first one
    that works, ROUND each in turn and the next where one does not work, PARALLEL reads from the first that works and
    writes to all. A set can do what all its databases can. Where nobody knows whether a database has carried a change
    out, FAILOVER and ROUND do not carry it out once more elsewhere: the operation fails."""

    db_probe_time: Annotated[int, Between(1, 86_400)] = param(
        10, "Seconds after which databases that did not answer are tried, in each worker.")
    db_max_consec_retrys: Annotated[int, Between(0, 1 << 20)] = param(
        10, "How often in a row a database may fail after a probe has found it well; then it is left alone until "
            "db_set.")

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.sets: dict[str, tuple[str, list[str]]] = {}

    @param_setter()
    def db_urls(self, text: str) -> None:
        """`define NAME FAILOVER` (or PARALLEL, ROUND) begins a set; each URL that follows is of this set."""
        if found := DEFINE.match(text.strip()):
            name, mode = found[1], found[2].upper()
            if mode not in MODES:
                raise ValueError(f"{mode} is none of {', '.join(MODES)}")
            if name in self.sets:
                raise ValueError(f"set {name} is defined twice")
            self.sets[name] = (mode, [])
        elif not self.sets:
            raise ValueError('a set begins with "define NAME FAILOVER", PARALLEL or ROUND')
        else:
            DatabaseUrl.parse(text)
            self.sets[next(reversed(self.sets))][1].append(text.strip())

    def load(self) -> None:
        """Check that each set has databases, and each of them a driver."""
        for name, (_, urls) in self.sets.items():
            if not urls:
                raise ConfigError(f"set {name} has no database", self.name, "db_urls")
            for each in urls:
                if driver(self, each, "db_urls") is self:
                    raise ConfigError(f"set {name} is made of databases, not of sets", self.name, "db_urls")

    def open(self, url: str) -> Database:
        """The set of *url*, made anew where the script defines another one than before."""
        parsed = DatabaseUrl.parse(url)
        mode, urls = self.sets.get(parsed.database, (FAILOVER, []))
        if not urls:
            raise ConfigError(f"there is no set {parsed.database}", self.name, "db_urls")
        found = self.databases.get(url)
        if not isinstance(found, VirtualDatabase) or (found.mode, found.names) != (mode, urls):
            members = [Member(driver(self, each, "db_urls").open(each)) for each in urls]
            found = self.databases[url] = VirtualDatabase(parsed, mode, urls, members)
        found.most_retries = self.db_max_consec_retrys
        return found

    def prepare(self) -> None:
        """Open all sets: management shows and sets them."""
        for name in self.sets:
            self.open(f"virtual://{name}")

    def start(self) -> None:
        """Probe from now on."""
        self.ended = False
        self.later()

    def stop(self) -> None:
        """Probe no more."""
        self.ended = True

    def later(self) -> None:
        """Probe in a while."""
        self.services.timers.start(float(self.db_probe_time), self.probe)

    def probe(self, _: object = None) -> None:
        """Try the databases that did not answer."""
        if self.ended:
            return
        for each in self.groups():
            each.probe()
        self.later()

    def groups(self) -> list[VirtualDatabase]:
        """The sets, as the script has them in order."""
        found = [self.open(f"virtual://{name}") for name in self.sets]
        return [each for each in found if isinstance(each, VirtualDatabase)]

    @mi("db_get", v40="db_virtual:get")
    def show(self) -> dict[str, Any]:
        """The sets and their databases: whether each can be used (`can`), whether it may be (`may`), and whether
        failures after a probe do not count (`r_rec`)."""
        return {"SETS": [{"index": number, "name": name, "mode": group.mode,
                          "DBS": [member.shown(place) for place, member in enumerate(group.members)]}
                         for number, (name, group) in enumerate(zip(self.sets, self.groups(), strict=True))]}

    @mi("db_set", v40="db_virtual:set", scope="each", merge=first)
    def allow(self, set_index: int, db_url_index: int, may_use_db_flag: int, ingore_retries: int = 0) -> str:
        """Say whether a database of a set may be used. Its failures are forgotten; with *ingore_retries* those to come
        do not count either. Sets and databases are counted from 0."""
        groups = self.groups()
        if not 0 <= set_index < len(groups):
            raise MIError(NOT_FOUND, f"there is no set {set_index}")
        members = groups[set_index].members
        if not 0 <= db_url_index < len(members):
            raise MIError(NOT_FOUND, f"set {set_index} has no database {db_url_index}")
        member = members[db_url_index]
        member.may, member.unlimited, member.retries = bool(may_use_db_flag), bool(ingore_retries), 0
        return "OK"

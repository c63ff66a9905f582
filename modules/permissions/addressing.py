"""Functions on tables of addresses: which group a host belongs to."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from opensips_py.db import Database, as_text
from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import (
    Cached,
    DbUrl,
    MIError,
    Module,
    ReturnCode,
    Route,
    Run,
    Writable,
    database,
    driver,
    first,
    mi,
    param,
    param_setter,
    run_blocking,
    script,
)
from opensips_py.module.databases import url_of
from opensips_py.module.tables import examine
from opensips_py.modules.permissions.addresses import ANY_GROUP, PROTOCOLS, Addresses, Entry, entry
from opensips_py.modules.permissions.partitions import DEFAULT, Group, Partition, partition

if TYPE_CHECKING:
    from opensips_py.module.declare import Dialect

OLD_ROUTES = Route.REQUEST | Route.FAILURE | Route.LOCAL
ROUTES = OLD_ROUTES | Route.BRANCH
TIMES = Route.STARTUP | Route.TIMER | Route.EVENT
NUMBERS = {"any": 0, "none": 0, "udp": 1, "tcp": 2, "tls": 3, "sctp": 4, "ws": 5, "wss": 6}  # as 2.1 tells protocols
PATIENCE = 60.0  # seconds to make a table of what was read
Row = tuple[Any, ...]


class Match(ReturnCode):
    """Whether an address was found."""

    FOUND, NOT_FOUND, NO_GROUP = 1, -1, -2


class Addressing:
    """The table of addresses, in partitions."""

    log: logging.Logger
    name: str
    dialect: Dialect

    db_url: DbUrl = param("", "The database of the default partition; empty: there is none.")
    address_table: str = param("address", "The table, where a partition names none.")
    grp_col: str = param("grp", "Column of the numbers of groups.")
    ip_col: str = param("ip", "Column of addresses.")
    mask_col: str = param("mask", "Column of the lengths of networks: 32 (IPv6: 128) is a single address.")
    port_col: str = param("port", "Column of ports; 0 is any.")
    proto_col: str = param("proto", "Column of protocols: udp, tcp, tls, sctp, ws, wss, any, or none: never.")
    pattern_col: str = param("pattern", "Column of patterns as in names of files (*, ?, [a-z]), for the text that the "
                                        "script gives; empty: any text will do.")
    info_col: str = param("context_info", "Column of texts that scripts get.")

    partitions: dict[str, Partition]
    addresses: dict[str, Cached[Addresses]]

    @param_setter("partition")
    def add_partition(self, text: str) -> None:
        """A further table: `name: db_url = URL; table_name = TABLE`, without a URL in the database of the default
        partition, or in db_default_url. May be given many times."""
        found = partition(text)
        if found.name in self.partitions:
            raise ValueError(f"partition {found.name} is given twice")
        self.partitions[found.name] = found

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table."""
        return (self.grp_col, self.ip_col, self.mask_col, self.port_col, self.proto_col, self.pattern_col,
                self.info_col)

    def find_drivers(self) -> None:
        """Complete the partitions, and find their drivers."""
        module = cast(Module, self)
        if self.db_url:
            self.partitions.setdefault(DEFAULT, Partition(DEFAULT))
        self.partitions = dict(sorted(self.partitions.items(), key=lambda item: item[0] != DEFAULT))
        for name, each in self.partitions.items():
            complete = Partition(name, url_of(module, each.url or self.db_url), each.table or self.address_table)
            self.partitions[name] = complete
            driver(module, complete.url, "db_url" if name == DEFAULT else "partition")

    def verify(self) -> None:
        """Look at the tables."""
        module = cast(Module, self)
        for each in self.partitions.values():
            examine(module, database(module, each.url), each.table, "address", self.columns)

    def prepare(self) -> None:
        """Read the tables."""
        module = cast(Module, self)
        self.addresses = {name: Cached(module, f"addresses of partition {name}", self.reader(each), Addresses())
                          for name, each in self.partitions.items()}
        for cached in self.addresses.values():
            cached.prepare()

    def reader(self, each: Partition) -> Callable[[], Addresses]:
        """What reads one table. Many rows take a while to be put in order: that is done beside the calls."""
        db: Database = database(cast(Module, self), each.url)

        def read() -> Addresses:
            rows = db.select(each.table, self.columns)
            return run_blocking(self.made, each.table, rows, deadline=PATIENCE)
        return read

    def made(self, table: str, rows: list[Row]) -> Addresses:
        """The table of *rows*; those that make no sense are left out, and told."""
        found, wrong = [], []
        for row in rows:
            try:
                found.append(self.entry(row))
            except (ValueError, TypeError) as error:
                wrong.append(f"{row[1]!r}: {error}")
        if wrong:
            self.log.error("table %s: %d rows are left out, such as %s", table, len(wrong), wrong[0])
        return Addresses(found)

    def entry(self, row: Row) -> Entry:
        """An entry of a row."""
        group, ip, mask, port, protocol, pattern, info = row
        return entry(int(group), as_text(ip), int(mask), int(port), as_text(protocol), as_text(pattern) or None,
                     None if info is None else as_text(info))

    # Functions

    @script(ROUTES | TIMES, dialect="4.0")
    def check_address(self, group_id: int, ip: str, port: int, proto: str, context_info: Writable | None = None,
                      pattern: str | None = None, partition: str = DEFAULT) -> Match:
        """Whether *ip*, *port* (0: any) and *proto* (ANY: any) are in group *group_id* (0: in any) of a *partition*.
        *context_info* gets the text of the row; where that has a pattern, it has to fit the text *pattern*."""
        return self.match(group_id, ip, port, proto, context_info, pattern, partition)

    @script(OLD_ROUTES | TIMES, name="check_address", dialect="2.1")
    def check_address_21(self, group_id: Group, ip: str, port: int, proto: str, context_info: Writable | None = None,
                         pattern: str | None = None) -> Match:
        """Whether *ip*, *port* (0: any) and *proto* (ANY: any) are in group *group_id* (0: in any), which may have a
        partition in front: `partition:4`. *context_info* gets the text of the row; where that has a pattern, it has to
        fit the text *pattern*."""
        partition, group = group_id
        return self.match(group, ip, port, proto, context_info, pattern, partition)

    @script(ROUTES, dialect="4.0")
    def check_source_address(self, run: Run, group_id: int, context_info: Writable | None = None,
                             pattern: str | None = None, partition: str = DEFAULT) -> Match:
        """Whether the message came from an address of group *group_id*; see check_address()."""
        return self.match(group_id, *source(run), context_info, pattern, partition)

    @script(OLD_ROUTES, name="check_source_address", dialect="2.1")
    def check_source_address_21(self, run: Run, group_id: Group, context_info: Writable | None = None,
                                pattern: str | None = None) -> Match:
        """Whether the message came from an address of group *group_id*; see check_address()."""
        partition, group = group_id
        return self.match(group, *source(run), context_info, pattern, partition)

    @script(ROUTES, dialect="4.0")
    def get_source_group(self, run: Run, var: Writable, partition: str = DEFAULT) -> bool:
        """Assign to *var* the group that the message came from; false where it is in none."""
        return self.group_of(run, var, partition)

    @script(OLD_ROUTES, name="get_source_group", dialect="2.1")
    def get_source_group_21(self, run: Run, var: Writable) -> bool:
        """Assign to *var* the group that the message came from; false where it is in none."""
        return self.group_of(run, var)

    def match(self, group: int, ip: str, port: int, protocol: str, info: Writable | None, text: str | None,
              name: str = DEFAULT) -> Match:
        """Look an address up."""
        table = self.table(name)
        if table is None or protocol.lower() not in PROTOCOLS:
            if table is not None:
                self.log.error("%r is no protocol", protocol)
            return Match.NOT_FOUND
        try:
            found = table.find(group, ip, port, protocol, text or None)
        except ValueError as error:
            self.log.error("%s", error)
            return Match.NOT_FOUND
        if found is None:
            return Match.NOT_FOUND if table.has(group) else Match.NO_GROUP
        if info is not None:
            info.set(found.info or "")
        return Match.FOUND

    def group_of(self, run: Run, var: Writable, name: str = DEFAULT) -> bool:
        """Look the source of a message up in all groups."""
        table = self.table(name)
        found = table.find(ANY_GROUP, *source(run)) if table is not None else None
        if found is not None:
            var.set(found.group)
        return found is not None

    def table(self, name: str) -> Addresses | None:
        """The table of a partition; None where there is none."""
        cached = self.addresses.get(name)
        if cached is None:
            self.log.error("there is no partition %s", name)
            return None
        return cached.value

    # Management

    @mi(None, v40="permissions:address_reload", scope="each", merge=first, dialect="4.0")
    def address_reload(self, partition: str = "") -> str:
        """Read the table of *partition* again, or all."""
        if partition and partition not in self.addresses:
            raise MIError(400, "Trusted table reload failed")
        for name in self.chosen(partition):
            self.addresses[name].reload()
        return "OK"

    @mi("address_reload", scope="each", merge=first, dialect="2.1")
    def address_reload_21(self) -> str:
        """Read the table again."""
        return self.address_reload()

    @mi(None, v40="permissions:address_dump", dialect="4.0")
    def address_dump(self, partition: str = "") -> dict[str, Any]:
        """The single addresses of *partition*, or of all."""
        return self.dumped(partition, Addresses.hosts)

    @mi("address_dump", dialect="2.1")
    @rendered(lambda dumped: [host_line(*each) for each in enumerate(dumped["Destinations"])])
    def address_dump_21(self) -> dict[str, Any]:
        """The single addresses."""
        return self.dumped(DEFAULT, Addresses.hosts)

    @mi(None, v40="permissions:subnet_dump", dialect="4.0")
    def subnet_dump(self, partition: str = "") -> dict[str, Any]:
        """The networks of *partition*, or of all."""
        return self.dumped(partition, Addresses.subnets)

    @mi("subnet_dump", dialect="2.1")
    @rendered(lambda dumped: [network_line(*each) for each in enumerate(dumped["Destinations"])])
    def subnet_dump_21(self) -> dict[str, Any]:
        """The networks."""
        return self.dumped(DEFAULT, Addresses.subnets)

    def chosen(self, name: str) -> list[str]:
        """The partition *name*, or all; MIError where there is none."""
        if name and name not in self.addresses:
            raise MIError(404, "No such partition")
        return [name] if name else list(self.addresses)

    def dumped(self, name: str, entries: Callable[[Addresses], list[Entry]]) -> dict[str, Any]:
        """Entries as management shows them."""
        found = {each: [shown(one) for one in entries(self.addresses[each].value)] for each in self.chosen(name)}
        if name:
            return {"part": name, "Destinations": found[name]}
        return {"Partitions": [{"name": each, "Destinations": rows} for each, rows in found.items()]}


def source(run: Run) -> tuple[str, int, str]:
    """Where the message came from, and how."""
    message = run.message
    return message.source_host, message.source_port, message.listener.protocol if message.listener else "any"


def host_line(number: int, each: dict[str, Any]) -> Node:
    """A single address as 2.1 lists it."""
    return listed("", f"{number:4} <{each['ip']},{each['grp']}, {each['port']}, {NUMBERS[each['proto']]}, "
                      f"{each['pattern'] or 'NULL'}, {each['context_info'] or 'NULL'}>")


def network_line(number: int, each: dict[str, Any]) -> Node:
    """A network as 2.1 lists it."""
    return listed("", f"{number:4} <{each['grp']}, {each['ip']}, {each['mask']}, {each['port']}>")


def shown(each: Entry) -> dict[str, Any]:
    """An entry as management shows it."""
    mask = str(each.network.prefixlen) if each.is_host else str(each.network.netmask)
    return {"grp": each.group, "ip": str(each.network.network_address), "mask": mask, "port": each.port,
            "proto": each.protocol, "pattern": each.pattern_text, "context_info": each.info or ""}

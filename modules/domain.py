"""Which domains are ours, by a table."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from opensips_py.db import DatabaseError, as_text, one_of
from opensips_py.errors import MalformedMessage
from opensips_py.mi.tree import listed, rendered
from opensips_py.module import (
    Cached,
    DbUrl,
    MIError,
    Module,
    Route,
    Run,
    Writable,
    database,
    driver,
    first,
    mi,
    param,
    script,
)
from opensips_py.module.tables import absent, examine
from opensips_py.sip.uris import uri_of

ROUTES = Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.LOCAL
ANYWHERE_21 = ROUTES | Route.STARTUP | Route.TIMER | Route.EVENT
LONGEST = 253  # characters of a domain (RFC 1035, 2.3.4): none is worth a look-up that is longer


class Domain(NamedTuple):
    """A row of the table."""

    name: str
    attributes: str | None
    accepts_subdomains: bool


class DomainModule(Module, name="domain"):
    """Tell whether the host of a URI is a domain of ours. With db_mode 1 the table is kept in memory, and read again by
    domain:reload; a database that is gone leaves what was read last. A row that accepts subdomains stands for the
    domain and all below it."""

    db_url: DbUrl = param("", "The database; empty: db_default_url.")
    db_mode: int = param(0, "1 keeps the table in memory, 0 asks the database each time.")
    domain_table: str = param("domain", "The table.")
    domain_col: str = param("domain", "Column of domains.")
    attrs_col: str = param("attrs", "Column of attributes, which scripts may ask for.")
    accept_subdomain_col: str = param("accept_subdomain", "Column that says by a number above 0 that what is below the "
                                      "domain is ours, too; a table of 2.1 does without.")

    def load(self) -> None:
        """Find the driver."""
        driver(self, self.db_url)

    def verify(self) -> None:
        """Look at the table."""
        examine(self, database(self, self.db_url), self.domain_table, "domain", (self.domain_col, self.attrs_col))

    def prepare(self) -> None:
        """Learn the columns of the table, and read it where it is kept."""
        self.db = database(self, self.db_url)
        self.columns = Cached[tuple[str, ...]](self, f"columns of table {self.domain_table}", self.present, ())
        self.known = Cached[Mapping[str, Domain]](self, f"table {self.domain_table}", self.read, {})
        (self.known if self.db_mode else self.columns).prepare()

    def present(self) -> tuple[str, ...]:
        """The columns that the table has."""
        return self.domain_col, self.attrs_col, *(
            () if absent(self.db, self.domain_table, [self.accept_subdomain_col]) else (self.accept_subdomain_col,))

    def read(self) -> Mapping[str, Domain]:
        """The whole table, by names in lower case."""
        return self.select(self.present(), None)

    def select(self, columns: tuple[str, ...], names: list[str] | None) -> dict[str, Domain]:
        """The rows of *names*, or all."""
        rows = self.db.select(self.domain_table, columns,
                              None if names is None else {self.domain_col: one_of(names)}, order=(self.domain_col,))
        found = (Domain(as_text(row[0]), None if row[1] is None else as_text(row[1]), bool(row[2:] and row[2]))
                 for row in rows)
        return {each.name.lower(): each for each in found}

    # Functions

    @script(ROUTES, waits=True)
    def is_from_local(self, run: Run, attrs: Writable | None = None) -> bool:
        """Whether the domain in From is ours; *attrs* gets its attributes."""
        try:
            host = run.request.from_.parsed_uri.host
        except MalformedMessage:
            return False
        return self.is_ours(host, attrs)

    @script(ROUTES, waits=True)
    def is_uri_host_local(self, run: Run, attrs: Writable | None = None) -> bool:
        """Whether the domain of the Request-URI is ours, in a branch route that of the branch; *attrs* gets its
        attributes."""
        uri = uri_of(run.message.uri)
        return uri is not None and self.is_ours(uri.host, attrs)

    @script(ROUTES, waits=True, dialect="4.0")
    def is_domain_local(self, domain: str, attrs: Writable | None = None) -> bool:
        """Whether *domain* is ours; *attrs* gets its attributes."""
        return self.is_ours(domain, attrs)

    @script(ANYWHERE_21, waits=True, name="is_domain_local", dialect="2.1")
    def is_domain_local_21(self, domain: str, attrs: Writable | None = None) -> bool:
        """Whether *domain* is ours; *attrs* gets its attributes."""
        return self.is_ours(domain, attrs)

    def is_ours(self, host: str, attrs: Writable | None) -> bool:
        """Whether *host* is ours; assigns its attributes."""
        try:
            found = self.find(host)
        except DatabaseError as error:
            self.log.error("table %s: %s", self.domain_table, error)
            return False
        if found is not None and attrs is not None and found.attributes is not None:
            attrs.set(found.attributes)
        return found is not None

    def find(self, host: str) -> Domain | None:
        """The domain of ours that *host* is, or is below; other modules may call this, and wait."""
        if not host or len(host) > LONGEST:
            return None
        name = host.lower()
        names = [name, *above(name)]
        known = self.known.value if self.db_mode else self.select(
            self.columns.value or self.present(), [host, *names])
        exact = known.get(name)
        return exact or next((each for above_it in names[1:] if (each := known.get(above_it)) is not None
                              and each.accepts_subdomains), None)

    # Management

    @mi("domain_reload", v40="domain:reload", scope="each", merge=first)
    def reload(self) -> Literal["OK"]:
        """Read the table again."""
        self.only_in_memory()
        self.known.reload()
        return "OK"

    @mi("domain_dump", v40="domain:dump")
    @rendered(lambda dumped: [listed("", each["name"], {name: text for name, text in each.items() if name != "name"})
                              for each in dumped["Domains"]])
    def dump(self) -> dict[str, Any]:
        """The domains in memory, with their attributes."""
        self.only_in_memory()
        return {"Domains": [{"name": each.name, **({} if each.attributes is None else {"attributes": each.attributes})}
                            for each in self.known.value.values()]}

    def only_in_memory(self) -> None:
        """MIError where nothing is kept in memory."""
        if not self.db_mode:
            raise MIError(500, "DB is disabled (db_mode=0)")


def above(name: str) -> Iterator[str]:
    """The domains above *name*, the nearest first."""
    while "." in name:
        name = name.partition(".")[2]
        if name:
            yield name

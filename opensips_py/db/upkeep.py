"""Make, examine and migrate the tables of a whole database, so that an interrupted run leaves nothing half done."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from opensips_py.db import catalog, comparing, migration, textfile
from opensips_py.db.creation import Flavour, statements
from opensips_py.db.failures import QueryError
from opensips_py.db.migration import BEFORE, BESIDE, Plan
from opensips_py.db.schema import Schema, Table, known_versions, schema
from opensips_py.db.session import Session

ALIASES = {"aliases": "location"}  # tables of 2.1 that have the form of another
Wanted = Mapping[str, str]  # name of a table → the name that OpenSIPS has for its kind


@dataclass
class Upkeep:
    """Works on one database while a connection of it is lent. *versions* is the table that says the versions."""

    session: Session
    flavour: Flavour
    versions: str = "version"
    told: list[str] = field(default_factory=list)  # what is worth knowing, in words
    there: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.there = catalog.tables(self.session, self.flavour)

    def known(self) -> dict[str, int]:
        """The versions that the database says."""
        if self.versions not in self.there:
            return {}
        return {str(name): int(version) for name, version in
                self.session.select(self.versions, ("table_name", "table_version"))}

    def quoted(self, name: str) -> str:
        """A name as an identifier."""
        return self.flavour.quoted(name)

    # create ---------------------------------------------------------------------------------------------------------

    def creation(self, wanted: Wanted, tables: Schema) -> Iterator[str]:
        """Statements that make the tables which are not there yet, and say their versions."""
        known = self.known()
        if self.versions not in self.there:
            yield from statements(replace(tables["version"], name=self.versions), self.flavour)
        for name, kind in wanted.items():
            form = replace(tables[kind], name=name)
            if name not in self.there:
                yield from statements(form, self.flavour)
            elif name in known:
                self.told.append(f"table {name} is there already, version {known[name]}")
                continue
            elif trouble := self.not_as(form):
                yield from self.resumed(form, trouble)
            yield self.versioned(name, form.version, known)

    def not_as(self, form: Table) -> list[str]:
        """How a table that is there without a version differs from *form*."""
        return comparing.differences(catalog.table(self.session, self.flavour, form.name), form)

    def resumed(self, form: Table, trouble: list[str]) -> Iterator[str]:
        """Statements that make anew what a run began that was interrupted: a table without rows and without version."""
        if self.count(form.name):
            raise QueryError(f"table {form.name} is there, with rows and without a version, and not as it should be: "
                             + "; ".join(trouble))
        yield f"DROP TABLE {self.quoted(form.name)}"
        yield from statements(form, self.flavour)

    def count(self, name: str) -> int:
        """The number of rows of a table."""
        return int(self.session.query(f"SELECT COUNT(*) FROM {self.quoted(name)}").rows[0][0])

    def versioned(self, name: str, version: int, known: Mapping[str, int], table: str = "") -> str:
        """A statement that says the version of a table."""
        target, text = self.quoted(table or self.versions), "'" + name.replace("'", "''") + "'"
        if name in known:
            return f"UPDATE {target} SET table_version = {version} WHERE table_name = {text}"
        return f"INSERT INTO {target} (table_name, table_version) VALUES ({text}, {version})"

    # check ----------------------------------------------------------------------------------------------------------

    def examined(self, wanted: Wanted | None) -> Iterator[tuple[str, int | None, list[str]]]:
        """Each table of *wanted*, or each of OpenSIPS's that is there: its name, its version, what is wrong with it."""
        known = self.known()
        if self.versions not in self.there:
            yield self.versions, None, ["the table is missing: nothing says which versions the others have"]
        if wanted is None:
            wanted = {name: kind for name in sorted({*self.there, *known}) if (kind := self.kind(name)) is not None}
        for name, kind in wanted.items():
            yield name, known.get(name), list(self.trouble(name, kind, known))

    def kind(self, name: str) -> str | None:
        """What OpenSIPS calls tables like *name*; None where it is none of its."""
        kind = ALIASES.get(name, name)
        return kind if name != self.versions and known_versions(kind) else None

    def goes_without(self, name: str) -> bool:
        """Whether OpenSIPS 2.1 gave this table no version."""
        return name in self.there and name != self.versions and 0 in known_versions(name)

    def trouble(self, name: str, kind: str, known: Mapping[str, int]) -> Iterator[str]:
        """What is wrong with one table."""
        if name not in self.there:
            yield "the table is missing" + (f", though {self.versions} has version {known[name]} of it"
                                            if name in known else "")
            return
        if name not in known and not self.goes_without(name):
            yield f"table {self.versions} does not say its version"
            return
        forms = [each[kind] for each in (schema("2.1"), schema("4.0")) if kind in each]
        fitting = [each for each in forms if each.version == known.get(name, 0)]
        if not fitting:
            expected = " or ".join(sorted({str(each.version) for each in forms}))
            yield f"its version is {known[name]}, where {expected} is known"
            return
        if self.flavour.name == "text":
            fitting = [textfile.as_table(each) for each in fitting]
        found = catalog.table(self.session, self.flavour, name)
        yield from min((comparing.differences(found, each) for each in fitting), key=len)

    # migrate --------------------------------------------------------------------------------------------------------

    def plans(self, wanted: Wanted | None, flags: Mapping[int, str]) -> list[Plan]:
        """What has to be done to bring tables to 4.0; all of OpenSIPS's where *wanted* says none."""
        known = self.known()
        found = []
        for name, kind in self.candidates(wanted, known).items():
            if name not in self.there:
                self.told.append(f"table {name} is not there")
            elif kind not in schema("4.0") and known_versions(kind):
                self.told.append(f"table {name} stays: OpenSIPS 4.0 has none like it")
            elif (made := migration.plan(self.session, self.flavour, name, kind, known.get(name), flags)) is not None:
                found.append(made)
        return found

    def candidates(self, wanted: Wanted | None, known: Mapping[str, int]) -> Wanted:
        """The tables to look at, with their kinds."""
        if wanted is not None:
            return wanted
        return {name: self.kind(name) or name for name in self.there
                if name in known or self.goes_without(name)}

    def migration(self, plans: Iterable[Plan]) -> Iterator[str]:
        """Statements that carry out *plans*, in a transaction or in such an order that only the last but the clearing
        away can be noticed."""
        plans = list(plans)
        if self.flavour.transactional:
            for each in plans:
                yield from (migration.rebuilt(self.session, each, self.flavour) if self.flavour.name == "sqlite"
                            else migration.in_place(each, self.flavour))
                if each.version != each.target.version:
                    yield self.versioned(each.name, each.target.version, self.known())
        elif plans:
            yield from self.swapped(plans)

    def rewrite(self, plans: Iterable[Plan]) -> None:
        """Carry out *plans* on the files of db_text, which come in place of the old ones together."""
        session: Any = self.session
        for each in plans:
            session.rebuild(each.name, *migration.rewritten(each))
            if each.version != each.target.version:
                session.replace(self.versions, {"table_name": each.name, "table_version": each.target.version},
                                ("table_name",))

    def swapped(self, plans: list[Plan]) -> Iterator[str]:
        """New tables beside the old ones, then one statement that puts them all in their places."""
        for each in plans:
            yield from migration.beside(each, self.flavour)
        new = self.quoted(BESIDE + self.versions)
        yield f"CREATE TABLE {new} LIKE {self.quoted(self.versions)}"
        yield f"INSERT INTO {new} SELECT * FROM {self.quoted(self.versions)}"
        known = self.known()
        for each in plans:
            yield self.versioned(each.name, each.target.version, known, BESIDE + self.versions)
        names = [*(each.name for each in plans), self.versions]
        yield "RENAME TABLE\n    " + ",\n    ".join(
            f"{self.quoted(each)} TO {self.quoted(BEFORE + each)}, {self.quoted(BESIDE + each)} TO {self.quoted(each)}"
            for each in names)
        for name in names:
            yield f"DROP TABLE {self.quoted(BEFORE + name)}"

    def leftovers(self) -> Iterator[str]:
        """Statements that clear away what an interrupted migration of MySQL has left."""
        for name in self.there:
            if name.startswith(BESIDE):
                yield f"DROP TABLE {self.quoted(name)}"
            elif name.startswith(BEFORE):
                place = name.removeprefix(BEFORE)
                yield (f"DROP TABLE {self.quoted(name)}" if place in self.there
                       else f"RENAME TABLE {self.quoted(name)} TO {self.quoted(place)}")

    def obstacles(self, plans: Iterable[Plan]) -> Iterator[str]:
        """Why a migration must not begin: what MySQL would lose with an old table."""
        if self.flavour.name != "mysql":
            return
        for each in plans:
            rows = self.session.query("SELECT trigger_name FROM information_schema.triggers "
                                      "WHERE event_object_schema = DATABASE() AND event_object_table = ?",
                                      (each.name,)).rows
            yield from (f"table {each.name} has trigger {name}, which would be lost: drop it, migrate, make it again"
                        for name, in rows)

    def carry_out(self, all_of_them: Iterable[str]) -> int:
        """Carry out statements; how many they were."""
        count = 0
        for each in all_of_them:
            if each.startswith("RENAME TABLE\n"):
                self.assure_nobody_writes()
            self.session.query(each)
            count += 1
        return count

    def assure_nobody_writes(self) -> None:
        """QueryError where rows came or went while they were copied: a server that writes must be stopped first."""
        tables = catalog.tables(self.session, self.flavour)
        for name in (each.removeprefix(BESIDE) for each in tables if each.startswith(BESIDE)):
            if name != self.versions and self.count(name) != self.count(BESIDE + name):
                for each in list(Upkeep(self.session, self.flavour, self.versions).leftovers()):
                    self.session.query(each)
                raise QueryError(f"rows of table {name} came or went meanwhile: stop the server first")

"""The tool's sub-commands for databases: make the tables, examine them, bring them to 4.0, fill and copy them."""
from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from opensips_py.asking import fail
from opensips_py.db import Database, DatabaseError, DatabaseUrl, Session, known_versions, schema, transfer
from opensips_py.db.creation import FLAVOURS, Flavour
from opensips_py.db.ownership import NAMED_IN_ROUTES, OF_MODULES
from opensips_py.db.textfile import columns_of
from opensips_py.db.upkeep import Upkeep
from opensips_py.errors import ConfigError
from opensips_py.module import loader
from opensips_py.module.databases import DatabaseDriver
from opensips_py.module.registry import Registry
from opensips_py.script.preprocessor import read_text
from opensips_py.server import generation

T = TypeVar("T")
HOURS = 24 * 3600.0  # seconds that one step may take: a large table takes its time
DRIVERS = {"postgresql": "postgres"}  # schemes whose driver has another name

db = typer.Typer(no_args_is_help=True, help="Make, check and migrate the tables of a database; import and export rows.")
Url = Annotated[str, typer.Argument(help="The database, such as sqlite:///var/lib/opensips/opensips.sqlite; without "
                                         "it, db_default_url of the configuration.")]
Config = Annotated[Path | None, typer.Option("-f", "--config", help="A configuration: its database, its dialect, and "
                                             "the tables of the modules that it loads.")]
Tables = Annotated[str, typer.Option(help="Tables, with commas between; NAME=KIND is a table of another name than "
                                          "OpenSIPS's, such as phones=location.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the statements of SQL, and change nothing.")]
Format = Annotated[str, typer.Option(help="json (a row a line), csv, or text (the files of db_text).")]


@dataclass
class Place:
    """A database, with what is to be known of it."""

    database: Database
    registry: Registry
    configured: bool

    @property
    def flavour(self) -> Flavour:
        """How it writes tables."""
        found = FLAVOURS.get(self.database.url.scheme)
        return found or fail(f"{self.database.url} has no tables that SQL could make: see `db import` and `db export`")

    @property
    def versions(self) -> str:
        """The table that says the versions of the others."""
        return str(self.registry.globals.get("db_version_table") or "version")

    def run(self, operation: Callable[[Session], T], *, together: bool = False) -> T:
        """Carry out *operation*, as long as it takes."""
        return self.database.run(operation, together=together, patience=HOURS)

    def tables(self, text: str) -> dict[str, str] | None:
        """The tables that were named, or else those of the configuration's modules; None where neither says any."""
        if text:
            return dict(named(each.strip()) for each in text.split(",") if each.strip())
        return used(self.registry) if self.configured else None


def named(text: str) -> tuple[str, str]:
    """NAME=KIND, or a name of OpenSIPS's."""
    name, _, kind = text.partition("=")
    kind = kind or name
    if not known_versions(kind):
        fail(f"OpenSIPS has no table {kind}")
    return name, kind


def used(registry: Registry) -> dict[str, str]:
    """The tables of the loaded modules, by the names that the script gives them."""
    tables = schema(registry.dialect)
    found: dict[str, str] = {}
    for module in registry.modules.values():
        renamed = {str(kind): str(getattr(module, each.attribute)) for each in module.declarations.parameters
                   if "table" in each.name and each.setter is None
                   and (kind := default_of(module, each.attribute)) in tables}
        kinds = [*renamed, *(each for each in OF_MODULES.get(module.name, ()) if each not in renamed)]
        found |= {renamed.get(kind) or kind: kind for kind in kinds if kind in tables}
        if module.name in NAMED_IN_ROUTES and (names := getattr(module, "named", None)):
            kind = NAMED_IN_ROUTES[module.name]
            found.pop(kind, None)
            found |= dict.fromkeys(names, kind)
    return found


def default_of(module: Any, attribute: str) -> Any:
    """What a parameter is where the script does not say it."""
    return getattr(type(module)(module.dialect), attribute, None)


@contextmanager
def opened(url: str, config: Path | None, *, make: bool = False) -> Iterator[Place]:
    """The database of *url*, or of the configuration; what is wrong with it ends the program."""
    registry = registry_of(config)
    text = url or str(registry.globals.get("db_default_url") or "")
    if not text:
        fail("name a database, such as sqlite:///var/lib/opensips/opensips.sqlite, or a configuration with "
             "db_default_url: -f opensips.cfg")
    try:
        parsed = DatabaseUrl.parse(text)
        driver = driver_of(registry, parsed.scheme)
        if make and parsed.scheme == "sqlite" and not Path(parsed.database).exists():
            sqlite3.connect(parsed.database).close()
        found = driver.open(text)
    except (ValueError, ConfigError, ImportError, OSError, sqlite3.Error) as error:
        fail(getattr(error, "message", "") or str(error))
    try:
        yield Place(found, registry, config is not None)
    except DatabaseError as error:
        fail(f"{found.url}: {error}")
    finally:
        found.close()


def registry_of(config: Path | None) -> Registry:
    """The modules of a configuration; none without one."""
    if config is None:
        registry = Registry("4.0")
        registry.globals = {"db_max_async_connections": 1}
        return registry
    found = generation.read(str(config), {}, read_text)
    if found.diagnostics.errors:
        fail(found.diagnostics.render(notes=False))
    return found.registry


def driver_of(registry: Registry, scheme: str) -> DatabaseDriver:
    """The driver of a scheme, as the configuration sets it, or else with its defaults."""
    loaded = registry.providing(f"database:{scheme}")
    name = f"db_{DRIVERS.get(scheme, scheme)}"
    if not loaded and name not in loader.available([]):
        fail(f"there is no driver for {scheme} databases")
    found: Any = loaded[0] if loaded else registry.add(name)
    found.databases = {}
    return found  # type: ignore[no-any-return]


def printed(statements: Iterator[str], flavour: Flavour) -> None:
    """Print statements as a script of SQL."""
    lines = [f"{each};" for each in statements]
    if lines and flavour.transactional:
        lines = ["BEGIN;", *lines, "COMMIT;"]
    print("\n".join(lines))


@db.command()
def create(url: Url = "", config: Config = None, tables: Tables = "", dry_run: DryRun = False,
           dialect: Annotated[str, typer.Option(help="Tables of 2.1 or 4.0; without it, what the configuration "
                                                     "speaks.")] = "") -> None:
    """Make the tables that are not there yet: all of them, those of the modules of a configuration, or some."""
    with opened(url, config, make=not dry_run) as place:
        spoken = dialect or place.registry.dialect
        if spoken not in ("2.1", "4.0"):
            raise typer.BadParameter("the dialect is 2.1 or 4.0")
        known = schema(spoken)
        wanted = place.tables(tables) or {each: each for each in known if each != "version"}
        for name, kind in wanted.items():
            if kind not in known:
                fail(f"OpenSIPS {spoken} has no table like {name}")
        if place.database.url.scheme == "text":
            if dry_run:
                print("\n".join(f"{name}: {' '.join(map(str, columns_of(known[kind])))}"
                                for name, kind in wanted.items()))
                return
            made = transfer.files_made(place.database, Path("/etc/opensips", place.database.url.database), {
                name: replace(known[kind], name=name) for name, kind in wanted.items()}, place.versions)
            print(f"{made} tables made in {place.database.url}")
            return
        if dry_run and place.database.url.scheme == "sqlite" and not Path(place.database.url.database).exists():
            fail(f"there is no file {place.database.url.database} yet, nothing to look at")

        def operation(session: Session) -> tuple[int, list[str]]:
            upkeep = Upkeep(session, place.flavour, place.versions)
            statements = upkeep.creation(wanted, known)
            if dry_run:
                printed(statements, place.flavour)
                return 0, []
            upkeep.carry_out(statements)
            return len(wanted) - len(upkeep.told), upkeep.told
        made, told = place.run(operation, together=place.flavour.transactional)
        if not dry_run:
            print("\n".join([*told, f"{made} tables made in {place.database.url}"]))


@db.command()
def check(url: Url = "", config: Config = None, tables: Tables = "") -> None:
    """Compare tables, columns, types, keys and versions with what OpenSIPS expects: ends with 0, or says each
    difference."""
    with opened(url, config) as place:
        wanted = place.tables(tables)
        found = place.run(lambda session: list(Upkeep(session, place.flavour, place.versions).examined(wanted)))
    for name, version, trouble in found:
        for each in trouble:
            print(f"{name}{f' (version {version})' if version is not None else ''}: {each}")
    wrong = sum(bool(trouble) for *_, trouble in found)
    print(f"{len(found)} tables, {wrong or 'none'} with differences" if found else "no tables of OpenSIPS")
    raise typer.Exit(1 if wrong or not found else 0)


@db.command()
def migrate(url: Url = "", config: Config = None, tables: Tables = "", dry_run: DryRun = False,
            flags: Annotated[str, typer.Option(help="The names of the script's dialog flags in the order in which the "
                                                    "script of 2.1 has them first, with commas.")] = "") -> None:
    """Bring tables of OpenSIPS 2.1 to 4.0. Stop the server first.

    All tables change, or none: an interrupted run leaves the database as it was, or as it is to be.
    """
    names = [each.strip() for each in flags.split(",") if each.strip()]
    if not all(re.fullmatch(r"\w+", each, re.A) for each in names) or len(names) > 32:
        raise typer.BadParameter("flags are up to 32 names of letters, digits and underscores")
    with opened(url, config) as place:
        flavour = place.flavour

        def operation(session: Session) -> list[str]:
            if not dry_run:
                clear_away(session, place)
            upkeep = Upkeep(session, flavour, place.versions)
            plans = upkeep.plans(place.tables(tables), dict(enumerate(names)))
            if obstacles := list(upkeep.obstacles(plans)):
                raise Refused("\n".join(obstacles))
            lines = [f"{each.name} ({each.version}, now {each.target.version}): {word}"
                     for each in plans for word in each.words()]
            if flavour.name == "text":
                upkeep.rewrite(() if dry_run else plans)
            elif dry_run:
                printed(iter([*upkeep.leftovers(), *upkeep.migration(plans)]), flavour)
            else:
                upkeep.carry_out(list(upkeep.migration(plans)))
            return [*upkeep.told, *lines, f"{len(plans)} tables migrated" if plans else "nothing to migrate"]
        try:
            told = place.run(operation, together=flavour.transactional)
        except Refused as refused:
            fail(str(refused))
        except DatabaseError as error:
            after_failure(place, error)
    if not dry_run or flavour.name == "text":  # there is no SQL to show
        print("\n".join(told))


class Refused(Exception):
    """A migration that must not begin."""


def clear_away(session: Session, place: Place) -> None:
    """Clear away what an interrupted run has left on a database that cannot undo."""
    if not place.flavour.transactional:
        upkeep = Upkeep(session, place.flavour, place.versions)
        if upkeep.carry_out(list(upkeep.leftovers())):
            print("cleared away what an interrupted migration had left")


def after_failure(place: Place, error: DatabaseError) -> NoReturn:
    """Leave nothing behind, and say what was wrong."""
    if not place.flavour.transactional:
        place.run(lambda session: Upkeep(session, place.flavour, place.versions).carry_out(
            list(Upkeep(session, place.flavour, place.versions).leftovers())))
    fail(f"{place.database.url}: {error}\nnothing has been changed")


@db.command("export")
def export_rows(url: Url = "", config: Config = None, tables: Tables = "", kind: Annotated[
        str, typer.Option("--format", help="json (a row a line), csv, or text (the files of db_text).")] = "json",
        to: Annotated[Path, typer.Option(help="The folder for the files, one a table.")] = Path()) -> None:
    """Write rows into files: TABLE.jsonl, TABLE.csv, or TABLE as db_text has it."""
    form = form_of(kind)
    with opened(url, config) as place:
        wanted = place.tables(tables)
        try:
            counts = place.run(lambda session: transfer.export(session, place.database.url.scheme, place.versions,
                                                               wanted, to, form), together=True)
        except transfer.FileError as error:
            fail(str(error))
    for name, count in counts.items():
        print(f"{name}: {count} rows")


@db.command("import")
def import_rows(url: Url, files: Annotated[list[Path], typer.Argument(help="Files as `db export` writes them; the name "
                                                                          "says the table.")], config: Config = None,
                kind: Annotated[str, typer.Option("--format", help="json, csv or text; without it, the ending of the "
                                                                   "name says it.")] = "",
                clear: Annotated[bool, typer.Option("--clear", help="Take out the rows that are there before.")] = False
                ) -> None:
    """Add the rows of files: all of them, or none where one cannot be added."""
    chosen = [(each, form_of(kind or transfer.guessed(each))) for each in files]
    with opened(url, config) as place:
        try:
            counts = place.run(lambda session: transfer.take(session, place.database.url.scheme, place.versions, chosen,
                                                             clear=clear), together=True)
        except transfer.FileError as error:
            fail(f"{error}\nno row has been added")
        except DatabaseError as error:
            fail(f"{place.database.url}: {error}\nno row has been added")
    for name, count in counts.items():
        print(f"{name}: {count} rows")


def form_of(kind: str) -> transfer.Form:
    """How rows are written."""
    return transfer.FORMS.get(kind) or fail(f"rows are written as {', '.join(transfer.FORMS)}, not as {kind}")


def add_to(app: typer.Typer) -> None:
    """Make these sub-commands of the tool."""
    app.add_typer(db, name="db")

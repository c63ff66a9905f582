"""Bring tables to the form that OpenSIPS 4.0 expects, whatever they were before, and keep what is in them."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from opensips_py.db import catalog, comparing, textfile
from opensips_py.db.catalog import FoundColumn, FoundIndex, FoundTable
from opensips_py.db.conversion import converted
from opensips_py.db.creation import Flavour, definition, index, literal, statements
from opensips_py.db.failures import QueryError
from opensips_py.db.schema import Column, Table, known_versions, schema
from opensips_py.db.session import Session

BESIDE, BEFORE = "opensips_py_new_", "opensips_py_old_"  # tables that MySQL has while it migrates
RENAMED = {("location", "contact_id"): "id", ("cc_agents", "wrapup_end_time"): "last_call_end",
           ("sip_trace", "trace_attrs"): "traced_user"}  # column of 4.0 → of 2.1
USELESS = {"b2b_logic": {"next_sstate", "sparam0", "sparam1", "sparam2", "sparam3", "sparam4", "sdp"}}
FILL = {"number": "0", "real": "0", "text": "''", "binary": "''", "moment": "'1900-01-01 00:00:01'"}


@dataclass
class Move:
    """One column on its way: *source* is what it is now, None where it is new; *value* its new value as SQL."""

    target: Column
    source: FoundColumn | None
    value: str

    @property
    def changes(self) -> bool:
        """Whether the column itself has to be altered."""
        source, target = self.source, self.target
        if source is None or source.name.lower() != target.name.lower():
            return True
        return bool(list(comparing.column(source, target)))


@dataclass
class Plan:
    """What happens to one table. *kept* are columns that 4.0 does not have and that stay."""

    found: FoundTable
    target: Table
    moves: list[Move]
    kept: list[FoundColumn]
    dropped: list[FoundColumn]
    version: int | None  # what the database says now
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The table's name."""
        return self.found.name

    @property
    def outdated(self) -> list[FoundIndex]:
        """Unique indexes over columns of OpenSIPS that would refuse rows now, or whose columns or key go."""
        gone = {each.name.lower() for each in self.dropped}
        wanted = comparing.unique_sets(self.target)
        names = {each.lower() for each in self.target.names}
        key, unique = comparing.lowered(self.target.key), self.unique(self.found.indexes)
        return [each for each in self.found.indexes
                if set(comparing.lowered(each.columns)) & gone
                or (each.primary and key not in unique)
                or (each.unique and set(columns := self.renamed(each.columns)) <= names and columns not in wanted)]

    @property
    def missing(self) -> list[FoundIndex]:
        """Indexes that the table has to get, by the names that they get: of the primary key, too."""
        outdated = self.outdated
        stay = [each for each in self.found.indexes if each not in outdated]
        unique, every = self.unique(stay), {self.renamed(each.columns) for each in stay}
        key = comparing.lowered(self.target.key)
        primary = [FoundIndex("", self.target.key, unique=True, primary=True)] if key and key not in unique else []
        taken = {each.name for each in stay}
        return primary + [FoundIndex(free(f"{self.name}_{each.name}", taken), each.columns, each.unique)
                          for each in self.target.indexes
                          if comparing.lowered(each.columns) not in (unique if each.unique else every)]

    def unique(self, indexes: Iterable[FoundIndex]) -> set[tuple[str, ...]]:
        """The columns of those that are unique."""
        return {self.renamed(each.columns) for each in indexes if each.unique}

    def renamed(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """*columns* by the names that they will have."""
        names = {each.source.name.lower(): each.target.name.lower() for each in self.moves if each.source is not None}
        return tuple(names.get(each.lower(), each.lower()) for each in columns)

    @property
    def gets_key(self) -> bool:
        """Whether a new column that numbers rows brings the primary key along."""
        return any(each.source is None and each.target.autoincrement for each in self.moves)

    def words(self) -> Iterator[str]:
        """What happens, for people."""
        for each in self.moves:
            if each.source is None:
                yield f"column {each.target.name} is new"
            elif each.source.name.lower() != each.target.name.lower():
                yield f"column {each.source.name} becomes {each.target.name}"
            elif each.changes:
                yield f"column {each.target.name}: {each.source.declared} becomes {each.target.type}" + (
                    f" of {each.target.size}" if each.target.type == "string" else "")
        for found in self.dropped:
            yield f"column {found.name} goes"
        for found in self.kept:
            yield f"column {found.name} stays, though 4.0 has none of that name"
        yield from self.notes


def free(name: str, taken: set[str]) -> str:
    """*name*, or one like it that is not taken."""
    return name if name not in taken else free(f"{name}_4", taken)


def plan(session: Session, flavour: Flavour, name: str, kind: str, version: int | None,
         flags: Mapping[int, str] | None = None) -> Plan | None:
    """What brings the table *name*, one of *kind*, to 4.0; None where it is there already."""
    target = schema("4.0").get(kind)
    if target is not None and flavour.name == "text":
        target = textfile.as_table(target)
    known = known_versions(kind)
    if target is None:
        return None
    if version is not None and version not in known:
        raise QueryError(f"table {name} has version {version}, where {' or '.join(map(str, sorted(known)))} is known")
    found = catalog.table(session, flavour, name)
    if version == target.version and not comparing.differences(found, target):
        return None
    moves, notes = [], []
    for each in target.columns:
        source = found.column(each.name) or found.column(RENAMED.get((kind, each.name), ""))
        value, note = converted(session, flavour, found, source, each, kind, flags or {})
        moves.append(Move(each, source, value))
        notes += [note] if note else []
    taken = {each.source.name for each in moves if each.source is not None}
    rest = [each for each in found.columns if each.name not in taken]
    useless = USELESS.get(kind, set())
    return Plan(found, replace(target, name=name), moves, [each for each in rest if each.name not in useless],
                [each for each in rest if each.name in useless], version, notes)


def widened(move: Move) -> Column:
    """The column as it will be: never shorter than it was, for what it holds must fit."""
    source, target = move.source, move.target
    if source is None or target.type != "string" or source.family != "text" or source.size <= int(target.size or 255):
        return target
    return replace(target, size=str(source.size)) if source.size < 65535 else replace(target, type="text", size="")


def in_place(found: Plan, flavour: Flavour) -> Iterator[str]:
    """Statements that change a table where it is: its rights, views, triggers and foreign keys stay (PostgreSQL)."""
    quoted = flavour.quoted
    table = quoted(found.name)
    for each in found.outdated:
        yield (f"ALTER TABLE {table} DROP CONSTRAINT {quoted(each.name)}" if each.constraint
               else f"DROP INDEX {quoted(each.name)}")
    for move in found.moves:
        yield from moved(move, table, flavour)
    for column in found.dropped:
        yield f"ALTER TABLE {table} DROP COLUMN {quoted(column.name)}"
    for column in found.kept:
        if not (column.null or column.has_default or column.counts):
            yield f"ALTER TABLE {table} ALTER COLUMN {quoted(column.name)} DROP NOT NULL"
    yield from added_indexes(found, flavour)


def moved(move: Move, table: str, flavour: Flavour) -> Iterator[str]:
    """Statements of PostgreSQL that give one column its new form."""
    target, source = move.target, move.source
    is_there = source is not None and source.name.lower() == target.name.lower()
    name = flavour.quoted(source.name) if source is not None and is_there else flavour.column(target.name)
    alter = f"ALTER TABLE {table} ALTER COLUMN {name}"
    if source is None:
        yield f"ALTER TABLE {table} ADD COLUMN {filled(target, flavour)}"
        if not target.has_default and not target.null and not target.autoincrement:
            yield f"{alter} DROP DEFAULT"
        return
    if not is_there:
        yield f"ALTER TABLE {table} RENAME COLUMN {flavour.quoted(source.name)} TO {name}"
    if not move.changes:
        return
    kind = flavour.type_of(replace(widened(move), autoincrement=False))
    if source.has_default and not source.counts:
        yield f"{alter} DROP DEFAULT"
    if target.null and not source.null and not source.counts:
        yield f"{alter} DROP NOT NULL"
    if comparing.too_small(source, target) or source.family != comparing.FAMILIES[target.type]:
        value = move.value.replace(flavour.quoted(source.name), name)
        yield f"{alter} TYPE {kind} USING {value}"
    if target.has_default and not target.autoincrement:
        yield f"{alter} SET DEFAULT {'NULL' if target.default is None else literal(target)}"


def filled(target: Column, flavour: Flavour) -> str:
    """A new column, with a value for the rows that are there."""
    text = definition(target, flavour)
    if target.null or (target.has_default and " DEFAULT " in text) or target.autoincrement:
        return text
    return f"{text} DEFAULT {FILL[comparing.FAMILIES[target.type]]}"


def added_indexes(found: Plan, flavour: Flavour) -> Iterator[str]:
    """Statements that make the indexes which the table lacks."""
    names = {each.target.name: each.source.name for each in found.moves
             if each.source is not None and each.source.name.lower() == each.target.name.lower()}
    for each in found.missing:
        columns = ", ".join(flavour.quoted(names[one]) if one in names else flavour.column(one) for one in each.columns)
        if each.primary:
            if not found.gets_key:
                yield f"ALTER TABLE {flavour.quoted(found.name)} ADD PRIMARY KEY ({columns})"
        else:
            yield (f"CREATE {'UNIQUE ' if each.unique else ''}INDEX {flavour.quoted(each.name)} "
                   f"ON {flavour.quoted(found.name)} ({columns})")


def rebuilt(session: Session, found: Plan, flavour: Flavour) -> Iterator[str]:
    """Statements that make a table anew and move the rows (SQLite, which alters little)."""
    quoted = flavour.quoted
    beside = BESIDE + found.name
    target = replace(found.target, name=beside, columns=tuple(widened(each) for each in found.moves), indexes=())
    create = next(iter(statements(target, flavour)))
    kept = "".join(f",\n    {quoted(each.name)} {each.declared}"
                   + (f" DEFAULT {each.default}" if each.default is not None else "")
                   + (" NOT NULL" if not each.null and each.has_default else "") for each in found.kept)
    head, sign, keys = create.partition("\n    PRIMARY KEY (")
    head, sign, keys = (head, sign, keys) if sign else create.partition("\n    UNIQUE (")
    yield head.rstrip(",") + kept + "," + sign + keys if sign else create.removesuffix("\n)") + kept + "\n)"
    values = [(quoted(each.target.name), each.value) for each in found.moves if each.source is not None or each.value]
    values += [(quoted(each.name), quoted(each.name)) for each in found.kept]
    yield (f"INSERT INTO {quoted(beside)} ({', '.join(name for name, _ in values)})\n"
           f"SELECT {', '.join(value for _, value in values)} FROM {quoted(found.name)}")
    yield f"DROP TABLE {quoted(found.name)}"
    yield "PRAGMA legacy_alter_table = ON"  # views go on to mean the table of that name
    yield f"ALTER TABLE {quoted(beside)} RENAME TO {quoted(found.name)}"
    yield "PRAGMA legacy_alter_table = OFF"
    for each in found.target.indexes:
        yield index(found.target, each, flavour)
    yield from users_own(session, found)


def rewritten(found: Plan) -> tuple[list[textfile.TextColumn], str]:
    """The columns of the new file of a table, and what is in them, as SQL over the old one (db_text)."""
    def value(move: Move) -> str:
        target = move.target
        if move.value or target.autoincrement:
            return move.value or "rowid"
        return literal(target) if target.has_default and target.default is not None else "NULL"
    kept = [textfile.TextColumn(each.name, each.declared, each.null, each.counts) for each in found.kept]
    return [*textfile.columns_of(found.target), *kept], ", ".join([
        *map(value, found.moves), *(f'"{each.name}"' for each in found.kept)])


def users_own(session: Session, found: Plan) -> Iterator[str]:
    """Indexes and triggers of the user's own, which go with the table and are made again."""
    rows = session.query("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL "
                         "AND type IN ('index', 'trigger')", (found.name,)).rows
    made = {f"{found.name}_{each.name}" for each in found.target.indexes}
    columns = {comparing.lowered(each.columns) for each in found.target.indexes} | {comparing.lowered(found.target.key)}
    ours = {each.name for each in found.found.indexes if found.renamed(each.columns) in columns}
    gone = {each.name for each in found.outdated}
    yield from (sql for kind, name, sql in rows if kind == "trigger" or name not in made | ours | gone)


def beside(found: Plan, flavour: Flavour) -> Iterator[str]:
    """Statements that make the new table beside the old one (MySQL, whose statements on tables cannot be undone)."""
    quoted = flavour.quoted
    new = quoted(BESIDE + found.name)
    yield f"CREATE TABLE {new} LIKE {quoted(found.name)}"
    if changes := list(altered(found, flavour)):
        yield f"ALTER TABLE {new}\n    " + ",\n    ".join(changes)
    values = [(quoted(each.target.name), each.value) for each in found.moves if each.source is not None or each.value]
    values += [(quoted(each.name), quoted(each.name)) for each in found.kept]
    yield (f"INSERT INTO {new} ({', '.join(name for name, _ in values)})\n"
           f"SELECT {', '.join(value for _, value in values)} FROM {quoted(found.name)}")


def altered(found: Plan, flavour: Flavour) -> Iterator[str]:
    """The parts of one ALTER TABLE of MySQL."""
    quoted = flavour.quoted
    yield from ("DROP PRIMARY KEY" if each.primary else f"DROP INDEX {quoted(each.name)}" for each in found.outdated)
    for move in found.moves:
        text = definition(widened(move), flavour)
        if move.source is None:
            yield f"ADD COLUMN {text}"
        elif move.changes:
            kept = text.removesuffix(" PRIMARY KEY") if move.target.autoincrement else text
            yield f"CHANGE COLUMN {quoted(move.source.name)} {kept}"
    yield from (f"DROP COLUMN {quoted(each.name)}" for each in found.dropped)
    for each in found.kept:
        if not (each.null or each.has_default or each.counts):
            yield f"MODIFY COLUMN {quoted(each.name)} {each.declared} NULL"
    for one in found.missing:
        columns = ", ".join(map(quoted, one.columns))
        if not one.primary:
            yield f"ADD {'UNIQUE ' if one.unique else ''}INDEX {quoted(one.name)} ({columns})"
        elif not found.gets_key:
            yield f"ADD PRIMARY KEY ({columns})"

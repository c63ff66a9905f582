"""AVPs of users and domains in tables: whose they are, which ones, and where their columns are."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from opensips_py.db import Database, Where, as_text, one_of
from opensips_py.errors import MalformedMessage
from opensips_py.module.avps import Avp, Value, avp_of
from opensips_py.module.kinds import Kind, ScriptLanguage
from opensips_py.module.marks import param, param_setter
from opensips_py.module.queries import INTEGERS, Queries
from opensips_py.module.run import Run
from opensips_py.module.statements import note_use
from opensips_py.sip import Uri

URIS = {"$ru", "$fu", "$tu", "$ou"}  # what these have is a URI without a word
PARTS = ("username", "domain", "uri", "uuid")
INTEGER, NAMED = 1, 2  # bits of the column type: the value is a number, the name is one
ANY, NUMBERED, TEXTS = "a", "i", "s"
CHOICE = re.compile(r"[aAiIsS]\d*\Z")
COLUMNS = {"uuid_col": "uuid", "username_col": "username", "domain_col": "domain", "value_col": "value",
           "table": "table", "value_type": "type"}


@dataclass(frozen=True)
class Source:
    """Whose AVPs: a text, and what it is."""

    text: Callable[[Run], Any]
    part: str

    def owner(self, run: Run, use_domain: bool) -> Owner | None:
        """The owner; None where there is none."""
        found = self.text(run)
        if found is None or found == "":
            return None
        text = str(found)
        if self.part == "uuid":
            return Owner(uuid=text)
        try:
            uri = Uri.parse(text)
            user, domain = uri.user or "", uri.host
        except MalformedMessage:
            user, domain = ("", text) if self.part == "domain" else (text, "")
        if self.part == "domain":
            return Owner(domain=domain) if domain else None
        if self.part == "username" or not use_domain:
            return Owner(username=user) if user else None
        return Owner(username=user, domain=domain) if user or domain else None


@dataclass(frozen=True)
class Owner:
    """Whose AVPs, by columns; None: the column does not count."""

    uuid: str | None = None
    username: str | None = None
    domain: str | None = None


@dataclass(frozen=True)
class SourceKind(Kind):
    """``$fu``, ``$ru/domain``, ``$avp(id)/uuid`` or a text."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Source:
        text, slash, part = value.strip().rpartition("/")
        if not slash or part not in PARTS:
            text, part = value.strip(), ""
        if not text:
            raise ValueError("it says nobody's AVPs")
        implied = "uri" if text in URIS else "uuid"
        return Source(language.variable(text).read if text.startswith("$") else language.format(text), part or implied)


@dataclass(frozen=True)
class Scheme:
    """A table whose rows are no AVPs by nature, and how they become some."""

    table: str
    uuid: str = ""
    username: str = ""
    domain: str = ""
    value: str = ""
    type: str = "string"


@dataclass(frozen=True)
class SchemeKind(Kind):
    """``name:table=…;value_col=…``."""

    name = "string"

    def convert(self, value: Any) -> tuple[str, Scheme]:
        name, colon, rest = str(value).partition(":")
        if not colon or not name.strip():
            raise ValueError(f'"{value}" should be name:table=…;value_col=…')
        found: dict[str, str] = {}
        for each in filter(str.strip, rest.split(";")):
            what, equals, column = (part.strip() for part in each.partition("="))
            if what not in COLUMNS or not equals or not column:
                raise ValueError(f'"{each.strip()}" is none of {", ".join(f"{known}=…" for known in COLUMNS)}')
            found[COLUMNS[what]] = column
        if found.get("type", "string") not in ("string", "integer"):
            raise ValueError("value_type is string or integer")
        if "table" not in found:
            raise ValueError("a scheme needs a table: table=…")
        return name.strip(), Scheme(**found)


@dataclass(frozen=True)
class Chosen:
    """Which AVPs, and where: one by name, or those of a kind; in a table, or by a scheme."""

    avp: Avp | None
    choice: str
    table: str
    scheme: str

    def fits(self, name: str) -> bool:
        """Whether an AVP of that name is meant."""
        return self.choice == ANY or name.isdecimal() == (self.choice == NUMBERED)


@dataclass(frozen=True)
class ChosenKind(Kind):
    """``$avp(name)``, or a, i or s; behind a slash a table, or ``$scheme``, of module *owner*."""

    name = "string"
    script = True
    owner: str = ""
    schemes: bool = False  # allowed

    def compile(self, value: str, language: ScriptLanguage) -> Chosen:
        note_use(language, self.owner)
        spec, table = parted(value.strip())
        avp = avp_of(spec, language) if spec.startswith("$") else None
        if avp is None and not CHOICE.match(spec):
            raise ValueError(f'"{spec}" is neither $avp(name) nor a, i or s')
        choice = ANY if avp is not None else spec[0].lower()
        if not table.startswith("$"):
            return Chosen(avp, choice, table, "")
        if not self.schemes:
            raise ValueError("by a scheme AVPs are only loaded")
        if avp is None:
            raise ValueError("what is loaded by a scheme needs a name: $avp(name)")
        known: Any = getattr(language, "registry", None)
        if known is not None and table[1:] not in known.modules[self.owner].schemes:
            raise ValueError(f"there is no scheme {table[1:]}: parameter db_scheme defines them")
        return Chosen(avp, choice, "", table[1:])


def parted(text: str) -> tuple[str, str]:
    """What stands before a slash that is in no parentheses, and what behind it."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "/" and not depth:
            return text[:at].strip(), text[at + 1:].strip()
    return text, ""


Whose = Annotated[Source, SourceKind()]


class UserAvps(Queries):
    """AVPs of users and domains, in a table of their own or in any other."""

    use_domain: bool
    schemes: dict[str, Scheme]

    uuid_column: str = param("uuid", "Column of the identifier of an owner.")
    username_column: str = param("username", "Column of the user.")
    domain_column: str = param("domain", "Column of the domain.")
    attribute_column: str = param("attribute", "Column of the name of an AVP.")
    value_column: str = param("value", "Column of its value.")
    type_column: str = param("type", "Column of its type: 1 where the value is a number; stored AVPs have 2 more.")

    def set_up(self) -> None:
        """What must be there before the first modparam."""
        self.urls, self.schemes = {}, {}

    @param_setter("db_scheme")
    def add_scheme(self, scheme: Annotated[tuple[str, Scheme], SchemeKind()]) -> None:
        """A table that AVPs are loaded from though it was made for something else: "name:table=subscriber;
        uuid_col=uuid;value_col=first_name", and username_col, domain_col, value_type=integer. Columns that it does not
        name are those of the parameters."""
        self.schemes[scheme[0]] = scheme[1]

    def table_of(self, chosen: Chosen) -> str:
        """Where AVPs are if nothing says otherwise."""
        raise NotImplementedError

    def load_avps(self, run: Run, source: Source, chosen: Chosen, number: int, prefix: str) -> bool:
        """Load AVPs; whether there were any."""
        owner = source.owner(run, self.use_domain)
        if owner is None:
            return False
        if chosen.scheme:
            return self.load_by_scheme(run, owner, chosen, number, prefix)
        columns = self.attribute_column, self.value_column, self.type_column
        where = self.where(run, owner, chosen)
        rows = self.asked(number, lambda found: found.select(self.table_of(chosen), columns, where))
        loaded = False
        for name, value, kind in rows or ():
            if chosen.fits(as_text(name)):
                loaded |= push(run, prefix + as_text(name), value, bool(int(kind or 0) & INTEGER))
        return loaded

    def load_by_scheme(self, run: Run, owner: Owner, chosen: Chosen, number: int, prefix: str) -> bool:
        """Load one AVP from a table that has other rows."""
        scheme = self.schemes[chosen.scheme]
        where = self.where_owner(owner, scheme)
        column = scheme.value or self.value_column
        rows = self.asked(number, lambda found: found.select(scheme.table, (column,), where))
        assert chosen.avp is not None
        name = prefix + chosen.avp.name(run)
        loaded = False
        for value, in rows or ():
            loaded |= push(run, name, value, scheme.type == "integer")
        return loaded

    def store_avps(self, run: Run, source: Source, chosen: Chosen, number: int) -> bool:
        """Store AVPs; whether there were any and all are in the table."""
        owner = source.owner(run, self.use_domain)
        rows = list(self.rows(run, owner, chosen)) if owner is not None else []
        if not rows:
            return False
        columns = (self.uuid_column, self.username_column, self.domain_column, self.attribute_column,
                   self.value_column, self.type_column)

        def store(found: Database) -> bool:
            found.insert_many(self.table_of(chosen), columns, rows)
            return True
        return bool(self.asked(number, store))

    def delete_avps(self, run: Run, source: Source, chosen: Chosen, number: int) -> bool:
        """Delete AVPs in the table; whether that was possible."""
        owner = source.owner(run, self.use_domain)
        if owner is None:
            return False
        where = self.where(run, owner, chosen)

        def delete(found: Database) -> bool:
            table, meant = self.table_of(chosen), where
            if chosen.choice != ANY:
                names = {as_text(name) for name, in found.select(table, (self.attribute_column,), where)}
                meant = {**where, self.attribute_column: one_of(filter(chosen.fits, names))}
            found.delete(table, meant)
            return True
        return bool(self.asked(number, delete))

    def rows(self, run: Run, owner: Owner, chosen: Chosen) -> Iterator[tuple[Any, ...]]:
        """The rows that AVPs are, the oldest value first: loaded in that order they are as they were."""
        names = [chosen.avp.name(run)] if chosen.avp is not None else list(run.avps)
        for name in names:
            if not chosen.fits(name):
                continue
            for value in reversed(run.avps.get(name, ())):
                yield (owner.uuid or "", owner.username or "", owner.domain or "", name, str(value),
                       NAMED | (INTEGER if isinstance(value, int) else 0))

    def where(self, run: Run, owner: Owner, chosen: Chosen) -> Where:
        """The condition of the rows of an owner that are meant."""
        found = dict(self.where_owner(owner, Scheme("")))
        if chosen.avp is not None:
            found[self.attribute_column] = chosen.avp.name(run)
        return found

    def where_owner(self, owner: Owner, scheme: Scheme) -> dict[str, Any]:
        """The condition of the rows of an owner."""
        columns = ((scheme.uuid or self.uuid_column, owner.uuid),
                   (scheme.username or self.username_column, owner.username),
                   (scheme.domain or self.domain_column, owner.domain))
        return {column: value for column, value in columns if value is not None}


def push(run: Run, name: str, found: Any, is_number: bool) -> bool:
    """Give an AVP one more value; false where it is NULL, or no number that should be one."""
    if found is None:
        return False
    text: Value = as_text(found)
    if is_number:
        try:
            text = int(text)
        except ValueError:
            return False
        if text not in INTEGERS:
            return False
    run.avps.setdefault(name, []).insert(0, text)
    return True

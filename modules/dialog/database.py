"""The table of dialogs in a database: written at once, now and then, or at the end."""
from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.db import DatabaseError, QueryError
from opensips_py.db.conditions import one_of
from opensips_py.dialog import database_id
from opensips_py.dialog.record import Dialog
from opensips_py.errors import ConfigError
from opensips_py.module import Between, DbUrl, MIError, database, driver, form_of, mi, param, timer
from opensips_py.modules.dialog.rows import KEPT, dialog_of, row_of, text
from opensips_py.modules.dialog.table import Dialogs

if TYPE_CHECKING:
    import logging

    from opensips_py.db import Database as Db
    from opensips_py.db import Table
    from opensips_py.module.services import Services

NO_DB, REALTIME, DELAYED, SHUTDOWN = range(4)
AGAIN = 1.0  # seconds until a database that did not answer is asked again, or more where it is left alone longer
PATIENCE = 5.0  # seconds for what is written at the end
AT_ONCE = 200  # rows of one transaction
COLUMNS = {  # parameter -> column
    "dlg_id_column": "dlg_id", "call_id_column": "callid", "from_uri_column": "from_uri", "from_tag_column": "from_tag",
    "to_uri_column": "to_uri", "to_tag_column": "to_tag", "from_cseq_column": "caller_cseq",
    "to_cseq_column": "callee_cseq", "from_route_column": "caller_route_set", "to_route_column": "callee_route_set",
    "from_contact_column": "caller_contact", "to_contact_column": "callee_contact", "from_sock_column": "caller_sock",
    "to_sock_column": "callee_sock", "state_column": "state", "start_time_column": "start_time",
    "timeout_column": "timeout", "vars_column": "vars", "profiles_column": "profiles", "sflags_column": "script_flags",
    "mflags_column": "module_flags", "flags_column": "flags"}


class DatabaseParameters:
    """What modparam sets about the database."""

    db_url: DbUrl = param("", "The database; empty: db_default_url.")
    db_mode: Annotated[int, Between(NO_DB, SHUTDOWN)] = param(
        0, "Whether answered dialogs are written to the database: 0 not at all, 1 as they change, 2 every "
        "db_update_period, 3 when the server ends. They outlive a restart on this machine in any case.")
    db_update_period: Annotated[int, Between(1, 86400)] = param(
        60, "Seconds between two times of writing, in db_mode 2.")
    table_name: str = param("dialog", "The table.")
    db_flush_vals_profiles: bool = param(
        False, "Whether values, profiles and flags are written, too, in db_mode 1 and 2.")
    timer_bulk_del_no: Annotated[int, Between(1, 10000)] = param(1, "How many rows are taken out of the table at once.")
    dlg_id_column: str = param("dlg_id", "Column of the identifier.")
    call_id_column: str = param("callid", "Column of the Call-ID.")
    from_uri_column: str = param("from_uri", "Column of the URI of the caller.")
    from_tag_column: str = param("from_tag", "Column of the tag of the caller.")
    to_uri_column: str = param("to_uri", "Column of the URI of the callee.")
    to_tag_column: str = param("to_tag", "Column of the tag of the callee.")
    from_cseq_column: str = param("caller_cseq", "Column of the last CSeq number of the caller.")
    to_cseq_column: str = param("callee_cseq", "Column of the last CSeq number of the callee.")
    from_route_column: str = param("caller_route_set", "Column of the route set to the caller.")
    to_route_column: str = param("callee_route_set", "Column of the route set to the callee.")
    from_contact_column: str = param("caller_contact", "Column of the contact of the caller.")
    to_contact_column: str = param("callee_contact", "Column of the contact of the callee.")
    from_sock_column: str = param("caller_sock", "Column of our socket towards the caller.")
    to_sock_column: str = param("callee_sock", "Column of our socket towards the callee.")
    state_column: str = param("state", "Column of the state.")
    start_time_column: str = param("start_time", "Column of the time of the answer.")
    timeout_column: str = param("timeout", "Column of the time at which the dialog is over.")
    vars_column: str = param("vars", "Column of the values.")
    profiles_column: str = param("profiles", "Column of the profiles.")
    sflags_column: str = param("script_flags", "Column of the flags of the script.")
    mflags_column: str = param("module_flags", "Column of what module topology_hiding was asked for.")
    flags_column: str = param("flags", "Column of the flags of create_dialog.")


class DatabaseMirror(DatabaseParameters):
    """Keeps the table as the dialogs of this worker are."""

    dialogs: Dialogs
    services: Services
    log: logging.Logger
    profiles: dict[str, Any]
    flag_names: Callable[[int], str]
    adopt: Callable[[Dialog, str], None]
    db: Db
    form: Table
    at_once = AT_ONCE  # less for a while where the database has not managed so many in time

    def check_database(self) -> None:
        """Check the parameters."""
        if self.db_mode != NO_DB:
            driver(self, self.db_url)  # type: ignore[arg-type]
        names = [getattr(self, parameter) for parameter in COLUMNS]
        if len(set(names)) < len(names):
            raise ConfigError("two columns have the same name", "dialog")
        self.column = {column: getattr(self, parameter) for parameter, column in COLUMNS.items()}

    def verify(self) -> None:
        """Look at the table."""
        if self.db_mode != NO_DB:
            form_of(self, database(self, self.db_url), self.table_name, "dialog")  # type: ignore[arg-type]

    def open_database(self) -> None:
        """Get the database ready."""
        if self.db_mode != NO_DB:
            self.db = database(self, self.db_url)  # type: ignore[arg-type]
            self.form = form_of(self, self.db, self.table_name, "dialog")  # type: ignore[arg-type]

    # --- writing ----------------------------------------------------------------------------------------------------

    def to_write(self, dialog: Dialog) -> None:
        """A dialog has begun, changed or ended."""
        changed = self.dialogs.unwritten
        if self.db_mode == SHUTDOWN:
            return
        if not changed and self.db_mode == REALTIME and not self.dialogs.writing:
            self.services.spawn(self.write_changes)
        changed[dialog.did] = dialog

    def write_changes(self) -> None:
        """Write what has changed, until nothing is left; a database that does not answer gets it later."""
        module = self.dialogs.module
        if self.dialogs.writing:
            return
        self.dialogs.writing = True
        try:
            while self.dialogs.unwritten:
                self.write_some()
        except DatabaseError as error:
            self.log.error("dialogs are written to the database later: %s", error)
            self.services.timers.start(max(self.db.pause, AGAIN), lambda _: module.write_changes())
        finally:
            self.dialogs.writing = False

    def write_some(self, patience: float | None = None) -> None:
        """Write some of what has changed; it counts as unwritten again where that fails."""
        unwritten = self.dialogs.unwritten
        taken = {did: unwritten.pop(did) for did in list(unwritten)[:self.at_once]}
        try:
            self.write(taken, patience)
        except DatabaseError as error:
            for did, dialog in taken.items():
                unwritten.setdefault(did, dialog)
            if not getattr(error, "outcome", True):  # perhaps it was too much for the time that there is
                self.at_once = max(len(taken) // 2, 1)
            raise
        self.at_once = min(self.at_once * 2, AT_ONCE)

    def write(self, taken: dict[Any, Dialog], patience: float | None) -> None:
        """Write dialogs, all together; what the database refuses of them keeps none of the others from it."""
        try:
            self.write_together(taken, patience)
        except QueryError as error:
            if len(taken) > 1:
                for did, dialog in taken.items():
                    self.write({did: dialog}, patience)
            else:
                self.log.error("the database refuses dialog %s: %s", next(iter(taken.values())).call_id, error)

    def write_together(self, taken: dict[Any, Dialog], patience: float | None) -> None:
        """Write dialogs, all or none."""
        rows = [row for each in taken.values() if each.is_answered and (row := self.row(each)) is not None]
        gone = [database_id(each.entry, each.number) for each in taken.values() if not each.is_answered]
        key, table, bulk = self.column["dlg_id"], self.table_name, self.timer_bulk_del_no

        def operation(session: Any) -> None:
            for row in rows:
                session.replace(table, row, (key,))
            for start in range(0, len(gone), bulk):
                session.delete(table, {key: one_of(gone[start:start + bulk])})
        self.db.run(operation, together=True, patience=patience)

    def row(self, dialog: Dialog) -> dict[str, Any] | None:
        """A dialog as a row of the table."""
        legs = self.dialogs.legs(dialog)
        if legs is None:
            return None
        names = [each.name for each in self.form.columns]
        if not self.db_flush_vals_profiles and self.db_mode in (REALTIME, DELAYED):
            names = [each for each in names if each not in KEPT]
        numbered = self.form.version < 12
        row = row_of(dialog, legs, self.flag_names(dialog.user_flags), names, numbered)
        return {self.column.get(name, name): value for name, value in row.items()}

    @timer("db_update_period")
    def write_now_and_then(self) -> None:
        """Write what has changed since the last time."""
        if self.db_mode == DELAYED:
            self.write_changes()

    def write_at_end(self) -> None:
        """Write what is to be in the table when the server has ended."""
        if self.db_mode == NO_DB:
            return
        try:
            if self.db_mode == SHUTDOWN:
                self.make_anew(PATIENCE)
            while self.dialogs.unwritten:
                self.write_some(PATIENCE)
        except DatabaseError as error:
            self.log.error("%d dialogs are not in the database as they were at the end: %s",
                           len(self.dialogs.unwritten), error)

    # --- reading ----------------------------------------------------------------------------------------------------

    def read_table(self, slots: AbstractSet[int]) -> int:
        """Take over the dialogs of the table that fall into *slots* and are not here; how many. Those that have ended
        are there until the database is told."""
        columns = [self.column.get(each.name, each.name) for each in self.form.columns]
        plain = [each.name for each in self.form.columns]
        slot_of, known, ended = self.services.slots.slot_of_call_id, self.dialogs.by_did, self.dialogs.unwritten
        has_value = {name: profile.has_value for name, profile in self.profiles.items()}
        taken = 0
        for found in self.db.select(self.table_name, columns):
            dialog, flags = dialog_of(dict(zip(plain, found, strict=True)), has_value)
            ours = slot_of(dialog.call_id) in slots and dialog.did not in known and dialog.did not in ended
            if ours and dialog.is_answered:
                names = flags if self.form.version >= 12 else " ".join(
                    str(bit) for bit in range(32) if int(flags or 0) >> bit & 1)
                self.dialogs.store.insert(dialog)
                self.adopt(dialog, names)
                taken += 1
        return taken

    def meet_table(self, _: object = None) -> None:
        """At the start: a machine that has forgotten its dialogs, or has none yet, takes over what the table has; then
        the table is brought to what is known here, for what was to be written last may not have been."""
        store, ours = self.dialogs.store, set(self.services.slots.owned_by(self.services.index))
        try:
            if not ours <= store.met:
                self.read_table(ours - store.met)
                self.dialogs.sizes.rebuild(self.dialogs)
            if self.db_mode != SHUTDOWN:
                self.make_anew()
            store.note_met(ours)
        except DatabaseError as error:
            self.log.error("dialogs and the database do not know each other: %s", error)
            self.services.timers.start(max(self.db.pause, AGAIN), self.dialogs.module.meet_table)

    @mi("dlg_db_sync", v40="dialog:db_sync", scope="each", merge=lambda answers: "OK")
    def sync_with_table(self) -> str:
        """Take over dialogs that are in the database and not here."""
        self.need_database()
        try:
            self.read_table(set(self.services.slots.owned_by(self.services.index)))
        except DatabaseError as error:
            raise MIError(500, f"the database cannot be read: {error}") from None
        self.dialogs.sizes.rebuild(self.dialogs)
        return "OK"

    @mi("dlg_restore_db", v40="dialog:restore_db", scope="each", merge=lambda answers: "OK")
    def restore_table(self) -> str:
        """Make the table anew out of the dialogs that are here."""
        self.need_database()
        try:
            self.make_anew()
        except DatabaseError as error:
            raise MIError(500, f"the database cannot be written: {error}") from None
        return "OK"

    def make_anew(self, patience: float | None = None) -> None:
        """Make the rows of this worker what its dialogs are."""
        owner, index = self.services.slots.owner_of_call_id, self.services.index
        key, call_id, table = self.column["dlg_id"], self.column["callid"], self.table_name
        here = {database_id(each.entry, each.number) for each in self.dialogs if each.is_answered}
        rows = self.db.run(lambda session: session.select(table, (key, call_id)), patience=patience)
        gone = [row[0] for row in rows if owner(text(row[1])) == index and int(row[0]) not in here]
        for start in range(0, len(gone), AT_ONCE):
            some = {key: one_of(gone[start:start + AT_ONCE])}
            self.db.run(partial(removed, table, some), patience=patience)
        self.dialogs.unwritten.update((each.did, each) for each in self.dialogs if each.is_answered)
        while self.dialogs.unwritten:
            self.write_some(patience)

    def need_database(self) -> None:
        """Refuse a command where dialogs are kept without a database."""
        if self.db_mode == NO_DB:
            raise MIError(400, "dialogs are kept without a database: db_mode is 0")


def removed(table: str, some: dict[str, Any], session: Any) -> None:
    """Take rows out."""
    session.delete(table, some)

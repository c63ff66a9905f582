"""Records as the table wants them: which there are, and whose turn it is."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.db import Database, as_text
from opensips_py.module import Cached, timer
from opensips_py.modules.uac_registrant.records import DISABLED, WAITING, Record, State, Wanted
from opensips_py.modules.uac_registrant.registering import Registering

if TYPE_CHECKING:
    from collections.abc import Iterable

Rows = tuple[Wanted, ...]


class Keeping(Registering):
    """Follows the table, and looks after one bucket of records after the other."""

    db: Database
    rows: Cached[Rows]
    columns: dict[str, str]  # of the table, by what they hold
    table_name: str
    default_expires: int
    hash_size: int
    step_seconds: float

    def read(self) -> Rows:
        """The rows that this worker registers; those that make no sense are left out, and told."""
        names = list(self.columns)
        found = []
        for row in self.db.select(self.table_name, [self.columns[each] for each in names]):
            given = dict(zip(names, row, strict=True))
            try:
                wanted = self.wanted(given)
            except (ValueError, TypeError) as error:
                if self.services.index == 0:
                    self.log.error("table %s: %r is left out: %s", self.table_name, as_text(given["aor"]), error)
                continue
            if self.services.slots.worker_of(self.services.slots.slot_of_name(wanted.aor)) == self.services.index:
                found.append(wanted)
        return tuple(found)

    def wanted(self, row: dict[str, Any]) -> Wanted:
        """A row of the table; ValueError where it makes no sense."""
        text = {name: as_text(value).strip() for name, value in row.items()}
        found = Wanted(text["registrar"], text["aor"], text["contact"], text["proxy"], text["third_party"],
                       text["username"], as_text(row["password"]), text["parameters"],
                       self.interval(int(row["expiry"] or 0)), text["socket"],
                       int(row.get("state") or 0) != DISABLED).checked()
        self.socket_of(found.socket)
        return found

    def interval(self, seconds: int) -> int:
        """How many seconds to ask for: so many that the timer comes before they are over."""
        if seconds < 0 or seconds >= 1 << 31:
            raise ValueError(f"{seconds} s is no interval")
        wanted = seconds or self.default_expires
        if wanted <= self.timer_interval:
            self.log.warning("%d s is too short for timer_interval %d: %d s are asked for", wanted, self.timer_interval,
                             self.timer_interval + 1)
        return max(wanted, self.timer_interval + 1)

    def adopt(self, rows: Rows, keep: Iterable[Record] = ()) -> None:
        """Follow the table: its rows, and the records *keep*, are all there is."""
        known = {each.key for each in rows} | {each.wanted.key for each in keep}
        for record in [each for key, each in self.registrants.records.items() if key not in known]:
            self.leave(record)
        for each in rows:
            self.adopt_one(each)

    def adopt_one(self, wanted: Wanted, by_management: bool = False) -> None:
        """Follow one row, or what management wants."""
        record = self.registrants.records.get(wanted.key)
        if record is None:
            self.registrants.records[wanted.key] = made = Record(wanted, by_management)
            self.turn(made, State.NOT_REGISTERED_STATE)
            return
        is_new = record.wanted != wanted
        record.change(wanted)
        record.by_management = by_management
        if not wanted.enabled and record.state is State.REGISTERED_STATE:
            self.unregister(record)
        elif is_new:
            record.due = 0.0

    def leave(self, record: Record) -> None:
        """Forget a record, once it is not registered any more."""
        if record.is_leaving:
            return
        record.is_leaving = True
        if record.state is State.REGISTERED_STATE:
            self.unregister(record)
        elif record.state not in WAITING:
            self.registrants.forget(record)

    @property
    def buckets(self) -> int:
        """How many parts the records have."""
        return 1 << self.hash_size

    @timer("step_seconds")
    def check(self) -> None:
        """Register those of the next bucket whose turn it is."""
        bucket = self.registrants.bucket % self.buckets
        self.registrants.bucket = bucket + 1
        for record in list(self.registrants.records.values()):
            if self.services.slots.slot_of_name(record.wanted.aor) % self.buckets == bucket:
                self.look_after(record)

    def follow(self) -> None:
        """Follow the table, but leave alone what management has added. An instance that does not work yet, or any more,
        leaves that to the one that does."""
        if self.registrants.module is not self:
            return
        self.adopt(self.rows.value, [each for each in self.registrants.records.values() if each.by_management])

"""Management of registrations."""
from __future__ import annotations

from typing import Any

from opensips_py.db import DatabaseError
from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import MIError, mi
from opensips_py.modules.uac_registrant.keeping import Keeping
from opensips_py.modules.uac_registrant.records import DISABLED, ENABLED, Key, Record, State, Wanted

SHOWN_21 = ("state", "last_register_sent", "registration_t_out", "registrar", "binding", "third_party_registrant",
            "proxy", "dst_IP")
NO_RECORD = "No such registrant"


class Management(Keeping):
    """Commands on records."""

    def slot(self, aor: str, contact: str, registrar: str, **rest: object) -> int:
        """The slot of a record."""
        slot: int = self.services.slots.slot_of_name(aor)
        return slot

    def record(self, aor: str, contact: str, registrar: str) -> Record:
        """A record of ours; MIError where there is none."""
        found: Record | None = self.registrants.records.get((aor, contact, registrar))
        if found is None or found.is_leaving:
            raise MIError(404, NO_RECORD)
        return found

    @mi("reg_list", scope="each", merge=lambda answers: joined(answers), dialect="2.1")
    @rendered(lambda shown: [record_node(each) for each in shown["Records"]])
    def show_21(self) -> dict[str, Any]:
        """All records, and how they stand."""
        return self.show()

    @mi(None, "reg_list", v40="uac_registrant:list", scope="each", merge=lambda answers: joined(answers),
        dialect="4.0")
    def show(self, aor: str = "", contact: str = "", registrar: str = "") -> dict[str, Any]:
        """All records and how they stand, or the one of *aor*, *contact* and *registrar*."""
        key = key_of(aor, contact, registrar)
        if key is None:
            return {"Records": [each.shown() for each in self.registrants.records.values() if not each.is_leaving]}
        found = self.registrants.records.get(key)
        return {"Registrant": found.shown() if found is not None and not found.is_leaving else None}

    @mi("reg_reload", scope="each", merge=lambda answers: done(answers), dialect="2.1")
    def reload_21(self) -> bool:
        """Read the table again: what is no longer there is unregistered."""
        return self.reload()

    @mi(None, "reg_reload", v40="uac_registrant:reload", scope="each", merge=lambda answers: done(answers),
        dialect="4.0")
    def reload(self, aor: str = "", contact: str = "", registrar: str = "") -> bool:
        """Read the table again, or the row of *aor*, *contact* and *registrar*: what is no longer there is
        unregistered, what is new or has been changed is registered when its turn comes."""
        key = key_of(aor, contact, registrar)
        rows = self.rows.reload()
        if key is None:
            self.adopt(rows)
            return True
        found = [each for each in rows if each.key == key]
        for each in found:
            self.adopt_one(each)
        return bool(found)

    @mi(None, "reg_enable", v40="uac_registrant:enable", scope="owner", owner="slot", dialect="4.0")
    def enable(self, aor: str, contact: str, registrar: str) -> str:
        """Switch a record on, here and in the table; it is registered at once."""
        record = self.record(aor, contact, registrar)
        if not record.wanted.enabled:
            record.enable(True)
            if record.state is State.NOT_REGISTERED_STATE:
                self.register(record)
            self.keep(record)
        return "OK"

    @mi(None, "reg_disable", v40="uac_registrant:disable", scope="owner", owner="slot", dialect="4.0")
    def disable(self, aor: str, contact: str, registrar: str) -> str:
        """Switch a record off, here and in the table; it is unregistered at once."""
        record = self.record(aor, contact, registrar)
        if record.wanted.enabled:
            record.enable(False)
            if record.state is State.REGISTERED_STATE:
                self.unregister(record)
            self.keep(record)
        return "OK"

    @mi(None, "reg_force_register", v40="uac_registrant:force_register", scope="owner", owner="slot", dialect="4.0")
    def force_register(self, aor: str, contact: str, registrar: str) -> str:
        """Register a record now, whether or not it is time to. One whose answer is awaited goes on waiting."""
        record = self.record(aor, contact, registrar)
        if not record.wanted.enabled:
            raise MIError(400, "the registrant is disabled")
        record.due = 0.0
        self.look_after(record)
        return "OK"

    @mi(None, "reg_upsert", v40="uac_registrant:upsert", scope="owner", owner="slot", dialect="4.0")
    def upsert(self, aor: str, contact: str, registrar: str, proxy: str, third_party_registrant: str, username: str,
               password: str, binding_params: str, expiry: int, forced_socket: str, cluster_shtag: str,
               state: int) -> str:
        """Add or change a record in memory alone; it is registered when its turn comes. *expiry* 0 is default_expires,
        *state* 0 is enabled, 1 disabled; *cluster_shtag* has to be empty."""
        if cluster_shtag:
            raise MIError(400, "there are no clusters here: cluster_shtag has to be empty")
        try:
            wanted = Wanted(registrar, aor, contact, proxy, third_party_registrant, username, password, binding_params,
                            self.interval(expiry), forced_socket, state == ENABLED).checked()
            self.socket_of(forced_socket)
        except ValueError as error:
            raise MIError(400, str(error)) from None
        self.adopt_one(wanted, by_management=True)
        return "OK"

    @mi(None, "reg_delete", v40="uac_registrant:delete", scope="owner", owner="slot", dialect="4.0")
    def delete(self, aor: str, contact: str, registrar: str) -> str:
        """Take a record out of memory, and unregister it; the table keeps it."""
        self.leave(self.record(aor, contact, registrar))
        return "OK"

    def keep(self, record: Record) -> None:
        """Write into the table whether a record is on."""
        column = self.columns.get("state")
        wanted = record.wanted
        if record.by_management or column is None:
            return
        where = {self.columns["aor"]: wanted.aor, self.columns["contact"]: wanted.contact,
                 self.columns["registrar"]: wanted.registrar}
        try:
            self.db.update(self.table_name, {column: ENABLED if wanted.enabled else DISABLED}, where)
        except DatabaseError as error:
            raise MIError(500, f"done, but the table {self.table_name} does not know: {error}") from None


def key_of(aor: str, contact: str, registrar: str) -> Key | None:
    """What makes out one record; None where all are meant."""
    if not aor and not contact and not registrar:
        return None
    if not (aor and contact and registrar):
        raise MIError(400, "aor, contact and registrar are needed together")
    return aor, contact, registrar


def record_node(record: dict[str, Any]) -> Node:
    """A record as 2.1 lists it."""
    ip = record.get("ip")
    below = [Node(name, record[name], {"ip": ip} if name == "dst_IP" else {}) for name in SHOWN_21 if name in record]
    return listed("AOR", record["AOR"], {"expires": record["expires"]}, below)


def joined(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """One list of all workers, or the record that one of them has."""
    if "Records" in answers[0]:
        return {"Records": [record for each in answers for record in each["Records"]]}
    found = next((each for each in answers if each["Registrant"] is not None), None)
    if found is None:
        raise MIError(404, NO_RECORD)
    return found


def done(answers: list[bool]) -> str:
    """Whether a worker has found what was to be read."""
    if not any(answers):
        raise MIError(404, "No such registrant in database")
    return "OK"

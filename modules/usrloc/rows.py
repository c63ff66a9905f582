"""Contacts as rows of the table `location`, in the versions of OpenSIPS 2.1 (1009) and 4.0 (1013)."""
from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opensips_py.db import Table as Form
from opensips_py.db import as_text, moment, timestamp
from opensips_py.modules.usrloc.listing import NOT_NAMED
from opensips_py.state._bindings import Binding

ALL_METHODS = 0xFFFFFFFF
LARGEST = 0x7FFFFFFF  # what a signed column holds
LARGEST_ID = 0x7FFFFFFFFFFFFFFF
NO_Q = -1.0  # less than any q
KEYS = "_urec_kvs"  # in kv_store of a contact: the pairs of its address-of-record, as JSON within JSON
REG_ID, TAG = "reg-id", "shtag"  # there, too: what has no column
PARAMETERS = {  # attribute of a binding: parameter with the name of its column
    "contact": "contact_column", "expires": "expires_column", "q": "q_column", "call_id": "callid_column",
    "cseq": "cseq_column", "methods": "methods_column", "flags": "flags_column", "cflags": "cflags_column",
    "user_agent": "user_agent_column", "received": "received_column", "socket": "socket_column", "path": "path_column",
    "instance": "sip_instance_column", "attr": "attr_column"}
OTHER_PARAMETERS = ("contact_id_column", "user_column", "domain_column", "kv_store_column")
MODIFIED = "last_modified"  # has no parameter
LONGEST_AGENT = 255  # characters; of nothing else may a part be left out


def agent(text: str) -> str:
    """A user agent as a row has it."""
    return "" if text == NOT_NAMED else text


class Rows:
    """Contacts as rows of *table*, which has the form *form*; *names* has the parameters with the names of columns.

    *flag_names* and *flags_of* turn branch flags into their names and back; *use_domain* says whether an
    address-of-record has its domain in a column of its own.
    """

    def __init__(self, table: str, form: Form, names: Mapping[str, str], use_domain: bool,
                 flag_names: Callable[[int], str], flags_of: Callable[[str], int],
                 ahead: Callable[[], int] = lambda: 0) -> None:
        self.table, self.version, self.ahead = table, form.version, ahead
        self.use_domain, self.flag_names, self.flags_of = use_domain, flag_names, flags_of
        self.user, self.domain = names["user_column"], names["domain_column"]
        self.named = {attribute: names[parameter] for attribute, parameter in PARAMETERS.items()}
        self.id = names["contact_id_column"] if "contact_id" in form.names else ""
        self.keys = names["kv_store_column"] if "kv_store" in form.names else ""
        self.number = self.id or form.key[0]  # what rows are read in the order of
        self.takes_seconds = next(each for each in form.columns if each.name == "expires").type != "datetime"
        self.key = (self.id,) if self.id else (
            self.user, *((self.domain,) if use_domain else ()), self.named["contact"], self.named["call_id"])
        self.columns = tuple(filter(None, (self.number, self.user, self.domain, *self.named.values(), MODIFIED,
                                           self.keys)))

    def owner(self, aor: str) -> dict[str, str]:
        """The columns with the address-of-record."""
        if not self.use_domain:
            return {self.user: aor}
        user, at, domain = aor.rpartition("@")
        return {self.user: user if at else aor, self.domain: domain if at else ""}

    def aor(self, row: Mapping[str, Any]) -> str:
        """The address-of-record of a row."""
        user, domain = as_text(row[self.user]), as_text(row[self.domain])
        return f"{user}@{domain}" if self.use_domain and domain else user

    def where(self, aor: str, identifier: int, contact: str, call_id: str) -> dict[str, Any]:
        """What one contact's row is found by."""
        if self.id:
            return {self.id: identifier}
        return {**self.owner(aor), self.named["contact"]: contact, self.named["call_id"]: call_id}

    def time(self, seconds: int) -> Any:
        """A time of expiry as the column holds it."""
        return seconds if self.takes_seconds else timestamp(seconds)

    def values(self, aor: str, binding: Binding, keys: Mapping[str, str]) -> dict[str, Any]:
        """The row of a contact; *keys* are the pairs kept with its address-of-record."""
        ahead = self.ahead()
        found: dict[str, Any] = {
            "contact": binding.contact, "expires": self.time(binding.expires + ahead if binding.expires else 0),
            "q": binding.q / 1000 if binding.q >= 0 else NO_Q, "call_id": binding.call_id,
            "cseq": min(binding.cseq, LARGEST),
            "methods": None if binding.methods == ALL_METHODS else binding.methods & LARGEST,
            "flags": binding.flags & LARGEST, "cflags": self.flag_names(binding.cflags),
            "user_agent": binding.user_agent[:LONGEST_AGENT] or NOT_NAMED, "received": binding.received or None,
            "socket": binding.socket or None, "path": binding.path or None, "instance": binding.instance or None,
            "attr": binding.attr or None}
        row = {self.named[attribute]: value for attribute, value in found.items()}
        if self.id:
            row[self.id] = binding.id
        if self.keys:
            row[self.keys] = pairs(binding, keys)
        return {**self.owner(aor), **row, MODIFIED: timestamp(binding.modified + ahead)}

    def binding(self, row: Mapping[str, Any]) -> Binding:
        """The contact in a row; its identifier is 0 where the row has none that can be one."""
        get = {attribute: row[column] for attribute, column in self.named.items()}
        more = own_pairs(row[self.keys]) if self.keys else {}
        identifier = int(row[self.id]) if self.id else 0
        ahead, expires = self.ahead(), int(moment(get["expires"]))
        q = float(1 if get["q"] is None else get["q"])
        return Binding(
            as_text(get["contact"]), expires=expires - ahead if expires else 0,
            q=-1 if q < 0 else round(min(q, 1) * 1000), call_id=as_text(get["call_id"]), cseq=int(get["cseq"] or 0),
            methods=ALL_METHODS if get["methods"] is None else int(get["methods"]) & ALL_METHODS,
            flags=int(get["flags"] or 0) & ALL_METHODS, cflags=self.flags_of(as_text(get["cflags"])),
            user_agent=agent(as_text(get["user_agent"])), received=as_text(get["received"]),
            socket=as_text(get["socket"]), path=as_text(get["path"]), instance=as_text(get["instance"]),
            attr=as_text(get["attr"]), modified=moment(row[MODIFIED]) - ahead,
            id=identifier if 0 < identifier <= LARGEST_ID else 0,
            reg_id=number(more.get(REG_ID)), tag=str(more.get(TAG) or ""))

    def keys_in(self, row: Mapping[str, Any]) -> dict[str, str]:
        """The pairs of the address-of-record that a row has."""
        kept = own_pairs(row[self.keys]).get(KEYS) if self.keys else None
        return {str(name): str(value) for name, value in read(kept).items()}

    def named_row(self, row: Iterable[Any]) -> dict[str, Any]:
        """A row by the names of *columns*."""
        return dict(zip(self.columns, row, strict=True))


def pairs(binding: Binding, keys: Mapping[str, str]) -> str | None:
    """What the column for key/value pairs holds."""
    found: dict[str, str | int] = {}
    if keys:
        found[KEYS] = json.dumps(dict(keys))
    if binding.reg_id:
        found[REG_ID] = binding.reg_id
    if binding.tag:
        found[TAG] = binding.tag
    return json.dumps(found) if found else None


def own_pairs(stored: Any) -> dict[str, Any]:
    """The pairs in that column; others than ours are passed over."""
    return read(as_text(stored))


def read(text: Any) -> dict[str, Any]:
    """An object of JSON; empty where it is none."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def number(value: Any) -> int:
    """A reg-id as it was stored."""
    return value if isinstance(value, int) and 0 < value <= 0xFFFF else 0

"""A registrar somewhere else, and a script that registers there."""
from __future__ import annotations

from typing import Any

from opensips_py.db import Database
from opensips_py.sip import Challenge, Credentials
from opensips_py.sip.digest import ha1
from opensips_py.testing import Sent, response
from tests.modules.users import subscribers

HOST = "192.0.2.50"
ALICE = {"registrar": f"sip:{HOST}", "aor": "sip:alice@example.com", "binding_URI": "sip:alice@192.0.2.9:5060",
         "username": "alice", "password": "secret", "expiry": 10}
HEAD = """socket=udp:192.0.2.9:5060
socket=udp:192.0.2.9:5070
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "uac_auth.so"
loadmodule "db_sqlite.so"
loadmodule "uac_registrant.so"
modparam("uac_registrant", "timer_interval", 2)
"""
TURN = 2.1  # seconds, after which each bucket has had its turn


def table(folder: Any, *rows: dict[str, Any], dialect: str = "4.0") -> tuple[str, Database]:
    """A database with these rows in `registrant`."""
    url, database = subscribers(folder, "registrant", dialect=dialect)
    for row in rows:
        database.insert("registrant", row)
    return url, database


def script(url: str, settings: str = "", dialect: str = "4.0") -> str:
    """A configuration that registers what is in the database *url*."""
    old = "dialect=2.1\n" if dialect == "2.1" else ""
    return f'{old}{HEAD}db_default_url="{url}"\n{settings}route {{\nexit;\n}}\n'


def key(row: dict[str, Any] = ALICE) -> dict[str, str]:
    """What management calls a row by."""
    return {"aor": row["aor"], "contact": row["binding_URI"], "registrar": row["registrar"]}


class Registrar:
    """Answers the REGISTERs of *server* one by one, as the test says."""

    def __init__(self, server: Any) -> None:
        self.server = server

    def next(self, seconds: float = TURN) -> Sent:
        """The one REGISTER that leaves within *seconds*."""
        self.server.take()
        self.server.advance(seconds)
        sent: dict[str | None, Sent] = {}
        for each in self.server.take():
            sent.setdefault(each.header("CSeq"), each)  # without retransmissions
        assert len(sent) == 1, [str(each) for each in sent.values()]
        found, = sent.values()
        assert found.method == "REGISTER" and not found.status
        return found

    def none(self, seconds: float = TURN) -> None:
        """Nothing leaves within *seconds*."""
        self.server.take()
        self.server.advance(seconds)
        assert not self.server.sent, [str(each) for each in self.server.sent]

    def answer(self, to: Sent, status: int = 200, **how: Any) -> list[Sent]:
        """Answer a REGISTER; what leaves because of that."""
        return list(self.server.receive(response(to.message, status, **how), to.host))

    def accept(self, to: Sent, expires: int | None = None, contact: str | None = None) -> list[Sent]:
        """Answer 200 with the contact that it asks for."""
        seconds = interval(to) if expires is None else expires
        asked = contact or binding(to)
        bound = "" if seconds in (0, "0") and contact is None else f"{asked};expires={seconds}"
        return self.answer(to, headers={"Contact": bound} if bound else {})

    def challenge(self, to: Sent, status: int = 401, stale: bool = False, nonce: str = "n1",
                  algorithm: str = "MD5") -> list[Sent]:
        """Ask for credentials."""
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        asked = Challenge("example.com", nonce, algorithm, "auth", stale=stale)
        return self.answer(to, status, headers={name: str(asked)})

    def is_proved(self, sent: Sent, header: str = "Authorization", password: str = "secret") -> bool:
        """Whether a REGISTER proves that Alice sends it."""
        credentials = Credentials.parse(sent.header(header) or "")
        hashed = ha1("alice", "example.com", password, credentials.algorithm)
        return credentials.username == "alice" and credentials.verify(hashed, "REGISTER", b"")

    def state(self, **which: str) -> str:
        """How Alice's record stands."""
        record = self.server.mi("uac_registrant:list", **(which or key()))["Registrant"]
        return str(record["state"]).removesuffix("_STATE")

    def told(self) -> list[str]:
        """The events since the last call, without what they have in common."""
        names = [name.removeprefix("E_REGISTRANT_") for name, _ in self.server.events if "REGISTRANT" in name]
        self.server.events.clear()
        return names


def binding(sent: Sent) -> str:
    """The Contact of a REGISTER, without what says for how long it is to be bound."""
    return (sent.header("Contact") or "").partition(";expires=")[0]


def interval(sent: Sent) -> str:
    """For how many seconds a REGISTER wants its Contact bound."""
    return (sent.header("Contact") or "").partition(";expires=")[2]

"""Tables through a reload of the configuration."""
from __future__ import annotations

import pathlib
from typing import Any

import pytest

from opensips_py.script.comparing import differences
from opensips_py.testing import Phone
from tests.db.databases import create, opened
from tests.script.script import right

SCRIPT = """
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "db_sqlite.so"
loadmodule "usrloc.so"
modparam("usrloc", "working_mode_preset", "single-instance-sql-write-@WHEN@")
modparam("usrloc", "db_url", "sqlite://@FILE@")
loadmodule "registrar.so"
socket=udp:192.0.2.9:5060
route { save("@TABLE@"); }
"""


def script(file: pathlib.Path, table: str = "location", when: str = "through") -> str:
    return SCRIPT.replace("@FILE@", str(file)).replace("@TABLE@", table).replace("@WHEN@", when)


@pytest.mark.parametrize("when", ["through", "back"])
def test_a_reload_goes_on_with_what_there_is(opensips: Any, tmp_path: pathlib.Path, when: str) -> None:
    file = tmp_path / "o.sqlite"
    database = create(f"sqlite://{file}", "location")
    database.query("CREATE TABLE phones AS SELECT * FROM location")
    database.insert("version", {"table_name": "phones", "table_version": 1013})
    server = opensips(text=script(file, when=when))
    alice = Phone(server, "alice", "192.0.2.1")
    assert alice.register().status == 200
    server.reload(script(file, "phones", when))
    assert alice.register().status == 200
    assert [each["name"] for each in server.mi("usrloc:dump", "brief")["Domains"]] == ["location", "phones"]
    server.mi("usrloc:flush")
    for table in ("location", "phones"):
        assert opened(f"sqlite://{file}").select(table, ("username",)) == [("alice",)]


def test_where_contacts_are_kept_cannot_change(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "o.sqlite"
    found = differences(right(script(file)), right(script(file, when="back")))
    assert len(found.fixed) == 1 and found.fixed[0].endswith("is decided when the server starts")

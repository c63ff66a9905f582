"""The clock of the machine is set: contacts last as long as they were registered for, and the database hears when they
end by the clock as it is."""
from __future__ import annotations

import pathlib
from typing import Any

import pytest

from opensips_py.testing import request
from tests.db.databases import create

TEXT = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "signaling.so" loadmodule "usrloc.so" loadmodule "registrar.so"
loadmodule "db_sqlite.so"
modparam("usrloc", "working_mode_preset", "single-instance-sql-write-through")
modparam("usrloc", "db_url", "%s")
event_route[E_UL_CONTACT_UPDATE] { $var(ends) = $param(expires); xlog("ends $var(ends)\\n"); }
route { save("location"); }
"""


def contacts(server: Any, contact: str = "", cseq: int = 1) -> list[str]:
    """The contacts of bob, after a REGISTER."""
    server.take()
    server.receive(request("REGISTER", "sip:192.0.2.9", to="sip:bob@192.0.2.9", from_tag="a", cseq=cseq, call_id="c",
                           branch=f"z9hG4bK{cseq}x{server.clock.passed}{len(contact)}",
                           headers={"Contact": contact} if contact else {}), "192.0.2.1")
    server.settle()
    answer, = server.take()
    return [each.value for each in answer.message.headers("Contact")]


@pytest.mark.parametrize("jump", [86400.0, -86400.0])
def test_contacts_last_as_long_as_they_do(opensips: Any, tmp_path: pathlib.Path, jump: float) -> None:
    url = f"sqlite://{tmp_path}/contacts.sqlite"
    database = create(url, "location")
    server = opensips(text=TEXT % url)
    contacts(server, "<sip:bob@192.0.2.1>;expires=600")
    server.advance(100)
    server.clock.start += jump
    server.advance(100)
    assert "expires=400" in contacts(server)[0]
    assert database.select("location", ("expires",)) == [(int(server.clock.time()) + 400,)]  # after timer_interval
    contacts(server, "<sip:bob@192.0.2.1>;expires=600", 2)
    assert database.select("location", ("expires",)) == [(int(server.clock.time()) + 600,)]
    assert server.log.matching(f"ends {int(server.clock.time()) + 600}")
    server.advance(599)
    assert len(contacts(server)) == 1
    server.advance(2)
    assert contacts(server) == []

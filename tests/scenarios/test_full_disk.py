"""A disk that is full: nobody dies of it, calls go on, what was acknowledged is there, and accounting catches up."""
from __future__ import annotations

import contextlib
import pathlib
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest

from opensips_py.db import Unavailable
from tests.db.databases import create
from tests.live import Server
from tests.scenarios.flows import until
from tests.scenarios.phone import Call, Phone, answered, calls_to
from tests.scenarios.registrations import Registrations, bindings

SIZE = 120  # megabytes: the map of LMDB has 64
USERS = [f"user{number}" for number in range(40)]
CALLS = 60  # at a time
CONFIG = """
log_level=3
stderror_enabled=yes
syslog_enabled=no
workers=2
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "signaling.so" loadmodule "tm.so" loadmodule "rr.so"
loadmodule "sipmsgops.so" loadmodule "usrloc.so" loadmodule "registrar.so" loadmodule "db_sqlite.so" loadmodule "acc.so"
loadmodule "dialog.so"
modparam("acc", "db_url", "@URL@")
modparam("dialog", "db_mode", 1)
modparam("dialog", "db_url", "@URL@")
route {
	if (is_method("OPTIONS")) { sl_send_reply(200, "OK"); exit; }
	if (is_method("REGISTER")) { if (!save("location")) sl_reply_error(); exit; }
	if (has_totag()) { loose_route(); t_relay(); exit; }
	create_dialog();
	record_route();
	do_accounting("db", "cdr");
	$du = "sip:127.0.0.1:@CALLEE@";
	t_relay();
}
"""


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "none", folder], capture_output=True).returncode:
        pytest.skip("only who may mount a file system can have one that is full")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: pathlib.Path) -> pathlib.Path:
    """Leave no byte; the file that is in the way."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return path


def hang_up(caller: Phone, callee: Phone, calls: list[Call]) -> None:
    """The caller ends calls."""
    for each in calls:
        caller.send(caller.within(each, "BYE"))
    ids = [each.id for each in calls]
    for bye in callee.take("BYE", ids).values():
        callee.send(bye.answer(200))
    caller.take("200 BYE", ids)


def test_a_full_disk(disk: pathlib.Path) -> None:
    url = f"sqlite://{disk}/calls.sqlite"
    database = create(url, "acc", "missed_calls", "dialog")
    for name, kind in (("duration", "INTEGER"), ("ms_duration", "INTEGER"), ("setuptime", "INTEGER"),
                       ("created", "DATETIME")):
        with contextlib.suppress(Exception):
            database.query(f"ALTER TABLE acc ADD COLUMN {name} {kind}")
    callee = Phone(0)
    state = {"OPENSIPS_PY_STATE_DIR": str(disk / "state")}
    with Server(CONFIG, URL=url, CALLEE=callee.port, env=state) as server, Phone(server.port) as caller:
        callee.server = caller.server
        registrations = Registrations(server.port, 9, USERS)
        registrations.round()
        workers = server.workers()
        in_the_way = fill(disk)
        over: list[Call] = []
        for _ in range(4):  # more calls ring at a time than there is room to note
            over += calls_to(caller, callee, [f"callee{number}" for number in range(CALLS)], answer=False)
        registrations.round()
        for first in range(0, len(over), CALLS):
            answered(caller, callee, over[first:first + CALLS])
            hang_up(caller, callee, over[first:first + CALLS])
        registrations.round()
        assert server.workers() == workers, server.log[-3000:]
        server.kill_all()
        in_the_way.unlink()
        server.start()
        assert bindings(server.port, USERS) == registrations.acknowledged
        accounted: Counter[str] = Counter()

        def all_there() -> bool:
            with contextlib.suppress(Unavailable):
                accounted.clear()
                accounted.update(call_id for call_id, in database.select("acc", ("callid",)))
            return accounted == Counter(each.id for each in over)
        until(all_there, 30)
        until(lambda: database.select("dialog", ("callid",)) == [], 30)
        assert "Traceback" not in server.log, server.log
    callee.close()
    database.close()

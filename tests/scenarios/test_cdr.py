"""cfg/cdr.cfg: fifty SIPp calls whose rows add up, and calls that end after every process was killed."""
from __future__ import annotations

import os
import signal
import time

import pytest

from opensips_py.db import Unavailable, moment
from tests.db.databases import create
from tests.live import ROOT, SIPP, Server, Sipp, free_ports
from tests.scenarios.phone import Phone, calls_to

CONFIG = (ROOT / "cfg" / "cdr.cfg").read_text().replace("127.0.0.1:5060", "127.0.0.1:@PORT@").replace(
    "/tmp/opensips_py_fifo", "@RUN@/fifo")
COLUMNS = ("callid", "method", "sip_code", "duration", "ms_duration", "setuptime", "time", "created")
LIVE = """log_level=3
stderror_enabled=yes
syslog_enabled=no
workers=2
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "rr.so" loadmodule "db_sqlite.so"
loadmodule "dialog.so" loadmodule "acc.so"
modparam("acc", "db_url", "sqlite://@ROWS@")
route {
	if ($tt != NULL) {
		loose_route();
		t_relay();
		exit;
	}
	if ($rm == "OPTIONS") {
		sl_send_reply(200, "OK");
		exit;
	}
	if ($rm == "INVITE") {
		if ($rU =~ "^short")
			create_dialog();
		do_accounting("db", "cdr");
		if ($rU =~ "^short")
			$DLG_timeout = 3;
		record_route();
		$du = "sip:127.0.0.1:@CALLEE@";
	}
	t_relay();
}
"""


def rows(database, count, *columns):
    """The rows of `acc`, once there are *count*."""
    deadline = time.monotonic() + 20
    while True:
        try:
            found = database.select("acc", columns or COLUMNS)
        except Unavailable:
            found = []
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def play(server, count, milliseconds):
    """*count* SIPp calls that last so long."""
    caller, phone = free_ports(2)
    keys = {"contact_port": str(phone), "contact_transport": "udp"}
    Sipp("register.xml", caller, target=server.port, fields="SEQUENTIAL\nbob;\n", keys=keys).finish()
    answering = Sipp("answer.xml", phone, calls=count)
    calling = Sipp("call_user.xml", free_ports()[0], "-d", str(milliseconds), target=server.port, calls=count, rate=50,
                   keys={"user": "bob"}, fields="SEQUENTIAL\nbob;\n")
    try:
        assert (calling.finish()["done"], answering.finish()["failed"]) == (count, 0)
    finally:
        calling.stop()
        answering.stop()


def add_up(found, count, milliseconds):
    """Whether rows tell of *count* calls that lasted so long, each in numbers that fit each other."""
    assert len({row[0] for row in found}) == len(found) == count
    for _, method, code, seconds, exact, setup, answered, created in found:
        assert (method, code, seconds) == ("INVITE", "200", -(-exact // 1000))
        assert setup == moment(answered) - moment(created)
        assert milliseconds - 10 <= exact < milliseconds + 5000  # messages are served together, up to 10 ms late
    assert sum(row[4] for row in found) >= count * milliseconds


@pytest.mark.skipif(SIPP is None, reason="sipp is not installed")
@pytest.mark.parametrize(("kind", "count"), [("sqlite", 50), ("postgres", 10)])
def test_rows_add_up(kind, count, request, tmp_path):
    text, url = CONFIG, f"sqlite://{tmp_path}/cdr.db"
    if kind == "postgres":
        url = request.getfixturevalue("postgres_server").url
        text = text.replace("db_sqlite.so", "db_postgres.so")
    database = create(url, "acc", "missed_calls")
    with Server(text.replace("sqlite:///tmp/opensips_cdr.db", url)) as server:
        play(server, count, 300)
        found = rows(database, count)
        assert server.log.count("ACC: call ended: ") == count and "Traceback" not in server.log
    add_up(found, count, 300)
    database.close()


def test_calls_that_end_after_their_workers_did(tmp_path):
    database, callee = create(f"sqlite://{tmp_path}/cdr.db", "acc", "missed_calls"), Phone(0)
    with Server(LIVE, CALLEE=callee.port, ROWS=f"{tmp_path}/cdr.db") as server:
        caller = Phone(server.port)
        callee.server = caller.server
        long = calls_to(caller, callee, [f"long{number}" for number in range(6)], answer=True)
        short = calls_to(caller, callee, [f"short{number}" for number in range(6)], answer=True)
        server.kill_all()
        server.start()
        for each in long[:3]:
            caller.send(caller.within(each, "BYE"))
        callee.take("BYE", [each.id for each in long[:3]])
        for victim in server.workers():  # before anybody has answered
            os.kill(victim, signal.SIGKILL)
        server.wait_until_up()
        for each in long[3:]:
            caller.send(caller.within(each, "BYE"))
        for bye in callee.take("BYE", [each.id for each in long[3:]]).values():
            callee.send(bye.answer(200))
        rows(database, 12)
    found = database.select("acc", ("callid", "ms_duration"))
    assert sorted(call_id for call_id, _ in found) == sorted(each.id for each in (*long, *short))
    lasted = dict(found)
    assert {lasted[each.id] for each in short} == {3000}
    for phone in (caller, callee):
        phone.close()
    database.close()

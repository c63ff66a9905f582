"""Calls whose fields no database has signs for: they are accounted all the same."""
from __future__ import annotations

import time

import pytest

from tests.db.databases import create, url_of
from tests.live import HOST, Server, ask

CONFIG = """
log_level=3
stderror_enabled=yes
socket=udp:@HOST@:@PORT@
workers=1
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "@DRIVER@.so" loadmodule "acc.so"
loadmodule "sqlops.so"
modparam("tm", "auto_100trying", 0)
modparam("acc", "db_url", "@URL@")
modparam("acc", "extra_fields", "db: name->caller")
modparam("sqlops", "db_url", "@URL@")
route {
	if ($rm == "OPTIONS") { sl_send_reply(200, "OK"); exit; }
	do_accounting("db");
	$acc_extra(name) = $fn;
	$var(name) = $fn;
	if (!sql_insert("names", "[{\\"name\\":\\"$var(name)\\"}]"))
		xlog("L_ERR", "refused\\n");
	t_newtran();
	t_reply(200, "Fine");
}
"""
NAMES = [b"J\xf6rg", "中 😀".encode(), b"a\xff\xfe\0b", b"'; DROP TABLE acc; --\xe9"]


def invite(port: int, number: int, name: bytes) -> bytes:
    return (f"INVITE sip:b@{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:9;rport;branch=z9hG4bK-{number}\r\n"
            f"Max-Forwards: 70\r\nFrom: ").encode() + b'"%b" <sip:a@%b>;tag=f' % (name, HOST.encode()) + (
            f"\r\nTo: <sip:b@{HOST}>\r\nCall-ID: odd-{number}-").encode() + b"\xe9" + (
            f"\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{HOST}:9>\r\nContent-Length: 0\r\n\r\n").encode()


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mysql utf8mb4", "mysql latin1", "mysql utf8mb3"])
def test_every_call_is_a_record(kind, tmp_path, request):
    kind, _, charset = kind.partition(" ")
    url = url_of(kind, request, tmp_path)
    database = create(url, "acc", "missed_calls")
    database.query("ALTER TABLE acc ADD COLUMN caller VARCHAR(64)")
    database.query("DROP TABLE IF EXISTS names")
    database.query("CREATE TABLE names (name VARCHAR(64))")
    for table in ("acc", "names") if charset else ():
        database.query(f"ALTER TABLE {table} CONVERT TO CHARACTER SET {charset}")
    with Server(CONFIG, URL=url, DRIVER=f"db_{kind}") as server:
        for number, name in enumerate(NAMES):
            assert b" 200 Fine" in ask(server.port, invite(server.port, number, name))
        deadline = time.monotonic() + 20
        while len(rows := database.select("acc", ("callid", "caller"), order=("callid",))) < len(NAMES):
            assert time.monotonic() < deadline, (rows, server.log)
            time.sleep(0.05)
        assert "refused" not in server.log
    assert [callid[:5] for callid, _ in rows] == ["odd-0", "odd-1", "odd-2", "odd-3"]
    names = [name.strip('"') for _, name in rows]
    assert names[0] == ("J?rg" if charset == "latin1" else "J\ufffdrg") and names[3][:-1] == "'; DROP TABLE acc; --"
    assert names[1] == {"latin1": "? ?", "utf8mb3": "中 \ufffd"}.get(charset, "中 😀")
    assert len(database.select("names", ("name",))) == len(NAMES)
    database.close()

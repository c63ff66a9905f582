"""What a message says never becomes SQL, whichever of its fields says it and whichever module asks a database."""
from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import quote

import pytest

from opensips_py.db import DatabaseUrl
from tests.db.databases import create
from tests.live import HOST, Server
from tests.scenarios.flows import until
from tests.scenarios.phone import Call, Phone

HOSTILE = ["'); DELETE FROM canary; --", "\\'); DELETE FROM canary; -- x", '"; DROP TABLE canary; --', "' OR '1'='1",
           "%' OR 1=1 #", "x\\", "`; DROP TABLE canary; --", "'||(SELECT 1)||'", "${ua} $1 ? %s :name"]
WORD = frozenset("-.!%*_+`'~()<>:\\\"/[]?{}")  # of a Call-ID (RFC 3261, 25.1), beside letters and digits
TOKEN = frozenset("-.!%*_+`'~")
TABLES = ("location", "dialog", "acc", "missed_calls", "subscriber", "domain", "dbaliases", "grp", "uri",
          "usr_preferences")
CONFIG = """
log_level=3
stderror_enabled=yes
syslog_enabled=no
workers=1
socket=udp:127.0.0.1:@PORT@
db_default_url="@URL@"
loadmodule "@DRIVER@.so"
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "signaling.so" loadmodule "tm.so" loadmodule "rr.so"
loadmodule "sipmsgops.so" loadmodule "usrloc.so" loadmodule "registrar.so" loadmodule "dialog.so" loadmodule "acc.so"
loadmodule "auth.so" loadmodule "auth_db.so" loadmodule "alias_db.so" loadmodule "domain.so" loadmodule "group.so"
loadmodule "sqlops.so"
modparam("usrloc", "working_mode_preset", "sql-only")
modparam("usrloc", "use_domain", 1)
modparam("dialog", "db_mode", 1)
modparam("dialog", "db_flush_vals_profiles", 1)
modparam("acc", "extra_fields", "db: said->agent")
modparam("sqlops", "db_url", "@URL@")
route {
	if (is_method("OPTIONS")) { sl_send_reply(200, "OK"); exit; }
	if (is_method("REGISTER")) {
		www_authorize("$td", "subscriber");
		if (!save("location")) sl_reply_error();
		exit;
	}
	if (has_totag()) { loose_route(); t_relay(); exit; }
	if (is_method("MESSAGE")) {
		is_from_local(); is_domain_local("$hdr(X-Evil)"); is_uri_host_local();
		db_does_uri_exist("$fu", "subscriber"); db_does_uri_exist("$ru", "subscriber");
		db_is_user_in("From", "$hdr(X-Evil)"); db_is_user_in("To", "$ua");
		db_get_auth_id("uri", "$fu", $var(user), $var(realm));
		alias_db_find("dbaliases", "$tu", $var(alias));
		alias_db_lookup("dbaliases");
		proxy_authorize("$hdr(X-Evil)", "subscriber");
		$avp(kept) = $ua;
		sql_avp_load("$fu", "$avp(other)");
		sql_avp_load("$hdr(X-Evil)", "$avp(other)");
		sql_avp_store("$hdr(X-Evil)", "$avp(kept)");
		sql_query("SELECT name FROM canary WHERE name = '$ua' OR name = '$(fU{s.escape.common})'", "$avp(name)");
		if ($avp(name) != NULL) { send_reply(500, "Somebody Answers To That Name"); exit; }
		send_reply(202, "Accepted");
		exit;
	}
	create_dialog();
	$dlg_val(said) = $ua;
	record_route();
	do_accounting("db", "cdr|missed");
	$acc_extra(said) = $ua;
	if (!lookup("location")) { send_reply(404, "Not Found"); exit; }
	t_relay();
}
"""


def only(text: str, others: frozenset[str]) -> str:
    """What of a text may stand where letters, digits and *others* may."""
    return "".join(each for each in text if each.isascii() and (each.isalnum() or each in others)) or "x"


def escaped(text: str) -> str:
    """A text as the user of a URI."""
    return quote(text, safe="'()*!~&=+$,;?/")


class Attacker:
    """Says the same in all fields of what it sends."""

    def __init__(self, phone: Phone, number: int, text: str) -> None:
        self.phone, self.text = phone, text
        self.user, self.tag = escaped(text), f"{only(text, TOKEN)}{number}"
        self.call_id, self.number = f"{only(text, WORD)}{number}", 0
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        self.lines = [f"User-Agent: {text}", f"X-Evil: {text}",
                      f'Authorization: Digest username="{quoted}", realm="{quoted}", nonce="{quoted}", uri="sip:x", '
                      f'response="{"0" * 32}", opaque="{quoted}"',
                      f'Proxy-Authorization: Digest username="{quoted}", realm="{quoted}", nonce="{quoted}", '
                      f'uri="sip:x", response="{"0" * 32}"']
        self.contact = f'Contact: "{quoted}" <sip:{self.user}@{HOST}:{phone.port};x={quote(text, safe="")}>' \
                       f';+sip.instance="{quoted}"'

    def request(self, method: str, uri: str = "", call_id: str = "", *lines: str) -> bytes:
        """A request of the same kind."""
        self.number += 1
        return self.phone.request(method, uri or f"sip:{self.user}@{HOST}", call_id or self.call_id, self.number,
                                  *self.lines, *lines, tag=self.tag, to=f"<sip:{self.user}@{HOST}>", user=self.user)

    def register(self) -> None:
        """Its contact is accepted."""
        self.phone.send(self.request("REGISTER", f"sip:{HOST}", f"r{self.call_id}", self.contact, "Expires: 600"))
        self.phone.take("200 REGISTER", [f"r{self.call_id}"])

    def ask(self) -> None:
        """Everything that may be looked up for a message is."""
        self.phone.send(self.request("MESSAGE", call_id=f"m{self.call_id}"))
        self.phone.take("202 MESSAGE", [f"m{self.call_id}"])

    def call(self) -> None:
        """It calls itself, and hangs up."""
        call = Call(self.user, self.call_id, "", self.tag, cseq=self.number + 1)
        self.phone.send(self.request("INVITE", "", "", self.contact))
        invite = self.phone.take("INVITE", [call.id])[call.id]
        self.phone.send(invite.answer(200, f"b{self.tag}", self.contact))
        call.answer = self.phone.take("200 INVITE", [call.id])[call.id]
        self.phone.send(self.phone.within(call, "ACK"))
        self.phone.take("ACK", [call.id])
        self.phone.send(self.phone.within(call, "BYE"))
        self.phone.send(self.phone.take("BYE", [call.id])[call.id].answer(200))
        self.phone.take("200 BYE", [call.id])


@pytest.mark.parametrize("name", ["postgres_server", "mariadb_server"])
def test_no_field_of_a_message_becomes_sql(request: Any, name: str) -> None:
    url = request.getfixturevalue(name).url
    database = create(url, *TABLES)
    with contextlib.suppress(Exception):
        database.query("DROP TABLE canary")
    database.query("CREATE TABLE canary (name VARCHAR(64))")
    database.query("ALTER TABLE acc ADD COLUMN agent VARCHAR(255)")
    for column in ("duration", "ms_duration", "setuptime"):
        with contextlib.suppress(Exception):
            database.query(f"ALTER TABLE acc ADD COLUMN {column} INTEGER")
    database.insert("canary", {"name": "alive"})
    database.insert("subscriber", {"username": "alice", "domain": HOST, "password": "secret"})
    with Server(CONFIG, URL=url, DRIVER=f"db_{DatabaseUrl.parse(url).scheme}") as server, Phone(server.port) as phone:
        attackers = [Attacker(phone, number, text) for number, text in enumerate(HOSTILE)]
        for each in attackers:
            each.register()
            each.ask()
            each.call()
        assert sorted(agent for agent, in database.select("location", ("user_agent",))) == sorted(HOSTILE)
        assert {(uuid, value) for uuid, value in database.select("usr_preferences", ("uuid", "value"))} == {
            (text, text) for text in HOSTILE}
        until(lambda: sorted(agent for agent, in database.select("acc", ("agent",))) == sorted(HOSTILE))
        until(lambda: database.select("dialog", ("callid",)) == [])
        assert database.select("canary", ("name",)) == [("alive",)]
        assert database.select("subscriber", ("username", "password")) == [("alice", "secret")]
        assert "Traceback" not in server.log and "syntax" not in server.log.lower(), server.log[-3000:]
    database.query("DROP TABLE canary")
    database.close()

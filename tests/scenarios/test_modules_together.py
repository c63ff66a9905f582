"""Several modules in one script on SQLite tables: callers by address, credentials for upstreams, dialogs, accounts."""
from __future__ import annotations

import pytest

from opensips_py.sip import Challenge, Credentials
from opensips_py.testing import Phone
from tests.db.databases import create

SCRIPT = """log_level=2
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "signaling.so" loadmodule "tm.so" loadmodule "rr.so"
loadmodule "sipmsgops.so" loadmodule "db_sqlite.so" loadmodule "permissions.so" loadmodule "dialog.so"
loadmodule "auth.so" loadmodule "uac_auth.so" loadmodule "uac.so" loadmodule "acc.so"
modparam("permissions|dialog|acc", "db_url", "sqlite://%s")
modparam("dialog", "db_mode", 1)
modparam("uac_auth", "credential", "company:provider:secret")
modparam("acc", "extra_fields", "db: agent;group")
modparam("acc", "leg_fields", "db: leg")
route {
	if (has_totag()) {
		loose_route();
		t_relay();
		exit;
	}
	if (is_method("CANCEL") || is_method("ACK")) {
		t_relay();
		exit;
	}
	if (!check_source_address(1, $var(group))) {
		send_reply(403, "Unknown");
		exit;
	}
	create_dialog("bye-on-timeout");
	do_accounting("db", "cdr|missed|failed");
	$acc_extra(agent) = $ua;
	$acc_extra(group) = $var(group);
	$acc_leg(leg) = $fU;
	acc_new_leg();
	$acc_leg(leg) = $rU;
	record_route();
	$ru = "sip:" + $rU + "@provider";
	$du = "sip:192.0.2.2";
	t_on_failure("challenged");
	t_relay();
}
failure_route[challenged] {
	if (t_check_status("401|407") && uac_auth()) {
		$ru = "sip:" + $rU + "@provider";
		$du = "sip:192.0.2.2";
		t_relay();
	}
}
"""


@pytest.fixture
def company(opensips, tmp_path):
    """A server between Alice and her provider, with its tables."""
    database = create(f"sqlite://{tmp_path}/db", "address", "dialog", "acc", "missed_calls")
    for table in ("acc", "missed_calls"):
        for column in ("agent", "group", "leg"):
            database.query(f'ALTER TABLE {table} ADD COLUMN "{column}" CHAR(64)')
    database.insert("address", {"grp": 1, "ip": "192.0.2.1", "mask": 32, "context_info": "staff"})
    server = opensips(text=SCRIPT % f"{tmp_path}/db")
    server.alice, server.bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    server.tables = database
    server.settle()
    return server


@pytest.mark.parametrize(("qop", "algorithm", "used"), [
    ("", "", ""), ("auth", "MD5", "auth"), ("auth-int", "SHA-256", "auth-int"),
    ("auth,auth-int", "SHA-512-256", "auth")])
def test_a_call_through_a_provider_that_asks(company, qop, algorithm, used):
    call = company.alice.call("sip:bob@192.0.2.9", body="hello")
    asked = company.bob.last("INVITE")
    company.bob.answer(asked, 407, headers={
        "Proxy-Authenticate": str(Challenge("provider", "n", qop=qop, algorithm=algorithm))})
    again = company.bob.last("INVITE")
    given = Credentials.parse(again.message.header("Proxy-Authorization"))
    assert (given.username, given.qop, again.message.uri) == ("company", used, "sip:bob@provider")
    assert again.message.cseq == asked.message.cseq + 1
    company.bob.answer(again, 180)
    shown, = company.mi("dialog:list")["Dialogs"]
    assert (shown["state"], shown["CALLEES"][0]["callee_tag"]) == (2, "tag-bob")
    company.bob.answer(again, 200)
    call.ack()
    company.settle()
    row, = company.tables.select("dialog", ("callid", "flags", "module_flags"))
    assert row == (call.call_id, 24600, 0)
    call.bye()
    company.bob.answer(company.bob.last("BYE"), 200)
    company.settle()
    found = company.tables.select("acc", ("callid", "sip_code", "agent", "group", "leg"))
    assert found == [(call.call_id, "200", "", "staff", leg) for leg in ("alice", "bob")]
    assert company.tables.select("dialog", ("callid",)) == []


def test_who_is_not_in_the_table_is_kept_out(company):
    stranger = Phone(company, "eve", "192.0.2.66")
    assert stranger.call("sip:bob@192.0.2.9").final().status == 403 and company.bob.inbox == []
    company.tables.insert("address", {"grp": 1, "ip": "192.0.2.66", "mask": 32})
    assert company.mi("permissions:address_reload") == "OK"
    call = stranger.call("sip:bob@192.0.2.9")
    company.bob.answer(company.bob.last("INVITE"), 486)
    assert call.final().status == 486
    company.settle()
    for table in ("acc", "missed_calls"):
        assert company.tables.select(table, ("sip_code", "group")) == [("486", "")] * 2

"""Two workers register a dozen users, with a registrar of ours and with Kamailio."""
from __future__ import annotations

import collections
import pathlib
import re

import pytest

from tests.live import HOST, Server
from tests.modules.uac_registrant.registrar import table
from tests.modules.users import add_user, subscribers
from tests.scenarios.flows import KAMAILIO, mi, second_hop, until

KAMAILIO_TEXT = (pathlib.Path(__file__).parent / "kamailio.cfg").read_text().replace("@REALM@", HOST)
USERS = [f"user{number}" for number in range(12)]
OURS = """workers=2
socket=udp:@HOST@:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "usrloc.so"
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
loadmodule "registrar.so"
loadmodule "db_sqlite.so"
db_default_url="@URL@"
loadmodule "auth.so"
loadmodule "auth_db.so"
route {
	if (!is_method("REGISTER")) {
		send_reply(200, "Here");
		exit;
	}
	if (!www_authorize("@HOST@", "subscriber")) {
		www_challenge("@HOST@", "auth");
		exit;
	}
	xlog("L_NOTICE", "REGISTER of $au\\n");
	save("location");
}
"""
REGISTRANT = """workers=2
socket=udp:@HOST@:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "@RUN@/fifo")
modparam("mi_fifo", "reply_dir", "@RUN@/")
loadmodule "uac_auth.so"
loadmodule "db_sqlite.so"
db_default_url="@URL@"
loadmodule "uac_registrant.so"
modparam("uac_registrant", "hash_size", 0)
modparam("uac_registrant", "timer_interval", 1)
route {
	sl_send_reply(200, "Here");
}
"""


def registered(folder, port):
    """Have all users registered at *port*."""
    rows = [{"registrar": f"sip:{HOST}:{port}", "aor": f"sip:{user}@{HOST}", "binding_URI": f"sip:{user}@{HOST}:5999",
             "username": user, "password": "secret", "expiry": 600} for user in USERS]
    url, _ = table(folder, *rows)

    def states(server):
        return {each["AOR"]: each["state"] for each in mi(server, "uac_registrant:list")["Records"]}
    with Server(REGISTRANT, URL=url, folder=folder) as server:
        until(lambda: set(states(server).values()) == {"REGISTERED_STATE"})
        assert len(states(server)) == len(USERS) and len(server.workers()) == 2
        assert "Traceback" not in server.log


def test_with_a_registrar_of_ours(tmp_path):
    folder, other = tmp_path / "ours", tmp_path / "registrant"
    folder.mkdir()
    other.mkdir()
    url, database = subscribers(folder, "subscriber")
    for user in USERS:
        add_user(database, user, "secret", HOST)
    with Server(OURS, URL=url, folder=folder) as ours:
        registered(other, ours.port)
        counted = collections.Counter(re.findall(r"REGISTER of (\w+)", ours.log))
        assert counted == dict.fromkeys(USERS, 1), "each by one worker alone"


@pytest.mark.skipif(KAMAILIO is None, reason="kamailio is not installed")
def test_with_kamailio(tmp_path):
    with second_hop(tmp_path, KAMAILIO_TEXT) as port:
        registered(tmp_path, port)

"""Commands that a script runs reach the processes that they concern, as those of an operator do."""
import json
import re

from tests.live import HOST, Server, ask

CONFIG = """socket=udp:127.0.0.1:@PORT@
udp_workers=2
log_level=3
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "usrloc.so"
loadmodule "signaling.so"
loadmodule "registrar.so"
loadmodule "mi_script.so"

route {
	if ($rU == NULL) {
		sl_send_reply(200, "Up");
		exit;
	}
	mi("ps", $var(answer));
	xlog("ps $rc $var(answer)\\n");
	mi("tm:hash", $var(answer));
	xlog("hash $rc $var(answer)\\n");
	mi("usrloc:add location carol@@HOST@ sip:carol@192.0.2.7 60 1 0 0 0", $var(answer));
	xlog("add $rc $var(answer)\\n");
	lookup("location");
	async(mi("usrloc:show_contact location carol@@HOST@", $avp(answer)), shown);
}

route[shown] {
	xlog("show $rc $avp(answer)\\n");
	sl_send_reply(200, "Done");
}
"""


def options(user: str, number: int) -> bytes:
    return (f"OPTIONS sip:{user}@{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST};rport;branch=z9hG4bK-mi-{number}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:probe@{HOST}>;tag=p\r\nTo: <sip:{user}@{HOST}>\r\n"
            f"Call-ID: mi-{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").encode()


def test_commands_out_of_the_script_reach_every_process():
    with Server(CONFIG) as server:
        for number in range(8):  # whichever worker owns it
            assert b" 200 Done" in ask(server.port, options("x", number))
        told = {name: re.findall(rf"{name} (-?\d+) (.*)", server.log) for name in ("ps", "hash", "add", "show")}
        assert {name: [code for code, _ in lines] for name, lines in told.items()} == dict.fromkeys(told, ["1"] * 8)
        types = [each["Type"] for each in json.loads(told["ps"][0][1])["Processes"]]
        assert len([each for each in types if each.startswith("SIP worker")]) == 2
        assert json.loads(told["add"][0][1]) == "OK"
        assert "sip:carol@192.0.2.7" in told["show"][0][1]
        assert json.loads(told["hash"][0][1])["Current"] == 1  # the request whose route waits just now

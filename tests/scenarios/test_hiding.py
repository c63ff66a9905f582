"""cfg/hiding.cfg between two networks: SIPp calls through it, and what either side has seen of the other."""
from __future__ import annotations

import pathlib
import re

import pytest

from opensips_py.mi import client
from tests.live import ROOT, SIPP, XML, Server, Sipp, free_ports
from tests.scenarios.phone import Call, Phone, answered, calls_to, cancel

INSIDE, CARRIER = "127.0.0.31", "127.0.0.32"  # where the two sides are
BEHIND = {INSIDE: "10.31.0.1", CARRIER: "10.32.0.1"}  # a further proxy of each
FIRST = re.compile(r"(INVITE .*\n)(Via: .*\n)")


def config(inside: int, carrier: int, outer: int) -> str:
    """The configuration on other ports."""
    text = (ROOT / "cfg" / "hiding.cfg").read_text()
    for old, new in (("127.0.0.1:5060", "127.0.0.1:@PORT@"), ("== 5060", "== @PORT@"),
                     ("127.0.0.1:5062", f"127.0.0.1:{outer}"),
                     ("127.0.0.1:5080", f"{CARRIER}:{carrier}"), ("127.0.0.1:5070", f"{INSIDE}:{inside}"),
                     ("/tmp/opensips_py_fifo", "@RUN@/fifo"), ("log_level=3", "log_level=3\nworkers=2")):
        assert old in text, old
        text = text.replace(old, new)
    return text.replace('/fifo")\n', '/fifo")\nmodparam("mi_fifo", "reply_dir", "@RUN@/")\n')


def scenario(name: str, folder: pathlib.Path, host: str) -> str:
    """A scenario whose messages have passed one more proxy."""
    text = (XML / name).read_text()
    via = f"Via: SIP/2.0/UDP {BEHIND[host]};branch=z9hG4bKbehind\n"
    recorded = f"Record-Route: <sip:{BEHIND[host]};lr>\n"
    near = "Record-Route: <sip:[local_ip]:[local_port];lr>\n"
    text = FIRST.sub(rf"\1\2{via}{near}{recorded}", text)
    text = text.replace("[last_Record-Route:]\n", f"{recorded}{near}")
    changed = folder / f"{host}-{name}"
    changed.write_text(text)
    return str(changed)


def seen(folder: pathlib.Path, name: str) -> list[str]:
    """The messages that SIPps have received, without their bodies: media is nobody's business here."""
    text = "".join(each.read_text() for each in folder.glob(f"{name}*_messages.log"))
    received = re.findall(r"message received \[\d+\] bytes :\s*\n\n(.*?)(?=\n-{20,}|\Z)", text, re.S)
    return [each.replace("\r", "").partition("\n\n")[0] for each in received]


@pytest.mark.skipif(SIPP is None, reason="sipp is not installed")
def test_calls_both_ways(tmp_path):
    inside, carrier, outer, *callers = free_ports(5)

    def start(name: str, host: str, port: int, to: str | None = None) -> Sipp:
        return Sipp(scenario(name, tmp_path, host), port, "-trace_msg", "-nd", folder=tmp_path, host=host, target=to,
                    keys={"user": "somebody"}, timeout=20, calls=4)
    with Server(config(inside, carrier, outer)) as server:
        running = [start("answer_reinvite_both.xml", CARRIER, carrier), start("answer_hangup.xml", INSIDE, inside),
                   start("call_reinvite_both.xml", INSIDE, callers[0], f"127.0.0.1:{server.port}"),
                   start("call_hangup_by_callee.xml", CARRIER, callers[1], f"127.0.0.1:{outer}")]
        assert [each.finish()["done"] for each in running] == [4] * 4
        assert client.ask(str(server.folder / "fifo"), "dialog:list", [], str(server.folder)) == {"Dialogs": []}
    for own, other in ((INSIDE, CARRIER), (CARRIER, INSIDE)):
        calls, answers = seen(tmp_path, f"{own}-call"), seen(tmp_path, f"{own}-answer")
        assert len(calls) > 15 and len(answers) > 10
        for each in (*calls, *answers):
            assert other not in each and BEHIND[other] not in each, each
        assert all(re.search("^Call-ID: border-", each, re.M) for each in answers)
        assert not any("border-" in each for each in calls)
        assert any(BEHIND[own] in each for each in calls) and any(BEHIND[own] in each for each in answers)


# --- on real workers that are killed --------------------------------------------------------------------------------

LIVE = """log_level=3
stderror_enabled=yes
syslog_enabled=no
workers=2
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "dialog.so"
loadmodule "topology_hiding.so"

route {
	if (has_totag()) {
		if (!topology_hiding_match()) {
			sl_send_reply(404, "Not Here");
			exit;
		}
		t_relay();
		exit;
	}
	if (is_method("OPTIONS")) {
		sl_send_reply(200, "OK");
		exit;
	}
	if (is_method("CANCEL")) {
		if (t_check_trans())
			t_relay();
		exit;
	}
	if ($rU =~ "^kept")
		create_dialog();
	topology_hiding("U");
	$du = "sip:127.0.0.1:@CALLEE@";
	t_relay();
}
"""


@pytest.fixture
def phones():
    """A caller and a callee, between whom nothing is yet."""
    caller, callee = Phone(0), Phone(0)
    yield caller, callee
    caller.close()
    callee.close()


def killed(server: Server) -> None:
    """Every process dies, and the server comes back."""
    server.kill_all()
    server.start()


def go_on(caller: Phone, callee: Phone, calls: list[Call]) -> None:
    """An INFO of the caller, then the callee hangs up."""
    for each in calls:
        caller.send(caller.within(each, "INFO"))
    ids = [each.id for each in calls]
    for info in callee.take("INFO", ids).values():
        assert info.uri == f"sip:callee@127.0.0.1:{callee.port}"
        callee.send(info.answer(200))
    caller.take("200 INFO", ids)
    for each in calls:
        callee.send(callee.back(each, "BYE", f"b{each.id}"))
    for bye in caller.take("BYE", ids).values():
        assert bye.uri == f"sip:caller@127.0.0.1:{caller.port}" and len(bye.all("Via")) == 1
        caller.send(bye.answer(200))
    callee.take("200 BYE", ids)


def test_calls_go_on_after_the_end_of_every_process(phones):
    """Half of them with a dialog, half of them with nothing but what stands in Contact."""
    caller, callee = phones
    with Server(LIVE, CALLEE=callee.port) as server:
        caller.server = callee.server = ("127.0.0.1", server.port)
        calls = calls_to(caller, callee, [f"{kind}{number}" for kind in ("kept", "word") for number in range(4)],
                         answer=True)
        killed(server)
        go_on(caller, callee, calls)


def test_calls_that_ring_meanwhile_are_answered_and_go_on(phones):
    caller, callee = phones
    with Server(LIVE, CALLEE=callee.port) as server:
        caller.server = callee.server = ("127.0.0.1", server.port)
        calls = calls_to(caller, callee, [f"word{number}" for number in range(4)], answer=False)
        given_up = calls_to(caller, callee, ["word8"], answer=False)
        killed(server)
        answered(caller, callee, calls)
        for each in calls:
            assert each.answer.all("Via") == [each.invite.decode().partition("Via: ")[2].partition("\r\n")[0]]
            assert str(callee.port) not in each.answer.get("Contact")
        cancel(caller, callee, given_up)
        go_on(caller, callee, calls)

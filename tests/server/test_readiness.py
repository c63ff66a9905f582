"""What a server says of its own readiness, and bonds of its sockets, in one that runs."""
import json
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from opensips_py.events import Publisher
from opensips_py.server import readiness
from tests.live import HOST, Server, free_ports

CONFIG = """
log_level=3
udp_workers=2
workers=2
socket=udp:127.0.0.1:@PORT@
socket=udp:127.0.0.2:@PORT@
socket=bond:side {"udp:127.0.0.2:@PORT@", "udp:127.0.0.9:@PORT@"}
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "mi_fifo.so"
loadmodule "event_route.so"
modparam("mi_fifo", "fifo_name", "@RUN@/fifo")
startup_route {
	$var(status) = sr_check_status("core");
	xlog("L_NOTICE", "at the start $var(status)\\n");
}
route {
	if (!$hdr(X-Target)) {
		sl_send_reply(200, "OK");
		exit;
	}
	$socket_out = $hdr(X-Socket);
	$du = $hdr(X-Target);
	forward();
}
event_route[E_CORE_SR_STATUS_CHANGED] {
	xlog("L_NOTICE", "$param(group)/$param(identifier) $param(old_status) -> $param(status) $param(details)\\n");
}
"""


@pytest.fixture(scope="module")
def server():
    with Server(CONFIG) as running:
        yield running


def asked(server, *command):
    """What `opensips-py mi` prints."""
    run = subprocess.run([sys.executable, "-m", "opensips_py", "mi", "-f", str(server.config), *command],
                         env=server.env, capture_output=True, text=True, timeout=30, check=False)
    return run.stdout or run.stderr


def sent_from(server, bond):
    """The address that a request leaves from which is forwarded by *bond*, and its Via."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind((HOST, free_ports()[0]))
        phone.settimeout(5)
        port = phone.getsockname()[1]
        phone.sendto((f"OPTIONS sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{port};branch=z9hG4bK-{port}\r\n"
                      f"From: <sip:a@{HOST}>;tag=1\r\nTo: <sip:{HOST}>\r\nCall-ID: {port}\r\nCSeq: 1 OPTIONS\r\n"
                      f"X-Target: sip:{HOST}:{port}\r\nX-Socket: {bond}\r\nMax-Forwards: 70\r\n"
                      "Content-Length: 0\r\n\r\n").encode(), (HOST, server.port))
        data, source = phone.recvfrom(65535)
        return source, data.split(b"\r\n")[1].split(b";")[0].decode()


def test_the_server_is_ready_after_its_startup_route(server):
    assert json.loads(asked(server, "status_report:get", "core")) == {
        "Readiness": True, "Status": 1, "Details": "running"}
    said = json.loads(asked(server, "status_report:reports", "core", "main"))
    assert [each["Log"] for each in said] == ["initializing", readiness.READY]
    assert server.log.count("at the start -1") == 1
    assert server.log.count("core/main -1 -> 1 running") == 1


def test_requests_leave_by_a_member_of_the_bond(server):
    assert sent_from(server, "bond:side") == (("127.0.0.2", server.port), f"Via: SIP/2.0/UDP 127.0.0.2:{server.port}")
    assert sent_from(server, f"udp:127.0.0.1:{server.port}")[0] == ("127.0.0.1", server.port)


def test_the_end_is_told():
    events, sent = [], []
    links = SimpleNamespace(on_send=lambda *_: None, on_call=lambda *_: None, peers=[1, -1],
                            send=lambda peer, *what: sent.append((peer, *what)))
    process = SimpleNamespace(index=0, links=links, events=Publisher(
        list, lambda name, values: events.append((name, dict(values)))))
    process.reports = readiness.reports(process)
    readiness.ready(process, restarted=True)
    assert events == []
    readiness.ends(process)
    assert events == [("E_CORE_SR_STATUS_CHANGED", {
        "group": "core", "identifier": "main", "status": -2, "details": "terminating", "old_status": 1})]
    assert sent == []
    process.reports.set_status("routing", "main", 1)
    assert [(peer, operation, change[:3]) for peer, operation, change in sent] == [
        (1, "status_report", ("routing", "main", 1)), (-1, "status_report", ("routing", "main", 1))]


def test_one_worker_tells_of_the_core():
    events = []
    links = SimpleNamespace(on_send=lambda *_: None, on_call=lambda *_: None, peers=[])
    process = SimpleNamespace(index=1, links=links, events=SimpleNamespace(
        raise_event=lambda name, values: events.append(values["group"])))
    process.reports = readiness.reports(process)
    readiness.ready(process, restarted=False)
    process.reports.set_status("routing", "main", 1)
    assert events == ["routing"]

"""event_datagram: events over UDP and Unix sockets."""
import contextlib
import json
import socket

import pytest

from opensips_py.errors import MIError
from opensips_py.testing import request
from tests.live import Server, options

RAISING = """dialect={dialect}
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "event_datagram.so"
startup_route {{ subscribe_event("E_TEST", "{socket}"); }}
route {{
	$avp(names) = "user"; $avp(names) = "count";
	$avp(values) = $rU; $avp(values) = 5;
	raise_event("E_TEST", $avp(names), $avp(values));
	sl_send_reply({ok}, "OK");
}}
"""


def script(dialect, socket):
    """A script that tells of each request."""
    return RAISING.format(dialect=dialect, socket=socket, ok=200 if dialect == "4.0" else '"200"')


class Ear:
    """A socket that is subscribed."""

    def __init__(self, family, address):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(5)

    def hear(self):
        return self.socket.recv(70000).decode()

    @property
    def port(self):
        return self.socket.getsockname()[1]


@pytest.fixture
def ears():
    made = []

    def make(family=socket.AF_INET, address=("127.0.0.1", 0)):
        made.append(Ear(family, address))
        return made[-1]
    yield make
    for each in made:
        each.socket.close()


def ask(server, user="bob"):
    server.receive(request("OPTIONS", f"sip:{user}@192.0.2.9"), "192.0.2.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_notification_over_udp(opensips, ears, host):
    ear = ears()
    server = opensips(text=script(dialect="4.0", socket=f"udp:{host}:{ear.port}"))
    for user in ("bob", "carol"):
        ask(server, user)
        assert json.loads(ear.hear()) == {"jsonrpc": "2.0", "method": "E_TEST", "params": {"user": user, "count": 5}}


def test_lines_over_udp(opensips, ears):
    ear = ears()
    ask(opensips(text=script(dialect="2.1", socket=f"udp:127.0.0.1:{ear.port}")))
    assert ear.hear() == "E_TEST\ncount::5\nuser::bob\n\n"


def test_over_ipv6(opensips, ears):
    ear = ears(socket.AF_INET6, ("::1", 0))
    ask(opensips(text=script(dialect="2.1", socket=f"udp:[::1]:{ear.port}")))
    assert ear.hear().startswith("E_TEST\n")


def test_over_a_unix_socket(opensips, ears, tmp_path):
    path = str(tmp_path / "events")
    ear = ears(socket.AF_UNIX, path)
    server = opensips(text=script(dialect="2.1", socket=f"unix:{path}"))
    ask(server)
    assert ear.hear() == "E_TEST\ncount::5\nuser::bob\n\n"
    assert server.mi("subscribers_list", "E_TEST")["Event"]["Subscribers"][0]["socket"] == f"unix:{path}"


def test_management_subscribes_and_the_subscription_ends(opensips, ears):
    ear = ears()
    server = opensips(text=script(dialect="4.0", socket="udp:127.0.0.1:9"))
    server.mi("evi:subscribe", "E_TEST", f"udp:127.0.0.1:{ear.port}", 30)
    ask(server)
    ear.hear()
    server.advance(31)
    ask(server)
    ear.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        ear.hear()


def test_a_subscriber_that_is_gone_is_logged_and_nothing_else(opensips, tmp_path):
    server = opensips(text=script(dialect="4.0", socket=f"unix:{tmp_path}/nobody"))
    ask(server)
    assert server.log.matching("ERROR.*E_TEST to unix:.*nobody: .*No such file")
    assert not server.log.matching("Traceback")


def test_what_no_datagram_holds_is_not_sent(opensips, ears):
    ear = ears()
    server = opensips(text=script(dialect="4.0", socket=f"udp:127.0.0.1:{ear.port}").replace(
        "= $rU", '= $(rb{re.subst,/x/xxxxxxxxxx/g})'))
    server.receive(request("MESSAGE", "sip:x@192.0.2.9", body="x" * 6600, content_type="text/plain"), "192.0.2.1")
    assert server.log.matching("too long for a datagram")
    server.receive(request("MESSAGE", "sip:x@192.0.2.9", body="x" * 6500, content_type="text/plain"), "192.0.2.1")
    assert len(ear.hear()) > 65000


@pytest.mark.parametrize("wrong", ["udp:127.0.0.1", "udp::5060", "udp:127.0.0.1:0", "udp:127.0.0.1:70000",
                                   "udp:127.0.0.1:x", "unix:", "unix:/" + "x" * 107])
def test_sockets_that_cannot_be(opensips, wrong):
    server = opensips(text=script(dialect="4.0", socket="udp:127.0.0.1:9"))
    with pytest.raises(MIError):
        server.mi("evi:subscribe", "E_TEST", wrong)


def test_what_the_startup_route_subscribes_to_is_told_by_all_workers(ears):
    ear = ears()
    text = script(dialect="4.0", socket=f"udp:127.0.0.1:{ear.port}")
    text = text.replace("192.0.2.9:5060", "@HOST@:@PORT@").replace("$rU", "$pp")
    text = text.replace("loadmodule", "workers=2\nloadmodule", 1)
    told = set()
    with Server(text) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        for number in range(400):  # which worker owns a call is a matter of its Call-ID
            own.sendto(options(server.port, own.getsockname()[1], number), ("127.0.0.1", server.port))
            ear.socket.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                told.add(json.loads(ear.hear())["params"]["user"])
            if len(told) == 2:
                break
        assert told == set(server.workers())

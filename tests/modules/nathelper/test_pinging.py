"""Contacts are pinged, once an interval each, in the way that they ask for."""
from __future__ import annotations

import contextlib
import itertools
import socket
import time
from collections import Counter

import pytest

from opensips_py.errors import ConfigError
from opensips_py.modules.nathelper.pinging import Pings
from opensips_py.modules.nathelper.spoofing import checksum, datagram
from opensips_py.sip import Request
from opensips_py.testing import Phone, Server, response
from tests import live

SCRIPT = """
log_level=2
socket=udp:192.0.2.9:5060
socket=udp:192.0.2.9:5070
socket=tcp:192.0.2.9:5060
@more@
loadmodule "proto_udp.so"
loadmodule "proto_tcp.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
modparam("usrloc", "nat_bflag", "NAT")
modparam("registrar", "received_avp", "$avp(rcv)")
modparam("nathelper", "received_avp", "$avp(rcv)")
modparam("nathelper", "natping_interval", 10)  # unless said otherwise
@settings@
route {
	if ($tU =~ "nat") { setbflag(@NAT@); fix_nated_register(); }
	if ($tU =~ "sip") setbflag(@SIP@);
	if ($tU =~ "remove") setbflag(@REMOVE@);
	if ($tU =~ "latency") setbflag(@LATENCY@);
	@path@
	save("location", "@flags@");
}
onreply_route { xlog("L_WARN", "the script saw a response\\n"); }
"""
SIP = """
modparam("nathelper", "sipping_bflag", "SIP")
modparam("nathelper", "sipping_from", "sip:pinger@example.com")
"""
NEW = SIP + """
modparam("nathelper", "remove_on_timeout_bflag", "REMOVE")
modparam("nathelper", "sipping_latency_flag", "LATENCY")
"""


def script(settings: str = "", more: str = "", path: str = "", flags: str = "", dialect: str = "4.0") -> str:
    """The configuration."""
    text = SCRIPT
    for name, value in (("settings", settings), ("more", f"dialect={dialect}\n{more}"), ("path", path),
                        ("flags", flags)):
        text = text.replace(f"@{name}@", value)
    for name in ("NAT", "SIP", "REMOVE", "LATENCY"):
        text = text.replace(f"@{name}@", f'"{name}"')
    return text


@pytest.fixture
def start():
    """Starts a server; it ends with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **named: stack.enter_context(Server(text=script(*arguments, **named)))


def registered(server: Server, *users: str, host: str = "203.0.113.7", protocol: str = "udp") -> list[Phone]:
    """Phones behind a NAT at *host*, registered."""
    phones = [Phone(server, user, host, 40000 + number, domain="example.com", protocol=protocol)
              for number, user in enumerate(users)]
    for phone in phones:
        assert phone.register().status == 200
    server.take()
    return phones


def pings(server: Server, seconds: float) -> Counter[tuple[str, int]]:
    """Who is pinged by zero bytes within *seconds*, how often."""
    server.take()
    return Counter((each.host, each.port) for each in server.advance(seconds) if each.data == bytes(4))


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_every_contact_is_pinged_once_an_interval(start, dialect):
    server = start(dialect=dialect)
    phones = registered(server, *(f"nat{number}" for number in range(40)))
    server.advance(10)
    for _ in range(3):
        assert pings(server, 10) == {(phone.host, phone.port): 1 for phone in phones}


def test_pings_are_spread_over_the_interval(start):
    server = start()
    registered(server, *(f"nat{number}" for number in range(40)))
    server.advance(10)
    server.take()
    moments = Counter(each.at for each in server.advance(10) if each.data == bytes(4))
    assert len(moments) > 10 and max(moments.values()) < 12 and sum(moments.values()) == 40


def test_a_contact_itself_is_pinged_where_nothing_says_where_it_came_from(start):
    server = start()
    registered(server, "plain")
    server.advance(10)
    assert pings(server, 10) == {("203.0.113.7", 40000): 1}


def test_no_pings_without_an_interval(start):
    server = start('modparam("nathelper", "natping_interval", 0)')
    registered(server, "nat")
    assert not pings(server, 100)
    with pytest.raises(Exception, match="no natping_interval"):
        server.mi("nathelper:enable_ping")


def test_contacts_that_have_ended_are_not_pinged(start):
    server = start()
    phone, = registered(server, "nat")
    phone.register(expires=60)
    server.advance(60)
    assert not pings(server, 20)


def test_contacts_behind_nat_alone(start):
    server = start('modparam("nathelper", "ping_nated_only", 1)')
    registered(server, "nat0", "plain1", "nat2")
    server.advance(10)
    assert pings(server, 10) == {("203.0.113.7", 40000): 1, ("203.0.113.7", 40002): 1}


def test_pings_leave_where_the_contact_came_in(start):
    server = start()
    phone = Phone(server, "nat", "203.0.113.7", domain="example.com")
    server.receive(phone.request("REGISTER", "sip:example.com", to=phone.aor, contact=phone.contact), phone.host,
                   phone.port, listener=server.listener("udp", 5070))
    server.advance(10)
    server.take()
    sent, = [each for each in server.advance(10) if each.data == bytes(4)]
    assert sent.listener.port == 5070


@pytest.mark.parametrize("name", ["udp:192.0.2.9:5070", "192.0.2.9:5070"])
def test_force_socket_serves_contacts_without_one(start, name):
    server = start(f'modparam("nathelper", "force_socket", "{name}")')
    server.mi("usrloc:add", "location", "bob@example.com", "sip:bob@203.0.113.9", 0, "", 0, "0", 0)
    server.advance(10)
    server.take()
    sent, = [each for each in server.advance(10) if each.data == bytes(4)]
    assert (sent.host, sent.listener.port) == ("203.0.113.9", 5070)


@pytest.mark.parametrize(("dialect", "command"), [("2.1", "nh_enable_ping"), ("4.0", "nathelper:enable_ping")])
def test_operators_turn_pings_off_and_on(start, dialect, command):
    server = start(dialect=dialect)
    registered(server, "nat")
    assert server.mi(command) == {"Status": 1}
    assert server.mi(command, 0) == "OK" and server.mi(command) == {"Status": 0}
    assert not pings(server, 30)
    assert server.mi(command, 1) == "OK" and server.mi(command) == {"Status": 1}
    server.advance(10)
    assert pings(server, 10)


def test_a_reload_pings_nobody_twice(start):
    server = start()
    phones = registered(server, *(f"nat{number}" for number in range(20)))
    server.advance(15)
    server.take()
    found = pings(server, 4)
    server.reload(script())
    found += pings(server, 6)
    assert found == {(phone.host, phone.port): 1 for phone in phones}


@pytest.mark.parametrize("away", [0.0, 0.7, 33.0])
def test_who_takes_over_goes_on_with_the_rhythm(start, away):
    server = start()
    phones = registered(server, *(f"nat{number}" for number in range(40)))
    server.advance(10)
    server.take()
    before = {each.port: each.at for each in server.advance(13.3) if each.data == bytes(4)}  # the last of each
    server.engine.generation.registry.modules["nathelper"].pings = Pings()  # as a new process has them
    server.clock.pass_time(away)
    server.engine.timers.advance(server.clock.monotonic())
    server.take()
    after = {}
    for each in server.advance(11.5):
        if each.data == bytes(4):
            after.setdefault(each.port, each.at)
    assert before.keys() == after.keys() == {phone.port for phone in phones}
    gaps = [after[port] - before[port] for port in before]
    if away < 10:
        assert max(gaps) < 11.6, "nobody waits for longer than an interval and what it takes to come back"
    assert len({each // 1 for each in after.values()}) > 6, "not all at once"


def test_a_name_is_resolved(start):
    server = start()
    server.zone.table["phone.example.com"] = {"A": ["203.0.113.8"]}
    server.mi("usrloc:add", "location", "bob@example.com", "sip:bob@phone.example.com:5062", 0, "", 0, "0", 0)
    server.mi("usrloc:add", "location", "carol@example.com", "tel:+1", 0, "", 0, "0", 0)
    server.advance(10)
    assert pings(server, 10) == {("203.0.113.8", 5062): 1}


def requests(server: Server, seconds: float) -> list:
    """The SIP pings of that time."""
    server.take()
    return [each for each in server.advance(seconds) if each.data != bytes(4) and not each.status]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_sip_pings(start, dialect):
    server = start(SIP, dialect=dialect)
    registered(server, "natsip0", "nat1")
    server.advance(10)
    sent, = requests(server, 10)
    message = sent.message
    assert isinstance(message, Request) and (sent.host, sent.port) == ("203.0.113.7", 40000)
    assert (message.method, message.uri, message.from_.uri) == (
        "OPTIONS", "sip:natsip0@203.0.113.7:40000", "sip:pinger@example.com")
    assert message.to.uri == message.uri and not message.to_tag and message.content_length == 0
    again, = requests(server, 10)
    assert again.message.call_id != message.call_id


def test_method_of_sip_pings(start):
    server = start(SIP + 'modparam("nathelper", "sipping_method", "INFO")')
    registered(server, "natsip")
    server.advance(10)
    assert [each.method for each in requests(server, 10)] == ["INFO"]


def test_answers_reach_no_script(start):
    server = start(SIP)
    phone, = registered(server, "natsip")
    server.advance(10)
    sent, = requests(server, 10)
    answer = response(sent.message, 200)
    assert phone.send(answer) == []
    assert not server.log.matching("saw a response")
    phone.send(answer.replace(b"1 OPTIONS", b"1 INFO"))
    phone.send(answer.replace(sent.message.call_id.encode(), b"another"))
    assert len(server.log.matching("saw a response")) == 2


def test_contacts_with_a_path_are_pinged_along_it(start):
    server = start(SIP, flags="path-off")
    phone = Phone(server, "natsip", "203.0.113.7", domain="example.com")
    phone.register(headers={"Path": "<sip:198.51.100.1:5066;lr>, <sip:198.51.100.2;lr>", "Supported": "path"})
    server.advance(10)
    sent, = requests(server, 10)
    assert (sent.host, sent.port) == ("198.51.100.1", 5066)
    assert sent.header("Route") == "<sip:198.51.100.1:5066;lr>, <sip:198.51.100.2;lr>"


def test_connections_are_pinged_where_asked_for(start):
    server = start(SIP)
    registered(server, "nat", protocol="tcp")
    server.advance(10)
    assert not requests(server, 10)
    server.reload(script(SIP + 'modparam("nathelper", "natping_tcp", 1)'))
    server.advance(10)
    sent, = requests(server, 10)
    assert (sent.protocol, sent.method) == ("tcp", "OPTIONS")
    for each in list(server.network.connections()):
        each.close()
    assert not requests(server, 10)  # it can only be reached over the connection that it has made


def lost(server: Server, intervals: int) -> bool:
    """Whether a contact is gone after so many intervals without an answer."""
    if intervals:
        server.advance(10 * intervals + 4)
    return not server.mi("usrloc:dump")["Domains"][0]["AORs"]


def test_contacts_that_answer_no_ping_are_taken_out(start):
    server = start(NEW)
    registered(server, "natsipremove", "natsip")
    sent = []
    while not any(name == "E_UL_CONTACT_DELETE" for name, _ in server.events):
        sent += [each for each in server.advance(0.1) if each.method == "OPTIONS" and "remove" in each.message.uri]
        assert len(sent) <= 3
    assert len(sent) == 3 and server.clock.time() - sent[-1].at == pytest.approx(3, abs=0.3)
    assert [each["AOR"] for each in server.mi("usrloc:dump")["Domains"][0]["AORs"]] == ["natsip@example.com"]


def test_pings_may_follow_each_other_faster_than_they_are_lost(start):
    server = start(NEW + 'modparam("nathelper", "natping_interval", 2)\n'
                         'modparam("nathelper", "ping_threshold", 5)\nmodparam("nathelper", "max_pings_lost", 2)')
    phone, = registered(server, "natsipremove")
    waiting = []
    for _ in range(30):
        waiting += [each for each in server.advance(1) if not each.status and each.data != bytes(4)]
        while waiting and server.clock.time() - waiting[0].at > 3:
            phone.send(response(waiting.pop(0).message, 200))  # when the next one has left already
    assert not lost(server, 0)
    assert lost(server, 1)


def test_an_answer_keeps_a_contact(start):
    server = start(NEW + 'modparam("nathelper", "max_pings_lost", 1)')
    phone, = registered(server, "natsipremove")
    for _ in range(50):
        for each in server.advance(1):
            if not each.status and each.data != bytes(4):
                phone.send(response(each.message, 404))
    assert not lost(server, 0) and lost(server, 2)


@pytest.mark.parametrize(("settings", "status", "gone"), [("", 408, False), ("408, 480", 408, True),
                                                          ("408, 480", 200, False)])
def test_answers_that_do_not_count(start, settings, status, gone):
    server = start(NEW + 'modparam("nathelper", "max_pings_lost", 1)\n'
                         f'modparam("nathelper", "sipping_ignore_rpl_codes", "{settings}")')
    phone, = registered(server, "natsipremove")
    for _ in range(30):
        for each in server.advance(1):
            if not each.status and each.data != bytes(4):
                phone.send(response(each.message, status))
    assert lost(server, 0) is gone


def test_a_threshold_says_how_long_an_answer_may_take(start):
    for threshold, gone in ((2, True), (6, False)):
        server = start(NEW + 'modparam("nathelper", "max_pings_lost", 1)\n'
                             f'modparam("nathelper", "ping_threshold", {threshold})')
        phone, = registered(server, "natsipremove")
        waiting = []
        for _ in range(25):
            waiting.append([each for each in server.advance(1) if not each.status and each.data != bytes(4)])
            for each in waiting[-5] if len(waiting) > 4 else ():
                phone.send(response(each.message, 200))
        assert lost(server, 0) is gone


@pytest.mark.parametrize(("settings", "waits", "told"), [
    ("", [0.1, 0.1, 0.3], [100_000, 100_000, 300_000]),
    ('modparam("usrloc", "latency_event_min_us", 200000)', [0.1, 0.3, 0.3], [300_000, 300_000]),
    ('modparam("usrloc", "latency_event_min_us_delta", 150000)', [0.1, 0.2, 0.4, 0.1], [400_000, 100_000])])
def test_latency(start, settings, waits, told):
    server = start(NEW + settings)
    phone, = registered(server, "natsiplatency")
    server.advance(10)
    for wait in waits:
        sent = []
        while not sent:
            sent = [each for each in server.advance(0.1) if not each.status and each.data != bytes(4)]
        server.advance(wait - 0.1 + 0.1 if wait > 0.1 else 0.1)
        phone.send(response(sent[0].message, 200))
    events = [values for name, values in server.events if name == "E_UL_LATENCY_UPDATE"]
    assert [each["latency"] for each in events] == pytest.approx(told, abs=5)
    assert {each["aor"] for each in events} == {"natsiplatency@example.com"}
    assert server.mi("usrloc:dump")["Domains"][0]["AORs"][0]["Contacts"][0]["Latency"] == pytest.approx(
        waits[-1] * 1_000_000, abs=5)


@pytest.mark.parametrize(("setting", "why"), [
    ('"natping_partitions", 9', "from 1 to 8"), ('"sipping_from", "nobody"', "is a URI"),
    ('"sipping_bflag", "SIP"', "a URI to come from"), ('"sipping_ignore_rpl_codes", "408,x"', "list of numbers"),
    ('"natping_socket", "nowhere"', "IPv4 address"), ('"cluster_id", 1', "waits for module clusterer"),
    ('"cluster_sharing_tag", "vip"', "waits for module clusterer")])
def test_parameters_are_checked(start, setting, why):
    with pytest.raises(ConfigError, match=why):
        start(f'modparam("nathelper", {setting})')


def test_a_flag_of_sip_pings_needs_no_uri_while_nothing_is_pinged(start):
    start('modparam("nathelper", "sipping_bflag", "SIP")\nmodparam("nathelper", "natping_interval", 0)')


def test_partitions_are_accepted(start):
    server = start('modparam("nathelper", "natping_partitions", 4)')
    registered(server, "nat")
    server.advance(10)
    assert pings(server, 10) == {("203.0.113.7", 40000): 1}


def test_pings_need_usrloc():
    with pytest.raises(ConfigError, match="needs module usrloc"):
        Server(text='socket=udp:192.0.2.9:5060\nloadmodule "proto_udp.so"\nloadmodule "nathelper.so"\n'
                    'modparam("nathelper", "natping_interval", 10)\nroute { exit; }')


def test_checksums_of_spoofed_datagrams_add_up():
    sent = datagram(bytes((192, 0, 2, 1)), 5006, bytes((127, 0, 0, 1)), 9, b"abc")
    pseudo = sent[12:20] + bytes((0, 17)) + (len(sent) - 20).to_bytes(2, "big")
    assert checksum(pseudo + sent[20:]) == 0


LIVE = """
log_level=2
udp_workers=2
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
modparam("usrloc", "nat_bflag", "NAT")
modparam("nathelper", "natping_interval", 2)
modparam("nathelper", "sipping_bflag", "SIP")
modparam("nathelper", "remove_on_timeout_bflag", "SIP")
modparam("nathelper", "sipping_from", "sip:pinger@example.com")
modparam("nathelper", "ping_threshold", 1)
modparam("nathelper", "max_pings_lost", 1)
@settings@
route {
	if ($rm == "OPTIONS") { sl_send_reply(200, "OK"); exit; }
	if ($tU =~ "sip") setbflag("SIP");
	save("location");
}
"""


def register(own: socket.socket, port: int, user: str) -> None:
    """Register *user* at this socket."""
    here = f"127.0.0.1:{own.getsockname()[1]}"
    own.sendto((f"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{user}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:{user}@example.com>;tag=a\r\nTo: <sip:{user}@example.com>\r\n"
                f"Call-ID: reg-{user}\r\nCSeq: 1 REGISTER\r\nContact: <sip:{user}@{here}>\r\nExpires: 600\r\n"
                "Content-Length: 0\r\n\r\n").encode(), ("127.0.0.1", port))
    while not own.recv(65535).startswith(b"SIP/2.0 200"):
        pass  # a ping of a contact that is there already


def test_two_workers_ping_each_contact_once():
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(live.Server(LIVE, settings=""))
        phones = []
        for number in range(24):
            phone = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            phone.bind(("127.0.0.1", 0))
            phone.settimeout(5)
            register(phone, server.port, f"{'sip' if number % 2 else 'phone'}{number}")
            phones.append(phone)
        moments: dict[int, list[float]] = {number: [] for number in range(24)}
        began = time.monotonic()
        for phone in phones:
            phone.settimeout(0.005)
        while min(map(len, moments.values())) < 2 and time.monotonic() < began + 20:
            for number, phone in enumerate(phones):
                with contextlib.suppress(TimeoutError):
                    data = phone.recv(65535)
                    moments[number].append(time.monotonic())
                    if data != bytes(4):
                        phone.sendto(response(data, 200), ("127.0.0.1", server.port))
        assert "Traceback" not in server.log, server.log
        for number, found in moments.items():
            gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
            assert 1 < len(found) <= (time.monotonic() - began) / 2 + 1, (number, found, server.log)
            assert all(gap > 1.1 for gap in gaps), (number, found)


def test_pings_from_an_address_that_is_not_ours():
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW).close()
    except PermissionError:
        pytest.skip("no permission for raw sockets")
    source, = live.free_ports()
    with live.Server(LIVE, settings=f'modparam("nathelper", "natping_socket", "127.0.0.1:{source}")') as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(8)
        register(phone, server.port, "phone")
        assert phone.recvfrom(100) == (bytes(4), ("127.0.0.1", source))

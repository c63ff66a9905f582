"""Core parameters of sockets and connections, on real ones."""
from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent import socket as waiting

from opensips_py.sip import address_key
from tests.live import free_ports
from tests.server.worker_here import HOST, Here, request, until


@pytest.fixture
def here() -> Iterator[Any]:
    made: list[Here] = []

    def make(*given: Any, **named: Any) -> Here:
        made.append(Here(*given, **named))
        return made[-1]

    yield make
    for each in reversed(made):
        each.close()


def option(taken: Any, level: int, name: int) -> int:
    """What the kernel has for an option of a socket."""
    found: int = taken.getsockopt(level, name)
    return found


def test_a_worker_without_any(here: Any) -> None:
    place = here()
    phone = place.udp()
    phone.send(request(place.port, phone.getsockname()[1]))
    assert phone.recv(4096).startswith(b"SIP/2.0 200 Here")


@pytest.mark.parametrize(("text", "tos"), [("tos=IPTOS_THROUGHPUT", 0x08), ("tos=184", 184), ("", 0x10)])
def test_type_of_service(here: Any, text: str, tos: int) -> None:
    place = here(text)
    for protocol in ("udp", "tcp"):
        assert option(place.taken(protocol), socket.IPPROTO_IP, socket.IP_TOS) == tos


def test_multicast(here: Any) -> None:
    taken = here("mcast_loopback=yes\nmcast_ttl=32").taken("udp")
    assert option(taken, socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 32
    assert option(taken, socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP) == 1
    plain = here().taken("udp")
    assert option(plain, socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 1
    assert option(plain, socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP) == 0


def test_receive_buffer(here: Any) -> None:
    large = option(here("maxbuffer=400000").taken("udp"), socket.SOL_SOCKET, socket.SO_RCVBUF)
    small = option(here("maxbuffer=1000").taken("udp"), socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert large >= 400000 > 0 and small < large


@pytest.mark.parametrize(("text", "expected"), [
    ("tcp_keepalive=no", (0, 0, 0, 0)), ("tcp_keepidle=30\ntcp_keepinterval=10\ntcp_keepcount=5", (1, 30, 10, 5)),
    ("tcp_keepalive=no\ntcp_keepcount=3", (1, 0, 0, 3))])
def test_keep_alive(here: Any, text: str, expected: tuple[int, ...]) -> None:
    taken = here(text).taken("tcp")
    assert option(taken, socket.SOL_SOCKET, socket.SO_KEEPALIVE) == expected[0]
    for name, value in zip((socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT), expected[1:], strict=True):
        if value:
            assert option(taken, socket.IPPROTO_TCP, name) == value


def test_no_more_connections_than_are_wanted(here: Any) -> None:
    place = here("tcp_max_connections=1")
    first, second = place.tcp(), place.tcp()
    second.settimeout(5)
    assert second.recv(1) == b""
    assert place.counted("net:stream_refused") == 1
    first.send(request(place.port, first.getsockname()[1], protocol="TCP"))
    assert first.recv(4096).startswith(b"SIP/2.0 200 Here")


def test_idle_connections_end(here: Any) -> None:
    place = here("tcp_connection_lifetime=0")
    connection = place.tcp()
    connection.settimeout(8)
    assert connection.recv(1) == b""
    (_, values), = [each for each in place.told if each[0] == "E_CORE_TCP_DISCONNECT"]
    assert values == {"src_ip": HOST, "src_port": connection.getsockname()[1], "dst_ip": HOST, "dst_port": place.port,
                      "proto": "tcp"}


def test_half_a_message_does_not_wait_for_ever(here: Any) -> None:
    place = here("tcp_max_msg_time=1")
    connection = place.tcp()
    connection.settimeout(8)
    connection.send(b"OPTIONS sip:here SIP/2.0\r\nVia: ")
    assert connection.recv(1) == b""
    assert place.counted("net:stream_slow") == 1


def test_a_connection_that_does_not_come_about(here: Any) -> None:
    place = here("tcp_connect_timeout=150")
    full = socket.socket()  # its queue takes one connection, and nobody accepts any
    full.bind((HOST, 0))
    full.listen(0)
    callers = [socket.socket() for _ in range(3)]
    for each in callers:
        each.setblocking(False)
        each.connect_ex(full.getsockname())
    phone = place.udp()
    uri = f"sip:bob@{HOST}:{full.getsockname()[1]};transport=tcp"
    phone.send(request(place.port, phone.getsockname()[1], uri=uri))
    assert phone.recv(4096)[8:11].isdigit()
    assert place.counted("net:stream_unconnected") == 1
    for each in (full, *callers):
        each.close()


def accepting(place: Here) -> tuple[Any, list[Any]]:
    """A server that takes connections, and those that it took."""
    made = place.enter_context(waiting.socket())
    made.bind((HOST, 0))
    made.listen(5)
    taken: list[Any] = []

    def accept() -> None:
        while True:
            taken.append(made.accept()[0])

    place.callback(gevent.spawn(accept).kill)
    return made, taken


@pytest.mark.parametrize(("text", "route", "connects"), [
    ("", "", True), ("tcp_no_new_conn_bflag=STAY", 'setbflag("STAY");', False)])
def test_requests_over_connections_that_stand_alone(here: Any, text: str, route: str, connects: bool) -> None:
    place = here(text, f"route {{ {route} if (!t_relay(\"0x02\")) sl_send_reply(404, \"None\"); exit; }}\n")
    server, taken = accepting(place)
    phone = place.udp()
    uri = f"sip:bob@{HOST}:{server.getsockname()[1]};transport=tcp"
    phone.send(request(place.port, phone.getsockname()[1], uri=uri))
    if connects:
        until(lambda: taken)
    else:
        until(lambda: select_answer(phone))
        assert not taken


def select_answer(phone: Any) -> bool:
    """Whether the 404 of the route has come."""
    return bool(phone.recv(4096).startswith(b"SIP/2.0 404"))


def test_responses_over_connections_that_stand_alone(here: Any) -> None:
    for text, mark, connects in (("", "", True), ("tcp_no_new_conn_rplflag=KEEP", 'setflag("KEEP");', False)):
        place = here(text, f'route {{ {mark} t_newtran(); usleep(100000); t_reply(480, "Gone"); exit; }}\n',
                     modules='loadmodule "cfgutils.so"\n')
        server, taken = accepting(place)
        connection = place.tcp()
        connection.send(request(place.port, server.getsockname()[1], protocol="TCP").replace(b";rport", b""))
        until(lambda: place.counted("core:rcv_requests"))  # noqa: B023
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, not ended
        connection.close()  # before the answer: it goes to the port in the Via now, or nowhere
        if connects:
            until(lambda: taken)  # noqa: B023
        else:
            until(lambda: not place.worker.transactions.servers or place.counted("tm:4xx_transactions"))  # noqa: B023
            assert not taken


def test_requests_back_over_a_connection_with_alias(here: Any) -> None:
    for text, expected in (("tcp_accept_aliases=yes", True), ("", False)):
        place = here(text)
        connection = place.tcp()
        data = request(place.port, 5099, protocol="TCP").replace(b";rport", b";alias;rport")
        connection.send(data)
        connection.settimeout(5)
        assert connection.recv(4096).startswith(b"SIP/2.0 200")
        (ours,) = place.worker.transports.connections()
        assert bool(ours.aliases) is expected


def test_a_message_that_leaves_slowly_is_told(here: Any) -> None:
    place = here("tcp_threshold=1")
    connection = place.tcp()
    connection.settimeout(5)
    connection.send(request(place.port, connection.getsockname()[1], protocol="TCP"))
    assert connection.recv(4096)
    until(lambda: place.told)
    (name, values), = place.told
    assert (name, values["source"]) == ("E_CORE_THRESHOLD", "tcp") and values["time"] > 1


def test_backlog_of_a_listener(here: Any) -> None:
    assert here("tcp_socket_backlog=3").description.backlog == 3
    assert here("tcp_listen_backlog=4", dialect="2.1").description.backlog == 4


def test_waiting_bytes(here: Any) -> None:
    place = here()
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connection = place.tcp()
    until(lambda: list(place.worker.transports.connections()))
    phone.sendto(b"x" * 500, (HOST, place.port))
    connection.send(b"y" * 700)
    gevent.get_hub()  # nothing runs between here and the questions: the loop has no turn
    assert place.counted("net:waiting_udp") >= 500
    assert place.counted("net:waiting_tcp") == 700
    assert place.counted("net:waiting_tls") == 0
    phone.close()


def test_the_way_out_is_asked_of_the_kernel(here: Any) -> None:
    other = "127.0.0.2"
    one, two = free_ports(2)
    sockets = f"socket=udp:{other}:{one}\nsocket=udp:{HOST}:{two}\nsocket=tcp:{HOST}:{two}\n"
    for text, expected in (("mhomed=yes", two), ("", one)):
        place = here(text, sockets=sockets)
        transports = place.worker.transports
        assert transports.choose_listener("udp", address_key(HOST, 5060)).port == expected
        place.close()



"""Events by XML-RPC, heard by the server of the standard library."""
import contextlib
import socket
import threading
import xmlrpc.server

import gevent
import pytest

from opensips_py.errors import MIError
from opensips_py.modules import event_xmlrpc
from tests.live import HOST, free_ports
from tests.modules.bench import Bench


class Listener(xmlrpc.server.SimpleXMLRPCServer):
    """A server whose methods only note what they are called with."""

    def __init__(self):
        super().__init__((HOST, 0), logRequests=False)
        self.heard = []
        self.register_instance(self)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def _dispatch(self, method, params):
        self.heard.append((method, params))
        return 1


@pytest.fixture
def listener():
    with Listener() as made:
        yield made
        made.shutdown()


@pytest.fixture
def bench():
    made = []

    def make(settings="", dialect="4.0", modules="event_xmlrpc"):
        made.append(Bench(modules, settings=settings, dialect=dialect))
        made[-1].spawn = gevent.spawn
        return made[-1]
    yield make
    for each in made:
        each.registry.stop()


def until(condition):
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.005)


def tell(bench, port, values, method="block_ip"):
    bench.events.subscribe("E_X", f"xmlrpc:{HOST}:{port}:{method}")
    bench.events.raise_event("E_X", values)


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_parameters_behind_their_names(bench, listener, dialect):
    values = {"ip": "192.0.2.1", "text": "<a> & \x00 \udcff", "number": -5, "none": None, "big": 1 << 40}
    tell(bench(dialect=dialect), listener.port, values)
    until(lambda: listener.heard)
    heard = ("E_X", "ip", "192.0.2.1", "text", "<a> & ? \ufffd", "number", -5, "none", "", "big", str(1 << 40))
    assert listener.heard == [("block_ip", heard)]


def test_parameters_without_names(bench, listener):
    here = bench()
    here.events._route = lambda event, values: None  # the bench keeps named ones
    tell(here, listener.port, ["one", 2], "a.b")
    until(lambda: listener.heard)
    assert listener.heard == [("a.b", ("E_X", "one", 2))]


def test_parameters_as_a_struct(bench, listener):
    tell(bench('modparam("event_xmlrpc", "use_struct_param", 1)'), listener.port, {"ip": "192.0.2.1", "number": 5})
    until(lambda: listener.heard)
    assert listener.heard == [("block_ip", ("E_X", {"ip": "192.0.2.1", "number": 5}))]


@pytest.mark.parametrize("address", ["", "host", "host:80", "host:80:", ":80:method", "host:0:method", "host:x:method",
                                     "host:70000:method"])
def test_malformed_sockets(bench, address):
    with pytest.raises(MIError, match="xmlrpc:host:port:method is needed"):
        bench().events.subscribe("E_X", f"xmlrpc:{address}")


def test_an_address_of_ipv6(bench):
    assert event_xmlrpc.parted("[2001:db8::1]:80:m") == ("2001:db8::1", 80, "m")


def test_a_server_that_is_not_there(bench, caplog):
    [port] = free_ports()
    tell(bench(), port, {})
    until(lambda: f"event to xmlrpc:{HOST}:{port}: " in caplog.text)


def test_a_server_that_does_not_answer(bench, caplog, monkeypatch):
    monkeypatch.setattr(event_xmlrpc, "PATIENCE", 0.05)
    with socket.create_server((HOST, 0)) as silent:
        tell(bench(), silent.getsockname()[1], {})
        until(lambda: "it took longer than 0.05 s" in caplog.text)


@pytest.mark.parametrize("answer, words", [(b"HTTP/1.1 404 Not Found\r\n\r\n", "b'404'"), (b"", "b''"),
                                           (b"x" * 2000, "b''")])
def test_a_server_of_another_kind(bench, caplog, answer, words):
    with socket.create_server((HOST, 0)) as server:
        def serve():
            client, _ = server.accept()
            with client, contextlib.suppress(OSError):
                client.recv(65536)
                client.sendall(answer)
        threading.Thread(target=serve, daemon=True).start()
        tell(bench(), server.getsockname()[1], {})
        until(lambda: f"it answers {words}" in caplog.text)


def test_no_more_wait_than_there_is_room_for(bench, caplog, monkeypatch):
    monkeypatch.setattr(event_xmlrpc, "QUEUE", 2)
    monkeypatch.setattr(event_xmlrpc, "AT_ONCE", 0)
    here = bench()
    for _ in range(3):
        tell(here, 1, {})
    assert "2 calls wait for their servers" in caplog.text
    assert len(here.registry.modules["event_xmlrpc"].calls.waiting) == 2


def test_a_failover_learns_who_has_not_heard(bench, listener):
    here = bench(modules="event_xmlrpc event_virtual")
    [port] = free_ports()
    here.events.subscribe("E_X", f"virtual:FAILOVER xmlrpc:{HOST}:{port}:m xmlrpc:{HOST}:{listener.port}:m")
    here.events.raise_event("E_X", {"a": 1})
    until(lambda: listener.heard)
    assert listener.heard == [("m", ("E_X", "a", 1))]

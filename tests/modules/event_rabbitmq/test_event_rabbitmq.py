"""Events and messages of the script, published by a real RabbitMQ."""
import contextlib
import itertools
import json
import socket
import threading

import gevent
import pika
import pytest
from gevent.event import AsyncResult

from opensips_py.errors import MIError
from opensips_py.modules.event_rabbitmq import broker as brokers
from tests.live import HOST, Server, ask, free_ports
from tests.live import options as probe
from tests.modules.bench import Bench, options

NAMES = map("opensips-py-{}".format, itertools.count())


class Queue:
    """A queue of the broker, and a client that reads it."""

    def __init__(self, port, **arguments):
        self.connection = pika.BlockingConnection(pika.ConnectionParameters(HOST, port))
        self.channel = self.connection.channel()
        self.name = next(NAMES)
        self.channel.queue_declare(self.name, arguments={f"x-{name}": value for name, value in arguments.items()})

    def bind(self, exchange):
        """Have the queue take what comes to *exchange*, a new one."""
        self.channel.exchange_declare(exchange, "fanout")
        self.channel.queue_bind(self.name, exchange)

    def take(self):
        """The next message: properties and body; None where there is none."""
        _, properties, body = self.channel.basic_get(self.name, auto_ack=True)
        return None if properties is None else (properties, body)

    def bodies(self):
        """All messages that have come."""
        found = []
        while (taken := self.take()) is not None:
            found.append(taken[1])
        return found


class Relay:
    """A way to the broker that can be cut and mended, and that can lose what the broker says."""

    def __init__(self, target):
        self.target = target
        self.sockets = []
        self.deaf = threading.Event()
        self.listening = socket.create_server((HOST, 0))
        self.port = self.listening.getsockname()[1]
        self.listen(self.listening)

    def listen(self, listening):
        threading.Thread(target=self.accept, args=(listening,), daemon=True).start()

    def accept(self, listening):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                there = socket.create_connection((HOST, self.target))
                self.sockets += [client, there]
                for source, sink, lossy in ((client, there, False), (there, client, True)):
                    threading.Thread(target=self.copy, args=(source, sink, lossy), daemon=True).start()

    def copy(self, source, sink, lossy):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not (lossy and self.deaf.is_set()):
                    sink.sendall(data)
        close(sink)

    def cut(self):
        """No connection any more, and no new one."""
        close(self.listening)
        for each in self.sockets:
            close(each)
        self.sockets.clear()

    def mend(self):
        """Connections are possible again."""
        self.deaf.clear()
        self.listening = socket.create_server((HOST, self.port))
        self.listen(self.listening)


def close(sock):
    """End a socket that a thread may be waiting for."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@pytest.fixture
def queue(rabbitmq_server):
    made = []

    def make(**arguments):
        made.append(Queue(rabbitmq_server.port, **arguments))
        return made[-1]
    yield make
    for each in made:
        each.connection.close()


@pytest.fixture
def relay(rabbitmq_server):
    made = Relay(rabbitmq_server.port)
    yield made
    made.cut()


@pytest.fixture
def bench():
    made = []

    def make(body="", settings="", dialect="4.0"):
        made.append(Bench("event_rabbitmq", body, settings, dialect=dialect))
        return made[-1]
    yield make
    for each in made:
        each.registry.stop()


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Attempts to connect follow at once."""
    monkeypatch.setattr(brokers, "SOONEST", 0.02)


def module(bench):
    return bench.registry.modules["event_rabbitmq"]


def settle(bench):
    """Wait until nothing is on its way any more."""
    for each in module(bench).shared.brokers.values():
        assert each.idle.wait(10)


def tell(bench, address, event="E_X", **values):
    """Raise an event for a subscriber at *address*."""
    bench.events.subscribe(event, f"rabbitmq:{address}")
    bench.events.raise_event(event, values)


def until(condition):
    """Let the event loop turn until something is so."""
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.005)


# Events


def test_an_event_of_40_is_json(bench, queue, rabbitmq_server):
    here, there = bench(), queue()
    tell(here, f"guest:guest@{HOST}:{rabbitmq_server.port}/{there.name}", ip="192.0.2.1", number=5)
    settle(here)
    properties, body = there.take()
    assert json.loads(body) == {"jsonrpc": "2.0", "method": "E_X", "params": {"ip": "192.0.2.1", "number": 5}}
    assert (properties.content_type, properties.delivery_mode) == ("application/json", None)
    assert here.counted("event_rabbitmq") == {"published": 1}


def test_an_event_of_21_is_lines(bench, queue, rabbitmq_server):
    here, there = bench(dialect="2.1"), queue()
    there.bind("exchange-21")
    tell(here, f"{HOST}:{rabbitmq_server.port}/exchange-21?any", ip="192.0.2.1", text="a,b")
    settle(here)
    properties, body = there.take()
    assert (properties.content_type, body) == ("text/plain", b'E_X\nip::192.0.2.1\ntext::"a,b"\n\n')


def test_an_exchange_and_messages_that_survive(bench, queue, rabbitmq_server):
    here, there = bench(), queue()
    there.bind("exchange-40")
    tell(here, f"{HOST}:{rabbitmq_server.port}/exchange=exchange-40;persistent?any")
    settle(here)
    assert there.take()[0].delivery_mode == 2


def test_a_malformed_socket_is_refused(bench):
    with pytest.raises(MIError, match="rabbitmq:h/x=1"):
        tell(bench(), "h/x=1?key")


SUBSCRIBED = """
{head}
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "event_rabbitmq.so" {more}
loadmodule "mi_datagram.so" modparam("mi_datagram", "socket_name", "udp:127.0.0.1:@MI@")
startup_route {{ subscribe_event("E_X", "{socket}"); subscribe_event("E_X", "rabbitmq:me:hush@h:0/k"); }}
route {{ {answer}; }}
"""
SOCKET = "rabbitmq:me:hush@192.0.2.1:5672/key"
HEADS = {
    "4.0": {"head": "socket=udp:127.0.0.1:@PORT@", "answer": 'send_reply(200, "OK")',
            "more": 'loadmodule "signaling.so" loadmodule "event_virtual.so"',
            "socket": f"virtual:PARALLEL {SOCKET} {SOCKET}"},
    "2.1": {"head": "listen=udp:127.0.0.1:@PORT@", "answer": 'sl_send_reply("200", "OK")',
            "more": "", "socket": SOCKET}}


@pytest.mark.parametrize("dialect, asked", [
    ("4.0", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "evi:subscribers",
                        "params": ["E_X", HEADS["4.0"]["socket"]]})),
    ("2.1", f":subscribers_list:\nE_X\n{SOCKET}\n\n")])
def test_nobody_is_shown_a_password(dialect, asked):
    with Server(SUBSCRIBED.format(**HEADS[dialect]), MI=free_ports()[0]) as server:
        answers = []
        until(lambda: answers.append(ask(server.values["MI"], asked.encode())) or b"expire" in answers[-1])
        assert b"rabbitmq:me@192.0.2.1:5672/key" in answers[-1] and b"hush" not in answers[-1]
        until(lambda: "rabbitmq:me@h:0/k: h:0 is no host:port" in server.log)
        assert "hush" not in server.log


def test_a_broker_that_comes_later(bench, queue, relay, caplog):
    here, there = bench(), queue()
    relay.cut()
    for number in range(3):
        tell(here, f"{HOST}:{relay.port}/{there.name}", number=number)
    connection, = module(here).shared.brokers.values()
    until(lambda: connection.retry is not None)
    assert len(connection) == 3 and here.counted("event_rabbitmq") == {}
    assert f"no connection to the broker at {HOST}:{relay.port}: [Errno 111] Connection refused" in caplog.text
    relay.mend()
    settle(here)
    assert [json.loads(each)["params"]["number"] for each in there.bodies()] == [0, 1, 2]
    assert here.counted("event_rabbitmq") == {"published": 3}


def test_a_broker_that_is_lost_and_back(bench, queue, relay):
    here, there = bench(), queue()
    address = f"{HOST}:{relay.port}/{there.name}"
    tell(here, address, number=0)
    settle(here)
    relay.deaf.set()  # what is published now arrives, and nobody learns of it
    tell(here, address, number=1)
    until(lambda: there.channel.queue_declare(there.name, passive=True).method.message_count == 2)
    relay.cut()
    tell(here, address, number=2)
    relay.mend()
    settle(here)
    assert [json.loads(each)["params"]["number"] for each in there.bodies()] == [0, 1, 1, 2]
    assert here.counted("event_rabbitmq") == {"published": 3}


def test_no_more_wait_than_there_is_room_for(bench, relay, monkeypatch, caplog):
    monkeypatch.setattr(brokers, "QUEUE", 2)
    here = bench()
    relay.cut()
    for _ in range(5):
        tell(here, f"{HOST}:{relay.port}/none")
    assert here.counted("event_rabbitmq") == {"dropped": 3}
    assert "2 messages wait for the broker" in caplog.text


def test_no_more_than_a_window_is_unconfirmed(bench, queue, relay, monkeypatch):
    monkeypatch.setattr(brokers, "WINDOW", 2)
    here, there = bench(), queue()
    address = f"{HOST}:{relay.port}/{there.name}"
    tell(here, address, number=0)
    settle(here)
    relay.deaf.set()
    for number in range(1, 6):
        tell(here, address, number=number)
    connection, = module(here).shared.brokers.values()
    assert (len(connection.unconfirmed), len(connection.waiting)) == (2, 3)
    relay.cut()
    relay.mend()
    settle(here)
    assert {json.loads(each)["params"]["number"] for each in there.bodies()} == set(range(6))


def test_an_exchange_that_does_not_exist_takes_no_other_message_along(bench, rabbitmq_server, queue, caplog):
    here, there = bench(), queue()
    connection = module(here).broker(brokers.Endpoint(HOST, rabbitmq_server.port))
    outcomes = []
    for number in range(4):  # a header that the broker does not take closes the channel, as a missing exchange does
        properties = {"headers": {"CC": "no list"}} if number == 1 else {}
        connection.publish(brokers.Outgoing(there.name, str(number).encode(), properties,
                                            done=lambda arrived, number=number: outcomes.append((number, arrived))))
    settle(here)
    assert sorted(outcomes) == [(0, True), (1, False), (2, True), (3, True)]
    assert set(there.bodies()) == {b"0", b"2", b"3"}
    assert "closed the channel" in caplog.text
    tell(here, f"{HOST}:{rabbitmq_server.port}/exchange=nowhere?key")
    settle(here)
    assert here.counted("event_rabbitmq") == {"published": 3, "failed": 2}


def test_a_failover_learns_what_the_broker_does_not_take(bench, queue, rabbitmq_server, relay):
    there = queue()
    here = Bench("event_rabbitmq event_virtual")
    relay.cut()
    good = f"rabbitmq:{HOST}:{rabbitmq_server.port}/{there.name}"
    here.events.subscribe("E_X", f"virtual:FAILOVER rabbitmq:{HOST}:{relay.port}/{there.name} {good}")
    here.events.raise_event("E_X", {"a": 1})
    until(lambda: here.counted("event_rabbitmq") == {"published": 1, "failed": 1})
    assert len(there.bodies()) == 1
    here.registry.stop()


def test_a_wrong_password(bench, rabbitmq_server, caplog):
    here = bench()
    tell(here, f"guest:wrong@{HOST}:{rabbitmq_server.port}/none")
    until(lambda: "no connection to the broker" in caplog.text)
    assert "ACCESS_REFUSED" in caplog.text


def test_a_name_of_a_host_that_is_none(bench, caplog):
    tell(bench(), "host.invalid/none")
    until(lambda: "no connection to the broker at host.invalid:5672" in caplog.text)


# Time


def test_heartbeats_are_agreed_with_the_broker(bench, rabbitmq_server):
    for settings, seconds in ("", 0), ('modparam("event_rabbitmq", "heartbeat", 7)', 7):
        here = bench(settings=settings)
        tell(here, f"{HOST}:{rabbitmq_server.port}/none")
        settle(here)
        connection, = module(here).shared.brokers.values()
        assert connection.connection.params.heartbeat == seconds


def test_a_broker_that_does_not_confirm_in_time(bench, queue, relay, caplog):
    here, there = bench(settings='modparam("event_rabbitmq", "timeout", 100)'), queue()
    address = f"{HOST}:{relay.port}/{there.name}"
    tell(here, address, number=0)
    settle(here)
    relay.deaf.set()
    tell(here, address, number=1)
    until(lambda: "did not confirm within 0.1 s" in caplog.text)
    relay.deaf.clear()
    settle(here)
    assert [json.loads(each)["params"]["number"] for each in there.bodies()] == [0, 1, 1]


def test_a_host_that_does_not_answer(bench, caplog):
    here = bench(settings='modparam("event_rabbitmq", "connect_timeout", 60)')
    with socket.socket() as full, contextlib.ExitStack() as waiting:  # who connects to a full queue waits
        full.bind((HOST, 0))
        full.listen(0)
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        outcome = AsyncResult()
        target = brokers.Endpoint(HOST, full.getsockname()[1])
        connection = module(here).broker(target)
        connection.publish(brokers.Outgoing("key", b"", attempts=0, done=outcome.set))
        assert connection.connect_timeout == 0.06
        assert outcome.get(timeout=10) is False
    assert "no connection to the broker" in caplog.text


def test_idle_connections_are_closed(bench, queue, rabbitmq_server, monkeypatch):
    here, there = bench(), queue()
    tell(here, f"{HOST}:{rabbitmq_server.port}/{there.name}")
    settle(here)
    module(here).close_idle()
    [(_, connection)] = module(here).shared.brokers.items()
    connection.used_at -= 400
    module(here).close_idle()
    assert module(here).shared.brokers == {} and connection.connection is None


def test_what_waits_is_published_before_the_end(bench, queue, rabbitmq_server):
    here, there = bench(), queue()
    tell(here, f"{HOST}:{rabbitmq_server.port}/{there.name}")
    here.registry.stop()
    assert len(there.bodies()) == 1


# Messages of the script


def publish(bench, port, arguments, more="", settings="", before=""):
    """What rabbitmq_publish() gives, and the bench."""
    server_id = f'modparam("event_rabbitmq", "server_id", "[ID1] uri=amqp://{HOST}:{port}; {more}")'
    here = bench(f'{before} $var(rc) = rabbitmq_publish({arguments});', f"{server_id}\n{settings}")
    return here.run_on(here.message(options())).variables["rc"], here


def test_a_message_of_the_script(bench, queue, rabbitmq_server):
    there = queue()
    code, here = publish(bench, rabbitmq_server.port, f'"ID1", "{there.name}", "$fU called $rU"')
    properties, body = there.take()
    assert (code, body) == (1, b"alice called bob")
    assert (properties.content_type, properties.delivery_mode, properties.headers) == (None, 2, None)
    assert here.counted("event_rabbitmq") == {"published": 1}


def test_type_and_headers_of_a_message(bench, queue, rabbitmq_server):
    there = queue()
    before = ('$avp(n) = "caller"; $avp(v) = $fU; $avp(n) = "number"; $avp(v) = 7;')
    code, _ = publish(bench, rabbitmq_server.port, f'"ID1", "{there.name}", "x", "application/json", $avp(n), $avp(v)',
                      "non-persistent", before=before)
    properties, _ = there.take()
    assert code == 1 and properties.headers == {"caller": "alice", "number": 7}
    assert (properties.content_type, properties.delivery_mode) == ("application/json", None)


@pytest.mark.parametrize("arguments, words", [
    ('"other", "k", "x"', "there is no server_id other"), ('"ID1", "k", "x",, $avp(n)', "1 headers, and 0 values"),
    (f'"ID1", "{"k" * 256}", "x"', "no more than 255 bytes")])
def test_what_is_no_message(bench, caplog, arguments, words):
    code, _ = publish(bench, 1, arguments, before='$avp(n) = "a";')
    assert code == -1 and words in caplog.text


def test_a_message_that_has_to_be_in_a_queue(bench, queue, rabbitmq_server):
    assert publish(bench, rabbitmq_server.port, '"ID1", "nobody", "x"')[0] == 1
    code, here = publish(bench, rabbitmq_server.port, '"ID1", "nobody", "x"', "mandatory")
    assert code == -1 and here.counted("event_rabbitmq") == {"failed": 1}
    assert publish(bench, rabbitmq_server.port, f'"ID1", "{queue().name}", "x"', "mandatory")[0] == 1


def test_a_message_that_needs_a_consumer_now(bench, rabbitmq_server, caplog):
    assert publish(bench, rabbitmq_server.port, '"ID1", "nobody", "x"', "immediate")[0] == -1
    assert "NOT_IMPLEMENTED" in caplog.text


def test_a_queue_that_refuses(bench, queue, rabbitmq_server):
    there = queue(**{"max-length": 1, "overflow": "reject-publish"})
    assert publish(bench, rabbitmq_server.port, f'"ID1", "{there.name}", "x"')[0] == 1
    code, here = publish(bench, rabbitmq_server.port, f'"ID1", "{there.name}", "x"')
    assert code == -1 and here.counted("event_rabbitmq") == {"failed": 1}


def test_the_exchange_of_a_server(bench, queue, rabbitmq_server):
    there = queue()
    there.bind("exchange-id")
    assert publish(bench, rabbitmq_server.port, '"ID1", "any", "x"', "exchange=exchange-id")[0] == 1
    assert there.bodies() == [b"x"]


def test_a_message_longer_than_a_frame(bench, queue, rabbitmq_server):
    there = queue()
    text = "x" * 10_000
    assert publish(bench, rabbitmq_server.port, f'"ID1", "{there.name}", "{text}"', "frames=4096")[0] == 1
    assert there.bodies() == [text.encode()]


def test_frames_and_heartbeat_are_agreed_with_the_broker(bench, rabbitmq_server):
    _, here = publish(bench, rabbitmq_server.port, '"ID1", "nobody", "x"', "frames=4096; heartbeat=9")
    connection, = module(here).shared.brokers.values()
    assert (connection.connection.params.frame_max, connection.connection.params.heartbeat) == (4096, 9)


def test_a_broker_that_is_not_there(bench, queue, relay):
    relay.cut()
    code, here = publish(bench, relay.port, '"ID1", "key", "x"')
    assert code == -1 and here.counted("event_rabbitmq") == {"failed": 1}
    connection, = module(here).shared.brokers.values()
    assert not len(connection) and connection.retry is None


def test_retries(bench, queue, relay):
    relay.cut()
    there = queue()
    code = AsyncResult()
    gevent.spawn(lambda: code.set(publish(bench, relay.port, f'"ID1", "{there.name}", "x"', "retries=1000")[0]))
    gevent.sleep(0.05)
    relay.mend()
    assert code.get(timeout=10) == 1
    assert there.bodies() == [b"x"]


def test_a_script_that_waits_no_longer(bench, queue, relay):
    there = queue()
    relay.deaf.set()
    code, here = publish(bench, relay.port, f'"ID1", "{there.name}", "x"', "retries=1000",
                         'modparam("event_rabbitmq", "timeout", 50)')
    connection, = module(here).shared.brokers.values()
    assert code == -1 and not connection.waiting


LIVE = """
udp_workers = 2
socket = udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "@RUN@/fifo")
loadmodule "event_rabbitmq.so"
modparam("event_rabbitmq", "server_id", "[ID1] uri=amqp://127.0.0.1:@MQ@")
startup_route { subscribe_event("E_HELLO", "rabbitmq:127.0.0.1:@MQ@/@QUEUE@"); }
route {
    $avp(n) = "method"; $avp(v) = $rm;
    raise_event("E_HELLO", $avp(n), $avp(v));
    rabbitmq_publish("ID1", "@QUEUE@", "hello");
    sl_send_reply(200, "OK");
}
"""


def test_a_server_with_two_workers(queue, rabbitmq_server):
    there = queue()
    bodies = []

    def has_told():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.bind((HOST, 0))
            ask(server.port, probe(server.port, own.getsockname()[1], 1), own=own)
        bodies.extend(there.bodies())
        return any(b"E_HELLO" in each for each in bodies)
    with Server(LIVE, MQ=rabbitmq_server.port, QUEUE=there.name) as server:
        until(has_told)  # the startup route subscribes while the server answers already
        assert server.stop() == 0
        assert "Traceback" not in server.log
    bodies += there.bodies()
    events = [json.loads(each) for each in bodies if each != b"hello"]
    assert {each["params"]["method"] for each in events} == {"OPTIONS"}
    assert bodies.count(b"hello") >= len(events)

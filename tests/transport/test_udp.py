"""Datagrams in batches."""
from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable

import gevent
import pytest

from opensips_py.sip import address_host, address_key, address_port
from opensips_py.transport import LoopEnd, Target
from opensips_py.transport.interfaces import machine_addresses
from tests.transport.conftest import World, until

MESSAGE = b"OPTIONS sip:x SIP/2.0\r\n\r\n"


def peer(family: int = socket.AF_INET, host: str = "127.0.0.1") -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.setblocking(False)
    return made


def key(of: socket.socket) -> int:
    host, port = of.getsockname()[:2]
    return address_key(host, port)


def received(of: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(of.recv(70000))
        except BlockingIOError:
            return found


def test_datagrams_arrive_with_the_address_key_of_their_sender(world: World) -> None:
    listener = world.listen("udp")
    world.transports.start()
    with peer() as phone:
        phone.sendto(MESSAGE, ("127.0.0.1", listener.port))
        until(lambda: world.datagrams)
        assert world.datagrams == [(MESSAGE, key(phone))]


def test_ipv6_addresses_travel_both_ways(world: World) -> None:
    listener = world.listen("udp", "::1")
    world.transports.start()
    with peer(socket.AF_INET6, "::1") as phone:
        phone.sendto(MESSAGE, ("::1", listener.port))
        until(lambda: world.datagrams)
        source = world.datagrams[0][1]
        assert (address_host(source), address_port(source)) == ("::1", phone.getsockname()[1])
        world.transports.send(Target("udp", source), b"pong" * 10)
        gevent.sleep(0)
        until(lambda: world.transports.datagrams[0].sent == 1)
        assert received(phone) == [b"pong" * 10]


def test_a_flood_of_more_than_one_batch_arrives_whole_and_in_order(world: World) -> None:
    listener = world.listen("udp")
    sent = [b"%020d" % i for i in range(300)]
    with peer() as phone:
        for each in sent:
            phone.sendto(each, ("127.0.0.1", listener.port))
        world.transports.start()
        until(lambda: len(world.datagrams) == 300)
    assert [data for data, _ in world.datagrams] == sent


def test_one_callback_reads_at_most_four_batches(world: World) -> None:
    listener = world.listen("udp")
    turns: list[int] = []
    with peer() as phone:
        for _ in range(200):
            phone.sendto(MESSAGE, ("127.0.0.1", listener.port))
        check = gevent.get_hub().loop.check()
        check.start(lambda: turns.append(len(world.datagrams)))
        world.transports.start()
        until(lambda: len(world.datagrams) == 200)
        check.stop()
    assert 128 in turns


def test_the_longest_datagram_is_not_cut(world: World) -> None:
    listener = world.listen("udp")
    world.transports.start()
    with peer() as phone:
        phone.sendto(b"x" * 65507, ("127.0.0.1", listener.port))
        until(lambda: world.datagrams)
        world.transports.send(Target("udp", key(phone)), b"y" * 65507)
        until(lambda: world.transports.datagrams[0].sent == 1)
        assert received(phone) == [b"y" * 65507]
    assert len(world.datagrams[0][0]) == 65507


def test_keepalives_are_counted_and_go_no_further(world: World) -> None:
    listener = world.listen("udp")
    world.transports.start()
    with peer() as phone:
        phone.sendto(b"\r\n\r\n", ("127.0.0.1", listener.port))
        phone.sendto(b"", ("127.0.0.1", listener.port))
        phone.sendto(MESSAGE, ("127.0.0.1", listener.port))
        until(lambda: world.datagrams)
    assert len(world.datagrams) == 1
    assert world.transports.datagrams[0].keepalives == 2


def test_a_refused_datagram_does_not_take_its_batch_along(world: World) -> None:
    world.listen("udp")
    failed: list[tuple[int, int]] = []
    world.transports.on_unreachable = lambda listener, to, error: failed.append((to, error))
    broadcast = address_key("255.255.255.255", 5060)  # EACCES without SO_BROADCAST
    with peer() as phone:
        for to in (key(phone), broadcast, key(phone), broadcast, key(phone)):
            world.transports.send(Target("udp", to), MESSAGE)
        until(lambda: world.transports.datagrams[0].sent == 3)
        assert received(phone) == [MESSAGE] * 3
    assert failed == [(broadcast, errno.EACCES)] * 2
    assert world.transports.datagrams[0].failed == 2


@pytest.mark.parametrize("loopback", [True, False])
def test_multicast_comes_back_to_us_where_the_script_says_so(worlds: Callable[..., World], loopback: bool) -> None:
    ours = [address for name, address in machine_addresses() if name != "lo" and ":" not in address]
    if not ours:
        pytest.skip("no network that could carry multicast")
    world = worlds(multicast_loopback=loopback, multicast_ttl=0)
    group, plain = world.listen("udp", "224.0.1.75"), world.listen("udp", ours[0])
    world.transports.start()
    world.transports.send(Target("udp", group.address, plain), MESSAGE)
    world.transports.send(Target("udp", plain.address, plain), b"x" * 30)
    until(lambda: len(world.datagrams) == 1 + loopback)
    assert sorted(data for data, _ in world.datagrams) == ([MESSAGE] if loopback else []) + [b"x" * 30]


def test_an_address_of_the_other_family_is_refused_alone(world: World) -> None:
    listener = world.listen("udp")
    with peer() as phone:
        world.transports.send(Target("udp", address_key("::1", 5060), listener), MESSAGE)
        world.transports.send(Target("udp", key(phone), listener), MESSAGE)
        until(lambda: world.transports.datagrams[0].sent == 1)
    assert world.transports.datagrams[0].failed == 1


def test_a_closed_port_is_reported_and_reading_goes_on(world: World) -> None:
    listener = world.listen("udp")
    gone: list[tuple[int, int]] = []
    world.transports.on_unreachable = lambda listener, to, error: gone.append((to, error))
    world.transports.start()
    with peer() as closed:
        nobody = key(closed)
    with peer() as phone:
        world.transports.send(Target("udp", nobody), MESSAGE)
        until(lambda: gone)
        assert gone == [(nobody, errno.ECONNREFUSED)]
        # Now the error stands in the socket while we send to somebody else: that one must not be blamed.
        world.transports.send(Target("udp", nobody), MESSAGE)
        world.transports.send(Target("udp", key(phone)), MESSAGE)
        world.transports.loop_end.flush()
        world.transports.send(Target("udp", key(phone)), MESSAGE)
        phone.sendto(MESSAGE, ("127.0.0.1", listener.port))
        until(lambda: len(received(phone)) == 2 or world.datagrams)
        until(lambda: world.datagrams)
    assert world.transports.datagrams[0].sent == 4
    assert world.transports.datagrams[0].failed == 0


def test_the_queue_is_bounded_and_counts_what_it_drops(worlds: Callable[..., World]) -> None:
    world = worlds(udp_queue=10)
    world.listen("udp")
    with peer() as phone:
        for _ in range(25):
            world.transports.send(Target("udp", key(phone)), MESSAGE)
        assert world.transports.datagrams[0].queued == 10
        assert world.transports.datagrams[0].dropped == 15
        until(lambda: world.transports.datagrams[0].sent == 10)
        world.transports.send(Target("udp", key(phone)), MESSAGE)
        until(lambda: world.transports.datagrams[0].sent == 11)


def test_more_than_one_system_call_takes_leave_in_order(world: World) -> None:
    world.listen("udp")
    with peer() as phone:
        sent = [b"%d" % i for i in range(200)]
        for each in sent:
            world.transports.send(Target("udp", key(phone)), each)
        until(lambda: world.transports.datagrams[0].sent == 200)
        assert received(phone) == sent


def test_what_the_kernel_cannot_take_stays_queued_until_it_can(world: World) -> None:
    ours = [address for name, address in machine_addresses() if name != "lo" and ":" not in address]
    if not ours:
        pytest.skip("no network but loopback, which takes everything at once")
    world.listen("udp", ours[0])
    udp = world.transports.datagrams[0]
    neighbour = address_key(ours[0].rpartition(".")[0] + ".77", 5060)  # what is sent waits for an answer to ARP
    with socket.socket(fileno=os.dup(udp.fd)) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
        for _ in range(60):
            world.transports.send(Target("udp", neighbour), b"x" * 1000)
        until(lambda: udp.sent)
        world.transports.send(Target("udp", neighbour), b"x" * 1000)
        world.transports.loop_end.flush()
        assert udp.queued + udp.sent == 61 and udp.queued > 40 and udp.failed == 0
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)  # that makes it writable
        until(lambda: udp.sent == 61)


def test_an_error_of_the_reader_leaves_the_socket_reading(world: World, caplog: pytest.LogCaptureFixture) -> None:
    listener = world.listen("udp")
    world.transports.start()
    udp = world.transports.datagrams[0]
    good = udp.on_batch

    def fail(batch: object) -> None:
        raise SystemExit("a module went mad")

    udp.on_batch = fail
    with peer() as phone:
        phone.sendto(MESSAGE, ("127.0.0.1", listener.port))
        until(lambda: udp.crashes)
        udp.on_batch = good
        phone.sendto(MESSAGE, ("127.0.0.1", listener.port))
        until(lambda: world.datagrams)
    assert udp.active and "a batch of datagrams failed" in caplog.text


def test_a_stopped_reader_is_revived(world: World) -> None:
    listener = world.listen("udp")
    world.transports.start()
    world.transports.datagrams[0].stop()
    world.transports.revive()
    with peer() as phone:
        phone.sendto(MESSAGE, ("127.0.0.1", listener.port))
        until(lambda: world.datagrams)


class Queue:
    """A sender that notes in which turn of the loop it was flushed."""

    def __init__(self) -> None:
        self.flushed_in: list[int] = []

    def flush(self) -> None:
        self.flushed_in.append(gevent.get_hub().loop.iteration)


@pytest.mark.parametrize("who", ["greenlet", "resumed", "timer", "callback"])
def test_whatever_is_queued_leaves_in_the_same_turn_of_the_loop(who: str) -> None:
    hub = gevent.get_hub()
    end, queue = LoopEnd(), Queue()
    queued_in: list[int] = []

    def send() -> None:
        queued_in.append(hub.loop.iteration)
        end.add(queue)

    event = gevent.event.Event()  # type: ignore[attr-defined]
    waiter = gevent.spawn(lambda: (event.wait(), send()))
    gevent.sleep(0.001)
    if who == "greenlet":
        gevent.spawn(send)
    elif who == "resumed":
        event.set()
    elif who == "timer":
        timer = hub.loop.timer(0.001)
        timer.start(send)
    else:
        hub.loop.run_callback(send)
    until(lambda: queue.flushed_in)
    waiter.kill()
    end.close()
    assert queue.flushed_in == queued_in


def test_a_sender_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def flush(self) -> None:
            raise RuntimeError("broken")

    end, queue = LoopEnd(), Queue()
    end.add(Broken())
    end.add(queue)
    end.flush()
    end.close()
    assert len(queue.flushed_in) == 1 and "sending failed" in caplog.text


def test_what_precedes_sending_happens_before_it_even_where_some_of_it_fails(caplog: pytest.LogCaptureFixture) -> None:
    end, happened = LoopEnd(), list[str]()

    class Sender:
        def flush(self) -> None:
            happened.append("sent")

    end.add(Sender())  # queued before anybody has anything to commit
    end.precede(lambda: 1 / 0)
    end.precede(lambda: happened.append("committed"))
    end.flush()
    end.flush()  # nothing to send
    end.close()
    assert happened == ["committed", "sent"] and "what precedes sending failed" in caplog.text


def batches_of_a_stream(world: World) -> int:
    """How many batches 400 datagrams make that come one by one."""
    listener = world.listen("udp")
    batches: list[int] = []
    world.transports.datagrams[0].on_batch = lambda batch: batches.append(len(batch))
    world.transports.start()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            for _ in range(400):
                phone.sendto(MESSAGE, ("127.0.0.1", listener.port))
                threading.Event().wait(0.0002)

    gevent.get_hub().threadpool.apply(send)
    until(lambda: sum(batches) == 400)
    return len(batches)


def test_dense_traffic_is_served_in_fewer_turns(worlds: Callable[..., World]) -> None:
    assert batches_of_a_stream(worlds(pause=0.02)) < batches_of_a_stream(worlds(pause=0)) / 2

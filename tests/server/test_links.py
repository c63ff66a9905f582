import os
import socket

import gevent
import pytest

from opensips_py.errors import MIError
from opensips_py.server import links as links_module
from opensips_py.server.links import BOUND, LinkError, Links, key_from_wire, key_to_wire


@pytest.fixture
def two():
    """Two processes' links in one: indices 0 and 1."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    a = Links(0, {1: ends[0].detach()}, gevent.spawn)
    b = Links(1, {0: ends[1].detach()}, gevent.spawn)
    a.start()
    b.start()
    yield a, b
    a.close()
    b.close()


def test_sends_arrive_in_order_and_share_packets(two):
    a, b = two
    seen = []
    done = gevent.event.Event()

    def take(peer, number, data):
        seen.append((peer, number, data))
        if number == 999:
            done.set()
    b.on_send("take", take)
    assert all(a.send(1, "take", number, b"\xff" * 300) for number in range(1000))
    assert done.wait(5)
    assert seen == [(0, number, b"\xff" * 300) for number in range(1000)]


def test_what_precedes_sending_happens_before_others_hear_of_anything(two):
    a, b = two
    seen = []
    done = gevent.event.Event()
    a.before = lambda: seen.append("committed")

    def take(peer):
        seen.append("heard")
        done.set()
    b.on_send("take", take)
    a.send(1, "take")
    assert not seen and done.wait(5)
    assert seen == ["committed", "heard"]


def test_calls_are_answered_also_by_a_handler_that_waits(two):
    a, b = two

    def add(x, y):
        gevent.sleep(0)
        return x + y
    b.on_call("add", add)
    assert a.call(1, "add", 2, 3) == 5
    assert a.call_each([1], "add", 1, 1) == {1: 2}


def test_a_handler_that_fails_leaves_the_link_as_it_was(two, caplog):
    a, b = two
    b.on_send("broken", lambda peer: 1 / 0)
    b.on_call("add", lambda x, y: x + y)
    a.send(1, "broken")
    assert a.call(1, "add", 2, 3) == 5
    assert "ZeroDivisionError" in caplog.text


def test_own_index_is_called_directly(two):
    a, _ = two
    a.on_call("name", lambda: "a")
    assert a.call(0, "name") == "a"


def test_own_index_among_others_answers_and_fails_as_they_do(two, caplog):
    a, b = two
    for each, name in ((a, "a"), (b, "b")):
        each.on_call("name", lambda name=name: name)
        each.on_call("broken", lambda: 1 / 0)

    def refuse():
        raise MIError(404, "no such thing")
    a.on_call("refuse", refuse)
    assert a.call_each([0, 1], "name") == {0: "a", 1: "b"}
    assert [str(each) for each in a.call_each([0, 1], "broken").values()] == ["ZeroDivisionError: division by zero"] * 2
    assert a.call_each([0], "refuse")[0].code == 404
    assert "asked by this process" in caplog.text


def test_answers_longer_than_a_packet_arrive_whole(two):
    a, b = two
    rows = [{"aor": f"user{i}@example.com", "raw": "\udcff"} for i in range(20_000)]
    b.on_call("dump", lambda: rows)
    assert a.call(1, "dump") == rows


def test_errors_come_back_as_what_they_are(two):
    a, b = two

    def refuse():
        raise MIError(404, "no such thing")
    b.on_call("refuse", refuse)
    b.on_call("broken", lambda: 1 / 0)
    with pytest.raises(MIError) as error:
        a.call(1, "refuse")
    assert (error.value.code, error.value.message) == (404, "no such thing")
    with pytest.raises(LinkError, match="ZeroDivisionError"):
        a.call(1, "broken")
    with pytest.raises(LinkError, match="knows no operation"):
        a.call(1, "unheard")


def test_a_silent_peer_ends_at_the_deadline(two):
    a, b = two
    never = gevent.event.Event()
    b.on_call("never", never.wait)
    with pytest.raises(LinkError, match="did not answer"):
        a.call(1, "never", deadline=0.01)
    assert isinstance(a.call_each([1], "never", deadline=0.01)[1], LinkError)
    never.set()


def test_a_dead_peer_ends_its_calls(two):
    a, b = two
    never = gevent.event.Event()
    b.on_call("never", never.wait)
    waiting = gevent.spawn(a.call, 1, "never")
    gevent.sleep(0)
    a.peer_lost(1)
    with pytest.raises(LinkError, match="died"):
        waiting.get(timeout=5)
    never.set()


def test_a_full_queue_refuses_and_counts(two):
    a, _ = two
    block = b"x" * (BOUND // 4)
    assert [a.send(1, "take", block) for _ in range(5)] == [True, True, True, False, False]
    assert a.dropped == 2
    assert not a.send(7, "take", b"")  # no such peer


def test_a_replacement_goes_on_where_its_predecessor_left():
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = ends[1].dup()
    first = Links(1, {0: ends[1].detach()}, gevent.spawn)
    a = Links(0, {1: ends[0].detach()}, gevent.spawn)
    a.send(1, "take", b"x" * 200_000)  # parts: the first process dies between them
    a.send(1, "take", b"short")
    a.flush()
    os.read(first._links[0]._fd, links_module.PACKET + 1000)
    first.close()
    seen = []
    second = Links(1, {0: kept.detach()}, gevent.spawn)
    done = gevent.event.Event()
    second.on_send("take", lambda peer, data: (seen.append(data), done.set()))
    second.start()
    assert done.wait(5)
    assert seen == [b"short"]
    a.close()
    second.close()


@pytest.mark.parametrize("key", [0, (127 << 40) | 5060, (1 << 144) | (1 << 16) | 5060])
def test_address_keys_travel(key):
    assert key_from_wire(key_to_wire(key)) == key


def test_who_wants_to_know_is_told_of_a_death(two):
    a, _ = two
    lost = []
    a.on_lost("locks", lost.append)
    a.on_lost("locks", lambda peer: lost.append(-peer))  # of the next generation
    a.peer_lost(1)
    assert lost == [-1]

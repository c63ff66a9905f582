"""event_virtual: several subscribers as one."""
import pytest

from opensips_py.errors import MIError
from opensips_py.testing import request

HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "event_virtual.so" loadmodule "event_route.so"
{settings}
startup_route {{ subscribe_event("E_TEST", "{socket}"); }}
route {{ raise_event("E_TEST"); }}
event_route[one] {{ xlog("L_NOTICE", "heard by one\\n"); }}
event_route[two] {{ xlog("L_NOTICE", "heard by two\\n"); }}
"""
TIMEOUT = 'modparam("event_virtual", "failover_timeout", {})'


class Box:
    """A carrier of the test: `box:name`; *broken* names fail at once, *later* ones tell of it afterwards."""

    def __init__(self):
        self.heard, self.broken, self.later, self.outcomes = [], set(), set(), []

    def check(self, address):
        return None if address != "bad" else "a bad box"

    def send(self, address, event, values):
        if address in self.broken:
            raise OSError("broken")
        self.heard.append(address)


class Mail(Box):
    """One that learns only later what became of an event."""

    def deliver(self, address, event, values, done):
        self.send(address, event, values)
        self.outcomes.append((address, done))


@pytest.fixture
def virtual(opensips):
    def start(socket="virtual:PARALLEL route:one route:two", settings=""):
        server = opensips(text=HEAD.format(socket=socket, settings=settings))
        server.box, server.mail = Box(), Mail()
        server.engine.events.register("box", server.box)
        server.engine.events.register("mail", server.mail)
        return server
    return start


def happen(server, count=1):
    """Raise the event so often; whoever heard it, in order."""
    server.box.heard.clear()
    for _ in range(count):
        server.receive(request("OPTIONS", "sip:x@192.0.2.9"), "192.0.2.1")
    return server.box.heard


def subscribed(virtual, policy, *sockets, **more):
    server = virtual(**more)
    server.mi("evi:subscribe", "E_TEST", f"virtual:{policy}  " + " \t".join(sockets))
    return server


def test_the_script_subscribes_routes_at_once(virtual):
    server = virtual()
    happen(server)
    assert [line for line in server.log if "heard" in line] == ["NOTICE heard by one", "NOTICE heard by two"]


def test_parallel_tells_all_even_if_one_fails(virtual):
    server = subscribed(virtual, "PARALLEL", "box:a", "box:b", "box:c")
    server.box.broken.add("b")
    assert happen(server) == ["a", "c"] and server.log.matching("E_TEST to box:b: broken")


def test_round_robin_takes_turns(virtual):
    server = subscribed(virtual, "ROUND-ROBIN", "box:a", "box:b", "box:c")
    assert happen(server, 5) == ["a", "b", "c", "a", "b"]
    server.box.broken.add("c")
    assert happen(server, 3) == ["a", "b"]


def test_failover_takes_the_first_that_works(virtual):
    server = subscribed(virtual, "FAILOVER", "box:a", "box:b", settings=TIMEOUT.format(5))
    assert happen(server, 2) == ["a", "a"]
    server.box.broken.add("a")
    assert happen(server, 2) == ["b", "b"] and len(server.log.matching("box:a: broken")) == 1
    server.box.broken.clear()
    server.advance(4)
    assert happen(server) == ["b"]  # left out for a while
    server.advance(2)
    assert happen(server) == ["a"]
    server.box.broken.update("ab")
    assert happen(server) == [] and server.log.matching("none of 2 subscribers")


def test_failover_leaves_a_failed_one_out_for_half_a_minute(virtual):
    server = subscribed(virtual, "FAILOVER", "box:a", "box:b")
    server.box.broken.add("a")
    happen(server)
    server.box.broken.clear()
    server.advance(29)
    assert happen(server) == ["b"]
    server.advance(2)
    assert happen(server) == ["a"]


def test_without_a_timeout_a_failed_one_is_tried_each_time(virtual):
    server = subscribed(virtual, "FAILOVER", "box:a", "box:b", settings=TIMEOUT.format(0))
    server.box.broken.add("a")
    happen(server)
    server.box.broken.clear()
    assert happen(server) == ["a"]


def test_what_fails_later_goes_on_to_the_next(virtual):
    server = subscribed(virtual, "FAILOVER", "mail:a", "mail:b", "box:c")
    happen(server, 2)
    assert server.mail.heard == ["a", "a"]
    server.mail.outcomes.pop()[1](True)
    server.mail.outcomes.pop()[1](False)
    assert server.mail.heard == ["a", "a", "b"] and server.box.heard == []
    server.mail.outcomes.pop()[1](False)
    assert server.box.heard == ["c"]
    assert happen(server) == ["c"]


@pytest.mark.parametrize("wrong", ["virtual:", "virtual:PARALLEL", "virtual:parallel box:a", "virtual:SOMETIMES box:a",
                                   "virtual:PARALLEL box:bad", "virtual:PARALLEL tube:a",
                                   "virtual:PARALLEL virtual:PARALLEL"])
def test_sockets_that_cannot_be(virtual, wrong):
    with pytest.raises(MIError):
        virtual().mi("evi:subscribe", "E_TEST", wrong)


def test_subscriptions_outlive_a_reload(virtual):
    server = subscribed(virtual, "ROUND-ROBIN", "box:a", "box:b")
    assert happen(server) == ["a"]
    server.reload(HEAD.format(socket="virtual:PARALLEL route:one", settings=""))
    assert happen(server) == ["b"]

import pytest

from opensips_py.errors import MIError
from opensips_py.events import Publisher


class Box:
    def __init__(self):
        self.received = []
        self.fails = False

    def check(self, address):
        return "bad" if address == "bad" else None

    def send(self, address, event, values):
        if self.fails:
            raise OSError("gone")
        self.received.append((address, event, values))


@pytest.fixture
def world():
    """A publisher, its clock, what its routes were given, a carrier."""
    now, routed, box = [1000.0], [], Box()
    publisher = Publisher(lambda: ["E_KNOWN"], lambda name, values: routed.append((name, values)), lambda: now[0])
    publisher.register("box", box)
    return publisher, now, routed, box


def test_routes_hear_every_event(world):
    publisher, _, routed, _ = world
    publisher.raise_event("E_KNOWN", {"a": 1})
    assert routed == [("E_KNOWN", {"a": 1})]


def test_a_subscription_ends_with_its_time_and_can_be_renewed(world):
    publisher, now, _, box = world
    publisher.subscribe("E_KNOWN", "box:a", 10)
    assert publisher.is_subscribed("E_KNOWN")
    now[0] += 9
    publisher.subscribe("E_KNOWN", "box:a", 10)
    now[0] += 9
    publisher.raise_event("E_KNOWN", [1])
    now[0] += 2
    publisher.raise_event("E_KNOWN", [2])
    assert box.received == [("a", "E_KNOWN", [1])]
    assert not publisher.is_heard("E_KNOWN") and not publisher.is_subscribed("E_KNOWN")


def test_one_that_fails_does_not_keep_the_others(world):
    publisher, _, _, box = world
    broken = Box()
    broken.fails = True
    publisher.register("broken", broken)
    publisher.subscribe("E_KNOWN", "broken:x")
    publisher.subscribe("E_KNOWN", "box:y")
    publisher.raise_event("E_KNOWN", {})
    assert box.received == [("y", "E_KNOWN", {})]


def test_a_renewed_carrier_takes_over_its_subscriptions(world):
    publisher, _, _, box = world
    publisher.subscribe("E_KNOWN", "box:y")
    other = Box()
    publisher.register("box", other)
    publisher.raise_event("E_KNOWN", {})
    assert (box.received, other.received) == ([], [("y", "E_KNOWN", {})])


def test_unsubscribing_and_bad_sockets(world):
    publisher, _, _, _ = world
    publisher.subscribe("E_KNOWN", "box:y")
    publisher.unsubscribe("E_KNOWN", "box:y")
    assert publisher.subscribers() == {}
    with pytest.raises(MIError, match="bad"):
        publisher.subscribe("E_KNOWN", "box:bad")


def test_scripts_make_events_of_their_own(world):
    publisher, _, _, _ = world
    publisher.declare("E_MINE")
    publisher.declare("E_KNOWN")
    assert publisher.names() == ["E_KNOWN", "E_MINE"]


def test_a_subscription_for_all_processes_is_shared_where_it_is_valid(world):
    _, _, _, box = world
    shared = []
    publisher = Publisher(list, share=lambda *subscription: shared.append(subscription))
    publisher.register("box", box)
    publisher.subscribe_everywhere("E_X", "box:a", 5)
    with pytest.raises(MIError):
        publisher.subscribe_everywhere("E_X", "box:bad")
    assert shared == [("E_X", "box:a", 5)] and list(publisher.subscribers()) == ["E_X"]


def test_a_subscription_of_another_process_is_followed(world, caplog):
    publisher, _, _, box = world
    publisher.follow("E_X", "box:a", 0)
    publisher.follow("E_X", "box:bad", 0)
    publisher.raise_event("E_X", [])
    assert box.received == [("a", "E_X", [])] and "E_X to box:bad: bad" in caplog.text


def test_who_fails_does_not_flood_the_log(world, caplog):
    publisher, _, _, box = world
    box.fails = True
    publisher.subscribe("E_X", "box:a")
    for _ in range(100):
        publisher.raise_event("E_X", [])
    assert 0 < caplog.text.count("E_X to box:a: gone") <= 20 and "Traceback" not in caplog.text

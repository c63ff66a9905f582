import pytest

from opensips_py.errors import MIError
from opensips_py.mi import remote


class Box:
    def __init__(self):
        self.received = []

    def check(self, address):
        return None if address else "an address is needed"

    def send(self, address, event, values):
        self.received.append((address, event, values))


@pytest.fixture
def boxes(processes):
    boxes = {}
    for index in (0, 1):
        boxes[index] = Box()
        processes[index].services.events.register("box", boxes[index])
    return boxes


def test_a_subscriber_hears_what_any_worker_raises(processes, boxes):
    processes[-1].call("evi:subscribe", ["E_ONE", "box:here", 60])
    processes[1].services.events.raise_event("E_ONE", {"a": 1})
    processes[-1].call("evi:raise", {"event": "E_ONE", "params": '{"b": 2}'})
    assert boxes[1].received == [("here", "E_ONE", {"a": 1})]
    assert boxes[0].received == [("here", "E_ONE", {"b": 2})]


def test_subscribers_are_listed(processes, boxes):
    management = processes[-1]
    for each in (0, 1):
        processes[each].services.events.subscribe("E_TWO", "box:x")  # as a script does
    never = {"socket": "box:x", "expire": "never"}
    assert management.call("evi:subscribers") == {"Events": [{"name": "E_TWO", "id": 1, "Subscribers": [never]}]}
    assert management.call("evi:subscribers", ["E_ONE"]) == {"Event": {"name": "E_ONE", "id": 0, "Subscribers": []}}
    assert management.call("evi:subscribers", ["E_TWO", "box:x"])["Event"]["Subscriber"] == never
    management.call("event_subscribe", ["E_TWO", "box:y", "100"])
    assert management.call("evi:subscribers", ["E_TWO", "box:y"])["Event"]["Subscriber"]["expire"] == 100
    assert management.services.events.remembered() == [("E_TWO", "box:y", 100)]
    for each in ("box:x", "box:y"):
        management.call("event_subscribe", ["E_TWO", each, "0"])
    assert management.call("evi:subscribers", ["E_TWO"])["Event"]["Subscribers"] == []
    assert management.services.events.remembered() == []


def test_only_an_event_that_there_is_can_be_raised(processes, boxes):
    with pytest.raises(MIError, match="Event not registered"):
        processes[-1].call("evi:raise", {"event": "E_NONE"})


@pytest.mark.parametrize("given, words", [
    (["E_NONE", "box:x"], "Event not published"), (["E_ONE", "tube:x"], "no loaded module tells events to 'tube'"),
    (["E_ONE", "box:"], "an address is needed")])
def test_a_bad_subscription_is_refused(processes, boxes, given, words):
    with pytest.raises(MIError, match=words):
        processes[-1].call("evi:subscribe", given)


def test_events_are_numbered(processes):
    assert processes[-1].call("events_list") == {"Events": [{"name": "E_ONE", "id": 0}, {"name": "E_TWO", "id": 1}]}


def test_a_worker_that_starts_later_is_told_what_was_set(processes, boxes):
    management = processes[-1]
    management.call("evi:subscribe", ["E_ONE", "box:here", 60])
    management.call("log_level", [4])
    management.call("xlog_level", [-1])
    assert remote.kept(management.services) == {
        "subscribe": [("E_ONE", "box:here", 60)], "log_level": [(4,)], "xlog_level": [(-1,)], "status_report": []}

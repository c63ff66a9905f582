import pytest

from opensips_py.errors import MIError


class Events:
    def __init__(self):
        self.declared, self.raised, self.subscriptions = [], [], []

    def declare(self, name):
        self.declared.append(name)

    def raise_event(self, name, values):
        self.raised.append((name, values))

    def subscribe_everywhere(self, event, socket, expire):
        if not socket.startswith("udp:"):
            raise MIError(400, "no carrier")
        self.subscriptions.append((event, socket, expire))


@pytest.fixture
def events(world):
    world.services.events = Events()
    return world.services.events


def variable(world, text):
    from opensips_py.module.kinds import Variable
    return Variable(world.run, world.scope.variable(text))


def test_raising(world, events):
    for name, value in (("param1", 1), ("param2", "2")):
        world.assign("$avp(n)", name)
        world.assign("$avp(v)", value)
    assert world.call("raise_event", "E_NONE") is True
    assert world.call("raise_event", "E_TWO", variable(world, "$avp(n)"), variable(world, "$avp(v)")) is True
    assert world.call("raise_event", "E_TWO", None, variable(world, "$avp(v)")) is True
    assert events.raised == [("E_NONE", []), ("E_TWO", {"param1": 1, "param2": "2"}), ("E_TWO", [1, "2"])]
    assert events.declared == ["E_NONE", "E_TWO", "E_TWO"]
    world.assign("$avp(n)", "one more")
    assert world.call("raise_event", "E", variable(world, "$avp(n)"), variable(world, "$avp(v)")) is False


def test_subscribing(world, events):
    assert world.call("subscribe_event", "E_X", "udp:127.0.0.1:5051", 5) is True
    assert world.call("subscribe_event", "E_X", "rabbitmq:x") is False
    assert events.subscriptions == [("E_X", "udp:127.0.0.1:5051", 5)]


def test_events_that_the_script_names_are_known_before_they_happen(world, events):
    world.execute('if ($ru == "never") { raise_event("E_MINE"); subscribe_event("E_YOURS", "udp:192.0.2.1:1"); }')
    assert list(world.registry.script_events) == ["E_MINE", "E_YOURS"] and events.declared == []
    world.execute('$var(n) = "E_" + $rm; raise_event("$var(n)"); raise_event($var(n)); raise_event("E_" + $rm);')
    assert events.declared == ["E_INVITE"] * 3 or events.declared == [f"E_{world.value('$rm')}"] * 3
    assert list(world.registry.script_events) == ["E_MINE", "E_YOURS"]

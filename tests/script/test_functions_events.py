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
    raised = [(name, list(values.items()) if isinstance(values, dict) else values) for name, values in events.raised]
    assert raised == [("E_NONE", []), ("E_TWO", [("param2", "2"), ("param1", 1)]), ("E_TWO", ["2", 1])]
    assert events.declared == ["E_NONE", "E_TWO", "E_TWO"]


def test_raising_with_more_names_than_values_or_fewer(world, events):
    for name, text in (("n", "first"), ("v", 1), ("v", 2)):
        world.assign(f"$avp({name})", text)
    names, values, none = (variable(world, f"$avp({name})") for name in ("n", "v", "none"))
    assert world.call("raise_event", "E", names, values) is False
    assert world.call("raise_event", "E", none, values) is False
    world.assign("$avp(n)", "second")
    world.assign("$avp(n)", "third")
    assert [world.call("raise_event", "E", *given) for given in ((names, values), (names, none), (names,), (None, none))
            ] == [True] * 4
    assert events.raised == [("E", {"third": 2, "second": 1}), ("E", {}), ("E", {}), ("E", [])]


def test_raising_with_values_alone_in_2_1(world, events):
    world.registry.modules["core"].dialect = "2.1"
    for text in ("one", 2):
        world.assign("$avp(v)", text)
    assert world.call("raise_event", "E", variable(world, "$avp(v)")) is True
    assert events.raised == [("E", [2, "one"])]


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

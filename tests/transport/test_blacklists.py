import pytest

from opensips_py.sip import address_key
from opensips_py.transport.blacklists import UNUSED, USED, Blacklists, rule
from opensips_py.transport.target import Target


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lists(clock):
    return Blacklists(clock)


def to(host, port=5060, protocol="udp"):
    return Target(protocol, address_key(host, port))


@pytest.mark.parametrize(("made", "target", "data", "blocked"), [
    (rule("10.0.0.0/8"), to("10.1.2.3"), b"", True), (rule("10.0.0.0/8"), to("11.1.2.3"), b"", False),
    (rule("10.0.0.0/255.0.0.0", 5070), to("10.1.2.3"), b"", False), (rule("10.0.0.1", 5060), to("10.0.0.1"), b"", True),
    (rule("10.0.0.1", 0, "TCP"), to("10.0.0.1"), b"", False), (rule("10.0.0.1", 0, "any"), to("10.0.0.1"), b"", True),
    (rule("10.0.0.1", 0, "tcp"), to("10.0.0.1", protocol="tcp"), b"", True),
    (rule("2001:db8::/32"), to("2001:db8::1"), b"", True), (rule("2001:db8::/32"), to("10.0.0.1"), b"", False),
    (rule("10.0.0.0/8", 0, "any", "MESSAGE*ugly*"), to("10.0.0.1"), b"MESSAGE sip:x\r\n\r\nugly word", True),
    (rule("10.0.0.0/8", 0, "any", "MESSAGE*ugly*"), to("10.0.0.1"), b"MESSAGE sip:x\r\n\r\nfine", False),
    (rule("!10.0.0.0/8"), to("11.0.0.1"), b"", True), (rule("10.0.0.0/8", negated=True), to("10.0.0.1"), b"", False)])
def test_rules(lists, made, target, data, blocked):
    lists.define("one", ["default"], [made])
    assert lists.blocks(target, data, None) is blocked


def test_a_list_counts_by_default_or_when_it_is_used(lists):
    lists.define("always", ["default"], [rule("10.0.0.1")])
    lists.define("chosen", [], [rule("10.0.0.2")])
    assert lists.blocks(to("10.0.0.1"), b"", None) and not lists.blocks(to("10.0.0.2"), b"", {})
    assert lists.blocks(to("10.0.0.2"), b"", {USED: {"chosen"}})
    assert not lists.blocks(to("10.0.0.1"), b"", {UNUSED: {"always"}})


def test_rules_added_at_run_time(lists, clock):
    lists.define("fixed")
    lists.define("open", ["default", "expire"])
    made = rule("10.0.0.1")
    assert not lists.add("fixed", made) and not lists.add("none", made) and not lists.remove("fixed", made)
    assert lists.add("open", made, 60) and lists.blocks(to("10.0.0.1"), b"", None)
    clock.now += 61
    assert not lists.blocks(to("10.0.0.1"), b"", None)
    assert lists.add("open", rule("10.0.0.2")) and made not in lists.lists["open"].rules
    assert lists.remove("open", rule("10.0.0.2")) and not lists.remove("open", rule("10.0.0.2"))


def test_a_list_without_expire_keeps_no_time(lists):
    lists.define("open", ["default"])
    assert not lists.add("open", rule("10.0.0.1"), 60) and lists.add("open", rule("10.0.0.1"))


def test_a_reload_keeps_what_came_at_run_time(lists):
    lists.define("open", ["default"], [rule("10.0.0.1")])
    lists.add("open", rule("10.0.0.2"))
    lists.define("open", ["default"], [rule("10.0.0.3")])
    assert lists.blocks(to("10.0.0.2"), b"", None) and lists.blocks(to("10.0.0.3"), b"", None)
    lists.define("fixed", ["readonly", "default"], [rule("10.0.0.4")])
    lists.define("fixed", ["readonly", "default"], [])
    assert not lists.blocks(to("10.0.0.4"), b"", None)


def test_what_is_no_network_is_refused():
    with pytest.raises(ValueError):
        rule("host.name")

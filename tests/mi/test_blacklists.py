import pytest

from opensips_py.errors import MIError
from opensips_py.mi.blacklists import BlacklistCommands
from opensips_py.transport.blacklists import Blacklists, rule


@pytest.fixture
def listed(processes):
    """Every worker has a list that may be changed and one that may not."""
    for index, dispatcher in processes.items():
        registry = dispatcher.services.generation.registry
        registry.add_class(BlacklistCommands).services = dispatcher.services
        blacklists = registry.modules["core"].blacklists = Blacklists(lambda: 1000.0)
        if index >= 0:
            blacklists.define("fixed", (), [rule("192.0.2.0/24", 5060, "udp")])
            blacklists.define("open", ("default", "expire"))
    return processes


def test_lists_are_shown_with_their_rules(listed):
    assert listed[-1].call("list_blacklists")["Lists"] == [
        {"name": "fixed", "flags": "readonly",
         "Rules": [{"IP": "192.0.2.0/24", "flags": "none", "proto": "udp", "port": 5060}]},
        {"name": "open", "flags": "default,expire", "Rules": []}]
    assert [each["name"] for each in listed[-1].call("blacklists:list", ["open"])["Lists"]] == ["open"]


def test_every_worker_takes_a_new_rule_and_loses_it_again(listed):
    assert listed[-1].call("add_blacklist_rule", ["open", "!tcp,198.51.100.7,5080,*spam*", 60]) is None
    for index in (0, 1):
        assert listed[index].call("blacklists:list", {"name": "open"})["Lists"][0]["Rules"] == [
            {"IP": "198.51.100.7/32", "flags": "not", "proto": "tcp", "port": 5080, "match": "*spam*", "expire": 60}]
    listed[-1].call("blacklists:del_rule", ["open", "!tcp,198.51.100.7,5080,*spam*"])
    assert listed[1].call("blacklists:list", ["open"])["Lists"][0]["Rules"] == []


def test_destinations_are_checked_by_position_and_by_name(listed):
    management = listed[-1]
    assert management.call("check_blacklists", ["udp", "192.0.2.9", 5060]) == ["fixed"]
    assert management.call("check_blacklists", ["192.0.2.9"]) == []
    assert management.call("blacklists:check", {"name": "fixed", "ip": "192.0.2.9", "proto": "udp", "port": 5060})[
        "IP"] == "192.0.2.0/24"
    with pytest.raises(MIError, match="no rule matches"):
        management.call("blacklists:check", ["fixed", "192.0.3.9"])


@pytest.mark.parametrize("command, given, words", [
    ("blacklists:add_rule", ["fixed", "udp,1.2.3.4"], "is readonly"),
    ("blacklists:add_rule", ["none", "udp,1.2.3.4"], "no blacklist none"),
    ("blacklists:add_rule", ["open", "udp,1.2.3.x"], "1.2.3.x"),
    ("blacklists:del_rule", ["open", "udp,1.2.3.4"], "no such rule"),
    ("blacklists:check_all", ["nowhere"], "is no IP address"),
    ("blacklists:list", ["none"], "no blacklist none")])
def test_mistakes_are_named(listed, command, given, words):
    with pytest.raises(MIError, match=words):
        listed[-1].call(command, given)

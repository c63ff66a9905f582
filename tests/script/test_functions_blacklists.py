from types import SimpleNamespace

import pytest

from opensips_py.script import globals as core_globals
from opensips_py.script.tree import Blacklist, BlacklistRule
from opensips_py.transport.blacklists import USED, rule


@pytest.fixture
def lists(world):
    world.core.blacklists.define("gw", [], [rule("192.168.4.100", 5060, "tcp")])
    world.core.blacklists.define("net", ["default", "expire"])
    return world.core.blacklists


def test_using_lists(world, lists):
    assert world.call("use_blacklist", "gw") is True and world.request.context[USED] == {"gw"}
    assert world.call("unuse_blacklist", "gw") is True and world.request.context[USED] == set()
    world.run.variables["list"] = "none"
    assert world.call("use_blacklist", "$var(list)") is False and world.call("unuse_blacklist", "$var(list)") is False


def test_checking_rules(world, lists):
    check = "check_blacklist_rule"
    assert world.call(check, "gw", "192.168.4.100", 5060, "tcp") is True
    assert world.call(check, "gw", "192.168.4.100", 5060, "udp") is False
    assert world.call(check, "$var(nothing)", "192.168.4.100", 5060, "tcp") is False
    world.call("use_blacklist", "gw")
    assert world.call(check, "$var(nothing)", "192.168.4.100", 5060, "tcp") is True
    assert world.call(check, "gw", "host") is False


def test_changing_rules(world, lists):
    assert world.call("add_blacklist_rule", "net", "10.0.0.1", 5060, "udp", "", 60) is True
    assert world.call("check_blacklist_rule", "$var(nothing)", "10.0.0.1", 5060, "udp") is True
    assert world.call("del_blacklist_rule", "net", "10.0.0.1", 5060, "udp") is True
    assert world.call("check_blacklist_rule", "$var(nothing)", "10.0.0.1", 5060, "udp") is False
    assert world.call("add_blacklist_rule", "gw", "10.0.0.1") is False
    assert world.call("add_blacklist_rule", "net", "nonsense") is False
    assert world.call("del_blacklist_rule", "net", "nonsense") is False


def test_lists_of_the_configuration_take_effect_when_the_process_starts(world):
    written = Blacklist(None, "evil", ["default"], [BlacklistRule(None, False, "any", "10.0.0.0/255.0.0.0", 0, "")])
    world.core.configure(core_globals.defaults("4.0") | {"dst_blacklist": [written]})
    world.services.transactions = SimpleNamespace(blacklists=None)
    world.core.start()
    assert world.services.transactions.blacklists is world.core.blacklists
    assert world.call("check_blacklist_rule", "evil", "10.1.2.3") is True

import pytest

from tests.script.script import parsed


def value(text):
    script, diagnostics = parsed(text)
    assert not diagnostics.found, diagnostics.render()
    return script.items[0].value


@pytest.mark.parametrize(("text", "shown"), [
    ("socket=udp:127.0.0.1:5060", "udp:127.0.0.1:5060"), ("listen=udp:127.0.0.1", "udp:127.0.0.1"),
    ("listen=127.0.0.1", "127.0.0.1"), ("socket=tcp:[::1]:5061", "tcp:[::1]:5061"), ("socket=udp:::1", "udp:[::1]"),
    ("socket=tls:eth0:5061", "tls:eth0:5061"), ("socket=udp:*:5060", "udp:*:5060"),
    ("alias=sip.example.com:5060", "sip.example.com:5060"), ("listen=localhost", "localhost"),
    ("socket=udp:my-host.example.com", "udp:my-host.example.com")])
def test_addresses(text, shown):
    assert str(value(text)) == shown


def test_options():
    found = value("socket=udp:10.0.0.1:5060 as sip.example.com:5070 use_workers 3 tag lan anycast reuse_port frag "
                  "tos 16 use_auto_scaling_profile P")
    assert (found.advertised_host, found.advertised_port, found.workers, found.tag) == ("sip.example.com", 5070, 3,
        "lan")
    assert (found.options, found.tos, found.auto_scaling_profile) == ({"anycast", "reuse_port", "frag"}, 16, "P")


def test_options_end_before_the_next_parameter():
    script, _ = parsed("socket=udp:10.0.0.1:5060\ntos=16")
    assert (script.items[0].value.tos, script.items[1].value) == (0, 16)


def test_ranges_and_bonds():
    assert (value("socket=udp:10.0.0.1:5060-5070").port, value("socket=udp:10.0.0.1:5060-5070").last_port) == (5060,
        5070)
    assert value('socket=bond:x {"udp:10.0.0.1:5060", "tcp:10.0.0.1:5060"}').members == [
        "udp:10.0.0.1:5060", "tcp:10.0.0.1:5060"]


def test_blacklists():
    found = value('dst_blacklist = gw /expire,default : '
                  '{!10.0.0.1, (tcp, 10.0.0.0/8, 5060, "x"), (10.1.0.0/16, 0, "")}')
    assert (found.name, found.flags) == ("gw", ["expire", "default"])
    assert [(each.negated, each.protocol, each.network, each.port, each.pattern) for each in found.rules] == [
        (True, "any", "10.0.0.1", 0, ""), (False, "tcp", "10.0.0.0/8", 5060, "x"), (False, "any", "10.1.0.0/16", 0, "")]


def test_scaling_profiles():
    found = value("auto_scaling_profile = P\n scale up to 6 on 70% for 4 cycles within 5\n"
                  " scale down to 2 on 18% for 10 cycles")
    assert (found.name, " ".join(found.words[:8])) == ("P", "scale up to 6 on 70 % for")

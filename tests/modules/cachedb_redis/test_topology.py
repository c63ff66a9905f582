"""What clusters say of themselves."""
import pytest

from opensips_py.modules.cachedb_redis.topology import SLOTS, Range, of_shards, of_slots, slot_of

ASKED = ("asked", 1)
NODE = ["id", "x", "port", 7001, "ip", "10.0.0.1", "endpoint", "10.0.0.1", "role", "master", "health", "online"]


def shard(slots, *nodes):
    return ["slots", slots, "nodes", list(nodes)]


def changed(**values):
    node = dict(zip(NODE[::2], NODE[1::2], strict=True))
    node |= {name.replace("_", "-"): each for name, each in values.items()}
    return [part for pair in node.items() for part in pair]


@pytest.mark.parametrize(("key", "same"), [("{user}.a", "user"), ("{}a", "{}a"), ("{a", "{a"), ("x{a}{b}", "a")])
def test_braces_say_which_part_counts(key, same):
    assert slot_of(key) == slot_of(same) < SLOTS


def test_slots():
    assert slot_of("123456789") == 12739
    assert of_slots([[0, 99, ["10.0.0.1", 7001, "id"], ["10.0.0.2", 7002, "id"]], [100, 200, [None, 7003]]], ASKED) == [
        Range(0, 99, ("10.0.0.1", 7001)), Range(100, 200, ("asked", 7003))]


def test_shards():
    reply = [shard([0, 99, 200, 300], changed(role="replica", port=7009), NODE),
             shard([100, 199], changed(endpoint="?")), shard([301, 400], changed(health="failed"))]
    assert of_shards(reply, ASKED, encrypted=False) == [
        Range(0, 99, ("10.0.0.1", 7001)), Range(200, 300, ("10.0.0.1", 7001)), Range(100, 199, ("asked", 7001))]


def test_encrypted_connections_have_a_port_of_their_own():
    found, = of_shards([shard([0, 9], changed(tls_port=7999))], ASKED, encrypted=True)
    assert found.owner == ("10.0.0.1", 7999)

"""Which node of a cluster has which slots: keys to slots, and what CLUSTER SHARDS and CLUSTER SLOTS answer."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis.crc import key_slot

SLOTS = 16384
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Range:
    """Slots *first* to *last*, and who has them."""

    first: int
    last: int
    owner: Address


def slot_of(key: str) -> int:
    """The slot of *key*; of one with {braces}, what stands in them decides."""
    slot: int = key_slot(key.encode("utf-8", "surrogateescape"))
    return slot


def of_slots(reply: Any, asked: Address) -> list[Range]:
    """What CLUSTER SLOTS has answered at the address *asked*, which stands for a node that does not know its own."""
    return [Range(int(first), int(last), (name_of(owner[0], asked), int(owner[1])))
            for first, last, owner, *_ in reply]


def of_shards(reply: Any, asked: Address, encrypted: bool) -> list[Range]:
    """What CLUSTER SHARDS has answered."""
    found: list[Range] = []
    for shard in map(as_dict, reply):
        owner = next((each for each in map(as_dict, shard["nodes"]) if each.get("role") == "master"
                      and each.get("health", "online") != "failed"), None)
        if owner is not None:
            port = owner.get("tls-port") if encrypted else owner.get("port", owner.get("tls-port"))
            address = name_of(owner.get("endpoint") or owner.get("ip"), asked), int(port or 0)
            found += [Range(first, last, address) for first, last in pairs(shard["slots"])]
    return found


def as_dict(reply: Any) -> dict[str, Any]:
    """Names and values in turn as a dictionary."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=False))


def pairs(slots: list[Any]) -> Iterator[tuple[int, int]]:
    """Ranges of slots, whose ends stand one after the other."""
    yield from ((int(first), int(last)) for first, last in zip(slots[::2], slots[1::2], strict=False))


def name_of(host: Any, asked: Address) -> str:
    """The host of a node; the one that was asked where the answer does not say."""
    return asked[0] if host in (None, "", "?") else str(host)

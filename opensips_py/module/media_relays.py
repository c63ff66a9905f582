"""Media relays in sets: which of them serves a call, and which of them work.

What is known of a relay lies in shared memory, so that all workers know at once when one has stopped answering.
"""
from __future__ import annotations

import itertools
import math
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opensips_py.sip import Message

MOST = 4096  # relays that may ever be known: a table may bring others again and again
WORDS = 2  # of each: who it is, and until when it is out of use
WORKS, FOR_EVER = 0, 1 << 62
ENABLE, DISABLE, PROBE = 1, 0, 2  # what operators may do with a relay
REMEMBERED = 10_000  # calls that are not where their Call-ID says


@dataclass(frozen=True, slots=True)
class Relay:
    """One relay of a set; *advertised* is the address to announce in place of the one that it names."""

    set_id: int
    url: str
    weight: int = 1
    advertised: str = ""


def read_set(text: str, usual: int = 0) -> tuple[int, list[Relay]]:
    """``[set ==] url[|advertised][=weight] …``; ValueError says what is wrong with it."""
    number, separator, rest = text.partition("==")
    if not separator:
        number, rest = str(usual), text
    if not number.strip().isdigit():
        raise ValueError(f"a set is a number, not {number.strip()!r}")
    set_id = int(number)
    return set_id, [read_relay(set_id, word) for word in rest.split()]


def read_relay(set_id: int, word: str) -> Relay:
    """``url[|advertised][=weight]``."""
    place, separator, weight = word.rpartition("=")
    if not separator or not weight.isdigit():
        place, weight = word, "1"
    url, _, advertised = place.partition("|")
    if not url:
        raise ValueError(f"{word!r} names no relay")
    return Relay(set_id, url, int(weight), advertised)


def by_preference(relays: Iterable[Relay], call_id: str) -> list[Relay]:
    """The relays in the order in which a call tries them: the same for each of its messages, in all processes.

    Of many calls each relay gets its share by weight, and when one goes its calls alone move (weighted rendezvous
    hashing). Weight 0 comes last.
    """
    def rank(relay: Relay) -> tuple[bool, float]:
        text = f"{call_id} {relay.url}".encode("utf-8", "surrogateescape")
        chance = (int.from_bytes(blake2b(text, digest_size=6).digest(), "big") + 1) / ((1 << 48) + 1)
        return (relay.weight == 0, -math.log(chance) / (relay.weight or 1))
    return sorted(relays, key=rank)


class Relays:
    """The relays of one module, by set."""

    def __init__(self, sets: dict[int, list[Relay]], services: Any, name: str, seconds: int,
                 changed: Callable[[Relay, bool], object]) -> None:
        self.sets = sets
        self.seconds = seconds  # for which a relay that has not answered is left alone
        self.changed = changed  # told when a relay stops or begins to work
        self.words = services.shared_words(name, MOST * WORDS)

    def __iter__(self) -> Iterator[Relay]:
        return (relay for number in sorted(self.sets) for relay in self.sets[number])

    def candidates(self, set_id: int, call_id: str) -> list[Relay]:
        """The relays of a set to try for a call, best first: those that work, then those whose time is over."""
        now = moment()
        ordered = by_preference(self.sets.get(set_id, ()), call_id)
        states = [(self.state(each), each) for each in ordered]
        return [each for state, each in states if state == WORKS] + [
            each for state, each in states if WORKS < state <= now]

    def find(self, set_id: int, url: str) -> Relay | None:
        """The relay of a set with that URL."""
        return next((each for each in self.sets.get(set_id, ()) if each.url == url), None)

    def state(self, relay: Relay) -> int:
        """WORKS, or until when a relay is left alone."""
        return int(self.words.load(self.place(relay) + 1))

    def overdue(self) -> list[Relay]:
        """The relays that are to be asked whether they work again."""
        now = moment()
        return [each for each in self if WORKS < self.state(each) <= now]

    def failed(self, relay: Relay) -> None:
        """A relay has not answered: leave it alone for a while."""
        self.write(relay, moment() + self.seconds * 1000)

    def works(self, relay: Relay) -> None:
        """A relay has answered."""
        if self.state(relay) not in (WORKS, FOR_EVER):
            self.write(relay, WORKS)

    def set_state(self, url: str, what: int, set_id: int | None = None) -> int:
        """Do as an operator wishes with the relays of that URL (in one set); how many there are."""
        found = [each for each in self if each.url == url and set_id in (None, each.set_id)]
        for each in found:
            self.write(each, {ENABLE: WORKS, DISABLE: FOR_EVER}.get(what, 1))
        return len(found)

    def write(self, relay: Relay, state: int) -> None:
        """Note the state of a relay, and tell where that is news."""
        before = int(self.words.swap(self.place(relay) + 1, state))
        if (before == WORKS) != (state == WORKS):
            self.changed(relay, state == WORKS)

    def place(self, relay: Relay) -> int:
        """Where the words of a relay are; it gets them when it is first asked for."""
        name = zlib.crc32(f"{relay.set_id} {relay.url}".encode("utf-8", "surrogateescape")) + 1
        for step in range(MOST):
            place = (name + step) % MOST * WORDS
            if self.words.load(place) == name or self.words.cas(place, 0, name) or self.words.load(place) == name:
                return place
        raise MemoryError(f"there are more than {MOST} relays")

    def listed(self) -> list[dict[str, Any]]:
        """The sets as management lists them; recheck_ticks are the seconds until a relay is tried again."""
        index = itertools.count()  # of all sets
        return [{"Set": number, "Nodes": [self.row(next(index), each) for each in self.sets[number]]}
                for number in sorted(self.sets)]

    def row(self, index: int, relay: Relay) -> dict[str, Any]:
        """One relay as management lists it."""
        state = self.state(relay)
        left = 0 if state in (WORKS, FOR_EVER) else max(0, (state - moment()) // 1000)
        return {"url": relay.url, "index": index, "disabled": int(state != WORKS), "weight": relay.weight,
                "recheck_ticks": left}


class Homes:
    """Where calls are that are not at the relay which their Call-ID names: a call stays where it has begun. Each worker
    knows this of its own calls."""

    def __init__(self) -> None:
        self.by_call: OrderedDict[str, str] = OrderedDict()

    def candidates(self, relays: Relays, set_id: int, call_id: str) -> list[Relay]:
        """The relays of a set to try for a call, its home first."""
        found = relays.candidates(set_id, call_id)
        home = self.by_call.get(call_id)
        return found if home is None else sorted(found, key=lambda each: each.url != home)

    def note(self, relays: Relays, relay: Relay, call_id: str) -> None:
        """A call has begun at *relay*, or goes on there."""
        others = relays.sets.get(relay.set_id, ())
        if len(others) < 2 or (by_preference(others, call_id)[0] is relay and call_id not in self.by_call):
            return
        self.by_call[call_id] = relay.url
        if len(self.by_call) > REMEMBERED:
            self.by_call.popitem(last=False)

    def forget(self, call_id: str) -> None:
        """A call is over."""
        self.by_call.pop(call_id, None)


def sides(message: Message | None, answers: bool) -> tuple[str, str]:
    """The tags of who has made the offer, or makes it, and of the other party.

    An offer in a response and an answer in a request are made by, or for, the party in To: RFC 3264 late offers.
    """
    if message is None:
        return "", ""
    if answers == message.is_request:
        return message.to_tag, message.from_tag
    return message.from_tag, message.to_tag


def moment() -> int:
    """Milliseconds of the machine's clock, which all processes share."""
    return round(time.monotonic() * 1000)

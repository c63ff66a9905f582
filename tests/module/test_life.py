"""What outlives a generation: timers keep their turn, statistics of modules that go are no longer listed."""
from typing import Any

import pytest

from opensips_py.errors import ConfigError
from opensips_py.module import Module, counter, param, statistic, timer
from opensips_py.module.registry import Registry
from opensips_py.statistics import Statistics
from opensips_py.timers import Wheel


class Beating(Module, name="beating"):
    """Has a timer of its own, and one as often as a parameter says."""

    every: int = param(10, "Seconds.")
    refuses: int = param(0, "Whether it cannot start.")
    beats = counter("How often.")

    def start(self) -> None:
        """Start, or not."""
        if self.refuses:
            raise ConfigError("it cannot start")

    @timer(7)
    def beat(self) -> None:
        """Once more."""
        self.services.happened.append(("beat", self.every, self.services.timers.now))

    @timer("every")
    def second(self) -> None:
        """Once more."""
        self.services.happened.append(("second", self.every, self.services.timers.now))

    @statistic()
    def here(self) -> int:
        """One."""
        return 1


class Other(Beating, name="other"):
    """Another one of the kind."""


class Services:
    """What these modules need of a worker."""

    index, workers = 0, 1

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.timers = Wheel(lambda callback, argument: callback(argument), 0.0, 0.1)
        self.statistics = Statistics()
        self.happened: list[tuple[str, int, float]] = []
        self.registry: Registry | None = None
        self.failed: list[str] = []

    def run(self, *modules: type[Module], **parameters: int) -> Registry:
        """Work with a generation of *modules*."""
        new, before = Registry("4.0"), self.registry
        for each in modules:
            made: Any = new.add_class(each)
            vars(made).update(parameters)
        self.failed = new.start(self, before)  # type: ignore[arg-type]
        if before is not None:
            before.stop(new)
        self.registry = new
        return new

    def until(self, now: float) -> list[tuple[str, int, float]]:
        """What happens until *now*; times rounded."""
        while self.clock.now < now:
            self.clock.now += 0.5
            self.timers.advance(self.clock.now)
        happened, self.happened = self.happened, []
        return [(name, every, round(at, 1)) for name, every, at in happened]


@pytest.fixture
def services(monkeypatch):
    class Clock:
        now = 0.0
    clock = Clock()
    monkeypatch.setattr("opensips_py.module.life.time.monotonic", lambda: clock.now)
    return Services(clock)


def test_reloads_neither_double_a_timer_nor_put_it_off(services):
    services.run(Beating)
    for second in range(1, 10):
        services.until(second)
        services.run(Beating)
    assert services.until(21) == [("second", 10, 10.0), ("beat", 10, 14.0), ("second", 10, 20.0), ("beat", 10, 21.0)]
    assert len(services.timers) == 2, "timers of generations that are gone hold them"


def test_another_interval_counts_from_when_the_last_one_began(services):
    services.run(Beating)
    assert services.until(13) == [("beat", 10, 7.0), ("second", 10, 10.0)]
    services.run(Beating, every=4)
    assert services.until(18.5) == [("beat", 4, 14.0), ("second", 4, 14.0), ("second", 4, 18.0)]
    services.run(Beating, every=0)
    assert services.until(28.5) == [("beat", 0, 21.0), ("beat", 0, 28.0)]
    services.run(Beating, every=5)
    assert services.until(34) == [("second", 5, 33.5)]


def test_timers_and_statistics_go_with_their_module(services):
    services.run(Beating, Other)
    names = {"beating:here", "beating:beats", "other:here", "other:beats"}
    assert {f"{each.group}:{each.name}" for each in services.statistics} == names
    services.registry.modules["other"].beats.add(3)
    services.run(Beating)
    assert {each.group for each in services.statistics} == {"beating"} and len(services.timers) == 2
    assert services.run(Beating, Other).modules["other"].beats.value == 3, "a counter begins anew"


def test_one_that_cannot_start_keeps_no_other_once_there_is_no_way_back(services):
    with pytest.raises(ConfigError):
        services.run(Beating, refuses=1)
    services.happened.clear()
    services = Services(services.clock)
    services.run(Beating, Other)
    services.run(Beating, refuses=1)
    assert services.failed == ["module beating: it cannot start"]
    services.run(Beating, Other)
    assert services.failed == []

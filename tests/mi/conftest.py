import logging
from types import SimpleNamespace

import pytest

from opensips_py.errors import MIError
from opensips_py.events import Publisher
from opensips_py.mi import CoreCommands, Dispatcher, remote
from opensips_py.module import Module, concatenate, mi
from opensips_py.module.status import StatusReports
from opensips_py.script.core import registry_with_core
from opensips_py.statistics import Statistics


class Sample(Module, name="sample"):
    """Commands of each scope."""

    @mi("where", v40="sample:where")
    def where(self) -> int:
        """Which worker answers."""
        return self.services.index

    @mi("all", v40="sample:all", scope="each", merge=concatenate)
    def everywhere(self, prefix: str = "w") -> list[str]:
        """A name from each worker."""
        return [f"{prefix}{self.services.index}"]

    @mi("owned", scope="owner", owner="slot")
    def owned(self, number: int) -> list[int]:
        """Which worker owns *number*."""
        return [self.services.index, number]

    def slot(self, number: int) -> int:
        return number

    @mi("broken")
    def broken(self) -> None:
        """It fails."""
        raise ZeroDivisionError("by nothing")

    @mi("refused")
    def refused(self, first: str, rest: list[str]) -> None:
        """It says no."""
        raise MIError(481, f"no {first}: {','.join(rest)}")


class Wires:
    """The links of several processes that live in this one; dead ones do not answer."""

    def __init__(self, network, index):
        self.network, self.index, self.handlers = network, index, {}
        network[index] = self

    def on_call(self, operation, handler):
        self.handlers[operation] = handler

    def call(self, peer, operation, *arguments, deadline=5.0):
        return self.network[peer].handlers[operation](*arguments)

    def call_each(self, peers, operation, *arguments, deadline=5.0):
        answers = {}
        for peer in peers:
            try:
                if peer not in self.network:
                    raise OSError(f"process {peer} died")
                answers[peer] = self.call(peer, operation, *arguments)
            except (MIError, OSError) as error:
                answers[peer] = error
        return answers


class Control:
    def __init__(self):
        self.asked = []
        self.answers = {"ps": {"processes": [
            {"ID": 0, "PID": 10, "Type": "attendant"}, {"ID": 1, "PID": 11, "Type": "SIP worker 0", "Index": 0},
            {"ID": 2, "PID": 12, "Type": "SIP worker 1", "Index": 1},
            {"ID": 3, "PID": 13, "Type": "management", "Index": -1}]}}

    def ask(self, command, deadline=10.0, **values):
        self.asked.append(command)
        return self.answers.get(command, {"ok": True, "reasons": []})


@pytest.fixture(autouse=True)
def log_level():
    """What commands do to the log ends with the test."""
    logger = logging.getLogger("opensips_py")
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.fixture
def processes():
    return build("4.0")


@pytest.fixture
def processes_21():
    return build("2.1")


def build(dialect):
    """Two workers and management, as dispatchers by index."""
    network, result = {}, {}
    for index in (0, 1, -1):
        registry = registry_with_core(dialect)
        registry.add_class(CoreCommands)
        registry.add_class(Sample)
        wires = Wires(network, index)
        services = SimpleNamespace(
            index=index, workers=2, generation=SimpleNamespace(registry=registry), links=wires, control=Control(),
            statistics=Statistics(index=index, processes=3), slots=SimpleNamespace(
                worker_of=lambda slot: slot % 2),
            boot=SimpleNamespace(arguments=["opensips-py", "-f", "a.cfg"], started=1_000_000.0))
        services.events = Publisher(lambda: ["E_ONE", "E_TWO"])
        services.reports = StatusReports()
        services.mi = Dispatcher(services, wires, lambda seconds: None)
        remote.answer(services, wires)
        for module in registry.modules.values():
            module.services = services
        result[index] = services.mi
    return result

"""Routes that no message brings: startup, timers, events."""
import os
from types import SimpleNamespace

import gevent
import pytest

from opensips_py.module.run import Route
from opensips_py.module.status import StatusReports
from opensips_py.server import generation, sources
from opensips_py.server.boot import Boot
from opensips_py.server.routes import Routes
from opensips_py.server.tracing import Tracing
from opensips_py.statistics import Statistics
from opensips_py.timers import Wheel

PATH = "/nowhere/opensips.cfg"
SCRIPT = """
route { exit; }
startup_route { xlog("L_NOTICE", "up\\n"); }
timer_route[beat, 10] { xlog("L_NOTICE", "beat\\n"); }
timer_route[slow, 25] { xlog("L_NOTICE", "slow\\n"); }
event_route[E_HERE] { xlog("L_NOTICE", "here $param(cause)\\n"); }
event_route[E_BESIDE, async] { xlog("L_NOTICE", "beside $param(cause)\\n"); }
log_level=3
"""


class Worker:
    """What routes need of a worker; what is to run beside waits until the test lets it."""

    def __init__(self):
        self.timers = Wheel(lambda callback, argument: callback(argument))
        self.statistics = Statistics()
        self.beside = []
        self.index, self.reports = 0, StatusReports()
        self.transactions = SimpleNamespace(blacklists=None)
        self.generation = self.load(SCRIPT)
        self.links = SimpleNamespace(on_call=lambda *_: None, on_send=lambda *_: None)
        self.tracing = Tracing(self)
        self.routes = Routes(self)

    def load(self, text):
        fds = sources.create()
        sources.place(fds, 1, {PATH: text})
        made = generation.load(Boot(PATH, 0, 1, sources=fds), 1)
        for fd in fds:
            os.close(fd)
        made.registry.modules["core"].services = self
        return made

    def spawn(self, function, *arguments):
        self.beside.append((function, arguments))

    def go_on(self):
        beside, self.beside = self.beside, []
        for function, arguments in beside:
            function(*arguments)

    def pass_time(self, seconds):
        for _ in range(seconds):
            self.timers.advance(self.timers.now + 1)


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def said(caplog):
    caplog.set_level("INFO")

    def take():
        lines = [message.strip() for message in caplog.messages]
        caplog.clear()
        return lines
    return take


def test_the_startup_route_runs_once_in_the_life_of_a_server(worker, said):
    for first, restarted in ((False, False), (True, True)):
        worker.routes.begin(first=first, restarted=restarted)
    worker.go_on()
    assert said() == []
    worker.routes.begin(first=True, restarted=False)
    worker.go_on()
    assert said() == ["up"]


def test_timer_routes_run_in_one_worker_until_the_next_generation(worker, said):
    worker.routes.begin_timers(first=False)
    worker.pass_time(60)
    assert said() == []
    worker.routes.begin_timers(first=True)
    worker.pass_time(51)
    assert said().count("beat") == 5
    worker.generation = worker.load(SCRIPT.replace('"beat', '"new').replace("10]", "20]"))
    worker.routes.begin_timers(first=True)
    worker.pass_time(41)
    assert [line for line in said() if line != "slow"] == ["new", "new"]


def test_an_event_runs_its_route_here_or_beside(worker, said):
    publisher = worker.routes.publisher()
    assert publisher.is_heard("E_HERE") and not publisher.is_heard("E_NONE")
    publisher.raise_event("E_HERE", {"cause": "one"})
    assert said() == ["here one"]
    publisher.raise_event("E_BESIDE", {"cause": "two"})
    assert said() == []
    worker.go_on()
    assert said() == ["beside two"]
    publisher.raise_event("E_NONE", {})
    assert worker.beside == []


def test_in_the_event_loop_an_event_route_runs_beside_for_nothing_may_wait_there(worker, said):
    publisher = worker.routes.publisher()
    gevent.get_hub().loop.run_callback(publisher.raise_event, "E_HERE", {"cause": "three"})
    with gevent.Timeout(5):
        while not worker.beside:
            gevent.sleep(0)
    assert said() == []
    worker.go_on()
    assert said() == ["here three"]


def test_a_route_that_raises_or_is_not_there_is_false(worker, said):
    assert worker.routes.run(Route.EVENT, "E_NONE") == -1
    worker.generation = SimpleNamespace(route=lambda kind, name: lambda run: 1 / 0)
    assert worker.routes.run(Route.TIMER, "beat") == -1
    assert said() == ["TIMER route beat failed"]

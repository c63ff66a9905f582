"""A module for tests of the worker that loads it: its functions do what no module should."""
from __future__ import annotations

from typing import Any

import gevent
from gevent.monkey import get_original

from opensips_py.module import ConfigError, Module, Route, Run, param, script
from opensips_py.module.hookspecs import hookimpl


class Faulty(Module, name="faulty"):
    """Does what its functions say."""

    start_fails: str = param("", "The error that starting meets.")

    def start(self) -> None:
        """Start, or fail."""
        if self.start_fails == "config":
            raise ConfigError("told to refuse", self.name, "start_fails")
        if self.start_fails:
            raise RuntimeError(self.start_fails)

    @script(Route.ANY)
    def fault_raise(self, run: Run) -> bool:
        """Raise an error."""
        raise RuntimeError("raised by a function")

    @script(Route.ANY)
    def fault_timeout(self, run: Run) -> bool:
        """Leave a timeout behind that strikes soon, whatever the greenlet does then."""
        gevent.Timeout(0.02).start()
        return True

    @script(Route.ANY, waits=True)
    def fault_wait(self, run: Run, seconds: int) -> bool:
        """Wait, as a database does that does not answer."""
        gevent.sleep(seconds)
        return True

    @script(Route.ANY)
    def fault_write(self, run: Run) -> bool:
        """Take long over a write transaction, as on a disk that does not keep up."""
        return bool(self.services.environment.submit(lambda transaction: busy(1.6)))

    @script(Route.ANY)
    def fault_hang(self, run: Run) -> bool:
        """Never return."""
        return busy(60)

    @hookimpl
    def request_received(self, request: Any) -> None:
        """Raise an error for requests that ask for it."""
        if request.header("X-Hook"):
            raise RuntimeError("raised by a hook")


def busy(seconds: float) -> bool:
    """Let nobody else of this process work, as a call into C may; time.sleep() would."""
    get_original("time", "sleep")(seconds)
    return True

"""The management process: carries commands and events between the outside and the workers; no message comes here."""
from gevent import monkey

monkey.patch_all()

from opensips_py.server import closing, quick  # noqa: E402

closing.at_once()
if __name__ == "__main__":
    quick.begin()

from collections.abc import Callable  # noqa: E402
from typing import Any, cast  # noqa: E402

import gevent  # noqa: E402

from opensips_py import blocking  # noqa: E402
from opensips_py.errors import ConfigError  # noqa: E402
from opensips_py.events import Publisher  # noqa: E402
from opensips_py.mi import Dispatcher, remote  # noqa: E402
from opensips_py.module import life  # noqa: E402
from opensips_py.module.services import Services  # noqa: E402
from opensips_py.server import boot as boot_module  # noqa: E402
from opensips_py.server import generation, logs, readiness, threads  # noqa: E402
from opensips_py.server.boot import Boot  # noqa: E402
from opensips_py.server.control import Control  # noqa: E402
from opensips_py.server.links import Links  # noqa: E402
from opensips_py.server.reload import PREPARE_LIMIT  # noqa: E402
from opensips_py.server.routes import SUBSCRIBED, known_events  # noqa: E402
from opensips_py.state.directory import secrets  # noqa: E402
from opensips_py.state.slots import Slots  # noqa: E402
from opensips_py.statistics import Statistics  # noqa: E402

Load = Callable[[Boot, int], Any]  # a generation: its registry, finished and not started, and its globals


class Timer:
    """A timer that was started."""

    def __init__(self, waiting: Any) -> None:
        self._waiting = waiting

    def stop(self) -> None:
        """Stop it, unless it has fired."""
        self._waiting.kill(block=False)


class Timers:
    """What modules start timers with, as at the wheel of a worker; here are too few for a wheel."""

    def start(self, seconds: float, callback: Callable[..., object], argument: object = None) -> Timer:
        """Call *callback* with *argument* once *seconds* have passed."""
        return Timer(gevent.spawn_later(seconds, callback, argument))


class Management:
    """The services of this process, as modules see them, and its life."""

    def __init__(self, boot: Boot, control: Control, load: Load) -> None:
        self.boot, self.control, self.load = boot, control, load
        self.index, self.workers, self.started = boot.index, boot.workers, boot.started
        self.statistics = Statistics(boot.statistics_fd, boot.index, boot.workers + 1)
        secret = secrets(boot.state_dir)
        self.slots = Slots(secret.multiplier, secret.start, secret.key, boot.workers)
        self.links = Links(boot.index, boot.links, gevent.spawn)
        self.generation: Any = None
        self.next: Any = None
        self.timers = Timers()
        self.events = Publisher(lambda: known_events(self.generation.registry))
        self.links.on_send(SUBSCRIBED, lambda peer, *subscription: self.events.remember(*subscription))
        self.reports = readiness.reports(self)
        self.mi = Dispatcher(self, self.links, gevent.sleep)
        remote.answer(self, self.links)
        control.on_prepare, control.on_commit, control.on_cancel = self.prepare, self.commit, self.cancel
        control.on_peer, control.on_stop = self.peer, self.stop

    @property
    def services(self) -> Services:
        """This process as modules see it; what only calls need is not there, for no module of calls works here."""
        return cast(Services, self)

    @property
    def globals(self) -> Any:
        """The core parameters of the current generation."""
        return self.generation.globals

    def spawn(self, function: Any, *arguments: Any) -> None:
        """Run *function* beside the caller."""
        gevent.spawn(function, *arguments)

    def begin(self) -> None:
        """Start the carriers of the generation that is prepared."""
        self.commit(self.boot.generation)
        self.links.start()

    def prepare(self, number: int) -> None:
        """Read the configuration of the next generation; in a thread, for the heart has to beat meanwhile."""
        with threads.polite():
            self.next = blocking.run(self.load, self.boot, number, deadline=PREPARE_LIMIT)

    def cancel(self, number: int) -> None:
        """Give the next generation up."""
        self.next = None

    def commit(self, number: int) -> None:
        """Let the carriers of the next generation take over; those that can, if some cannot."""
        if self.next is None:
            raise ConfigError(f"generation {number} was not prepared")
        before, self.generation, self.next = self.generation, self.next, None
        registry = self.generation.registry
        failed = life.start(registry, self.services, before.registry if before is not None else None)
        generation.keep_levels(self.generation, before)
        if before is not None:
            life.stop(before.registry, registry)
        if failed:
            raise ConfigError("; ".join(failed))

    def peer(self, index: int, alive: bool) -> None:
        """A worker died or came back; one that came back is told what was set while the server ran."""
        if not alive:
            self.links.peer_lost(index)
            return
        for name, settings in remote.kept(self).items():
            for arguments in settings:
                gevent.spawn(self.links.call, index, name, *arguments)

    def stop(self, seconds: float) -> None:
        """End the carriers."""
        if self.generation is not None:
            life.stop(self.generation.registry)


def run(load: Load = generation.load) -> int:
    """Run the management process until the supervisor ends it."""
    boot = boot_module.inherited()
    logs.set_up(boot.logging)
    control = Control(boot)
    try:
        management = Management(boot, control, load)
        management.prepare(boot.generation)
        if not boot.restarted:
            management.begin()
        if not control.ready():
            return 0
        if boot.restarted:
            management.begin()  # not before: in a rolling restart our predecessor has had the ports and pipes until now
    except Exception as error:
        control.fail(error)
        return 1
    quick.settled()
    control.beat()
    control.stopped.wait()
    return 0


if __name__ == "__main__":
    quick.end(run())

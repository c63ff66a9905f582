"""A server under test: the engine that serves calls, on a clock and a network of the test's."""
from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import gevent

from opensips_py.errors import ConfigError
from opensips_py.module import life
from opensips_py.module.registry import Registry
from opensips_py.module.run import Run
from opensips_py.script.preprocessor import read_text
from opensips_py.server import check, generation, sources
from opensips_py.server.boot import Boot
from opensips_py.server.heartbeat import Pulse
from opensips_py.server.sources import Recorder
from opensips_py.server.worker import TICK
from opensips_py.sip import address_key
from opensips_py.statistics import Statistics
from opensips_py.testing.accounting import record_of
from opensips_py.testing.clock import REAL_MONOTONIC, Clock
from opensips_py.testing.engine import Engine, real_sleep
from opensips_py.testing.network import Sent
from opensips_py.testing.zone import Table, Zone
from opensips_py.transport import Listener

START = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
WORDS = 16 << 20
PATIENCE = 10.0  # real seconds that a route may wait for something outside
CONFIG = "test.cfg"


class Server:
    """Runs a configuration: *config* is its path, or *text* the script itself.

    *dns* is what the DNS knows (see Zone), *start* the moment when it begins, *overrides* are core parameters that win
    over the script's. A configuration with errors raises ConfigError, which lists them as the server does.

    What leaves is in *sent* until `take` is called; *log* holds the lines logged, *accounting* the accounting records
    among them, *events* the events raised, *runs* the runs of the request route.
    """

    def __init__(self, config: str | os.PathLike[str] = "", *, text: str = "", dns: Table | None = None,
                 start: float | datetime = START, overrides: Mapping[str, Any] | None = None) -> None:
        self.clock = Clock(start.timestamp() if isinstance(start, datetime) else start)
        self.zone = Zone(dns or {})
        self.log = LogLines()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.runs: list[Run] = []
        self.watchers: list[Callable[[Sent], object]] = []  # called with everything that leaves
        self._noted = 0
        self.main = gevent.getcurrent()
        self._path, self._overrides = os.path.abspath(config or CONFIG), dict(overrides or {})
        self._open = ExitStack()
        try:
            self._begin(text)
        except BaseException:
            self._open.close()
            raise

    def _begin(self, text: str) -> None:
        self._open.callback(self.log.attach().close)
        self._open.enter_context(self.clock.shown())
        state = self._open.enter_context(tempfile.TemporaryDirectory(prefix="opensips-test-"))
        boot = self._boot(state, self._read(text))
        control: Any = SimpleNamespace(set_writing=lambda writing: None, pulse=self._pulse())
        self.engine = Engine(boot, control, self)
        self._open.callback(self._end)
        self._open.callback(setattr, gevent, "sleep", gevent.sleep)
        gevent.sleep = self.engine.sleep
        self.network.clock = self.clock.time
        self.engine.begin()
        self.engine.routes.begin(first=True, restarted=False)
        self.settle()

    def _pulse(self) -> Pulse:
        fd = Pulse.create(2)
        self._open.callback(os.close, fd)
        made = Pulse(fd, 2)
        self._open.callback(made.close)
        return made

    def _read(self, text: str) -> Recorder:
        given = {self._path: text} if text else {}
        recorder = Recorder(lambda path: given[path] if path in given else read_text(path))
        read = generation.read(self._path, self._overrides, recorder)
        if not read.diagnostics.errors:
            read.verify()
            close_databases(read.registry)  # the process that checks ends with its connections
        self.description = check.described(read, elsewhere=True)
        if self.description.errors:
            raise ConfigError("\n".join(self.description.errors))
        return recorder

    def _boot(self, state: str, recorder: Recorder) -> Boot:
        texts, words = sources.create(), os.memfd_create("words")
        os.ftruncate(words, WORDS)
        numbers = Statistics.create(2)
        for fd in (*texts, words, numbers):
            self._open.callback(os.close, fd)
        sources.place(texts, 1, recorder.texts)
        return Boot(self._path, 0, 1, sources=texts, overrides=self._overrides, listeners=self.description.listeners,
                    statistics_fd=numbers, words_fd=words, words_size=WORDS, state_dir=state, started=self.clock.time())

    def _end(self) -> None:
        life.stop(self.engine.generation.registry)
        self.engine.environment.commits.flush()
        self.settle()
        close_databases(self.engine.generation.registry)
        self.engine.environment.close()
        self.network.close()
        if self.engine.transactions.pending is not None:
            self.engine.transactions.pending.close()  # a process ends with its descriptors, a test does not
        self.engine.runners.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server; its state is gone."""
        self._open.close()

    # --- what is known of it

    @property
    def network(self) -> Any:
        """Its side of the network: `unreachable`, `streams`."""
        return self.engine.network

    @property
    def sent(self) -> list[Sent]:
        """What left since the last `take`."""
        found: list[Sent] = self.network.sent
        return found

    @property
    def listeners(self) -> list[Listener]:
        """Where it listens."""
        found: list[Listener] = self.network.listeners
        return found

    @property
    def variables(self) -> dict[str, Any]:
        """The script variables ($var) that the last run of the request route left behind."""
        return self.runs[-1].variables

    @property
    def accounting(self) -> list[dict[str, str]]:
        """The accounting records in the log; `what` is the kind of record."""
        return [record for line in self.log if (record := record_of(line)) is not None]

    def counted(self, name: str) -> int:
        """The statistic *name*, or group:name."""
        found = self.engine.statistics.get(name)
        if found is None:
            raise KeyError(f"there is no statistic {name}")
        return int(found.value)

    # --- what happens

    def take(self) -> list[Sent]:
        """What left since the last call."""
        taken = list(self.sent)
        self.sent.clear()
        self._noted = 0
        return taken

    def take_one(self) -> Sent:
        """The one message that left since the last call."""
        taken = self.take()
        assert len(taken) == 1, f"{len(taken)} messages left: {', '.join(map(str, taken)) or 'none'}"
        return taken[0]

    def listener(self, protocol: str = "udp", port: int = 0) -> Listener:
        """The first listener for *protocol*, at *port* where one is given."""
        for each in self.listeners:
            if each.protocol == protocol and port in (0, each.port):
                return each
        raise LookupError(f"the configuration has no listener {protocol}:{port or '*'}")

    def receive(self, data: bytes | str, host: str, port: int = 5060, protocol: str = "udp",
                listener: Listener | None = None) -> list[Sent]:
        """Let a message arrive from *host* and *port*; what left because of it (`sent` keeps it as well)."""
        data = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        at = listener or self.listener(protocol)
        key = address_key(host, port)
        before = len(self.sent)
        if at.protocol == "udp":
            self._in_hub(self.engine.reception.datagrams, at, [(data, key)])
        else:
            stream = self.network.stream(key, at)
            self._in_hub(self.engine.reception.stream, data, key, at, stream)
        self.settle()
        return self.sent[before:]

    def advance(self, seconds: float) -> list[Sent]:
        """Let time pass: timers fire in order; what left meanwhile (`sent` keeps it as well)."""
        before = len(self.sent)
        until = self.clock.passed + seconds
        while self.clock.passed < until - 1e-9:
            self.clock.pass_time(min(TICK, until - self.clock.passed))
            self.engine.timers.advance(self.clock.monotonic())
            if self.engine.is_busy:
                self.settle()
        return self.sent[before:]

    def mi(self, command: str, *arguments: Any, **named: Any) -> Any:
        """The answer of a management command."""
        answer: list[Any] = []

        def ask(_: object) -> None:
            try:
                answer.append(self.engine.mi.call(command, list(arguments) or named or None))
            except Exception as error:
                answer.append(error)
        self.engine.runners.submit(ask)
        self.settle()
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]

    def reload(self, text: str) -> None:
        """Go on with the script *text*, as a reload does; ConfigError where it has errors: the old one stays."""
        number = self.engine.generation.number + 1
        sources.place(self.engine.boot.sources, number, self._read(text).texts)
        self.engine.change(number)
        self.settle()

    def settle(self) -> None:
        """Let everything happen that is due now: routes run until they end or wait for the clock."""
        limit = REAL_MONOTONIC() + PATIENCE
        quiet = 0
        while quiet < 2:  # what an event loop's turn begins, the next one may go on with
            quiet = 0 if self.engine.is_busy else quiet + 1
            real_sleep(0 if REAL_MONOTONIC() < limit - PATIENCE + 0.05 else 0.001)
            if REAL_MONOTONIC() > limit:
                raise TimeoutError(f"a route has waited for {PATIENCE:g} s for something outside the test")
        self._note()

    def _in_hub(self, function: Callable[..., object], *arguments: Any) -> None:
        gevent.get_hub().loop.run_callback(function, *arguments)

    def _note(self) -> None:
        sent = self.network.sent
        self._noted = min(self._noted, len(sent))
        fresh = sent[self._noted:] if self.watchers else []
        self._noted = len(sent)
        for each in fresh:
            for watch in self.watchers:
                watch(each)


def close_databases(registry: Registry) -> None:
    """Close the connections of all modules that are drivers of databases."""
    for module in registry.modules.values():
        for database in getattr(module, "databases", {}).values():
            database.close()


class LogLines(list[str]):
    """The lines logged, oldest first; each begins with its level."""

    def attach(self) -> Catcher:
        """Take whatever the program logs from now on."""
        return Catcher(self)

    def matching(self, pattern: str) -> list[str]:
        """The lines in which *pattern* occurs (Python's syntax)."""
        return [line for line in self if re.search(pattern, line)]


class Catcher(logging.Handler):
    """Puts log records into a list."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines
        self._logger = logging.getLogger("opensips_py")
        self._level = self._logger.level
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(f"{record.levelname} {record.getMessage()}")

    def close(self) -> None:
        """Take no more, and leave the level as it was."""
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level)
        super().close()

"""A server of sample workers; prints its ports when it is ready."""
import os
import sys
import time

from opensips_py.server import logs, sockets, sources, supervisor
from opensips_py.server.boot import MANAGEMENT, Boot, BoundListener, Logging
from opensips_py.server.checking import Checking
from opensips_py.server.listeners import Listeners
from opensips_py.server.supervisor import Supervisor
from opensips_py.statistics import Statistics


def main() -> int:
    config, workers = sys.argv[1], int(sys.argv[2])
    with open(config, encoding="utf-8") as file:
        if "held-up" not in file.read():
            supervisor.FRESH = 0.0  # whoever hangs is seen to sooner
    program = sys.argv[3] if len(sys.argv) > 3 else "tests.server.sample_worker"
    logs.set_up(Logging())
    listeners = [BoundListener("udp", "127.0.0.1", 0), BoundListener("udp", "127.0.0.2", 0)]
    groups = [sockets.bind(listener, workers) for listener in listeners]
    programs = dict.fromkeys([*range(workers), MANAGEMENT], program)
    return Supervisor(
        Boot(config, 0, workers, listeners=listeners, sources=sources.create(), state_dir=os.path.dirname(config),
             statistics_fd=Statistics.create(workers + 1), started=time.time(), arguments=sys.argv),
        Listeners(listeners, groups, lambda each: sockets.bind(each, workers)),
        lambda texts: Checking(config, {}, program="tests.server.sample_check"),
        lambda: print(*[listener.port for listener in listeners], flush=True), programs).run()


if __name__ == "__main__":
    sys.exit(main())

"""A worker or the management process with the commands of the core and mi_fifo; the config file names the pipe."""
from opensips_py.server import management, quick  # patches what it has to, before anything else is imported

# isort: split
import json
import os
from types import SimpleNamespace

import gevent
from gevent import monkey

from opensips_py.events import Publisher
from opensips_py.mi import COMMANDS, Dispatcher, remote
from opensips_py.module import life
from opensips_py.script.core import registry_with_core
from opensips_py.server import boot as boot_module
from opensips_py.server.control import Control
from opensips_py.server.links import Links
from opensips_py.statistics import Statistics

real_sleep = monkey.get_original("time", "sleep")


def load(boot, number):
    """A generation, of the one line in the config file: the pipe and the indentation of answers."""
    with open(boot.config, encoding="utf-8") as file:
        fifo, reply_dir, indent = file.read().split()
    if indent == "slow" and boot.is_management:
        real_sleep(1.6)  # reading and compiling on a busy machine
    registry = registry_with_core("4.0")
    for cls in COMMANDS:
        registry.add_class(cls)
    registry.add("mi_fifo.so")
    registry.set_parameter("mi_fifo", "fifo_name", fifo)
    registry.set_parameter("mi_fifo", "reply_dir", reply_dir)
    registry.set_parameter("mi_fifo", "reply_indent", indent)
    for error in life.finish(registry):
        raise error
    return SimpleNamespace(registry=registry, globals={})


def work(boot):
    """A worker that has counted one for each index before it."""
    control = Control(boot)
    services = SimpleNamespace(index=boot.index, workers=boot.workers, generation=load(boot, 1))
    services.links = Links(boot.index, boot.links, gevent.spawn)
    services.statistics = Statistics(boot.statistics_fd, boot.index, boot.workers + 1)
    services.statistics.counter("sample", "started").add(1 if not boot.restarted else 0)
    services.statistics.register("sample", "here", "function", lambda: 1)
    services.events = Publisher(list)
    services.mi = Dispatcher(services, services.links, gevent.sleep)
    remote.answer(services, services.links)
    services.links.start()
    control.on_prepare = lambda number: load(boot, number)
    if control.ready():
        control.beat()
        control.stopped.wait()


if __name__ == "__main__":
    descriptor = int(os.environ[boot_module.FD_VARIABLE])
    if json.loads(os.pread(descriptor, 1 << 20, 0))["index"] == boot_module.MANAGEMENT:
        quick.end(management.run(load))
    work(boot_module.inherited())
    quick.end(0)

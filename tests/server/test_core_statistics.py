"""What the core and the transports count."""
import dataclasses
import os
import time
from types import SimpleNamespace

from opensips_py.server.core_statistics import CoreStatistics, stream_counters
from opensips_py.statistics import Statistics
from opensips_py.transport.settings import Counters


def test_every_field_of_the_transports_is_a_counter_of_all_workers():
    fd = Statistics.create(2)
    one, other = Statistics(fd, 0, 2), Statistics(fd, 1, 2)
    os.close(fd)
    ours, theirs = stream_counters(one), stream_counters(other)
    names = [field.name for field in dataclasses.fields(Counters)]
    for amount, name in enumerate(names, 1):
        getattr(ours, name).add(amount)
        getattr(theirs, name).add(10)
    assert {each.name: each.value for each in one.of_group("net")} == {
        f"stream_{name}": amount + 10 for amount, name in enumerate(names, 1)}


def test_the_timestamp_counts_from_the_start_of_the_server_not_of_the_worker():
    module = CoreStatistics()
    module.services = SimpleNamespace(started=time.time() - 100)
    assert module.timestamp() in (100, 101)

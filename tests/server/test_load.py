"""How busy a process is, over periods of different length."""
from opensips_py.server.load import LoadMeter


class Machine:
    """A clock, and the processor time that a process took."""

    now = used = 0.0

    def meter(self):
        return LoadMeter(lambda: self.now, lambda: self.used)

    def run(self, meter, seconds, share):
        for _ in range(seconds):
            self.now += 1
            self.used += share
            last = meter.read()
        return last


def test_an_idle_process():
    machine = Machine()
    assert machine.run(machine.meter(), 5, 0.0) == (0, 0, 0)


def test_each_period_has_its_own_load():
    machine = Machine()
    meter = machine.meter()
    machine.run(meter, 1200, 0.2)
    assert machine.run(meter, 30, 0.8) == (80, 50, 23)


def test_before_a_period_is_over_the_time_until_now_counts():
    machine = Machine()
    assert machine.run(machine.meter(), 3, 0.5) == (50, 50, 50)


def test_no_more_is_kept_than_the_longest_period_needs():
    machine = Machine()
    meter = machine.meter()
    machine.run(meter, 2000, 0.1)
    assert len(meter.readings) <= 602


def test_more_than_one_processor_counts_as_one():
    machine = Machine()
    assert machine.run(machine.meter(), 3, 1.5) == (100, 100, 100)

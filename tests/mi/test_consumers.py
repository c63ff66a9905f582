import logging

import pytest

from opensips_py.errors import MIError


@pytest.fixture
def kept():
    """A handler for standard error that keeps the lines."""
    class Keeping(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    lines: list[str] = []
    root, taking = logging.getLogger(), Keeping()
    taking.set_name("stderror")
    root.addHandler(taking)
    yield lines
    root.removeHandler(taking)


def test_lines_above_the_filter_do_not_pass(processes, kept):
    management, log = processes[-1], logging.getLogger("opensips_py.sample")
    assert management.call("core:log_level_filter", ["stderror"]) == {"Log level filter": 0}
    assert management.call("log_level_filter", ["stderror", -1]) is None
    assert management.call("log_level_filter", ["stderror"]) == {"Log level filter": -1}
    log.warning("above")
    log.error("within")
    assert kept == ["within"]
    management.call("log_level_filter", ["stderror", 0])
    log.warning("passes")
    assert kept == ["within", "passes"]


def test_a_muted_place_gets_no_line(processes, kept):
    management, log = processes[-1], logging.getLogger("opensips_py.sample")
    assert management.call("core:log_mute_state", ["stderror", 1]) is None
    assert management.call("log_mute_state", ["stderror"]) == {"mute state": 1}
    log.error("lost")
    management.call("log_mute_state", ["stderror", 0])
    log.error("passes")
    assert kept == ["passes"]


def test_a_place_that_nothing_goes_to_is_named(processes):
    with pytest.raises(MIError, match="nothing is logged to syslog"):
        processes[-1].call("log_mute_state", ["syslog"])
    with pytest.raises(MIError, match="one of stderror, syslog"):
        processes[-1].call("log_mute_state", ["printer"])

"""What the core tells as events."""
from __future__ import annotations

import logging
from typing import Any

import pytest

from opensips_py.events import Publisher
from opensips_py.server import core_events


@pytest.fixture
def told() -> Any:
    before = logging.getLogger().handlers[:]
    found: list[Any] = []
    publisher = Publisher(list, lambda name, values: found.append((name, dict(values))), routed=lambda name: True)
    found.append(publisher)
    yield found
    logging.getLogger().handlers[:] = before


def test_lines_of_the_log_are_told_up_to_a_level_and_no_line_twice(told):
    publisher = told.pop()
    values = {"log_event_enabled": True, "log_event_level_filter": -1, "log_prefix": "edge", "log_msg_buf_size": 4096}
    core_events.tell_log(publisher, values)
    core_events.tell_log(publisher, values)  # a reload
    logging.getLogger("opensips_py.sample").error("broken %d", 1)
    logging.getLogger("opensips_py.sample").warning("strange")
    (name, line), = told
    assert (name, line["level"], line["module"], line["prefix"], line["message"]) == (
        "E_CORE_LOG", "ERROR", "sample", "edge", "broken 1")
    core_events.tell_log(publisher, {**values, "log_event_enabled": False})
    logging.getLogger("opensips_py.sample").error("broken 2")
    assert len(told) == 1


def test_a_line_written_while_one_is_told_is_not_told(told):
    told.pop()
    log = logging.getLogger("opensips_py.sample")
    publisher = Publisher(list, lambda name, values: (told.append(values), log.error("again")),
                          routed=lambda name: True)
    core_events.tell_log(publisher, {"log_event_enabled": True, "log_event_level_filter": 0, "log_prefix": "",
                                     "log_msg_buf_size": 4096})
    log.error("once")
    assert len(told) == 1


def test_work_is_reported_beyond_the_threshold_alone(told):
    publisher, count = told.pop(), []
    watch = core_events.Stopwatch(publisher, 500, "dns", lambda: count.append(1))
    watch.report(0.0004)
    watch.report(0.001, "example.com A")
    assert (len(count), told) == (1, [("E_CORE_THRESHOLD", {"source": "dns", "time": 1000, "extra": "example.com A"})])

import logging
from dataclasses import replace

import pytest

from opensips_py.script.levels import Levels, level_of


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.DEBUG, "opensips_py.script")
    return lambda: [(each.levelname, each.getMessage()) for each in caplog.records]


def test_xlog_writes_what_the_format_gives(world, lines):
    assert world.call("xlog", "$rm from $fU\n") is True
    assert world.call("xlog", "L_ERR", "no $var(x)") is True
    assert world.call("log", "-2", "plain") is True
    assert world.call("xlog", "L_NONSENSE", "as an error") is True
    assert lines() == [("NOTICE", "INVITE from alice"), ("ERROR", "no <null>"), ("CRITICAL", "plain"),
                       ("ERROR", "as an error")]


def test_levels_above_that_of_xlog_are_not_even_put_together(world, lines):
    def never(*_):
        raise AssertionError
    method = world.registry.variables["rm"]
    world.registry.variables["rm"] = replace(method, get=never, declaration=replace(method.declaration, inline=None))
    assert world.call("xlog", "L_INFO", "$rm") is True
    assert world.call("xdbg", "$rm") is True
    world.assign("$xlog_level", 4)
    world.call("xlog", "L_INFO", "info")
    world.call("xdbg", "debug")
    assert lines() == [("INFO", "info"), ("DEBUG", "debug")]


def test_the_text_may_be_a_value(world, lines):
    world.call("log", 5)
    assert lines() == [("NOTICE", "5")]


def test_avp_print(world, lines):
    world.assign("$avp(a)", 1)
    world.assign("$avp(a)", 2)
    assert world.call("avp_print") is True
    assert lines() == [("INFO", "AVP a: 2"), ("INFO", "AVP a: 1")]


def test_error(world, caplog):
    assert world.call("error", "what", "details") is True
    assert "what: details" in caplog.text


def test_setdebug(world):
    before = world.core.levels.root.level
    try:
        world.call("setdebug", 4)
        assert world.value("$log_level") == 4
        world.call("setdebug")
        assert world.value("$log_level") == 2
    finally:
        world.core.levels.root.setLevel(before)


@pytest.mark.parametrize(("text", "level"), [
    ("L_ERR", -1), ("err", -1), ("L_DBG", 4), ("3", 3), ("-3", -3), ("9", 4), ("0", 1), ("L_WARN", 1)])
def test_names_of_levels(text, level):
    assert level_of(text) == level


def test_unknown_levels_are_refused():
    with pytest.raises(ValueError, match="L_DBG"):
        level_of("L_DEBUGGING")


def test_levels_go_back_to_what_was_configured():
    levels = Levels(log=3, xlog=1)
    before = levels.root.level
    try:
        levels.set_log(-1)
        levels.set_xlog(4)
        assert (levels.log, levels.xlog) == (-1, 4)
        levels.set_log(None)
        levels.set_xlog(None)
        assert (levels.log, levels.xlog) == (3, 1)
    finally:
        levels.root.setLevel(before)


def test_lines_that_are_too_long_are_left_out(world, lines):
    world.core.levels.longest = 10
    world.call("xlog", "12345678901")
    world.call("xlog", "1234567890")
    assert lines() == [("ERROR", "xlog: a line of 11 characters is longer than xlog_buf_size"),
                       ("NOTICE", "1234567890")]

import logging

import pytest

from opensips_py.script.levels import PYTHON, Levels, clipped, level_of


@pytest.mark.parametrize(("text", "level"), [
    ("L_ERR", -1), ("err", -1), ("L_ALERT", -3), ("DBG", 4), ("NOTICE", 2), ("-2", -2), ("0", 1), ("9", 4), ("-9", -3)])
def test_names(text, level):
    assert level_of(text) == level


def test_what_is_none():
    with pytest.raises(ValueError, match='"loud" is no log level'):
        level_of("loud")


def test_every_level_has_one_of_python():
    assert [PYTHON[clipped(each)] for each in (-3, -1, 1, 2, 3, 4)] == [50, 40, 30, 25, 20, 10]
    assert logging.getLevelName(25) == "NOTICE"


def test_changing_and_going_back():
    levels = Levels(log=2, xlog=3)
    levels.root = logging.getLogger("opensips_py.test_levels")
    levels.set_log(9)
    levels.set_xlog(-1)
    assert (levels.log, levels.xlog, levels.root.level) == (4, -1, logging.DEBUG)
    levels.set_log(None)
    levels.set_xlog(None)
    assert (levels.log, levels.xlog, levels.root.level) == (2, 3, 25)


@pytest.mark.parametrize(("log", "python"), [(7, logging.DEBUG), (0, logging.WARNING), (-9, logging.CRITICAL)])
def test_levels_of_configurations_that_do_not_exist_stand_for_the_nearest(log, python):
    levels = Levels(log=log, xlog=log)
    levels.root = logging.getLogger("opensips_py.test_levels")
    levels.set_log(None)
    levels.set_xlog(None)
    assert (levels.root.level, PYTHON[levels.xlog]) == (python, python)

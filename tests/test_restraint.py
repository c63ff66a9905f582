"""A flood of complaints becomes a few lines."""
import logging

from opensips_py.restraint import Restraint


def test_so_many_lines_a_second_and_then_their_number(caplog):
    caplog.set_level(logging.INFO)
    now = [100.0]
    restraint = Restraint(logging.getLogger("flood"), 2, lambda: now[0])
    for number in range(5):
        restraint.say("bad %d", number)
    assert caplog.messages == ["bad 0", "bad 1"]
    now[0] = 101.2
    restraint.say("bad %d", 5)
    assert caplog.messages == ["bad 0", "bad 1", "3 further messages of that kind within a second", "bad 5"]
    now[0] = 103.0
    restraint.say("bad %d", 6)
    assert caplog.messages[4:] == ["bad 6"]

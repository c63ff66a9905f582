"""What runs in a thread gives way to calls."""
import gc
import sys

import pytest

from opensips_py.errors import ConfigError
from opensips_py.server import threads


def test_what_is_read_in_a_thread_gives_way_to_calls():
    before, thresholds = sys.getswitchinterval(), gc.get_threshold()
    with pytest.raises(ConfigError), threads.polite():
        assert sys.getswitchinterval() == pytest.approx(before / 10)
        assert gc.get_threshold()[0] < 5000, "a collection holds the event loop up"
        raise ConfigError("broken")
    assert (sys.getswitchinterval(), gc.get_threshold()) == (before, thresholds)

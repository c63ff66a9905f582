"""What runs in a thread gives way to calls."""
import sys

import pytest

from opensips_py.errors import ConfigError
from opensips_py.server import threads


def test_what_is_read_in_a_thread_gives_way_to_calls():
    before = sys.getswitchinterval()
    with pytest.raises(ConfigError), threads.polite():
        assert sys.getswitchinterval() == pytest.approx(before / 10)
        raise ConfigError("broken")
    assert sys.getswitchinterval() == before

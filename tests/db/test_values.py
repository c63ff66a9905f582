"""Values as tables hold them."""
from __future__ import annotations

import time
from datetime import datetime

from opensips_py.db import as_bytes, as_text, moment, timestamp


def test_text_and_bytes():
    assert [as_text(each) for each in (None, "a", b"\xff", 3)] == ["", "a", "\udcff", "3"]
    assert [as_bytes(each) for each in (None, "\udcff", b"b", memoryview(b"c"), 3)] == [b"", b"\xff", b"b", b"c", b"3"]


def test_moments():
    now = int(time.time())
    written = timestamp(now)
    assert moment(written) == now and moment(str(written)) == now and moment(str(written).encode()) == now
    assert moment(now) == now and moment(str(now)) == now and moment(None) == 0 == moment("")
    assert isinstance(written, datetime) and written.tzinfo is None

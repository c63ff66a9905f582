"""A thousand calls of all kinds leave nothing behind that a garbage collection would find."""
from __future__ import annotations

import pathlib

import pytest

from tests.live import SIPP
from tests.scenarios.flows import FLOWS, mi, play, serve, until

CALLS = 25  # of each flow, 42 flows
SLOW = {"nobody there", "nobody answers", "cancelled, nobody ever rang", "silence, then the next"}


@pytest.mark.skipif(SIPP is None, reason="sipp is not installed")
def test_a_thousand_calls_leave_no_garbage(tmp_path: pathlib.Path) -> None:
    with serve(1, WAIT=1, FR=10, FR_INV=20) as server:
        mi(server, "probe_garbage")  # from now on it is kept
        flows = [each for each in FLOWS if each.name not in SLOW]
        for some in (flows[::3], flows[1::3], flows[2::3]):  # not all at once: each is two programs
            plays = play(some, server, tmp_path, CALLS)
            try:
                for each in plays.values():
                    each.finish()
            finally:
                for each in plays.values():
                    each.stop()
        assert mi(server, "get_statistics", ["UAS_transactions"])["tm:UAS_transactions"] > 2 * CALLS * len(flows)
        until(lambda: mi(server, "get_statistics", ["inuse_transactions"]) == {"tm:inuse_transactions": 0}, 40)
        assert mi(server, "probe_garbage") == [{"found": {}, "transactions": 0}]
        assert "Traceback" not in server.log, server.log

"""Call flows of SIPp and of phones that a test leads step by step, through one worker and through two."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import SIPP, Server
from tests.scenarios.flows import FLOWS, Play, play, serve

pytestmark = pytest.mark.skipif(SIPP is None, reason="sipp is not installed")


@pytest.fixture(scope="module", params=[1, 2], ids=["1 worker", "2 workers"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture(scope="module")
def plays(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Play]]:
    """All flows, begun at once."""
    begun = play(FLOWS, server, tmp_path_factory.mktemp("sipp"))
    yield begun
    for each in begun.values():
        each.stop()


@pytest.mark.parametrize("name", [each.name for each in FLOWS])
def test_flow(plays: dict[str, Play], name: str) -> None:
    plays[name].finish()

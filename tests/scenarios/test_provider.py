"""cfg/provider.cfg on each database: calls of SIPp with digest, NAT and media, and CDRs that are what SIPp saw."""
from __future__ import annotations

import pytest

from tests.db.databases import opened
from tests.live import SIPP
from tests.modules.rtpengine.engines import needs_rtpengine
from tests.scenarios.provider import TABLES, provider

CALLS, USERS, RATE = 60, 60, 60
SERVERS = {"postgres": "postgres_server", "mysql": "mariadb_server"}


@needs_rtpengine
@pytest.mark.skipif(SIPP is None, reason="sipp is not installed")
@pytest.mark.parametrize("kind", ["postgres", "mysql", "sqlite"])
def test_calls_and_their_cdrs(kind, request, tmp_path):
    url = f"sqlite://{tmp_path}/provider.sqlite"
    if kind in SERVERS:
        url = request.getfixturevalue(SERVERS[kind]).url
        cleared = opened(url)
        for table in ("version", *TABLES):
            cleared.query(f"DROP TABLE IF EXISTS {table}")
        cleared.close()
    with provider(url, CALLS, USERS, ring=1) as made:
        made.play(CALLS, RATE, (300, 600))
        assert made.complaints(drift=5.0) == []
        seen, media = made.seen, made.media()
        assert seen.failed == 0 and "Traceback" not in made.server.log, made.server.log
        assert len(seen.answered) + len(seen.missed) + len(seen.refused) == CALLS
        assert len(seen.missed) >= 8 and len(seen.refused) > 2, seen  # two were busy, the others had too many calls
        assert sum(row[4] for row in made.rows("acc", 0)) / 1000 == pytest.approx(
            sum(seen.ended[each] - seen.answered[each] for each in seen.answered), abs=5.0)
        assert set(media) == set(seen.answered) and min(media.values()) > 0

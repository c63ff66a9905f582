"""`kill -9` of everything and of workers, at bad moments: nothing is forgotten, and each call is accounted once."""
from __future__ import annotations

from tests.scenarios.killed import drill

BINDINGS, LONG, PINGED, SHORT = 500, 80, 10, 10
SECONDS = 2  # of a short call


def test_nothing_is_forgotten(postgres_server):
    with drill(postgres_server.url, short=SECONDS, ping=1, preset="single-instance-sql-write-back",
               dialogs=2) as made:
        made.register(BINDINGS)
        long, pinged = made.establish("long", LONG), made.establish("pinged", PINGED)
        made.kill()
        made.start(BINDINGS, LONG + PINGED)
        made.check()
        short = made.establish("short", SHORT)
        made.timeouts(short, killed=True)
        made.hang_up(pinged + long[:20], 13)
        made.hang_up(long[20:40], 7, again=made.kill_worker)
        made.without_database(long[40:60], postgres_server)
        made.check()
        assert made.lengths(short) == {SECONDS * 1000}

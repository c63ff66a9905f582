"""The clock of the machine is set: what lasts does so all the same."""
from __future__ import annotations

import pytest

from tests.modules.dialog.conftest import called, dialog, dialogs, restarted

LIMITED = 'modparam("dialog", "default_timeout", 60) modparam("dialog", "options_ping_interval", 25)'


def ends_after_a_minute(server, left):
    """The dialog goes on for *left* seconds, and is over a second later, by its lifetime."""
    server.advance(left)
    found = dialog(server)
    assert not found.is_over
    server.advance(1)
    assert found.end_reason == "Lifetime Timeout" and found.lasted(found.ended) == pytest.approx(60)


BOTH = pytest.mark.parametrize("jump", [3600.0, -3600.0, 1.5])


@BOTH
@pytest.mark.parametrize("kill", [False, True])
def test_a_dialog_ends_at_its_time(proxy, jump, kill):
    server = proxy(LIMITED)
    called(server)
    server.advance(10)
    server.clock.start += jump
    server.advance(10)
    assert len(server.log.matching("the clock was set by")) == 1
    if kill:
        restarted(server, away=5)
    ends_after_a_minute(server, 34.5 if kill else 39.5)


@BOTH
def test_a_call_that_ends_before_anybody_has_looked(proxy, jump):
    server = proxy(LIMITED)
    call = called(server)
    found = dialog(server)
    server.advance(10)
    server.clock.start += jump
    call.bye()
    assert found.lasted(found.ended) == pytest.approx(10)


@BOTH
def test_a_call_that_begins_before_anybody_has_looked(proxy, jump):
    server = proxy(LIMITED)
    called(server).bye()
    server.clock.start += jump
    called(server)
    ends_after_a_minute(server, 59.5)


@BOTH
def test_while_nobody_was_there(proxy, jump):
    server = proxy(LIMITED)
    called(server)
    server.advance(10)
    server.clock.start += jump
    restarted(server, away=5)
    ends_after_a_minute(server, 44.5)


@BOTH
def test_pings_keep_their_rhythm(proxy, jump):
    server = proxy(LIMITED, create='create_dialog("p");')
    called(server)
    server.advance(10)
    server.clock.start += jump
    server.advance(2)
    restarted(server, away=1)
    server.bob.inbox.clear()
    server.advance(11)
    assert server.bob.inbox == []
    server.advance(1.5)
    assert server.bob.last("OPTIONS")


def test_a_clock_that_is_corrected_little_by_little_is_followed(proxy):
    server = proxy(LIMITED)
    called(server)
    for _ in range(10):
        server.clock.start += 0.3
        server.advance(1)
    assert not server.log.matching("the clock was set by") and dialog(server).kept is None
    restarted(server)
    assert dialog(server).kept is None
    assert dialogs(server).store.clock()[1] == pytest.approx(server.clock.time() - server.clock.monotonic(), abs=0.2)


def test_another_boot_of_the_machine_is_another_clock(proxy):
    server = proxy(LIMITED)
    called(server)
    dialogs(server).store.note_clock("another", 7.0)
    restarted(server)
    assert dialog(server).kept is None

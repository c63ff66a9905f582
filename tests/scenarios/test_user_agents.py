"""Real telephones on cfg/provider.cfg: behind NAT they register with digest, call each other, talk, and hang up."""
from __future__ import annotations

import contextlib

import pytest

from tests.agents import BARESIP, LINPHONE, Agent, Baresip, Linphone
from tests.live import HOST, LossyLink
from tests.modules.rtpengine.engines import ask, needs_rtpengine
from tests.scenarios.flows import until
from tests.scenarios.provider import PASSWORD, Provider, provider

pytestmark = [
    needs_rtpengine, pytest.mark.skipif(BARESIP is None, reason="baresip is not installed"),
    pytest.mark.skipif(LINPHONE is None, reason="linphone-daemon is not installed")]
TALK = 25  # packets of RTP: half a second; linphone without a sound device says no more than that it is there


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with provider(f"sqlite://{tmp_path_factory.mktemp('db')}/provider.sqlite", 0, 4) as made:
        yield made
        assert "Traceback" not in made.server.log, made.server.log


@contextlib.contextmanager
def telephone(kind: type[Agent], running: Provider, user: str, folder):
    """A telephone behind a NAT of its own, which gives all that it sends another address."""
    with LossyLink(running.server.port, one_in=0) as nat, \
            kind(folder, user, PASSWORD, f"{HOST}:{nat.port}") as agent:
        agent.registered()
        yield agent


def packets(running: Provider) -> list[int]:
    """How much the relay has got from each side of the only call; what it answers while there is none is no call."""
    calls = (ask(running.engine.port, {"command": "list"}) or {}).get("calls", [])
    if len(calls) != 1:
        return []
    found = ask(running.engine.port, {"command": "query", "call-id": calls[0]}) or {}
    return [sum(stream["stats"]["packets"] for media in tag["medias"] for stream in media["streams"]
                if "RTCP" not in stream["flags"]) for tag in found.get("tags", {}).values()]


@pytest.mark.parametrize(("calls", "called", "hangs_up"), [
    (Baresip, Linphone, 0), (Linphone, Baresip, 0), (Baresip, Baresip, 1)])
def test_a_call(running, tmp_path, calls, called, hangs_up):
    before = len(running.rows("acc", 0))
    with telephone(calls, running, "user0", tmp_path) as alice, telephone(called, running, "user1", tmp_path) as bob:
        alice.call("user1")
        alice.established()
        bob.established()
        until(lambda: len(found := packets(running)) == 2 and max(found) >= TALK and min(found) > 0, 10)
        (alice, bob)[hangs_up].hang_up()
        alice.ended()
        bob.ended()
    until(lambda: packets(running) == [], 5)
    cdr = running.rows("acc", before + 1)[-1]
    assert (cdr[1:3], cdr[8:]) == (("INVITE", "200"), ("user0", "user1")) and cdr[4] > 400


def test_a_wrong_password(running, tmp_path):
    with Baresip(tmp_path, "user2", "another", f"{HOST}:{running.server.port}") as mallory:
        until(lambda: "401 Unauthorized" in mallory.told(), 10)
    assert running.rows("location", 0, ("username",)).count(("user2",)) == 0

"""The checking process: what comes back of it, and of one that fails."""
import os
import time

import pytest

from opensips_py.server import checking, sources
from opensips_py.server.checking import Checking

GOOD = ('socket=udp:127.0.0.1:5070\nudp_workers=3\nloadmodule "proto_udp.so"\nloadmodule "sl.so"\n'
        'route { sl_send_reply(200, "OK"); }\n')


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "sample.cfg"
    path.write_text(GOOD)
    return path


def test_a_good_configuration_is_described(config):
    found = Checking(str(config), {}).result(wait=True)
    assert found.errors == [] and found.workers_asked == 3
    assert [(each.protocol, each.host, each.port) for each in found.listeners] == [("udp", "127.0.0.1", 5070)]
    assert found.sources == {str(config): GOOD}


def test_the_command_line_wins_and_adds_sockets(config):
    found = Checking(str(config), {"udp_workers": 5, "listen": ["udp:127.0.0.1:5081", "udp:127.0.0.1:5070"]}).result(
        wait=True)
    assert found.workers_asked == 5 and [each.port for each in found.listeners] == [5070, 5081]


def test_a_bad_one_says_why(config):
    config.write_text(GOOD.replace("sl_send", "sl_sent"))
    (error,) = Checking(str(config), {}).result(wait=True).errors
    assert "sl_sent_reply" in error and "did you mean sl_send_reply" in error


def test_it_is_compared_with_what_the_server_runs_on(config):
    texts = sources.create()
    sources.place(texts, 1, {str(config): GOOD})
    config.write_text(GOOD.replace("200", "486"))
    found = Checking(str(config), {}, against=(texts[1], 1)).result(wait=True)
    assert len(found.route_changes) == 1 and found.other_changes == []
    for fd in texts:
        os.close(fd)


def test_there_is_no_result_before_it_ends(config):
    running = Checking(str(config), {}, program="tests.server.sample_slow")
    assert running.result() is None
    running.kill()


def test_one_that_never_ends_is_ended(config, monkeypatch):
    """Or no reload would be possible ever after."""
    monkeypatch.setattr(checking, "LIMIT", 0.01)
    running = Checking(str(config), {}, program="tests.server.sample_slow")
    time.sleep(0.02)
    found = running.result()
    assert found is not None and found.errors == ["the check of the configuration did not end within 0.01 s"]
    assert running._child.poll() is not None


def test_a_check_that_fails_is_an_error(config):
    found = Checking(str(config), {}, program="tests.server.no_such_program").result(wait=True)
    assert found.errors == ["the check of the configuration itself failed (status 1)"]


def test_nobody_is_held_up(config):
    began = time.monotonic()
    running = Checking(str(config), {})
    assert time.monotonic() - began < 1
    deadline = time.monotonic() + 30
    while (found := running.result()) is None and time.monotonic() < deadline:
        os.sched_yield()
    assert found is not None and found.errors == []

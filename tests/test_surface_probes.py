"""What the recorder of `make surface` notes, and what a name does that it mutates."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench, options
from tests.surface import language, probes
from tests.surface.recorder import Recorder

SETTINGS = 'modparam("maxfwd", "max_limit", 20)'


@pytest.fixture
def record(monkeypatch):
    """A bench that ran a script with *mutated* doing nothing, and the keys that were noted."""
    def run(mutated=""):
        recorder = Recorder(mutated)
        probes.install(recorder, monkeypatch)
        language.install(recorder, monkeypatch)
        recorder.current = "the test"
        bench = Bench("sl maxfwd", 'if (!mf_process_maxfwd_header(10)) { sl_send_reply(483, "Too Many Hops"); exit; }\n'
                      "$var(hops) = 1 + 1;", SETTINGS)
        bench.run_on(bench.message(options(forwards=0)))
        recorder.look()
        return bench, set(recorder.seen)
    return run


def test_what_runs_is_noted(record):
    bench, seen = record()
    assert [message.status for message in bench.take()] == [483]
    assert seen >= {"maxfwd/functions/mf_process_maxfwd_header", "maxfwd/params/max_limit", "sl/statistics/4xx_replies",
                    "sl/functions/sl_send_reply", "core/statements/if", "core/statements/exit", "core/operators/!",
                    "core/route_types/route", "core/statements/modparam"}
    assert not seen & {"core/pvars/mf", "core/pvars/var=", "sl/statistics/5xx_replies", "core/operators/+"}


@pytest.mark.parametrize(("mutated", "sent", "limit", "counted"), [
    ("maxfwd/functions/mf_process_maxfwd_header", [], 20, 0), ("maxfwd/params/max_limit", [483], 256, 1),
    ("sl/statistics/4xx_replies", [483], 20, 0)])
def test_what_is_mutated_only_succeeds(record, mutated, sent, limit, counted):
    bench, seen = record(mutated)
    assert [message.status for message in bench.take()] == sent
    assert bench.module("maxfwd").max_limit == limit
    assert bench.counted("sl").get("4xx_replies", 0) == counted
    assert mutated in seen
    assert ("core/pvars/var=" in seen) == (not sent)

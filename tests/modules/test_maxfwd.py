"""Max-Forwards counted down."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench, options


def count(forwards, limit=10, settings=""):
    bench = Bench("maxfwd", f"mf_process_maxfwd_header({limit}); $var(rc) = $rc; forward();", settings)
    run = bench.run_on(bench.message(options(forwards=forwards)))
    return run.variables["rc"], bench.only().max_forwards


@pytest.mark.parametrize(("forwards", "expected"), [(70, (1, 69)), (1, (1, 0)), (None, (2, 10))])
def test_header_is_counted_down_or_added(forwards, expected):
    assert count(forwards) == expected


def test_exhausted_request_is_told_apart():
    bench = Bench("maxfwd", "if (!mf_process_maxfwd_header(10) && $retcode == -1) $var(over) = 1;")
    assert bench.run_on(bench.message(options(forwards=0))).variables == {"over": 1}


@pytest.mark.parametrize(("forwards", "limit", "left"), [(70, 10, 20), (None, 200, 20), (15, 10, 14)])
def test_limit_lowers_what_leaves(forwards, limit, left):
    assert count(forwards, limit, 'modparam("maxfwd", "max_limit", 20)')[1] == left


@pytest.mark.parametrize(("forwards", "body", "code"), [
    (5, "is_maxfwd_lt(6)", 1), (5, "is_maxfwd_lt(5)", -1), (None, "is_maxfwd_lt(5)", -2),
    (5, "mf_process_maxfwd_header(10); is_maxfwd_lt(5)", 1), (None, "mf_process_maxfwd_header(3); is_maxfwd_lt(4)", 1),
])
def test_hops_are_compared(forwards, body, code):
    bench = Bench("maxfwd", f"{body}; $var(rc) = $rc;", dialect="2.1")
    assert bench.run_on(bench.message(options(forwards=forwards))).variables == {"rc": code}

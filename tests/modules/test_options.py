"""Answers to OPTIONS."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench, options

MODULES, BODY = "sl signaling options", "if (!options_reply()) $var(refused) = 1;"


def test_answer_says_what_we_can_do():
    bench = Bench(MODULES, BODY, 'modparam("options", "accept", "application/sdp")\n'
                                 'modparam("options", "accept_encoding", "gzip")\n'
                                 'modparam("options", "accept_language", "de")\n'
                                 'modparam("options", "support", "path, outbound")')
    bench.run_on(bench.message(options(uri="sip:192.0.2.9")))
    answer = bench.only()
    assert answer.status == 200 and [answer.header(name) for name in (
        "Accept", "Accept-Encoding", "Accept-Language", "Supported")] == [
            "application/sdp", "gzip", "de", "path, outbound"]


def test_defaults():
    bench = Bench(MODULES, BODY)
    bench.run_on(bench.message(options(uri="sip:192.0.2.9")))
    answer = bench.only()
    assert [answer.header(name) for name in ("Accept", "Accept-Encoding", "Accept-Language", "Supported")] == [
        "*/*", "", "en", ""]


@pytest.mark.parametrize(("method", "uri"), [("OPTIONS", "sip:bob@192.0.2.9"), ("INFO", "sip:192.0.2.9")])
def test_what_is_not_for_us_is_left_to_the_script(method, uri):
    bench = Bench(MODULES, BODY)
    run = bench.run_on(bench.message(options(method=method, uri=uri)))
    assert run.variables == {"refused": 1} and bench.take() == []

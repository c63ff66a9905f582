"""Answers with or without state, through scripts."""
from __future__ import annotations

import pytest

from tests.transaction.stage import Stage
from tests.transaction.world import request


def stage(modules, script):
    return Stage("".join(f'loadmodule "{each}.so"\n' for each in modules) + script)


def test_without_transaction_the_answer_is_stateless():
    s = stage(["sl", "tm", "signaling"], 'route { send_reply(404, "No"); }')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["404 192.0.2.1"] and len(s.layer) == 0 and s.counted("sl")["4xx_replies"] == 1


def test_within_a_transaction_the_answer_belongs_to_it():
    s = stage(["sl", "tm", "signaling"], 'route { t_newtran(); send_reply(404, "No"); }')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["404 192.0.2.1"] and len(s.layer) == 1
    assert s.counted("sl") == {} and s.counted("tm")["local_replies"] == 1


@pytest.mark.parametrize(("module", "transactions"), [("sl", 0), ("tm", 1)])
def test_one_of_both_is_enough(module, transactions):
    s = stage([module, "signaling"], 'route { send_reply(404, "No"); }')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["404 192.0.2.1"] and len(s.layer) == transactions


def test_one_of_both_is_needed():
    with pytest.raises(AssertionError, match="answers through tm or sl"):
        stage(["signaling"], "route { exit; }")


@pytest.mark.parametrize("before", ["", "t_newtran();"])
def test_local_tag_is_that_of_the_answer(before):
    s = stage(["sl", "tm", "signaling"], f'route {{ {before} $var(tag) = $sig_local_totag; send_reply(404, "No"); }}')
    s.receive(request("OPTIONS", world=s))
    assert s.only().to_tag == s.runs[0].variables["tag"]


def test_local_tag_within_a_dialog_is_the_one_there_is():
    s = stage(["sl", "signaling"], "route { $var(tag) = $sig_local_totag; }")
    s.receive(request("BYE", world=s, to_tag="there"))
    assert s.runs[0].variables == {"tag": "there"}

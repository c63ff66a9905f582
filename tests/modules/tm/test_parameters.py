"""What the parameters of tm change."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.sip import scan
from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request, response


def relaying(name, value, method="INVITE", dialect="4.0", **how):
    s = stage(f'modparam("tm", "{name}", {value})\nroute {{ t_relay(); }}', dialect)
    s.receive(request(method, world=s, **how))
    return s, s.take()[-1]


@pytest.mark.parametrize("name", ["fr_timeout", "fr_timer"])
def test_fr_timeout(name):
    s, _ = relaying(name, 4, dialect="2.1")
    s.pass_time(4.1)
    assert s.lines()[-1] == "408 192.0.2.1"


@pytest.mark.parametrize("name", ["fr_inv_timeout", "fr_inv_timer"])
def test_fr_inv_timeout(name):
    s, invite = relaying(name, 4, dialect="2.1")
    s.receive(response(invite, 180))
    s.take()
    s.pass_time(4.1)
    assert s.lines() == ["CANCEL 192.0.2.2", "408 192.0.2.1"]


def test_wt_timer():
    s, options = relaying("wt_timer", 20, "OPTIONS")
    s.receive(response(options, 200))
    s.pass_time(19)
    assert len(s.layer) == 1
    s.pass_time(2)
    assert len(s.layer) == 0


def test_retransmission_timers():
    s = stage('modparam("tm", "T1_timer", 100)\nmodparam("tm", "T2_timer", 200)\nroute { t_relay(); }')
    s.receive(request("OPTIONS", world=s))
    s.take()
    s.pass_time(0.75)
    assert len(s.take()) == 4  # after 0.1, 0.3, 0.5 and 0.7 s


def test_t2_is_not_shorter_than_t1():
    with pytest.raises(AssertionError, match="T2_timer is shorter"):
        stage('modparam("tm", "T2_timer", 200)\nroute { exit; }')


@pytest.mark.parametrize(("value", "answered"), [(1, False), (0, True)])
def test_restart_fr_on_each_reply(value, answered):
    s = stage(f'modparam("tm", "restart_fr_on_each_reply", {value})\nmodparam("tm", "fr_inv_timeout", 10)\n'
              "route { t_relay(); }")
    s.receive(request(world=s))
    invite = s.take()[-1]
    for _ in range(2):
        s.receive(response(invite, 180))
        s.pass_time(6)
    assert ("408 192.0.2.1" in s.lines()) is answered


@pytest.mark.parametrize(("value", "line"), [(0, 1), (1, 2)])
def test_disable_6xx_block(value, line):
    s = stage(f'modparam("tm", "disable_6xx_block", {value})\n'
              'route { t_on_failure("f"); t_relay(); } '
              'failure_route[f] { $ru = "sip:bob@10.0.0.4"; t_relay(); }')
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], 603))
    assert s.lines()[-1] == ["", "603 192.0.2.1", "INVITE 10.0.0.4"][line]


def test_minor_branches_are_not_waited_for():
    s = stage('modparam("tm", "minor_branch_flag", "MINOR")\n'
              'route { $ru = "sip:bob@10.0.0.1"; append_branch("sip:media@10.0.0.2"); '
              "t_on_branch(\"b\"); t_relay(); } branch_route[b] { if ($rd == \"10.0.0.2\") setbflag(\"MINOR\"); }")
    s.receive(request(world=s))
    _, one, media = s.take()
    s.receive(response(media, 183))
    assert s.lines() == ["183 192.0.2.1"]
    s.receive(response(one, 486))
    assert s.lines() == ["ACK 10.0.0.1", "CANCEL 10.0.0.2", "486 192.0.2.1"]


@pytest.mark.parametrize(("name", "change"), [("ruri_matching", {"uri": "sip:other@192.0.2.2"})])
def test_matching_of_old_clients(name, change):
    for value, absorbed in ((1, False), (0, True)):
        s, _ = relaying(name, value, branch="")
        assert s.receive(request(world=s, branch="", **change)) is absorbed


def test_via1_matching():
    for value, absorbed in ((1, False), (0, True)):
        s, _ = relaying("via1_matching", value, branch="")
        again = request(world=s, branch="")
        changed = scan(again.data.replace(b"192.0.2.1:5060", b"192.0.2.1:5061"), again.listener, again.source)
        assert s.receive(changed) is absorbed


@pytest.mark.parametrize(("name", "value"), [("fr_timeout", 0), ("onreply_avp_mode", 2), ("T1_timer", 1)])
def test_values_out_of_range_are_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        relaying(name, value)


def test_words_of_old_scripts_are_accepted():
    for name in ("delete_timer", "syn_branch", "timer_partitions"):
        s, _ = relaying(name, 1)
        assert len(s.layer) == 1

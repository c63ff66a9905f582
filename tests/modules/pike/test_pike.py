"""pike: sources that send too much, asked about by the script or kept away from it."""
import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.mi.tree import text, tree_of
from opensips_py.testing import request, response

HEAD = """dialect={dialect}
socket=udp:192.0.2.9:5060
socket=udp:[2001:db8::9]:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "pike.so"
modparam("pike", "reqs_density_per_unit", 3)
"""
ASKING = """route {
	pike_check_req();
	xlog("L_NOTICE", "code $rc\\n");
	sl_send_reply(200, "OK");
}
"""
KEEPING = """modparam("pike", "check_route", "watched")
route[watched] { if ($si == "192.0.2.77") drop; }
route { xlog("L_NOTICE", "route\\n"); sl_send_reply(200, "OK"); }
"""
OPTIONS = "OPTIONS", "sip:x@192.0.2.9"


@pytest.fixture
def pike(opensips):
    def start(routes=ASKING, settings="", dialect="4.0"):
        return opensips(text=HEAD.format(dialect=dialect) + settings + routes)
    return start


def codes(server, count, host="192.0.2.1", listener=None):
    """What pike_check_req says of *count* requests from *host*."""
    before = len(server.log)
    for _ in range(count):
        server.receive(request(*OPTIONS), host, listener=listener)
    return [int(line.rpartition(" ")[2]) for line in server.log[before:] if "NOTICE code" in line]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_a_source_is_blocked_once_more_has_come_than_may(pike, dialect):
    server = pike(dialect=dialect)
    assert codes(server, 6) == [1, 1, 1, -2, -1, -1]
    assert codes(server, 4, "192.0.2.2") == [1, 1, 1, -2]
    assert [each for each in server.events if each[0] == "E_PIKE_BLOCKED"] == [
        ("E_PIKE_BLOCKED", {"ip": "192.0.2.1"}), ("E_PIKE_BLOCKED", {"ip": "192.0.2.2"})]


def test_it_stays_blocked_until_a_whole_unit_was_quiet(pike):
    server = pike()
    codes(server, 4)
    server.advance(2)
    assert codes(server, 2) == [-1, -1]
    server.advance(2)
    assert codes(server, 2) == [1, 1]
    server.advance(2)
    assert codes(server, 4) == [1, 1, 1, -2]


def test_while_it_floods_on_it_stays_blocked(pike):
    server = pike()
    codes(server, 4)
    for _ in range(4):
        server.advance(2)
        assert codes(server, 5) == [-1] * 5
    assert len(server.events) == 1


def test_ipv6_sources_count_each_for_itself(pike):
    server = pike()
    listener = server.listeners[1]
    assert codes(server, 4, "2001:db8::1", listener) == [1, 1, 1, -2]
    assert codes(server, 1, "2001:db8::2", listener) == [1]
    assert server.events == [("E_PIKE_BLOCKED", {"ip": "2001:db8::1"})]
    assert {each["ip"]: each["blocked"] for each in server.mi("pike:list")["Sources"]} == {
        "2001:db8::1": True, "2001:db8::2": False}


def test_units_and_memory_are_parameters(pike):
    server = pike(settings='modparam("pike", "sampling_time_unit", 10) modparam("pike", "remove_latency", 5)\n')
    assert codes(server, 2) == [1, 1]
    server.advance(9)  # the clock stands at a multiple of ten when the test begins
    assert codes(server, 2) == [1, -2]
    server.advance(19)
    assert [each["ip"] for each in server.mi("pike:list")["Sources"]] == ["192.0.2.1"]
    server.advance(12)
    assert server.mi("pike:list")["Sources"] == []


def test_a_source_is_forgotten_after_a_while(pike):
    server = pike(settings='modparam("pike", "remove_latency", 20)\n')
    codes(server, 1)
    server.advance(20)
    assert [each["silent"] for each in server.mi("pike:list")["Sources"]] == [20]
    server.advance(3)
    assert server.mi("pike:list")["Sources"] == []


def test_sources_are_logged_at_the_level_of_the_parameter(pike):
    server = pike(settings='modparam("pike", "pike_log_level", -1)\n')
    codes(server, 5)
    assert server.log.matching("ERROR.* 192.0.2.1 is blocked: more than 3 messages in 2 s")
    assert len(server.log.matching("is blocked:")) == 1 and not server.log.matching("no longer")
    server.advance(5)
    assert len(server.log.matching("ERROR.* 192.0.2.1 is blocked no longer")) == 1
    server = pike()
    codes(server, 4)
    assert server.log.matching("WARNING.* 192.0.2.1 is blocked")


def test_floods_are_reported(pike):
    server = pike()
    codes(server, 5)
    reports = server.mi("status_report:reports", "pike")
    assert "IP 192.0.2.1 detected as flooding" in str(reports) and str(reports).count("detected") == 1


def test_management_lists_and_forgets_sources(pike):
    server = pike()
    codes(server, 4)
    server.advance(2)
    codes(server, 1)
    codes(server, 1, "192.0.2.2")
    one = {"ip": "192.0.2.1", "requests": 1, "before": 4, "blocked": True, "silent": 0}
    assert sorted(server.mi("pike:list")["Sources"], key=lambda each: each["ip"]) == [
        one, {"ip": "192.0.2.2", "requests": 1, "before": 0, "blocked": False, "silent": 0}]
    assert sorted(server.mi("pike:list")["IPs"]) == ["192.0.2.1", "192.0.2.2"]
    server.mi("pike:rm", "192.0.2.1")
    assert [each["ip"] for each in server.mi("pike:list")["Sources"]] == ["192.0.2.2"]
    assert codes(server, 4) == [1, 1, 1, -2]
    for wrong in ("192.0.2.3", "nobody"):
        with pytest.raises(MIError):
            server.mi("pike:rm", wrong)


def test_management_of_21_prints_lines(pike):
    server = pike(dialect="2.1")
    codes(server, 4)
    command = server.engine.generation.registry.commands["pike_list"]
    assert text(tree_of(server.mi("pike_list"), command.call)) == \
        "192.0.2.1\n"


# Without the script asking

def routed(server):
    return len(server.log.matching("NOTICE route"))


def test_what_floods_never_gets_to_the_script(pike):
    server = pike(KEEPING)
    for _ in range(6):
        server.receive(request(*OPTIONS), "192.0.2.1")
    assert routed(server) == len(server.take()) == 3
    assert server.counted("core:drop_requests") == 3
    assert server.events == [("E_PIKE_BLOCKED", {"ip": "192.0.2.1"})]


def test_the_route_says_who_is_not_counted(pike):
    server = pike(KEEPING)
    for _ in range(6):
        server.receive(request(*OPTIONS), "192.0.2.77")
    assert routed(server) == 6 and not server.events and server.mi("pike:list")["Sources"] == []


def test_responses_and_malformed_messages_count_as_well(pike):
    server = pike(KEEPING)
    asked = request(*OPTIONS)
    malformed = asked.replace(b"CSeq: 1 OPTIONS", b"CSeq: x OPTIONS")
    for data in (response(asked, 200), malformed, malformed, response(asked, 200), malformed, asked):
        server.receive(data, "192.0.2.1")
    assert server.events == [("E_PIKE_BLOCKED", {"ip": "192.0.2.1"})]
    assert server.counted("core:drop_replies") >= 1 and server.counted("core:drop_requests") == 2
    assert not routed(server)


def test_a_route_that_meets_a_malformed_message_leaves_it_counted(pike):
    server = pike(KEEPING.replace('$si == "192.0.2.77"', '$fu == "sip:friend@example.com"'))
    malformed = request(*OPTIONS).replace(b"From: <sip:alice", b"From: <<sip:alice")
    for _ in range(5):
        server.receive(malformed, "192.0.2.1")
    assert server.events == [("E_PIKE_BLOCKED", {"ip": "192.0.2.1"})] and not server.log.matching("Traceback")


def test_the_route_has_to_exist(pike):
    with pytest.raises(ConfigError, match=r"there is no route\[nowhere\]"):
        pike(KEEPING.replace('"watched")', '"nowhere")'))


def test_counts_outlive_a_reload(pike):
    server = pike()
    codes(server, 3)
    server.reload(HEAD.format(dialect="4.0") + ASKING)
    assert codes(server, 2) == [-2, -1]

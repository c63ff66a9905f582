"""What core parameters do to messages: each on the real engine, with a network and a clock in memory."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from opensips_py.server import memory
from opensips_py.server.core_settings import SIGNATURE
from opensips_py.testing import Server, request, response

LOADED = "".join(f'loadmodule "{name}.so"\n' for name in ("proto_udp", "proto_tcp", "sl", "signaling", "tm", "rr"))
RELAY = 'route { if ($rm == "MESSAGE") { sl_send_reply(202, "Taken"); exit; } t_relay(); }\n'
CALLER, OURS = "192.0.2.1", "192.0.2.9"
DNS = {"far.example": {"A": ["192.0.2.66"], "AAAA": ["2001:db8::66"]},
       "_sip._udp.far.example": {"SRV": ["1 0 5070 one.far.example.", "2 0 5080 two.far.example."]},
       "one.far.example": {"A": ["192.0.2.7"]}, "two.far.example": {"A": ["192.0.2.8"]},
       "far2.example": {"NAPTR": ['10 10 "s" "SIP+D2T" "" _sip._tcp.far2.example.']},
       "_sip._tcp.far2.example": {"SRV": ["1 0 5061 one.far.example."]},
       "_sip._udp.far2.example": {"SRV": ["1 0 5062 two.far.example."]},
       "six.example": {"AAAA": ["2001:db8::7"]},
       "short.lan.example": {"A": ["192.0.2.33"]},
       "9.2.0.192.in-addr.arpa": {"PTR": ["edge.example.com."]}}


@pytest.fixture
def serve() -> Iterator[Any]:
    made: list[Server] = []

    def make(text: str = "", route: str = RELAY, dialect: str = "4.0", sockets: str = "", modules: str = "") -> Server:
        word = "listen" if dialect == "2.1" else "socket"
        sockets = sockets or f"{word}=udp:{OURS}:5060\n{word}=tcp:{OURS}:5060\n"
        made.append(Server(text=f"dialect={dialect}\n{sockets}{text}\n{LOADED}{modules}{route}", dns=DNS))
        return made[-1]

    yield make
    for each in reversed(made):
        each.close()


def relayed(server: Server, uri: str = "sip:bob@192.0.2.5", method: str = "INVITE", **more: Any) -> Any:
    """The request that leaves because of one that arrives; None where none does."""
    sent = server.receive(request(method, uri, **more), CALLER)
    return next((each for each in sent if not each.status), None)


# Names and addresses of ours

@pytest.mark.parametrize(("text", "via"), [
    ("advertised_address=198.51.100.1\nadvertised_port=5090", "198.51.100.1:5090"),
    ("advertised_address=sip.example.com", "sip.example.com:5060"), ("advertised_port=5091", f"{OURS}:5091"),
    ("", f"{OURS}:5060")])
def test_what_we_are_called_in_via_and_record_route(serve: Any, text: str, via: str) -> None:
    server = serve(text, "route { record_route(); t_relay(); }")
    sent = relayed(server)
    assert f"SIP/2.0/UDP {via};branch=" in sent.header("Via")
    recorded = via if "advertised_port" in text else via.removesuffix(":5060")
    assert f"<sip:{recorded};lr" in sent.header("Record-Route")


@pytest.mark.parametrize(("text", "host", "ours"), [
    ("alias=udp:sip.example.com:5060", "sip.example.com", True), ("", "sip.example.com", False),
    ("alias=udp:example.com:5060 accept_subdomain", "deep.example.com", True),
    ("auto_aliases=yes", "edge.example.com", True), ("auto_aliases=no", "edge.example.com", False)])
def test_other_names_of_ours(serve: Any, text: str, host: str, ours: bool) -> None:
    server = serve(text, 'route { if (is_myself("$rd")) sl_send_reply(200, "Ours"); else sl_send_reply(404, "No"); }')
    (answer,) = server.receive(request("OPTIONS", f"sip:{host}"), CALLER)
    assert answer.status == (200 if ours else 404)


def test_the_usual_port(serve: Any) -> None:
    server = serve("port=5077", sockets=f"socket=udp:{OURS}\n")
    assert [each.port for each in server.listeners] == [5077]


# What a response says

def test_a_503_of_a_server_is_a_500_for_the_client(serve: Any) -> None:
    for text, status in (("", 500), ("disable_503_translation=yes", 503)):
        server = serve(text)
        sent = relayed(server)
        answers = server.receive(response(sent.message, 503, "Busy"), "192.0.2.5")
        assert [each.status for each in answers if each.method == "INVITE" and each.status] == [status]


def test_responses_for_others_are_dropped(serve: Any) -> None:
    for text, passes in (("", True), ("check_via=yes", False)):
        server = serve(text)
        data = response(relayed(server).message, 180)
        stranger = data.replace(f"UDP {OURS}:5060".encode(), b"UDP 192.0.2.77:5060", 1)
        assert bool(server.receive(stranger, "192.0.2.5")) is passes
        assert server.counted("core:drop_replies") == (0 if passes else 1)
        assert server.receive(data, "192.0.2.5") or passes  # what is ours passes all the same


def test_methods_that_nobody_knows_are_counted(serve: Any) -> None:
    server = serve(dialect="2.1")
    server.receive(request("OPTIONS", "sip:x@192.0.2.5"), CALLER)
    assert server.counted("core:unsupported_methods") == 0
    server.receive(request("DANCE", "sip:x@192.0.2.5"), CALLER)
    assert server.counted("core:unsupported_methods") == 1
    assert serve().engine.statistics.get("core:unsupported_methods") is None


def test_responses_without_a_transaction(serve: Any) -> None:
    for text, passes in (("disable_stateless_fwd=no", True), ("disable_stateless_fwd=yes", False)):
        server = serve(text)
        data = response(relayed(server).message, 180)
        server.engine.transactions.clients.clear()
        assert bool(server.receive(data, "192.0.2.5")) is passes


@pytest.mark.parametrize(("text", "server_line", "agent"), [
    ("", f"{SIGNATURE}", f"{SIGNATURE}"), ("server_signature=no", None, None),
    ('server_header="Server: Mine"\nuser_agent_header="User-Agent: Ours"', "Mine", "Ours")])
def test_how_we_sign(serve: Any, text: str, server_line: str | None, agent: str | None) -> None:
    own = 'startup_route { t_new_request("MESSAGE", "sip:x@192.0.2.5", "sip:a@b", "sip:x@192.0.2.5"); }\n'
    server = serve(text, own + RELAY)
    asked = [each for each in server.take() if each.method == "MESSAGE"]
    (answer,) = server.receive(request("MESSAGE", f"sip:x@{OURS}"), CALLER)
    assert answer.header("Server") == server_line
    assert [each.header("User-Agent") for each in asked] == [agent]


def test_details_in_a_warning(serve: Any) -> None:
    for text, there in (("sip_warning=yes", True), ("", False)):
        (answer,) = serve(text).receive(request("MESSAGE", f"sip:x@{OURS}"), CALLER)
        assert (answer.header("Warning") is not None) is there


# The DNS

def target(sent: Any) -> tuple[str, str, int]:
    return sent.protocol, sent.host, sent.port


def test_naptr_records_come_first_where_they_are_asked_for(serve: Any) -> None:
    assert target(relayed(serve(), "sip:bob@far2.example")) == ("tcp", "192.0.2.7", 5061)
    assert target(relayed(serve("dns_try_naptr=no"), "sip:bob@far2.example")) == ("udp", "192.0.2.8", 5062)


def test_addresses_of_ipv6(serve: Any) -> None:
    sockets = f"socket=udp:{OURS}:5060\nsocket=udp:[2001:db8::9]:5060\nsocket=tcp:{OURS}:5060\n"
    found = relayed(serve("dns_try_ipv6=yes", sockets=sockets), "sip:bob@six.example:5060")
    assert target(found)[1].strip("[]") == "2001:db8::7"
    assert relayed(serve("", sockets=sockets), "sip:bob@six.example:5060") is None


def test_the_next_destination_where_one_does_not_work(serve: Any) -> None:
    for text, second in (("", [("udp", "192.0.2.8", 5080)]), ("disable_dns_failover=yes", [])):
        server = serve(text)
        first = relayed(server, "sip:bob@far.example")
        assert target(first) == ("udp", "192.0.2.7", 5070)
        sent = server.receive(response(first.message, 503, "Busy"), "192.0.2.7", 5070)
        assert [target(each) for each in sent if each.method == "INVITE" and not each.status] == second


def test_what_did_not_work_is_avoided_for_four_minutes(serve: Any) -> None:
    server = serve("disable_dns_blacklist=no")
    server.receive(response(relayed(server, "sip:bob@far.example").message, 503, "Busy"), "192.0.2.7", 5070)
    assert target(relayed(server, "sip:bob@far.example", call_id="two")) == ("udp", "192.0.2.8", 5080)
    (rule,) = server.mi("blacklists:list", "dns")["Lists"][0]["Rules"]
    assert (rule["IP"], rule["port"], rule["proto"], rule["expire"]) == ("192.0.2.7/32", 5070, "udp", 240)
    server.advance(241)
    server.take()
    assert target(relayed(server, "sip:bob@far.example", call_id="three")) == ("udp", "192.0.2.7", 5070)


def test_without_the_list_it_is_tried_again_at_once(serve: Any) -> None:
    server = serve()
    server.receive(response(relayed(server, "sip:bob@far.example").message, 503, "Busy"), "192.0.2.7", 5070)
    assert target(relayed(server, "sip:bob@far.example", call_id="two")) == ("udp", "192.0.2.7", 5070)


def test_slow_questions_are_told(serve: Any) -> None:
    server = serve("exec_dns_threshold=1000")
    zone, clock = server.zone, server.clock
    ask = zone.ask

    def slowly(*given: Any) -> Any:
        clock.passed += 0.5
        return ask(*given)
    zone.ask = slowly  # type: ignore[method-assign]
    relayed(server, "sip:bob@far.example")
    told = [values for name, values in server.events if name == "E_CORE_THRESHOLD"]
    assert told and told[0]["source"] == "dns" and told[0]["time"] >= 500000
    assert server.counted("dns:dns_slow_queries") == len(told)
    assert server.counted("dns:dns_total_queries") >= len(told)
    assert server.log.matching("threshold exceeded: dns took")


def test_slow_messages_are_told(serve: Any) -> None:
    server = serve("exec_msg_threshold=1000", 'route { sleep(1); sl_send_reply(200, "OK"); }',
                   modules='loadmodule "cfgutils.so"\n')
    server.receive(request("OPTIONS", "sip:x@y", call_id="slow"), CALLER)
    server.advance(1.5)
    assert [(values["source"], values["extra"]) for name, values in server.events if name == "E_CORE_THRESHOLD"] == [
        ("msg processing", "slow")]


@pytest.mark.parametrize(("text", "expected"), [
    ("dns_retr_time=3\ndns_retr_no=7\ndns_servers_no=1", (3, 7)), ])
def test_how_name_servers_are_asked(serve: Any, text: str, expected: tuple[int, int]) -> None:
    from opensips_py.server import core_settings
    server = serve(text)
    found = core_settings.name_servers(server.engine.globals)
    assert (found.timeout, found.attempts) == expected and len(found.servers) == 1


def test_the_search_list(serve: Any, monkeypatch: Any, tmp_path: Any) -> None:
    from opensips_py.server import core_settings
    from opensips_py.transport import NameServers
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.53\nnameserver 127.0.0.54\nsearch lan.example\n")
    of_system = NameServers.of_system
    monkeypatch.setattr(NameServers, "of_system", lambda **given: of_system(str(path), **given))
    for text, search, number in (("", ["lan.example"], 2), ("dns_use_search_list=no\ndns_servers_no=1", [], 1)):
        found = core_settings.name_servers(serve(text).engine.globals)
        assert (found.search, len(found.servers)) == (search, number)


# The log of the script

def test_lines_of_the_script_by_level(serve: Any) -> None:
    route = 'startup_route { xlog("L_INFO", "info"); xlog("plain"); }\n' + RELAY
    assert serve("log_level=4\nxlog_level=2", route).log.matching("info|plain") == ["NOTICE plain"]
    lines = serve("log_level=4\nxlog_level=3\nxlog_print_level=-1", route).log.matching("info|plain")
    assert lines == ["INFO info", "ERROR plain"]
    assert serve("log_level=1", route).log.matching("info|plain") == ["NOTICE plain"]  # the log has a level of its own
    assert serve("log_level=4", route).log.matching("info|plain") == ["NOTICE plain"]


def test_lines_that_are_too_long_are_left_out(serve: Any) -> None:
    route = 'startup_route { xlog("L_ERR", "0123456789"); }\n' + RELAY
    assert serve("xlog_buf_size=5", route).log.matching("0123456789") == []
    assert serve("xlog_buf_size=50", route).log.matching("0123456789")


def test_colours(serve: Any) -> None:
    route = 'startup_route { xlog("L_ERR", "$C(rx)red"); }\n' + RELAY
    assert "\x1b[" in serve("xlog_force_color=yes", route).log.matching("red")[0]
    assert "\x1b[" not in serve("", route).log.matching("red")[0]


def test_the_log_as_events(serve: Any) -> None:
    route = 'route { xlog("L_ERR", "0123456789"); xlog("L_WARN", "w"); sl_send_reply(200, "OK"); }\n'
    text = 'log_event_enabled=yes\nlog_event_level_filter=-1\nlog_prefix="edge"\nlog_msg_buf_size=4'
    server = serve(text, route)
    server.receive(request("OPTIONS", "sip:x@y"), CALLER)
    (line,) = [values for name, values in server.events if name == "E_CORE_LOG"]
    assert (line["level"], line["prefix"], line["message"]) == ("ERROR", "edge", "0123")
    assert "module" not in line and "function" not in line


# Memory

def test_events_of_memory(serve: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "available", lambda: memory.private().used * 2)
    server = serve("event_pkg_threshold=30")
    server.advance(5)
    told = [values for name, values in server.events if name == "E_CORE_PKG_THRESHOLD"]
    assert told and 45 <= told[0]["usage"] <= 55 and told[0]["threshold"] == 30
    assert serve("event_pkg_threshold=90").advance(2) == []
    assert "E_CORE_PKG_THRESHOLD" not in dict(server.events[len(server.events):])


def test_events_of_shared_memory(serve: Any) -> None:
    server = serve("event_shm_threshold=90")
    server.advance(2)
    assert [name for name, _ in server.events if name == "E_CORE_SHM_THRESHOLD"] == []
    server.engine.shared_words("a lot", (15 << 20) // 8)
    server.advance(2)
    (told,) = [values for name, values in server.events if name == "E_CORE_SHM_THRESHOLD"]
    assert told["usage"] > 90 and told["size"] == 16 << 20 and told["used"] * 100 // told["size"] == told["usage"]


def test_what_a_worker_takes_is_logged_when_it_ends(serve: Any) -> None:
    for text, lines in (("memdump=-1", 1), ("memlog=-1", 1), ("memdump=14", 0), ("memlog=-1\nmemdump=5", 0)):
        server = serve(text)
        server.close()
        assert len(server.log.matching("ERROR memory of process")) == lines

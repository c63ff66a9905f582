"""cfg/edge.cfg: floods, limits, other names and a password, on the virtual network."""
from __future__ import annotations

import pytest

from opensips_py.sip.digest import Credentials
from opensips_py.testing import Phone
from tests.live import ROOT

CONFIG = ROOT / "cfg" / "edge.cfg"
COMPANY = "sip:+4930555@provider.example"
CHALLENGE = 'Digest realm="provider.example", nonce="abc", algorithm=MD5, qop="auth"'


@pytest.fixture
def edge(opensips):
    server = opensips(CONFIG)
    server.inside = Phone(server, "200", "127.0.0.1", 5070)
    server.provider = Phone(server, "gateway", "127.0.0.1", 5080)
    server.stranger = Phone(server, "mallory", "192.0.2.66")
    return server


def test_a_call_out_under_another_name_and_with_a_password(edge):
    call = edge.inside.call("sip:030123@127.0.0.1")
    first = edge.provider.last("INVITE")
    assert first.message.from_.uri == COMPANY and '"The Company"' in first.message.header("From")
    edge.provider.answer(first, 407, headers={"Proxy-Authenticate": CHALLENGE})
    second = edge.provider.last("INVITE")
    proved = Credentials.parse(second.message.header("Proxy-Authorization"))
    assert proved.username == "company" and second.message.cseq == first.message.cseq + 1
    assert second.message.from_.uri == COMPANY
    edge.provider.answer(second)
    answer = call.final().message
    assert (answer.status, answer.from_.uri, answer.cseq) == (200, edge.inside.aor, 1)
    call.ack()
    assert edge.provider.last("ACK").message.from_.uri == COMPANY


def test_later_requests_have_the_right_names(edge):
    call = edge.inside.call("sip:030123@127.0.0.1")
    edge.provider.answer()
    call.ack()
    edge.provider.last("ACK")
    call.within("BYE")
    bye = edge.provider.last("BYE")
    assert bye.message.from_.uri == COMPANY
    edge.provider.answer(bye)
    assert edge.inside.last(200).message.from_.uri == edge.inside.aor


def test_the_provider_takes_thirty_calls_in_ten_seconds(edge):
    for _ in range(31):
        edge.inside.call("sip:030123@127.0.0.1")
    refused = edge.inside.last(503).message
    assert refused.header("Retry-After") == "10"
    assert sum(each.method == "INVITE" for each in edge.provider.inbox) == 30
    edge.advance(10.5)
    edge.provider.inbox.clear()
    edge.inside.call("sip:030123@127.0.0.1")
    assert edge.provider.last("INVITE")


def test_one_caller_does_not_keep_the_others_out(edge):
    for _ in range(6):
        edge.stranger.call("sip:200@127.0.0.1")
    assert edge.stranger.last(480).message.reason == "Too Many Calls"
    assert sum(each.method == "INVITE" for each in edge.inside.inbox) == 5
    edge.inside.inbox.clear()
    other = Phone(edge, "carol", "192.0.2.67")
    other.call("sip:200@127.0.0.1")
    assert edge.inside.last("INVITE").message.from_.uri == other.aor


def test_a_flood_is_not_heard(edge):
    for _ in range(25):
        edge.stranger.send(edge.stranger.request("OPTIONS", "sip:127.0.0.1"))
    assert sum(each.status == 405 for each in edge.stranger.inbox) == 20
    for _ in range(25):
        edge.provider.send(edge.provider.request("OPTIONS", "sip:127.0.0.1"))
    assert sum(each.status == 405 for each in edge.provider.inbox) == 25
    edge.advance(4.5)
    edge.stranger.inbox.clear()
    edge.stranger.send(edge.stranger.request("OPTIONS", "sip:127.0.0.1"))
    assert edge.stranger.last(405)


def test_a_call_that_nobody_answers_is_given_up(edge):
    call = edge.inside.call("sip:030123@127.0.0.1")
    edge.provider.answer(edge.provider.last("INVITE"), 180)
    call.cancel()
    assert edge.provider.last("CANCEL").message.from_.uri == COMPANY

"""What the switches of a layer change in what leaves."""
from __future__ import annotations

from dataclasses import replace

import pytest

from tests.transaction.world import World, request, response


@pytest.fixture
def world():
    return World()


def set_up(world, **switches):
    world.layer.settings = replace(world.layer.settings, **switches)


@pytest.mark.parametrize(("translate", "status"), [(True, 500), (False, 503)])
def test_503_is_translated_where_that_is_wanted(world, translate, status):
    set_up(world, translate_503=translate, dns_failover=False)
    world.receive(request(world=world))
    world.receive(response(world.take()[-1], 503))
    assert [each.status for each in world.take() if not each.is_request] == [status]


def test_responses_of_our_own_name_us_and_tell_what_we_know(world):
    set_up(world, reply_headers=b"Server: Mine\r\n", warns=True)
    world.script = lambda run: world.layer.reply(world.layer.new_transaction(run), 404, "Not Found")
    world.receive(request("OPTIONS", world=world))
    answer = world.only()
    assert answer.header("Server") == "Mine"
    assert answer.header("Warning").startswith('392 192.0.2.9:5060 "Noisy feedback tells: pid=')
    assert 'req_src_ip=192.0.2.1 req_src_port=5060 in_uri=sip:bob@192.0.2.2' in answer.header("Warning")


def test_requests_of_our_own_name_us_unless_the_caller_did(world):
    set_up(world, request_headers=b"User-Agent: Mine\r\n")
    names = {"from_": "<sip:a@example.com>;tag=1", "to": "<sip:b@example.com>"}
    world.layer.originate("OPTIONS", "sip:b@192.0.2.2", call_id="one", **names)
    assert world.only().header("User-Agent") == "Mine"
    world.layer.originate("OPTIONS", "sip:b@192.0.2.2", call_id="two", headers=b"User-Agent: Other\r\n", **names)
    assert world.only().values("User-Agent") == ["Other"]


def test_a_flagged_branch_opens_no_connection(world):
    set_up(world, stay_connected_branch=4)
    for flags, may in ((0, True), (4, False)):
        message = request(world=world, uri="sip:bob@192.0.2.2;transport=tcp", branch=f"z9hG4bK{flags}",
                          call_id=f"c{flags}")
        message.branch_flags = flags
        world.receive(message)
        assert [target.may_connect for target, data in world.network.sent if data.startswith(b"INVITE")] == [may]
        world.take()


def test_a_flagged_request_is_answered_over_its_connection_alone(world):
    set_up(world, stay_connected_reply=8)
    for flags, may in ((0, True), (8, False)):
        message = request(world=world, branch=f"z9hG4bK{flags}", call_id=f"c{flags}", tcp=True)
        message.flags = flags
        world.receive(message)
        invite = world.take()[-1]
        world.receive(response(invite, 200))
        assert world.network.sent[-1][0].may_connect is may
        world.take()

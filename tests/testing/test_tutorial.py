"""The tests that docs/testing.md builds up; the page shows this file."""
import pathlib

import pytest

from opensips_py.testing import Phone, Scenario, play

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "docs" / "tutorial.cfg"
SIPP = CONFIG.parents[1] / "tests" / "scenarios" / "sipp"


@pytest.fixture
def office(opensips):
    server = opensips(CONFIG)
    server.alice = Phone(server, "alice", "192.0.2.1")
    server.bob = Phone(server, "bob", "192.0.2.2")
    server.reception = Phone(server, "reception", "192.0.2.3")
    for phone in (server.alice, server.bob, server.reception):
        assert phone.register().status == 200
    return server


def test_a_call_from_ringing_to_the_end(office):
    call = office.alice.call("bob")
    invite = office.bob.last("INVITE")
    office.bob.answer(invite, 180)
    office.advance(5)
    office.bob.answer(invite)
    call.ack()
    office.advance(60)
    call.bye()
    office.bob.answer(office.bob.last("BYE"))
    assert office.alice.last(200).method == "BYE"
    answered = office.accounting[0]
    assert (answered["method"], answered["code"]) == ("INVITE", "200")


def test_zero_calls_the_reception(office):
    office.alice.call("0")
    assert office.reception.last("INVITE").message.uri.startswith("sip:reception@192.0.2.3")


def test_who_does_not_answer_is_helped_by_the_reception(office):
    office.alice.call("bob")
    office.bob.answer(status=180)
    office.advance(21)
    assert office.bob.last("CANCEL") and office.reception.last("INVITE")


def test_nobody_answers_at_all(office):
    office.alice.call("bob")
    office.advance(70)
    assert office.alice.last().status == 408
    assert [record["what"] for record in office.accounting] == ["call missed"]


def test_a_call_to_nobody(office):
    office.alice.call("carol")
    assert office.alice.last(404).message.reason == "Nobody Here"
    assert office.runs[-1].variables == {}


def test_sipp_scenarios_serve_as_tests(office):
    play(Scenario(office, SIPP / "call_user.xml", "192.0.2.9", fields=["bob"]),
         Scenario(office, SIPP / "answer.xml", "192.0.2.2"))

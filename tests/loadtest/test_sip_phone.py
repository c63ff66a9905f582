"""The phones of the load test against a real server."""
from types import SimpleNamespace

import gevent
import pytest

from loadtest.sip_phone import Phone, Refused
from tests.live import HOST
from tests.residential import residential


@pytest.fixture(scope="module")
def server():
    with residential() as running:
        yield running


class Reports(list):
    """Takes Locust's place: what was reported, as (name, error)."""

    def __init__(self):
        self.request = SimpleNamespace(fire=self.fire)

    def fire(self, *, name, exception, response_time, **_):
        assert response_time > 0
        self.append((name, exception))


@pytest.fixture
def reports():
    return Reports()


@pytest.fixture
def phone(server, reports):
    phones = []

    def made(user):
        phones.append(Phone(user, (HOST, server.port), reports))
        return phones[-1]
    yield made
    for each in phones:
        each.close()


def test_a_call_between_two_phones(phone, reports):
    caller, callee = phone("1001"), phone("1002")
    callee.register()
    caller.register()
    caller.call("1002", seconds=0)
    assert reports == [("REGISTER", None), ("REGISTER", None), ("INVITE", None), ("BYE", None)]
    assert (callee.calls_answered, caller.calls_answered) == (1, 0)


def test_a_refreshed_binding_stays_one(phone, reports):
    callee = phone("1003")
    for _ in range(3):
        callee.register()
    phone("1001").call("1003", seconds=0)
    assert callee.calls_answered == 1  # two bindings would ring twice


def test_options(phone, reports):
    phone("probe").options()
    assert reports == [("OPTIONS", None)]


def test_a_refused_call_is_reported_as_failed(phone, reports):
    with pytest.raises(Refused, match="404"):
        phone("1001").call("nobody", seconds=0)
    [(name, error)] = reports
    assert name == "INVITE" and isinstance(error, Refused)


def test_a_call_that_the_end_of_the_load_cuts_off_is_not_reported(phone, reports):
    silent = phone("silent")
    silent.register()
    silent._serve = lambda *_: None
    caller = gevent.spawn(phone("1001").call, "silent", 0)
    gevent.sleep(0)
    caller.kill()
    assert [name for name, _ in reports] == ["REGISTER"]


def test_an_acknowledgement_is_repeated_for_each_success(phone, reports):
    callee = phone("1004")
    callee.register()
    acks = []
    serve, lost = callee._serve, iter([True])

    def deaf_to_the_first(text, source):
        if text.startswith("ACK "):
            acks.append(text)
            if next(lost, False):
                return
        serve(text, source)
    callee._serve = deaf_to_the_first
    phone("1001").call("1004", seconds=0.7)
    assert len(acks) == 2 and acks[0].split("\r\n")[-3:] == acks[1].split("\r\n")[-3:]

import logging
from types import SimpleNamespace

import gevent
import pytest

from opensips_py.module import returned
from opensips_py.script import runtime


@pytest.mark.parametrize(("value", "code"), [(5, 5), ("7", 7), ("-7", -7), ("x", -1), ("--5", -1), ("²", -1),
    (None, -1)])
def test_codes_of_values(value, code):
    assert returned.code_of(value) == code


def test_failures_are_logged_with_their_place(caplog):
    try:
        raise RuntimeError("why")
    except RuntimeError:
        assert runtime.failed("f", "a.cfg:3") is False
    assert caplog.messages == ["a.cfg:3: f failed"] and "why" in caplog.text


def test_a_deadline():
    assert runtime.within(5, lambda value: value + 1, (1,)) == 2
    begun = gevent.get_hub().loop.now()
    assert runtime.within(0, gevent.sleep, (60,)) is False
    assert gevent.get_hub().loop.now() - begun < 5


@pytest.mark.parametrize(("text", "asked"), [
    ("sip:bob@example.com:5070", ("example.com", 5070)), ("example.com", ("example.com", 0)),
    ("10.0.0.1:5062", ("10.0.0.1", 5062)), ("::1", ("[::1]", 0)), ("SIPS:example.com", ("example.com", 0))])
def test_own_addresses(text, asked):
    seen = []
    transports = SimpleNamespace(is_local=lambda host, port, protocol: seen.append((host, port)) or True)
    assert runtime.is_own(SimpleNamespace(services=SimpleNamespace(transports=transports)), text) is True
    (found,) = seen
    assert (found[0].strip("[]"), found[1] or 0) == (asked[0].strip("[]"), asked[1])


@pytest.mark.parametrize("value", [None, 5, "", "sip:", "a b:c:d"])
def test_what_is_no_address_is_not_ours(value):
    assert runtime.is_own(SimpleNamespace(), value) is False


def test_names_of_hosts():
    parked = []
    target = SimpleNamespace(address=runtime_address("192.0.2.1"))
    services = SimpleNamespace(resolver=SimpleNamespace(resolve=lambda uri: [target]))
    run = SimpleNamespace(services=services, park=lambda: parked.append(1))
    assert runtime.is_host(run, "192.0.2.1", "host.example.com") and parked == [1]
    assert not runtime.is_host(run, "192.0.2.2", "host.example.com")


def runtime_address(host):
    from opensips_py.sip import address_key
    return address_key(host, 5060)


@pytest.mark.parametrize(("host", "family"), [("192.0.2.1", "INET"), ("::1", "INET6")])
def test_families(host, family):
    assert runtime.family(SimpleNamespace(message=SimpleNamespace(source_host=host))) == family
    assert runtime.family(SimpleNamespace(message=None)) is None


def test_a_report_that_fails_ends_the_run_all_the_same(caplog):
    caplog.set_level(logging.ERROR)
    ended = []
    run = SimpleNamespace(rc=0, parameters=[], finish=lambda: ended.append(1))
    runtime.launched(run, lambda: -3, [], lambda run: 1 // 0, "p")
    assert (run.rc, run.parameters, ended) == (-3, [("p",)], [1])
    assert caplog.messages == ["launch: the report route failed"]

"""remove and remove_ip_port."""
from __future__ import annotations

from typing import Any

import pytest

from opensips_py.sip import address_key
from opensips_py.transport.target import Target

INSTANCE = '+sip.instance="<urn:uuid:1>"'


def removing(place: Any, call: str, dialect: str = "4.0") -> Any:
    """A worker where Alice has four contacts and Bob one, and calls run *call*."""
    worker = place(f'if ($rm == "REGISTER") {{ $avp(rcv) = $hdr(Rcv); if ($hdr(Nat) != NULL) setbflag("NAT");'
                   f' save("location", "p0"); exit; }}\nif ({call}) $avp(yes) = 1;',
                   'modparam("registrar", "received_avp", "$avp(rcv)")\nmodparam("usrloc", "use_domain", 1)', dialect)
    worker.network.hosts["edge.example.com"] = [Target("udp", address_key("10.0.0.9", 5060))]
    worker.register("Contact: <sip:plain@10.0.0.1:5061>", "Nat: yes")
    worker.register("Contact: <sip:natted@192.168.0.1>", "Rcv: sip:10.0.0.2:6000")
    worker.register("Contact: <sip:behind@192.168.0.2>", "Path: <sip:10.0.0.9;lr>")
    worker.register(f"Contact: <sip:device@10.0.0.4>;{INSTANCE}")
    worker.register("Contact: <sip:bob@10.0.0.1:5061>", user="bob", call_id="call-b")
    return worker


def left(worker: Any) -> list[str]:
    run = worker.call()
    assert run.avps.get("yes") == [1]
    return [contact[4:].partition("@")[0] for contact in worker.contacts()]


EVERY = ["plain", "natted", "behind", "device"]


def test_there_is_something_to_remove(place: Any) -> None:
    worker = removing(place, "1")
    assert left(worker) == EVERY
    assert worker.contacts("bob@example.com") == ["sip:bob@10.0.0.1:5061"]


@pytest.mark.parametrize(("more", "gone"), [
    ("", EVERY), (', "sip:plain@10.0.0.1:5061"', ["plain"]), (', "sip:nobody@10.0.0.1"', []),
    (', , "10.0.0.1"', ["plain"]), (', , "10.0.0.2"', ["natted"]), (', , "192.168.0.1"', []),
    (', , "edge.example.com"', ["behind"]), (', , , "<urn:uuid:1>"', ["device"]), (', , , , "NAT"', ["plain"]),
    (', "sip:plain@10.0.0.1:5061", "10.0.0.2"', []), (', "sip:plain@10.0.0.1:5061", "10.0.0.1"', ["plain"])])
def test_remove(place: Any, more: str, gone: list[str]) -> None:
    worker = removing(place, f'remove("location", "sip:alice@example.com"{more})')
    assert left(worker) == [name for name in EVERY if name not in gone]
    assert worker.contacts("bob@example.com") == ["sip:bob@10.0.0.1:5061"]


@pytest.mark.parametrize(("more", "gone"), [
    ("", EVERY), (', "sip:plain@10.0.0.1:5061"', ["plain"]), (', "10.0.0.2"', ["natted"]),
    (', "edge.example.com"', ["behind"]), (', "10.0.0.77"', [])])
def test_remove_in_2_1(place: Any, more: str, gone: list[str]) -> None:
    worker = removing(place, f'remove("location", "sip:alice@example.com"{more})', "2.1")
    assert left(worker) == [name for name in EVERY if name not in gone]


@pytest.mark.parametrize(("arguments", "gone", "bob"), [
    ('"10.0.0.1", 5061, "location"', ["plain"], False), ('"10.0.0.1", 5060, "location"', [], True),
    ('"10.0.0.2", 6000, "location"', ["natted"], True), ('"10.0.0.4", 5060, "location"', ["device"], True),
    ('"192.168.0.2", 5060, "location"', [], True), ('"10.0.0.9", 5060, "location"', ["behind"], True),
    ('"10.0.0.1", 5061, "location", "sip:bob@example.com"', [], False)])
def test_remove_ip_port(place: Any, arguments: str, gone: list[str], bob: bool) -> None:
    worker = removing(place, f"remove_ip_port({arguments})")
    assert left(worker) == [name for name in EVERY if name not in gone]
    assert bool(worker.contacts("bob@example.com")) is bob


def test_a_bad_address_of_record_removes_nothing(place: Any, caplog: pytest.LogCaptureFixture) -> None:
    worker = removing(place, '!remove("location", "nonsense")')
    assert left(worker) == EVERY
    assert "nonsense" in caplog.text

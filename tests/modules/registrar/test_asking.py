"""Questions about who is registered."""
from __future__ import annotations

from typing import Any

import pytest

from opensips_py.module.run import Route
from opensips_py.sip import parse
from tests.modules.place import register


def answers(worker: Any, run: Any) -> bool:
    return bool(run.avps.get("yes"))


def asking(place: Any, condition: str, before: str = "", settings: str = "", dialect: str = "4.0",
           save: str = 'save("location");') -> Any:
    return place(f'if ($rm == "REGISTER" && $hdr(Ask) == NULL) {{ {save} exit; }}\n{before}'
                 f'if ({condition}) $avp(yes) = 1;', settings, dialect)


CONTACT = "Contact: <sip:carol@10.0.0.5:5099>"


def test_who_calls_is_registered(place: Any) -> None:
    worker = asking(place, 'is_registered("location")')
    assert not answers(worker, worker.call())
    worker.register(CONTACT, user="carol")
    assert answers(worker, worker.call())
    worker.pass_wall(3600)
    assert not answers(worker, worker.call())


def test_who_registers_is_in_to(place: Any) -> None:
    worker = asking(place, 'is_registered("location")')
    worker.register(CONTACT, user="alice")
    assert answers(worker, worker.run_on(parse(register("Ask: yes"))))
    assert not answers(worker, worker.run_on(parse(register("Ask: yes", user="bob"))))


def test_a_given_address_of_record(place: Any) -> None:
    worker = asking(place, 'is_registered("location", $ru)')
    worker.register(CONTACT, user="bob")
    assert answers(worker, worker.call("sip:bob@example.com:5070;x"))
    assert not answers(worker, worker.call("sip:carol@example.com"))


def test_in_replies_the_address_must_be_given(place: Any, caplog: pytest.LogCaptureFixture) -> None:
    worker = place('save("location");', routes="""
        onreply_route[r] { if (is_registered("location")) $avp(yes) = 1;
                           if (is_registered("location", $fu)) $avp(given) = 1; }""")
    worker.register(CONTACT, user="carol")
    answer = parse(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:carol@example.com>;tag=1\r\n"
                   b"To: <sip:a@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
    run = worker.run_on(answer, Route.ONREPLY, "r", parse(register()))
    assert run.avps == {"given": [1]}
    assert "must be given" in caplog.text


@pytest.mark.parametrize(("arguments", "yes"), [
    ('"location", "sip:carol@example.com"', True), ('"location", "sip:carol@example.com", "call-7"', True),
    ('"location", "sip:carol@example.com", "call-8"', False), ('"location"', False)])
def test_registered_in_2_1(place: Any, arguments: str, yes: bool) -> None:
    worker = asking(place, f"registered({arguments})", dialect="2.1")
    worker.register(CONTACT, user="carol", call_id="call-7")
    assert answers(worker, worker.call()) is yes
    assert arguments != '"location"' or answers(worker, worker.call("sip:carol@example.org"))  # the domain is left out


def test_the_attribute_comes_along(place: Any) -> None:
    setting = 'modparam("registrar", "attr_avp", "$avp(attr)")'
    save = '$avp(attr) = "desk"; save("location");'
    worker = asking(place, 'registered("location", "sip:carol@example.com")', "", setting, "2.1", save)
    worker.register(CONTACT, user="carol")
    assert worker.call().avps["attr"] == ["desk"]
    worker = asking(place, 'is_registered("location") && $(msg.branch.attr(attr)[0]) == "desk"', settings=setting,
                    save=save)
    worker.register(CONTACT, user="carol")
    assert answers(worker, worker.call())


@pytest.mark.parametrize(("more", "yes"), [
    ('"", "sip:carol@10.0.0.5:5099;x=y"', True), (', "sip:carol@10.0.0.6"', False), (', , "call-7"', True),
    (', , "call-8"', False), (', "sip:carol@10.0.0.5:5099", "call-7"', True),
    (', "sip:carol@10.0.0.5:5099", "call-8"', False)])
def test_a_contact_is_registered(place: Any, more: str, yes: bool) -> None:
    worker = asking(place, f'is_contact_registered("location", {more})')
    worker.register(CONTACT, user="carol", call_id="call-7")
    assert answers(worker, worker.call()) is yes


def test_the_contact_of_the_request_is_registered(place: Any) -> None:
    worker = asking(place, 'is_contact_registered("location")')
    worker.register(CONTACT, user="carol")
    assert answers(worker, worker.call(headers=CONTACT + "\r\n"))
    assert not answers(worker, worker.call(headers="Contact: <sip:carol@10.0.0.6>\r\n"))


@pytest.mark.parametrize(("before", "variables", "yes"), [
    ('$var(ip) = "10.0.0.5";', "$var(ip)", True), ('$var(ip) = "10.0.0.6";', "$var(ip)", False),
    ('$avp(ip) = "10.0.0.5"; $avp(ip) = "10.9.9.9";', "$avp(ip)", True),
    ('$var(ip) = "10.0.0.5"; $var(p) = 5099;', "$var(ip), $var(p)", True),
    ('$var(ip) = "10.0.0.5"; $var(p) = 5098;', "$var(ip), $var(p)", False),
    ('$avp(ip) = "10.0.0.5"; $avp(ip) = "10.9.9.9"; $avp(p) = 5099; $avp(p) = 1;', "$avp(ip), $avp(p)", True),
    ('$avp(ip) = "10.0.0.5"; $avp(ip) = "10.9.9.9"; $avp(p) = 1; $avp(p) = 5099;', "$avp(ip), $avp(p)", False)])
def test_an_address_is_registered(place: Any, before: str, variables: str, yes: bool) -> None:
    worker = asking(place, f'is_ip_registered("location", "sip:carol@example.com", {variables})', before)
    worker.register(CONTACT, user="carol")
    assert answers(worker, worker.call()) is yes


def test_the_address_that_a_contact_registered_from_counts(place: Any) -> None:
    worker = asking(place, 'is_ip_registered("location", , $var(ip))', '$var(ip) = "2001:DB8:0::1";',
                    'modparam("registrar", "received_avp", "$avp(rcv)")',
                    save='$avp(rcv) = "sip:[2001:db8::1]:5060"; save("location");')
    worker.register(CONTACT, user="carol")
    assert answers(worker, worker.call())


def test_other_contacts_in_2_1(place: Any) -> None:
    worker = asking(place, 'is_other_contact("location", "$avp(ips)")',
                    '$avp(ips) = "10.0.0.5"; $avp(ips) = "10.0.0.7";', dialect="2.1")
    assert not answers(worker, worker.call())
    worker.register("Contact: <sip:a@10.0.0.5>", "Contact: <sip:a@10.0.0.7>")
    assert not answers(worker, worker.call())
    worker.register("Contact: <sip:a@10.0.0.6>")
    assert answers(worker, worker.call())


def test_a_bad_address_of_record_is_not_registered(place: Any, caplog: pytest.LogCaptureFixture) -> None:
    worker = asking(place, 'is_registered("location", "nonsense")')
    assert not answers(worker, worker.call())
    assert "nonsense" in caplog.text


def test_the_socket_is_told_in_a_header(place: Any) -> None:
    worker = place('add_sock_hdr("Sock-Info");')
    run = worker.call()
    assert b"\r\nSock-Info: udp:192.0.2.9:5060\r\n" in run.request.edited()

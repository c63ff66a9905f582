"""Registering with others: what is sent, and what its answers mean."""
from __future__ import annotations

import pytest

from opensips_py.sip.digest import ALGORITHMS, ha1
from tests.modules.uac_registrant.registrar import ALICE, HOST, TURN, Registrar, binding, interval, key, script, table

RETRY = 'modparam("uac_registrant", "failure_retry_interval", 6)\n'


@pytest.fixture
def registrar(opensips, tmp_path):
    return Registrar(opensips(text=script(table(tmp_path, ALICE)[0], RETRY)))


def with_row(opensips, folder, settings="", **changes):
    return Registrar(opensips(text=script(table(folder, {**ALICE, **changes})[0], settings)))


def test_what_is_sent(registrar):
    sent = registrar.next()
    message = sent.message
    assert (message.uri, sent.host, message.header("To")) == (f"sip:{HOST}", HOST, "<sip:alice@example.com>")
    assert message.from_.uri == "sip:alice@example.com" and message.from_tag
    assert (binding(sent), interval(sent)) == ("<sip:alice@192.0.2.9:5060>", "10")
    assert message.cseq == 1 and sent.listener.port == 5060 and sent.header("Max-Forwards") == "70"
    assert registrar.state() == "REGISTERING"


def test_every_column_of_the_table(opensips, tmp_path):
    registrar = with_row(opensips, tmp_path, proxy="sip:192.0.2.60:5080", third_party_registrant="sip:boss@example.com",
                         binding_params=";q=0.5;+sip.instance=\"<urn:uuid:1>\"", expiry=77,
                         forced_socket="udp:192.0.2.9:5070")
    sent = registrar.next()
    assert (sent.host, sent.port, sent.message.uri) == ("192.0.2.60", 5080, f"sip:{HOST}")
    assert sent.message.from_.uri == "sip:boss@example.com" and interval(sent) == "77"
    assert binding(sent) == '<sip:alice@192.0.2.9:5060>;q=0.5;+sip.instance="<urn:uuid:1>"'
    assert sent.listener.port == 5070
    shown = registrar.server.mi("uac_registrant:list", **key())["Registrant"]
    assert shown.items() >= {"AOR": "sip:alice@example.com", "expires": 77, "state": "REGISTERING_STATE",
                             "enabled": "yes", "proxy": "sip:192.0.2.60:5080", "socket": "udp:192.0.2.9:5070",
                             "third_party_registrant": "sip:boss@example.com"}.items()


@pytest.mark.parametrize(("settings", "asked"), [("", "3600"), ('modparam("uac_registrant", "default_expires", 99)\n',
                                                                "99")])
def test_the_table_has_no_interval(opensips, tmp_path, settings, asked):
    assert interval(with_row(opensips, tmp_path, settings, expiry=None).next()) == asked


def test_an_interval_that_the_timer_would_miss(opensips, tmp_path):
    registrar = with_row(opensips, tmp_path, expiry=1)
    assert interval(registrar.next()) == "3" and "too short" in registrar.server.log[0]


def test_it_is_renewed_in_time(registrar):
    first = registrar.next()
    registrar.accept(first, 8)
    assert registrar.state() == "REGISTERED"
    registrar.none(6 - TURN)
    second = registrar.next(2 * TURN)
    assert second.at - first.at <= 8.1
    assert (second.message.call_id, second.message.from_tag) == (first.message.call_id, first.message.from_tag)
    assert second.message.cseq == 2 and interval(second) == "10"
    registrar.accept(second)
    assert registrar.told() == ["REGISTERING", "REGISTERED", "REGISTERING", "REGISTERED"]


def test_it_is_renewed_after_half_of_its_time(opensips, tmp_path):
    registrar = with_row(opensips, tmp_path, 'modparam("uac_registrant", "reregister_expiry_percentage", 50)\n')
    first = registrar.next()
    registrar.accept(first, 12)
    second = registrar.next(7)
    assert 4 <= second.at - first.at <= 6.1


@pytest.mark.parametrize(("headers", "seconds"), [
    ({"Contact": "<sip:bob@192.0.2.1>;expires=500, <sip:alice@192.0.2.9:5060>;expires=6"}, 6),
    ({"Contact": "<sip:alice@192.0.2.9:5060>", "Expires": "7"}, 7), ({"Contact": "<sip:rewritten@x>;expires=8"}, 8),
    ({"Contact": "<sip:alice@192.0.2.9:5060>"}, 10)])
def test_the_registrar_says_for_how_long(registrar, headers, seconds):
    registrar.answer(registrar.next(), headers=headers)
    assert registrar.state() == "REGISTERED"
    assert registrar.server.mi("uac_registrant:list", **key())["Registrant"]["expires"] == seconds


def test_an_answer_without_a_contact(registrar):
    registrar.answer(registrar.next())
    assert registrar.state() == "INTERNAL_ERROR"


@pytest.mark.parametrize("algorithm", [each.name for each in ALGORITHMS])
@pytest.mark.parametrize(("status", "header"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_credentials(registrar, status, header, algorithm):
    first = registrar.next()
    second, = registrar.challenge(first, status, algorithm=algorithm)
    assert registrar.is_proved(second, header) and registrar.state() == "AUTHENTICATING"
    assert second.message.call_id == first.message.call_id and second.message.cseq == first.message.cseq + 1
    registrar.accept(second)
    assert registrar.told() == ["REGISTERING", "AUTHENTICATING", "REGISTERED"]


def test_credentials_that_are_not_accepted(registrar):
    second, = registrar.challenge(registrar.next())
    third, = registrar.challenge(second, stale=True, nonce="n2")
    assert registrar.challenge(third, nonce="n3") == []
    assert registrar.state() == "WRONG_CREDENTIALS" and registrar.told()[-1] == "WRONG_CREDENTIALS"
    registrar.none(6 - 2 * TURN)
    assert registrar.next(2 * TURN).message.call_id != third.message.call_id


@pytest.mark.parametrize("changes", [{"username": None}, {"username": "", "password": ""}])
def test_no_credentials(opensips, tmp_path, changes):
    registrar = with_row(opensips, tmp_path, **changes)
    assert registrar.challenge(registrar.next()) == [] and registrar.state() == "WRONG_CREDENTIALS"


def test_a_hash_in_place_of_a_password(opensips, tmp_path):
    registrar = with_row(opensips, tmp_path, password="0x" + ha1("alice", "example.com", "secret"))
    second, = registrar.challenge(registrar.next())
    assert registrar.is_proved(second)


@pytest.mark.parametrize(("status", "headers", "state"), [
    (403, {}, "REGISTRAR_ERROR"), (503, {}, "REGISTRAR_ERROR"), (408, {}, "REGISTER_TIMEOUT"),
    (302, {}, "INTERNAL_ERROR"), (423, {}, "REGISTRAR_ERROR"), (423, {"Min-Expires": "2"}, "REGISTRAR_ERROR"),
    (423, {"Min-Expires": "nonsense"}, "REGISTRAR_ERROR"), (401, {}, "WRONG_CREDENTIALS")])
def test_refusals(registrar, status, headers, state):
    assert registrar.answer(registrar.next(), status, headers=headers) == []
    assert registrar.state() == state and registrar.told()[-1] == state
    registrar.accept(registrar.next(6 + TURN))
    assert registrar.state() == "REGISTERED"


def test_a_registrar_that_wants_more_seconds(registrar):
    second, = registrar.answer(registrar.next(), 423, headers={"Min-Expires": "60"})
    assert interval(second) == "60" and registrar.state() == "REGISTERING"
    registrar.accept(second)
    assert registrar.state() == "REGISTERED"
    assert registrar.server.mi("uac_registrant:list", **key())["Registrant"]["expires"] == 60


def test_no_answer(registrar):
    registrar.next()
    registrar.server.advance(32)
    assert registrar.state() == "REGISTER_TIMEOUT" and registrar.told()[-1] == "REGISTER_TIMEOUT"


def test_nothing_can_be_sent(opensips, tmp_path):
    registrar = with_row(opensips, tmp_path, registrar="sip:nowhere.invalid")
    registrar.none()
    assert registrar.state(**key({**ALICE, "registrar": "sip:nowhere.invalid"})) == "INTERNAL_ERROR"
    assert registrar.told() == ["REGISTERING", "INTERNAL_ERROR"]


UNIQUE = ";reg-id=1;+sip.instance=\"<urn:uuid:1>\""


def test_ours_is_to_be_the_only_binding(opensips, tmp_path):
    registrar = with_row(opensips, tmp_path, binding_params=UNIQUE)
    both = f"<sip:other@192.0.2.7>;expires=9, <sip:alice@192.0.2.9:5060>{UNIQUE};expires=9"
    removing, = registrar.answer(registrar.next(), headers={"Contact": both})
    assert (removing.header("Contact"), removing.header("Expires")) == ("*", "0")
    proved, = registrar.challenge(removing)
    assert binding(proved) == "*" and registrar.is_proved(proved)
    assert registrar.state() == "AUTHENTICATING_UNREGISTER"
    again, = registrar.answer(proved)
    assert interval(again) == "10"
    registrar.answer(again, headers={"Contact": both})
    assert registrar.state() == "REGISTERED"
    assert registrar.told() == ["REGISTERING", "UNREGISTERING", "AUTHENTICATING_UNREGISTER", "REGISTERING",
                                "REGISTERED"]


def test_late_answers_mean_nothing(registrar):
    first = registrar.next()
    second, = registrar.challenge(first)
    registrar.answer(first, 403)
    assert registrar.state() == "AUTHENTICATING"
    registrar.accept(second)
    assert registrar.state() == "REGISTERED"


@pytest.mark.parametrize(("changes", "said"), [
    ({"aor": "alice"}, "aor 'alice' is no URI"), ({"registrar": ""}, "registrar '' is no URI"),
    ({"binding_URI": "sip:a@b>\r\nX: y"}, "binding URI"), ({"proxy": "no where"}, "proxy"),
    ({"binding_params": "q=1"}, "do not begin with a semicolon"), ({"binding_params": ";q=1\r\nEvil: 1"}, "a line end"),
    ({"username": "a\r\nb"}, "a line end"), ({"forced_socket": "udp:10.0.0.1:1"}, "there is no socket"),
    ({"expiry": -5}, "is no interval"), ({"third_party_registrant": "<sip:x@y>"}, "third party registrant")])
def test_rows_that_make_no_sense_are_left_out(opensips, tmp_path, changes, said):
    bob = {**ALICE, "aor": "sip:bob@example.com"}
    registrar = Registrar(opensips(text=script(table(tmp_path, {**ALICE, **changes}, bob)[0])))
    assert [each["AOR"] for each in registrar.server.mi("uac_registrant:list")["Records"]] == ["sip:bob@example.com"]
    assert any(said in each for each in registrar.server.log), registrar.server.log


def test_status_reports(registrar):
    server, name = registrar.server, "aor={aor};contact={contact};registrar={registrar}".format(**key())
    registrar.accept(registrar.next())
    assert server.engine.reports.status("uac_registrant", name) == 1
    found = server.engine.reports.identifier("uac_registrant", name)
    assert found.details == "REGISTERED_STATE"
    assert [text for _, text in found.reports] == [
        f"state changed to {each}_STATE" for each in ("NOT_REGISTERED", "REGISTERING", "REGISTERED")]

"""Which registrations there are: the table, management, reloads."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.mi.tree import tree_of
from tests.modules.uac_registrant.registrar import ALICE, Registrar, binding, interval, key, script, table

BOB = {**ALICE, "aor": "sip:bob@example.com"}
CAROL = {**ALICE, "aor": "sip:carol@example.com"}


@pytest.fixture
def alice(opensips, tmp_path):
    """A registrar with whom Alice is registered, and the database."""
    url, database = table(tmp_path, ALICE)
    registrar = Registrar(opensips(text=script(url)))
    registrar.accept(registrar.next(), 1000)
    registrar.url, registrar.database = url, database
    return registrar


def listed(registrar, command="uac_registrant:list"):
    return {each["AOR"].partition(":")[2].partition("@")[0]: each["state"].removesuffix("_STATE")
            for each in registrar.server.mi(command)["Records"]}


def test_each_bucket_has_its_turn(opensips, tmp_path):
    rows = [{**ALICE, "aor": f"sip:u{number}@example.com"} for number in range(64)]
    settings = 'modparam("uac_registrant", "hash_size", 2)\nmodparam("uac_registrant", "timer_interval", 8)\n'
    server = opensips(text=script(table(tmp_path, *rows)[0], settings))
    turns = []
    server.advance(1)
    for _ in range(4):
        server.take()
        server.advance(2)
        turns.append({each.header("To") for each in server.take()} - set().union(*turns))  # the others are sent again
    assert sum(map(len, turns)) == 64 and all(turns)


@pytest.mark.parametrize(("settings", "said"), [
    ('modparam("uac_registrant", "hash_size", 4)\n', "less than the 16 buckets"),
    ('modparam("uac_registrant", "default_expires", 14)\n', "less than 15"),
    ('modparam("uac_registrant", "table_name", "nothing")\n', "no version of table nothing"),
    ('modparam("uac_registrant", "aor_column", "nothing")\n', "has no column nothing"),
    ('modparam("uac_registrant", "db_url", "mysql://x/y")\n', "db_mysql")])
def test_what_cannot_work_is_refused(opensips, tmp_path, settings, said):
    with pytest.raises(ConfigError, match=said):
        opensips(text=script(table(tmp_path)[0], settings))


def test_names_of_ones_own(opensips, tmp_path):
    url, database = table(tmp_path, ALICE)
    database.query("ALTER TABLE registrant RENAME TO mine")
    database.update("version", {"table_name": "mine"}, {"table_name": "registrant"})
    settings = f'modparam("uac_registrant", "db_url", "{url}")\nmodparam("uac_registrant", "table_name", "mine")\n'
    for name in ("registrar", "proxy", "aor", "third_party_registrant", "username", "password", "binding_URI",
                 "binding_params", "expiry", "forced_socket", "state"):
        database.query(f'ALTER TABLE mine RENAME COLUMN "{name}" TO "my_{name}"')
        settings += f'modparam("uac_registrant", "{name}_column", "my_{name}")\n'
    database.update("mine", {"my_proxy": "sip:192.0.2.61", "my_third_party_registrant": "sip:b@example.com",
                             "my_binding_params": ";q=1", "my_forced_socket": "udp:192.0.2.9:5070"}, {})
    registrar = Registrar(opensips(text=script("sqlite:///nothing", settings)))
    sent = registrar.next()
    assert (sent.host, sent.message.from_.uri, binding(sent), sent.listener.port) == (
        "192.0.2.61", "sip:b@example.com", "<sip:alice@192.0.2.9:5060>;q=1", 5070)
    sent, = registrar.challenge(sent)
    assert registrar.is_proved(sent)
    registrar.accept(sent)
    assert registrar.server.mi("uac_registrant:disable", **key()) == "OK"
    assert database.select("mine", ("my_state",)) == [(1,)]


def test_names_in_small_letters(opensips, tmp_path):
    """PostgreSQL has them so, for the scripts of OpenSIPS do not quote names there."""
    url, database = table(tmp_path, ALICE)
    database.query("ALTER TABLE registrant RENAME COLUMN binding_URI TO x")
    database.query("ALTER TABLE registrant RENAME COLUMN x TO binding_uri")
    registrar = Registrar(opensips(text=script(url)))
    assert binding(registrar.next()) == "<sip:alice@192.0.2.9:5060>"


def test_a_table_of_2_1(opensips, tmp_path):
    url, _ = table(tmp_path, ALICE, dialect="2.1")
    registrar = Registrar(opensips(text=script(url)))
    registrar.accept(registrar.next())
    removing = register_gone(registrar, "disable")
    registrar.accept(removing)
    old = Registrar(opensips(text=script(url, dialect="2.1")))
    old.accept(old.next())
    assert listed(old, "reg_list") == {"alice": "REGISTERED"} and not old.told()
    node, = tree_of(old.server.mi("reg_list"), old.server.engine.generation.registry.commands["reg_list"].call)
    assert (node.name, node.value, node.attributes) == ("AOR", "sip:alice@example.com", {"expires": 10})
    assert [(each.name, each.value) for each in node.children][::6] == [
        ("state", "REGISTERED_STATE")] and node.children[-1].attributes == {"ip": "192.0.2.50"}
    assert old.server.mi("reg_reload") == "OK"


def register_gone(registrar, command):
    """Have Alice's registration ended by a command; the REGISTER that does it."""
    registrar.server.take()
    assert registrar.server.mi(f"uac_registrant:{command}", **key()) == "OK"
    sent = registrar.server.take_one()
    assert interval(sent) == "0" and binding(sent) == "<sip:alice@192.0.2.9:5060>"
    return sent


def test_switching_off_and_on(alice):
    removing = register_gone(alice, "disable")
    assert alice.database.select("registrant", ("state",)) == [(1,)]
    assert alice.state() == "UNREGISTERING"
    proved, = alice.challenge(removing)
    assert alice.state() == "AUTHENTICATING_UNREGISTER" and alice.is_proved(proved)
    alice.accept(proved)
    assert alice.state() == "NOT_REGISTERED"
    alice.none()
    with pytest.raises(MIError, match="disabled"):
        alice.server.mi("uac_registrant:force_register", **key())
    alice.server.take()
    assert alice.server.mi("uac_registrant:enable", **key()) == "OK"
    assert alice.database.select("registrant", ("state",)) == [(0,)]
    alice.accept(alice.server.take_one())
    assert alice.state() == "REGISTERED"
    assert alice.server.mi("uac_registrant:enable", **key()) == "OK" and alice.state() == "REGISTERED"


def test_switched_off_in_the_table(opensips, tmp_path):
    registrar = Registrar(opensips(text=script(table(tmp_path, {**ALICE, "state": 1})[0])))
    registrar.none()
    assert registrar.server.mi("uac_registrant:list", **key())["Registrant"]["enabled"] == "no"


def test_switched_while_an_answer_is_awaited(alice):
    removing = register_gone(alice, "disable")
    alice.server.mi("uac_registrant:enable", **key())
    again, = alice.accept(removing)
    assert interval(again) == "10"
    alice.server.mi("uac_registrant:disable", **key())
    removing, = alice.accept(again)
    assert interval(removing) == "0"
    alice.accept(removing)
    assert alice.state() == "NOT_REGISTERED"


def test_the_table_cannot_be_written(alice):
    alice.database.query("DROP TABLE registrant")
    with pytest.raises(MIError, match="the table registrant does not know"):
        alice.server.mi("uac_registrant:disable", **key())
    assert alice.state() == "UNREGISTERING"


def test_registering_when_asked_to(alice):
    alice.server.take()
    assert alice.server.mi("uac_registrant:force_register", **key()) == "OK"
    sent = alice.server.take_one()
    assert interval(sent) == "10" and sent.message.cseq == 2
    assert alice.server.mi("uac_registrant:force_register", **key()) == "OK"
    assert not alice.server.take(), "one at a time"
    alice.accept(sent)
    assert alice.state() == "REGISTERED"


def test_reading_the_table_again(alice):
    alice.database.insert("registrant", BOB)
    assert alice.server.mi("uac_registrant:reload") == "OK"
    assert listed(alice) == {"alice": "REGISTERED", "bob": "NOT_REGISTERED"}
    assert alice.next().header("To") == "<sip:bob@example.com>"
    alice.database.delete("registrant", {"aor": ALICE["aor"]})
    removing = alice.server
    removing.take()
    assert removing.mi("uac_registrant:reload") == "OK"
    assert listed(alice) == {"bob": "REGISTERING"}
    sent = removing.take_one()
    assert interval(sent) == "0" and sent.header("To") == "<sip:alice@example.com>"
    alice.accept(sent)
    assert len(removing.engine.generation.registry.modules["uac_registrant"].registrants.records) == 1


def test_reading_one_row_again(alice):
    alice.database.insert("registrant", BOB)
    alice.database.update("registrant", {"password": "new"}, {"aor": ALICE["aor"]})
    assert alice.server.mi("uac_registrant:reload", **key()) == "OK"
    assert listed(alice) == {"alice": "REGISTERED"}
    proved, = alice.challenge(alice.next())
    assert alice.is_proved(proved, password="new")
    with pytest.raises(MIError, match="No such registrant in database"):
        alice.server.mi("uac_registrant:reload", **key(CAROL))
    with pytest.raises(MIError, match="needed together"):
        alice.server.mi("uac_registrant:reload", aor="sip:alice@example.com")


def test_a_reload_of_the_configuration_goes_on(alice):
    put = {**key(CAROL), "proxy": "", "third_party_registrant": "", "username": "", "password": "",
           "binding_params": "", "expiry": "10", "forced_socket": "", "cluster_shtag": "", "state": "0"}
    alice.server.mi("uac_registrant:upsert", **put)
    alice.server.reload(script(alice.url))
    assert listed(alice) == {"alice": "REGISTERED", "carol": "NOT_REGISTERED"}
    sent = alice.next()
    alice.server.reload(script(alice.url))
    alice.accept(sent, 1000)
    assert listed(alice) == {"alice": "REGISTERED", "carol": "REGISTERED"}
    assert alice.server.mi("uac_registrant:reload") == "OK"
    assert "carol" not in listed(alice)


def test_records_of_management(alice):
    given = {**key(), "proxy": "sip:192.0.2.61", "third_party_registrant": "sip:b@example.com", "username": "alice",
             "password": "secret", "binding_params": ";q=1", "expiry": "20", "forced_socket": "udp:192.0.2.9:5070",
             "cluster_shtag": "", "state": "0"}
    assert alice.server.mi("uac_registrant:upsert", **given) == "OK"
    sent = alice.next()
    assert (sent.host, interval(sent), binding(sent), sent.listener.port, sent.message.from_.uri) == (
        "192.0.2.61", "20", "<sip:alice@192.0.2.9:5060>;q=1", 5070, "sip:b@example.com")
    alice.accept(sent, 1000)
    alice.server.take()
    assert alice.server.mi("uac_registrant:upsert", **{**given, "state": "1"}) == "OK"
    assert interval(alice.server.take_one()) == "0"
    assert alice.database.select("registrant", ("proxy", "state")) == [(None, 0)]
    for wrong, said in (({"cluster_shtag": "x/1"}, "clusters"), ({"proxy": "x"}, "proxy"),
                        ({"expiry": "-1"}, "interval"), ({"forced_socket": "udp:1.1.1.1:1"}, "no socket")):
        with pytest.raises(MIError, match=said):
            alice.server.mi("uac_registrant:upsert", **{**given, **wrong})


def test_taking_one_out(alice):
    alice.accept(register_gone(alice, "delete"))
    assert listed(alice) == {}
    for command in ("list", "delete", "enable", "disable", "force_register"):
        with pytest.raises(MIError, match="No such registrant"):
            alice.server.mi(f"uac_registrant:{command}", **key())


def test_taking_out_what_was_never_registered(opensips, tmp_path):
    registrar = Registrar(opensips(text=script(table(tmp_path, ALICE)[0])))
    assert registrar.server.mi("uac_registrant:delete", **key()) == "OK"
    registrar.none()


def test_a_database_that_comes_later(opensips, tmp_path):
    url, _ = table(tmp_path, ALICE)
    path = tmp_path / "subscribers.sqlite"
    away = path.rename(tmp_path / "away")
    registrar = Registrar(opensips(text=script(url)))
    registrar.none()
    away.rename(path)
    registrar.server.engine.generation.registry.modules["uac_registrant"].db.breaker.until = 0.0
    assert registrar.next(8).header("To") == "<sip:alice@example.com>"

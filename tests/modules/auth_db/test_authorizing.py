"""Users of a table, and what their credentials prove."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.sip import Challenge, Password
from opensips_py.sip.digest import ALGORITHMS
from opensips_py.testing import request
from tests.modules.auth.client import Client
from tests.modules.auth_db.scripts import guarded, old, set_to
from tests.modules.users import add_user, hashes, subscribers

NAMES = [each.name for each in ALGORITHMS]


@pytest.fixture
def users(tmp_path):
    url, database = subscribers(tmp_path, "subscriber", "uri")
    add_user(database, "alice", "secret")
    return url, database


def code(server):
    return server.variables["rc"]


@pytest.mark.parametrize("kind", ["www", "proxy"])
def test_who_has_the_password_comes_in(opensips, users, kind):
    client = Client(opensips(text=guarded(users[0], kind)), kind=kind)
    challenge = client.challenge()
    assert code(client.server) == -4
    assert client.prove(challenge) == 200


def test_the_wrong_password_and_the_wrong_user(opensips, users):
    server = opensips(text=guarded(users[0]))
    challenge = Client(server).challenge()
    assert Client(server, password="wrong").prove(challenge) == 401 and code(server) == -2
    assert Client(server, user="mallory").prove(challenge) == 401 and code(server) == -1
    assert Client(server).prove(challenge) == 200


@pytest.mark.parametrize(("qop", "settings"), [
    ("auth", ""), ("auth-int", set_to(calculate_ha1=1, password_column="password"))])
def test_all_algorithms(opensips, users, qop, settings):
    client = Client(opensips(text=guarded(users[0], more=f'"{qop}", "{",".join(NAMES)}"', settings=settings)))
    challenges = client.challenges(client.send(body="v=0"))
    assert [each.algorithm for each in challenges] == NAMES[::-1]
    for count, challenge in enumerate(challenges, 1):  # they share a serial number
        client.password = "wrong"
        assert client.prove(challenge, count, body="v=0") == 401 and code(client.server) == -2, challenge
        client.password = "secret"
        assert client.prove(challenge, count, body="v=0") == 200, challenge


@pytest.mark.parametrize(("realm", "kind", "method", "user_domain"), [
    ("", "www", "REGISTER", "example.org"),  # To
    ("", "www", "OPTIONS", "example.com"), ("", "proxy", "REGISTER", "example.com")])  # From
def test_a_realm_of_the_request(opensips, tmp_path, realm, kind, method, user_domain):
    url, database = subscribers(tmp_path, "subscriber")
    add_user(database, "alice", "secret", user_domain)
    client = Client(opensips(text=guarded(url, kind, realm)), kind=kind, method=method)
    challenge = client.challenge()
    assert challenge.realm == user_domain and client.prove(challenge) == 200


@pytest.mark.parametrize(("settings", "status"), [("", 401), (set_to(use_domain=0), 200)])
def test_the_domain_counts_unless_it_is_not_to(opensips, tmp_path, settings, status):
    url, database = subscribers(tmp_path, "subscriber")
    add_user(database, "alice", "secret", "example.com")
    database.update("subscriber", {"domain": "elsewhere"}, {})
    client = Client(opensips(text=guarded(url, settings=settings)))
    assert client.prove(client.challenge()) == status


def test_users_with_a_domain_behind_their_name(opensips, tmp_path):
    url, database = subscribers(tmp_path, "subscriber", dialect="2.1")
    add_user(database, "alice", "secret", dialect="2.1")
    settings = set_to(use_domain=1, load_credentials="")
    client = Client(opensips(text=old(guarded(url, more="1", settings=settings))), user="alice@example.com")
    assert client.prove(client.challenge()) == 200
    client.user = "alice"
    assert client.prove(client.challenge()) == 200
    client.user = "alice@elsewhere"
    assert client.prove(client.challenge()) == 401 and code(client.server) == -1
    settings += set_to(password_column_2="ha1")
    client = Client(opensips(text=old(guarded(url, more="1", settings=settings))), user="alice@example.com")
    assert client.prove(client.challenge()) == 401 and code(client.server) == -2


def test_columns_of_another_name(opensips, tmp_path):
    url, database = subscribers(tmp_path, "subscriber")
    names = {"username": "u", "domain": "d", "ha1": "h", "ha1_sha256": "h2", "ha1_sha512t256": "h5"}
    for name, new in names.items():
        database.query(f"ALTER TABLE subscriber RENAME COLUMN {name} TO {new}")
    stored = hashes("alice", "example.com", "secret")
    database.insert("subscriber", {"u": "alice", "d": "example.com", "h": stored["ha1"], "h2": stored["ha1_sha256"],
                                   "h5": stored["ha1_sha512t256"]})
    settings = set_to(user_column="u", domain_column="d", password_column="h", hash_column_sha256="h2",
                      hash_column_sha512t256="h5")
    for algorithm in NAMES[::2]:
        client = Client(opensips(text=guarded(url, more=f'"auth", "{algorithm}"', settings=settings)))
        assert client.prove(client.challenge()) == 200


def test_columns_are_loaded_into_avps(opensips, users):
    url, database = users
    database.query("ALTER TABLE subscriber ADD COLUMN rpid VARCHAR(64)")
    database.query("ALTER TABLE subscriber ADD COLUMN level INTEGER")
    database.update("subscriber", {"rpid": "sip:+4930@example.com", "level": 7}, {"username": "alice"})
    client = Client(opensips(text=guarded(url, settings=set_to(load_credentials="rpid; $avp(mail) = level"))))
    client.password = "wrong"
    challenge = client.challenge()
    assert client.prove(challenge) == 401 and "rpid" not in client.server.runs[-1].avps
    client.password = "secret"
    assert client.prove(challenge) == 200
    assert (client.server.variables["rpid"], client.server.variables["mail"]) == ("sip:+4930@example.com", 7)
    database.update("subscriber", {"rpid": None}, {})
    assert client.prove(client.challenge()) == 200 and client.server.variables["rpid"] is None


def test_the_column_that_2_1_loads_by_itself(opensips, tmp_path):
    url, database = subscribers(tmp_path, "subscriber", dialect="2.1")
    add_user(database, "alice", "secret", dialect="2.1", rpid="sip:a@example.com")
    client = Client(opensips(text=old(guarded(url, more="1"))))
    assert client.prove(client.challenge()) == 200 and client.server.variables["rpid"] == "sip:a@example.com"


def test_a_column_to_load_that_is_not_there_costs_a_line(opensips, users):
    server = opensips(text=guarded(users[0], settings=set_to(load_credentials="rpid;email")))
    client = Client(server)
    assert client.prove(client.challenge()) == 200
    assert [each for each in server.log if "has no column" in each] == [
        "WARNING table subscriber has no column email, rpid: nothing is loaded from there"]


@pytest.mark.parametrize(("settings", "said"), [
    (set_to(load_credentials="$var(x)=rpid"), "is none"), (set_to(load_credentials="$avp(x)="), "names no column"),
    (set_to(password_column="nothing"), "has no column nothing"), (set_to(user_column="nothing"), "no column nothing"),
    (set_to(domain_column="nothing"), "has no column nothing"), (set_to(db_url="mysql://x/y"), "db_mysql"),
    (set_to(db_url="nonsense"), "nonsense")])
def test_what_cannot_work_is_refused(opensips, users, settings, said):
    with pytest.raises(ConfigError, match=said):
        opensips(text=guarded(users[0], settings=settings))


def test_a_version_that_nobody_knows(opensips, users):
    url, database = users
    database.update("version", {"table_version": 99}, {"table_name": "subscriber"})
    with pytest.raises(ConfigError, match="version 99, where 7 or 8 is known"):
        opensips(text=guarded(url))
    client = Client(opensips(text=guarded(url, settings=set_to(skip_version_check=1))))
    assert client.prove(client.challenge()) == 200


def test_a_table_that_a_variable_names(opensips, users):
    server = opensips(text=guarded(users[0], table="$hdr(X-Table)"))
    client = Client(server)
    challenge = client.challenge()
    assert client.prove(challenge) == 401 and code(server) == -5
    named = guarded(users[0], table="sub$var(x)").replace("route {", 'route { $var(x) = "scriber";')
    client = Client(opensips(text=named))
    assert client.prove(client.challenge()) == 200


@pytest.mark.parametrize("secret", [{"ha1": ""}, {"ha1": "x"}, {"ha1": "0" * 64}])
def test_an_empty_or_broken_hash_lets_nobody_in(opensips, users, secret):
    users[1].update("subscriber", secret, {})
    client = Client(opensips(text=guarded(users[0])), password="")
    assert client.prove(client.challenge()) == 401 and code(client.server) == -5


def test_an_empty_password_lets_nobody_in(opensips, users):
    users[1].update("subscriber", {"password": ""}, {})
    settings = set_to(calculate_ha1=1, password_column="password")
    client = Client(opensips(text=guarded(users[0], settings=settings)), password="")
    assert client.prove(client.challenge()) == 401 and code(client.server) == -5


HOSTILE = ["x' OR '1'='1", 'alice" --', "alice'; DROP TABLE subscriber; --", "' UNION SELECT 'a','b' --", "%", "_lice",
           "a" * 5000, "\udcff", "Robert'); DELETE FROM subscriber;--@example.com"]


def test_nothing_that_a_user_is_called_becomes_sql(opensips, users):
    server = opensips(text=guarded(users[0]))
    challenge = Client(server).challenge()
    for user in HOSTILE:
        assert Client(server, user=user, password="").prove(challenge) == 401 and code(server) in (-1, -5), user
    assert users[1].select("subscriber", ("username",)) == [("alice",)]


def test_realms_that_would_be_sql(opensips, users):
    server = opensips(text=guarded(users[0], realm="$hdr(X-Realm)"))
    client = Client(server)
    realm = "example.com' OR 'a'='a"
    sent = server.receive(request("REGISTER", "sip:example.net", headers={"X-Realm": realm}), "192.0.2.1")
    challenge = Challenge.parse(sent[0].message.header("WWW-Authenticate"))
    answer = challenge.respond("alice", Password("secret"), "REGISTER", "sip:example.net", cnonce="c", count=1)
    sent = server.receive(request("REGISTER", "sip:example.net", headers={
        "X-Realm": realm, "Authorization": str(answer)}), "192.0.2.1")
    assert sent[0].status == 401 and code(client.server) == -1

"""Groups of users, by a table and by expressions."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import request
from tests.modules.auth.client import Client
from tests.modules.users import HEAD, add_user, scripted, subscribers


@pytest.fixture
def tables(tmp_path):
    url, database = subscribers(tmp_path, "subscriber", "grp", "re_grp")
    add_user(database, "alice", "secret")
    database.insert_many("grp", ("username", "domain", "grp"), [
        ("alice", "example.com", "ld"), ("bob", "example.net", "ld"), ("carol", "example.org", "int")])
    database.insert_many("re_grp", ("reg_exp", "group_id"), [
        ("^sip:[ab].*@", 1), ("EXAMPLE\\.com$", 2), ("(broken", 3), ("@example.org", 4)])
    return url, database


def old(text):
    return "dialect=2.1\n" + text.replace("(200,", '("200",')


def run(server, sender="sip:alice@example.com", to="sip:bob@example.net", uri="sip:carol@example.org", **headers):
    server.receive(request("INVITE", uri, sender=sender, to=to, headers=headers), "192.0.2.1")
    return server.variables


MEMBERS = [
    ("From", "ld", 1), ("from", "int", -6), ("To", "ld", 1), ("Request-URI", "int", 1), ("Request-URI", "ld", -6),
    ("sip:bob@example.net", "ld", 1), ("sip:bob@elsewhere", "ld", -6), ("nobody", "ld", -1),
    ("sip:example.com", "ld", -1), ("From", "ld' OR 'a'='a", -6), ("sip:x'OR'1'='1@example.com", "ld", -6)]


@pytest.mark.parametrize(("dialect", "name"), [
    ("4.0", "db_is_user_in"), ("2.1", "db_is_user_in"), ("2.1", "is_user_in")])
def test_members(opensips, tables, dialect, name):
    text = scripted("group", tables[0], f'$var(x) = {name}("$hdr(X-Who)", "$hdr(X-Group)");',
                    'modparam("group", "use_domain", 1)\n')
    server = opensips(text=text if dialect == "4.0" else old(text))
    for who, group, result in MEMBERS:
        assert run(server, **{"X-Who": who, "X-Group": group})["x"] == result, (who, group)
    assert run(server)["x"] == -1


def test_without_the_domain(opensips, tables):
    text = scripted("group", tables[0], '$var(x) = db_is_user_in("sip:bob@elsewhere", "ld");', "{}")
    assert run(opensips(text=text.replace("{}", "")))["x"] == -6
    assert run(opensips(text=text.replace("{}", 'modparam("group", "use_domain", 0)\n')))["x"] == 1
    assert run(opensips(text=old(text.replace("{}", ""))))["x"] == 1


def test_who_was_authorized(opensips, tables):
    server = opensips(text=scripted("auth_db group", tables[0], """
        if (!proxy_authorize("example.com", "subscriber")) {
            $var(before) = db_is_user_in("Credentials", "ld");
            proxy_challenge("example.com", "auth");
            exit;
        }
        $var(x) = db_is_user_in("Credentials", "ld"); $var(y) = db_is_user_in("Credentials", "int");
        db_get_user_group("Credentials", $avp(g)); $var(g) = $(avp(g)[*]);""", RULES))
    client = Client(server, kind="proxy")
    challenge = client.challenge(sender="sip:mallory@example.com")
    assert server.variables["before"] == -1
    assert client.prove(challenge, sender="sip:mallory@example.com") == 200
    assert (server.variables["x"], server.variables["y"]) == (1, -6)
    assert server.runs[-1].avps["g"] == [1, 2]


RULES = 'modparam("group", "re_table", "re_grp")\n'
MATCH = '$var(x) = {}("{}", $avp(g));'


def groups(server, **how):
    run(server, **how)
    return server.variables["x"], sorted(server.runs[-1].avps.get("g", []))


@pytest.mark.parametrize(("dialect", "name"), [
    ("4.0", "db_get_user_group"), ("2.1", "db_get_user_group"), ("2.1", "get_user_group")])
def test_expressions(opensips, tables, dialect, name):
    text = scripted("group", tables[0], MATCH.format(name, "$hdr(X-Who)"), RULES)
    server = opensips(text=text if dialect == "4.0" else old(text.replace("$avp(g)", '"$avp(g)"')))
    for who, found in (("From", [1, 2]), ("To", [1]), ("Request-URI", [4]), ("sip:zoe@nowhere", []),
                       ("sip:example.com", [])):
        assert groups(server, **{"X-Who": who}) == (len(found) or -1, found), who
    assert any("'(broken'" in each for each in server.log)


def test_the_last_expression_of_the_table_alone(opensips, tables):
    settings = f'{RULES}modparam("group", "multiple_gid", 0)\n'
    server = opensips(text=scripted("group", tables[0], MATCH.format("db_get_user_group", "From"), settings))
    assert groups(server) == (1, [2])


def test_expressions_are_read_with_the_configuration(opensips, tables):
    text = scripted("group", tables[0], MATCH.format("db_get_user_group", "From"), RULES)
    server = opensips(text=text)
    tables[1].insert("re_grp", {"reg_exp": ".", "group_id": 9})
    assert groups(server) == (2, [1, 2])
    server.reload(text)
    assert groups(server) == (3, [1, 2, 9])


def test_no_table_of_expressions(opensips, tables):
    server = opensips(text=scripted("group", tables[0], MATCH.format("db_get_user_group", "From")))
    assert groups(server) == (-1, []) and "re_table is empty" in server.log[-1]


def test_no_database(opensips):
    server = opensips(text=f'{HEAD}loadmodule "group.so"\nroute {{\n$var(x) = db_is_user_in("From", "ld");\n}}\n')
    assert run(server)["x"] == -1 and "there is no database" in server.log[-1]


def test_names_of_ones_own(opensips, tables):
    url, database = tables
    settings = ""
    for table, columns in (("grp", ("username", "domain", "grp")), ("re_grp", ("reg_exp", "group_id"))):
        database.query(f"ALTER TABLE {table} RENAME TO my_{table}")
        database.update("version", {"table_name": f"my_{table}"}, {"table_name": table})
        for column in columns:
            database.query(f"ALTER TABLE my_{table} RENAME COLUMN {column} TO my_{column}")
    for name, value in {"table": "my_grp", "user_column": "my_username", "domain_column": "my_domain",
                        "group_column": "my_grp", "re_table": "my_re_grp", "re_exp_column": "my_reg_exp",
                        "re_gid_column": "my_group_id", "db_url": url}.items():
        settings += f'modparam("group", "{name}", "{value}")\n'
    ask = MATCH.format("db_get_user_group", "From") + ' $var(y) = db_is_user_in("From", "ld");'
    server = opensips(text=scripted("group", "sqlite:///nothing", ask, settings))
    assert groups(server) == (2, [1, 2]) and server.variables["y"] == 1
    with pytest.raises(ConfigError, match="no version of table grp"):
        opensips(text=scripted("group", url, ask))


def test_a_table_that_is_gone(opensips, tables):
    server = opensips(text=scripted("group", tables[0], '$var(x) = db_is_user_in("From", "ld");'))
    tables[1].query("DROP TABLE grp")
    assert run(server)["x"] == -1 and "no such table" in server.log[-1]

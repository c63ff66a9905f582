"""Who may have which URI, by the tables of 2.1."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import request
from tests.modules.auth.client import Client
from tests.modules.auth_db.scripts import old
from tests.modules.users import HEAD, add_user, scripted, subscribers

URIS = 'modparam("uri", "use_uri_table", 1)\n'


@pytest.fixture
def tables(tmp_path):
    url, database = subscribers(tmp_path, "subscriber", "uri", dialect="2.1")
    add_user(database, "alice", "secret", dialect="2.1")
    return url, database


def authorized(opensips, url, function, settings=""):
    """A server that authorizes Alice, then asks."""
    return opensips(text=old(scripted("auth_db uri", url, f"""
        if (!www_authorize("example.com", "subscriber")) {{
            www_challenge("example.com", "1");
            exit;
        }}
        {function}();
        $var(rc) = $rc;""", settings)))


def code(server, **how):
    client = Client(server)
    assert client.send(str(client.answer(client.challenge())), **how).status == 200
    return server.variables["rc"]


def counted(server):
    numbers = server.engine.statistics
    return numbers.get("uri:positive checks").value, numbers.get("uri:negative_checks").value


TO_AND_FROM = pytest.mark.parametrize(("function", "header"), [
    ("db_check_to", "to"), ("check_to", "to"), ("db_check_from", "sender"), ("check_from", "sender")])


@TO_AND_FROM
def test_the_name_that_was_authorized(opensips, tables, function, header):
    server = authorized(opensips, tables[0], function)
    assert code(server, **{header: "sip:Alice@example.net"}) == 1
    assert code(server, **{header: "sip:bob@example.com"}) == -10
    assert code(server, **{header: "sip:example.com"}) == -4
    assert counted(server) == (1, 1)


@TO_AND_FROM
def test_the_names_of_the_table(opensips, tables, function, header):
    url, database = tables
    server = authorized(opensips, url, function, URIS)
    assert code(server, **{header: "sip:alice@example.com"}) == -9
    database.insert("uri", {"username": "alice", "domain": "example.com", "uri_user": "sales"})
    assert code(server, **{header: "sip:sales@example.net"}) == 1
    assert code(server, **{header: "sip:x'OR'a'='a@example.net"}) == -9
    assert counted(server) == (1, 2)
    database.query("DROP TABLE uri")
    assert code(server, **{header: "sip:sales@example.net"}) == -8


@TO_AND_FROM
def test_nobody_was_authorized(opensips, tables, function, header):
    server = opensips(text=old(scripted("uri", tables[0], f"{function}(); $var(rc) = $rc;")))
    server.receive(request("REGISTER", "sip:example.com"), "192.0.2.1")
    assert server.variables["rc"] == -2 and counted(server) == (0, 1)


ASK = """
    {0}does_uri_exist(); $var(exists) = $rc;
    $var(user) = "-"; $var(realm) = "-";
    {0}get_auth_id("$ru", "$var(user)", "$var(realm)"); $var(id) = $rc;"""


def asked(server, uri):
    server.receive(request("OPTIONS", uri), "192.0.2.1")
    found = server.variables
    return found["exists"], found["id"], found["user"], found["realm"]


@pytest.mark.parametrize("prefix", ["db_", ""])
def test_users(opensips, tables, prefix):
    server = opensips(text=old(scripted("uri", tables[0], ASK.format(prefix))))
    assert asked(server, "sip:alice@elsewhere") == (1, 1, "alice", "example.com")
    assert asked(server, "sip:bob@example.com") == (-5, -4, "-", "-")
    strict = opensips(text=old(scripted("uri", tables[0], ASK.format(prefix), 'modparam("uri", "use_domain", 1)\n')))
    assert asked(strict, "sip:alice@elsewhere") == (-5, -4, "-", "-")
    assert asked(strict, "sip:alice@example.com") == (1, 1, "alice", "example.com")


@pytest.mark.parametrize("prefix", ["db_", ""])
def test_uris(opensips, tables, prefix):
    url, database = tables
    database.insert("uri", {"username": "alice", "domain": "example.com", "uri_user": "sales"})
    server = opensips(text=old(scripted("uri", url, ASK.format(prefix), URIS)))
    assert asked(server, "sip:sales@elsewhere") == (1, 1, "alice", "example.com")
    assert asked(server, "sip:alice@example.com") == (-5, -4, "-", "-")


def test_a_uri_that_the_script_has(opensips, tables):
    server = opensips(text=old(scripted("uri", tables[0], """
        $var(yes) = does_uri_exist("sip:alice@example.com"); $var(no) = does_uri_exist("sip:bob@example.com");""")))
    server.receive(request("OPTIONS", "sip:x@example.com"), "192.0.2.1")
    assert (server.variables["yes"], server.variables["no"]) == (1, -5)


def test_names_of_ones_own(opensips, tables):
    url, database = tables
    database.query("ALTER TABLE uri RENAME TO mine")
    database.insert("version", {"table_name": "mine", "table_version": 2})
    settings = f'{URIS}modparam("uri", "db_url", "{url}")\nmodparam("uri", "db_table", "mine")\n'
    for number, name in enumerate(("username", "domain", "uri_user")):
        database.query(f"ALTER TABLE mine RENAME COLUMN {name} TO c{number}")
    with pytest.raises(ConfigError, match="no columns domain, uri_user, username"):
        opensips(text=old(scripted("uri", url, ASK.format("db_"), settings)))
    for number, name in enumerate(("user", "domain", "uriuser")):
        settings += f'modparam("uri", "{name}_column", "c{number}")\n'
    database.insert("mine", {"c0": "alice", "c1": "example.com", "c2": "sales"})
    server = opensips(text=old(scripted("uri", "sqlite:///nothing", ASK.format("db_"), settings)))
    assert asked(server, "sip:sales@elsewhere") == (1, 1, "alice", "example.com")


def test_no_database(opensips):
    text = f'{HEAD}loadmodule "uri.so"\nroute {{\n{ASK.format("db_")}\nsend_reply("200", "OK");\n}}\n'
    assert asked(opensips(text=f"dialect=2.1\n{text}"), "sip:alice@example.com") == (-1, -1, "-", "-")

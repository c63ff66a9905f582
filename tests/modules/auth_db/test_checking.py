"""Who may have which URI."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import request
from tests.modules.auth.client import Client
from tests.modules.users import add_user, scripted, subscribers


@pytest.fixture
def tables(tmp_path):
    url, database = subscribers(tmp_path, "subscriber", "uri")
    add_user(database, "alice", "secret")
    return url, database


def checked(url, expression, settings=""):
    """A configuration that authorizes Alice, then asks."""
    return scripted("auth_db", url, f"""
        if (!www_authorize("example.com", "subscriber")) {{
            www_challenge("example.com", "auth");
            exit;
        }}
        {expression};
        $var(rc) = $rc;""", settings)


def code(server, **how):
    client = Client(server)
    sent = client.send(str(client.answer(client.challenge())), **how)
    assert sent.status == 200
    return server.variables["rc"]


@pytest.mark.parametrize(("function", "how"), [
    ("to", {"to": "sip:bob@example.net"}), ("from", {"sender": "sip:bob@example.net"})])
def test_only_the_uris_of_the_table(opensips, tables, function, how):
    url, database = tables
    server = opensips(text=checked(url, f'db_is_{function}_authorized("uri")'))
    assert code(server, **how) == -9
    row = {"username": "alice", "domain": "example.com", "uri_user": "bob"}
    database.insert("uri", {**row, "domain": "elsewhere"})
    assert code(server, **how) == -9
    database.insert("uri", row)
    assert code(server, **how) == 1
    (name, uri), = how.items()
    assert code(server, **{name: uri.replace("bob", "bob'OR'a'='a")}) == -9
    assert code(server, **{name: "sip:example.net"}) == -4
    assert code(server, **{name: "tel:+49301"}) in (-9, -4)
    database.query("DROP TABLE uri")
    assert code(server, **how) == -8


@pytest.mark.parametrize("function", ["to", "from"])
def test_nobody_was_authorized(opensips, tables, function):
    server = opensips(text=scripted("auth_db", tables[0], f'db_is_{function}_authorized("uri"); $var(rc) = $rc;'))
    Client(server).send()
    assert server.variables["rc"] == -2


ASK = scripted("auth_db", "@", """
    db_does_uri_exist($hdr(X-Uri), "subscriber"); $var(exists) = $rc;
    $var(user) = "-"; $var(realm) = "-";
    db_get_auth_id("uri", $hdr(X-Uri), $var(user), $var(realm)); $var(id) = $rc;""")


def asked(server, uri):
    server.receive(request("OPTIONS", "sip:example.net", headers={"X-Uri": uri}), "192.0.2.1")
    found = server.variables
    return found["exists"], found["id"], found["user"], found["realm"]


def test_users_and_who_may_have_a_uri(opensips, tables):
    url, database = tables
    database.insert("uri", {"username": "alice", "domain": "example.com", "uri_user": "sales"})
    server = opensips(text=ASK.replace("@", url))
    assert asked(server, "sip:alice@example.com") == (1, -4, "-", "-")
    assert asked(server, "sip:sales@example.com") == (-5, 1, "alice", "example.com")
    assert asked(server, "sip:sales@elsewhere") == (-5, -4, "-", "-")
    assert asked(server, "sip:alice'OR'a'='a@example.com") == (-5, -4, "-", "-")
    assert asked(server, "no uri") == (-1, -1, "-", "-")


def test_without_the_domain(opensips, tables):
    url, database = tables
    for realm in ("example.com", "example.net"):
        database.insert("uri", {"username": "alice", "domain": realm, "uri_user": "sales"})
    server = opensips(text=ASK.replace("@", url).replace(
        "route {", 'modparam("auth_db", "use_domain", 0)\nroute {'))
    assert asked(server, "sip:alice@elsewhere") == (1, -4, "-", "-")
    assert asked(server, "sip:sales@elsewhere")[:3] == (-5, 1, "alice")
    assert "more than once" in server.log[-1]


def test_columns_of_another_name(opensips, tables):
    url, database = tables
    for old, new in (("username", "u"), ("domain", "d"), ("uri_user", "a")):
        database.query(f"ALTER TABLE uri RENAME COLUMN {old} TO {new}")
    database.insert("uri", {"u": "alice", "d": "example.com", "a": "sales"})
    with pytest.raises(ConfigError, match="no columns domain, uri_user, username"):
        opensips(text=ASK.replace("@", url))
    settings = "".join(f'modparam("auth_db", "uri_{name}_column", "{column}")\n'
                       for name, column in (("user", "u"), ("domain", "d"), ("uriuser", "a")))
    server = opensips(text=ASK.replace("@", url).replace("route {", f"{settings}route {{"))
    assert asked(server, "sip:sales@example.com")[1:] == (1, "alice", "example.com")


def test_tables_that_are_gone(opensips, tables):
    url, database = tables
    server = opensips(text=ASK.replace("@", url))
    database.query("DROP TABLE uri")
    database.query("DROP TABLE subscriber")
    assert asked(server, "sip:alice@example.com") == (-4, -8, "-", "-")

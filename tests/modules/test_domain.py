"""Domains of ours, by a table."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.mi.tree import tree_of
from opensips_py.testing import request
from tests.modules.users import scripted, subscribers

ASK = """
    $var(from) = is_from_local($var(fa)); $var(uri) = is_uri_host_local($var(ua));
    $var(plain) = is_uri_host_local(); $var(any) = is_domain_local($hdr(X-Domain), $var(xa));"""
MODES = pytest.mark.parametrize("mode", [0, 1])


@pytest.fixture
def table(tmp_path):
    url, database = subscribers(tmp_path, "domain")
    database.insert("domain", {"domain": "example.com", "attrs": "gold"})
    database.insert("domain", {"domain": "example.net"})
    database.insert("domain", {"domain": "below.example.org", "attrs": "silver", "accept_subdomain": 1})
    return url, database


def script(url, mode, settings="", ask=ASK):
    return scripted("domain", url, ask, f'modparam("domain", "db_mode", {mode})\n{settings}')


def asked(server, domain, sender="sip:a@example.com"):
    server.receive(request("OPTIONS", f"sip:b@{domain}", sender=sender, headers={"X-Domain": domain}), "192.0.2.1")
    return server.variables


KNOWN = [("example.com", 1, "gold"), ("EXAMPLE.com", 1, "gold"), ("example.net", 1, None), ("a.example.com", -1, None),
         ("below.example.org", 1, "silver"), ("far.Below.below.example.org", 1, "silver"), ("example.org", -1, None),
         ("org", -1, None), ("a." * 200 + "below.example.org", -1, None), ("notbelow.example.org", -1, None)]


@MODES
def test_domains(opensips, table, mode):
    server = opensips(text=script(table[0], mode))
    for domain, ours, attributes in KNOWN:
        found = asked(server, domain)
        assert (found["from"], found["fa"]) == (1, "gold")
        assert (found["uri"], found["plain"], found["any"]) == (ours, ours, ours), domain
        assert found.get("ua") == found.get("xa") == attributes
    server.receive(request("OPTIONS", "sip:b@example.net", headers={"X-Domain": "x' OR 'a'='a"}), "192.0.2.1")
    assert (server.variables["uri"], server.variables["any"]) == (1, -1)


@MODES
def test_a_sender_of_elsewhere(opensips, table, mode):
    server = opensips(text=script(table[0], mode))
    assert asked(server, "example.com", "sip:a@elsewhere")["from"] == -1
    assert asked(server, "example.com", "tel:+49301")["from"] == -1


def test_the_table_is_asked_each_time_or_read_again(opensips, table):
    url, database = table
    asking, keeping = (opensips(text=script(url, mode)) for mode in (0, 1))
    database.insert("domain", {"domain": "new.example"})
    assert asked(asking, "new.example")["any"] == 1
    assert asked(keeping, "new.example")["any"] == -1
    assert keeping.mi("domain:reload") == "OK"
    assert asked(keeping, "new.example")["any"] == 1
    assert keeping.mi("domain:dump") == {"Domains": [
        {"name": "below.example.org", "attributes": "silver"}, {"name": "example.com", "attributes": "gold"},
        {"name": "example.net"}, {"name": "new.example"}]}
    for command in ("domain:reload", "domain:dump"):
        with pytest.raises(MIError, match="db_mode=0"):
            asking.mi(command)


def test_a_table_of_2_1_has_no_subdomains(opensips, tmp_path):
    url, database = subscribers(tmp_path, "domain", dialect="2.1")
    database.insert("domain", {"domain": "example.com", "attrs": "x"})
    for text in (script(url, 0), script(url, 1)):
        server = opensips(text=text)
        assert asked(server, "example.com")["any"] == 1 and asked(server, "a.example.com")["any"] == -1
    old = 'dialect=2.1\n' + script(url, 1, ask='$var(any) = is_domain_local("$hdr(X-Domain)", "$var(xa)");').replace(
        "(200,", '("200",')
    server = opensips(text=old)
    assert asked(server, "example.com")["any"] == 1 and server.variables["xa"] == "x"
    dumped = server.mi("domain_dump")
    assert dumped == {"Domains": [{"name": "example.com", "attributes": "x"}]}
    node, = tree_of(dumped, server.engine.generation.registry.commands["domain_dump"].call)
    assert (node.value, node.attributes) == ("example.com", {"attributes": "x"})
    assert server.mi("domain_reload") == "OK"


def test_names_of_ones_own(opensips, table):
    url, database = table
    database.query("ALTER TABLE domain RENAME TO places")
    for old, new in (("domain", "d"), ("attrs", "a"), ("accept_subdomain", "s")):
        database.query(f"ALTER TABLE places RENAME COLUMN {old} TO {new}")
    database.insert("version", {"table_name": "places", "table_version": 4})
    names = {"db_url": url, "domain_table": "places", "domain_col": "d", "attrs_col": "a", "accept_subdomain_col": "s"}
    settings = "".join(f'modparam("domain", "{name}", "{value}")\n' for name, value in names.items())
    server = opensips(text=script("sqlite:///nothing", 0, settings))
    assert asked(server, "a.below.example.org") | {"any": 1, "xa": "silver"} == server.variables
    with pytest.raises(ConfigError, match=r"table domain of .* is not there"):
        opensips(text=script(url, 0))


def test_a_database_that_is_gone_leaves_what_was_read_last(opensips, table, tmp_path):
    server, asking = opensips(text=script(table[0], 1)), opensips(text=script(table[0], 0))
    table[1].query("DROP TABLE domain")
    assert asked(server, "example.com")["any"] == 1
    with pytest.raises(MIError, match="domain"):
        server.mi("domain:reload")
    assert asked(server, "example.com")["any"] == 1
    assert asked(asking, "example.com")["any"] == -1 and "no such table" in asking.log[-1]


def test_a_database_that_comes_later(opensips, table, tmp_path):
    path = tmp_path / "subscribers.sqlite"
    away = path.rename(tmp_path / "away")
    server = opensips(text=script(table[0], 1))
    assert asked(server, "example.com")["any"] == -1
    away.rename(path)
    server.engine.generation.registry.modules["domain"].db.breaker.until = 0.0
    server.advance(5.1)
    assert asked(server, "a.below.example.org")["any"] == 1

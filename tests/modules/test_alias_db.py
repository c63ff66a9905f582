"""Aliases in a table."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import request
from tests.modules.users import scripted, subscribers


@pytest.fixture
def table(tmp_path):
    url, database = subscribers(tmp_path, "dbaliases")
    rows = [("sales", "example.com", "alice", "example.com"), ("info", "example.com", "bob", "example.net"),
            ("sales", "example.org", "carol", "example.org"), ("broken", "example.com", "", "example.com"),
            ("odd", "example.com", "a@b>;x", "example.com")]
    database.insert_many("dbaliases", ("alias_username", "alias_domain", "username", "domain"), rows)
    return url, database


def looked_up(opensips, url, uri, arguments='"dbaliases"', settings=""):
    server = opensips(text=scripted("alias_db", url, f"""
        $var(x) = alias_db_lookup({arguments}); $var(uri) = $ru; $var(more) = $(branch(uri)[*]);""", settings))
    server.receive(request("INVITE", uri), "192.0.2.1")
    return server.variables["x"], server.variables["uri"], server


ALICE, CAROL = "sip:alice@example.com", "sip:carol@example.org"


@pytest.mark.parametrize(("uri", "arguments", "found"), [
    ("sip:sales@example.com", '"dbaliases"', ALICE), ("sip:sales@example.org;x=y", '"dbaliases"', CAROL),
    ("sip:sales@elsewhere", '"dbaliases"', None), ("sip:sales@elsewhere", '"dbaliases", "d"', ALICE),
    ("sip:bob@example.net", '"dbaliases"', None), ("sip:bob@example.net", '"dbaliases", "r"', "sip:info@example.com"),
    ("sip:carol@elsewhere", '"dbaliases", "rd"', "sip:sales@example.org"), ("sip:example.com", '"dbaliases"', None),
    ("sip:sales@example.com", '"dbaliase$(rU{s.substr,4,1})"', ALICE), ("tel:+49301", '"dbaliases"', None),
    ("sip:sales@example.com", '"$rU"', None), ("sip:broken@example.com", '"dbaliases"', None),
    ("sip:odd@example.com", '"dbaliases"', None), ("sip:sales'%20OR%20'a'='a@example.com", '"dbaliases"', None)])
def test_the_request_goes_to_the_user(opensips, table, uri, arguments, found):
    result, now, _ = looked_up(opensips, table[0], uri, arguments)
    assert (result, now) == ((1, found) if found else (-1, uri))


def test_all_users_of_an_alias(opensips, table):
    settings = 'modparam("alias_db", "append_branches", 1)\n'
    alone = '"dbaliases", "d"'
    result, now, server = looked_up(opensips, table[0], "sip:sales@example.com", alone, settings)
    assert (result, now) == (1, ALICE)
    assert [each.uri for each in server.runs[-1].request.branches] == [CAROL]
    _, _, server = looked_up(opensips, table[0], "sip:sales@example.com", alone)
    assert not server.runs[-1].request.branches


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_all_users_of_an_alias_in_an_avp(opensips, table, dialect):
    call = 'alias_db_find("dbaliases", "sip:sales@example.com", $avp(found), "d"); $var(all) = $(avp(found)[*]);'
    settings = 'modparam("alias_db", "append_branches", 1)\n'
    for given, found in ((settings, [CAROL, ALICE]), ("", [ALICE])):
        text = scripted("alias_db", table[0], call, given)
        if dialect == "2.1":
            text = "dialect=2.1\n" + text.replace("$avp(found),", '"$avp(found)",')
        server = opensips(text=text)
        server.receive(request("INVITE", "sip:x@example.com"), "192.0.2.1")
        assert server.runs[-1].avps["found"] == found


def test_a_prefix_of_domains(opensips, table):
    settings = 'modparam("alias_db", "domain_prefix", "sip.")\n'
    for domain in ("sip.example.com", "SIP.example.com", "example.com"):
        assert looked_up(opensips, table[0], f"sip:sales@{domain}", settings=settings)[1] == ALICE
    assert looked_up(opensips, table[0], "sip:sales@sip.", settings=settings)[0] == -1


FIND = """$var(out) = "-"; $var(x) = alias_db_find("dbaliases", $hdr(X-Uri), $var(out){});"""


@pytest.mark.parametrize(("dialect", "flags", "uri", "found"), [
    ("4.0", "", "sip:sales@example.com", ALICE), ("2.1", "", "sip:sales@example.com", ALICE),
    ("4.0", ', "r"', ALICE, "sip:sales@example.com"), ("2.1", ', "rd"', "sip:bob@x", "sip:info@example.com"),
    ("4.0", "", "nonsense", "-"), ("4.0", "", "sip:nobody@example.com", "-")])
def test_finding(opensips, table, dialect, flags, uri, found):
    text = scripted("alias_db", table[0], FIND.format(flags))
    if dialect == "2.1":
        text = "dialect=2.1\n" + text.replace("$hdr(X-Uri), $var(out)", '"$hdr(X-Uri)", "$var(out)"').replace(
            "(200,", '("200",')
    server = opensips(text=text)
    server.receive(request("OPTIONS", "sip:x@example.com", headers={"X-Uri": uri}), "192.0.2.1")
    assert (server.variables["x"], server.variables["out"]) == (-1 if found == "-" else 1, found)


def test_columns_of_another_name(opensips, table):
    url, database = table
    settings = ""
    for number, name in enumerate(("username", "domain", "alias_username", "alias_domain")):
        database.query(f"ALTER TABLE dbaliases RENAME COLUMN {name} TO c{number}")
        settings += f'modparam("alias_db", "{name.replace("username", "user")}_column", "c{number}")\n'
    assert looked_up(opensips, url, "sip:sales@example.com", settings=settings)[1] == ALICE
    with pytest.raises(ConfigError, match="no columns"):
        looked_up(opensips, url, "sip:sales@example.com")


def test_another_database_for_this_module(opensips, table, tmp_path):
    empty = f"sqlite://{tmp_path}/none.sqlite"
    settings = f'modparam("alias_db", "db_url", "{table[0]}")\n'
    assert looked_up(opensips, empty, "sip:sales@example.com", settings=settings)[1] == ALICE


def test_a_table_that_is_gone(opensips, table):
    server = looked_up(opensips, table[0], "sip:sales@example.com")[2]
    table[1].query("DROP TABLE dbaliases")
    server.receive(request("INVITE", "sip:sales@example.com"), "192.0.2.1")
    assert server.variables["x"] == -1 and "no such table" in server.log[-1]


def test_a_flag_that_is_none(opensips, table):
    with pytest.raises(ConfigError, match=r"is not one of d, r"):
        looked_up(opensips, table[0], "sip:sales@example.com", '"dbaliases", "x"')

"""Relays out of a table."""
from __future__ import annotations

import pytest

from opensips_py.errors import MIError
from tests.modules.users import subscribers


def settings(url, more=""):
    return f'loadmodule "db_sqlite.so"\nmodparam("rtpproxy", "db_url", "{url}")\n{more}'


def urls(server, command="rtpproxy:show"):
    """The relays of each set, with whether they are disabled."""
    return {each["Set"]: {node["url"]: node["disabled"] for node in each["Nodes"]} for each in server.mi(command)}


@pytest.mark.parametrize(("dialect", "show", "reload"), [
    ("2.1", "rtpproxy_show", "rtpproxy_reload"), ("4.0", "rtpproxy:show", "rtpproxy:reload")])
def test_relays_of_a_table(start, fake, tmp_path, dialect, show, reload):
    url, database = subscribers(tmp_path, "rtpproxy_sockets", dialect=dialect)
    questions = []
    first, second, third = fake(), fake(), fake(lambda command: questions.append(command) or "20040107")
    database.insert("rtpproxy_sockets", {"rtpproxy_sock": f"{second.url}=2", "set_id": 5})
    server = start("", first, settings=settings(url), dialect=dialect)
    assert urls(server, show) == {0: {first.url: 0}, 5: {second.url: 0}}
    database.insert("rtpproxy_sockets", {"rtpproxy_sock": third.url, "set_id": 1})
    assert server.mi(reload) == "OK"
    assert urls(server, show) == {1: {third.url: 0}, 5: {second.url: 0}}
    assert questions == ["V"]


def test_names_of_table_and_columns(start, fake, tmp_path):
    url, database = subscribers(tmp_path, "rtpproxy_sockets")
    relay = fake()
    database.query('CREATE TABLE mine (number INTEGER, place TEXT)')
    database.insert("version", {"table_name": "mine", "table_version": 0})
    database.insert("mine", {"place": relay.url, "number": 3})
    server = start("", settings=settings(url, '''
        modparam("rtpproxy", "db_table", "mine") modparam("rtpproxy", "rtpp_socket_col", "place")
        modparam("rtpproxy", "set_id_col", "number")'''))
    assert urls(server) == {3: {relay.url: 0}}


def test_without_a_database_there_is_nothing_to_read(start, fake):
    with pytest.raises(MIError, match="names no database"):
        start("", fake()).mi("rtpproxy:reload")

"""Engines out of a table."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError, MIError
from tests.modules.users import subscribers


def settings(url, more=""):
    return f'loadmodule "db_sqlite.so"\nmodparam("rtpengine", "db_url", "{url}")\n{more}'


def urls(server):
    """The engines of each set, with whether they are disabled."""
    return {each["Set"]: {node["url"]: node["disabled"] for node in each["Nodes"]} for each in
            server.mi("rtpengine:show")}


@pytest.fixture
def table(tmp_path):
    return subscribers(tmp_path, "rtpengine")


def test_engines_of_script_and_table(start, fake, table):
    url, database = table
    first, second, third = fake(), fake(), fake()
    database.insert("rtpengine", {"socket": f"{second.url}=2 {third.url}", "set_id": 5})
    server = start("", first, settings=settings(url))
    assert urls(server) == {0: {first.url: 0}, 5: {second.url: 0, third.url: 0}}
    assert [each["command"] for each in second.asked] == ["ping"]


def test_a_table_that_is_read_again_counts_alone(start, fake, table):
    url, database = table
    first, second, third = fake(), fake(), fake()
    database.insert("rtpengine", {"socket": second.url, "set_id": 0})
    server = start("", first, settings=settings(url))
    database.insert("rtpengine", {"socket": third.url, "set_id": 1})
    assert server.mi("rtpengine:reload") == "OK"
    assert urls(server) == {0: {second.url: 0}, 1: {third.url: 0}}
    assert [each["command"] for each in third.asked] == ["ping"]


def test_disabled_engines_stay_so_where_it_is_soft(start, fake, table):
    url, database = table
    engine = fake()
    database.insert("rtpengine", {"socket": engine.url, "set_id": 0})
    server = start("", settings=settings(url))
    server.mi("rtpengine:enable", engine.url, 0)
    server.mi("rtpengine:reload", "soft")
    assert urls(server) == {0: {engine.url: 1}}
    server.mi("rtpengine:reload")
    assert urls(server) == {0: {engine.url: 0}}
    with pytest.raises(MIError, match="soft"):
        server.mi("rtpengine:reload", "hard")


def test_names_of_table_and_columns(start, fake, table):
    url, database = table
    engine = fake()
    database.query('CREATE TABLE mine (number INTEGER, place TEXT)')
    database.insert("version", {"table_name": "mine", "table_version": 1})
    database.insert("mine", {"place": engine.url, "number": 3})
    server = start("", settings=settings(url, '''
        modparam("rtpengine", "db_table", "mine") modparam("rtpengine", "socket_column", "place")
        modparam("rtpengine", "set_column", "number")'''))
    assert urls(server) == {3: {engine.url: 0}}


def test_rows_that_are_wrong_are_left_out(start, fake, table):
    url, database = table
    engine = fake()
    for place, number in (("|x", 1), (engine.url, 2)):
        database.insert("rtpengine", {"socket": place, "set_id": number})
    server = start("", settings=settings(url))
    assert urls(server) == {2: {engine.url: 0}}
    assert server.log.matching("table rtpengine, set 1: '|x' names no relay")


def test_a_table_that_is_not_there(start, tmp_path):
    url, _ = subscribers(tmp_path, "domain")
    with pytest.raises(ConfigError, match="table rtpengine"):
        start("", settings=settings(url))


def test_a_database_needs_its_driver(start):
    with pytest.raises(ConfigError, match=r'add loadmodule "db_sqlite\.so"'):
        start("", settings='modparam("rtpengine", "db_url", "sqlite:///tmp/none")')


def test_without_a_database_there_is_nothing_to_read(start, fake):
    with pytest.raises(MIError, match="names no database"):
        start("", fake()).mi("rtpengine:reload")

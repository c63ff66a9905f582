"""Media relays of a table, by the modules that have one."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError, MIError
from tests.db.databases import create

MODULES = {
    "rtpengine": ("rtpengine", "rtpengine", "socket", {"socket_column": "s", "set_column": "n", "db_table": "mine"}),
    "rtpproxy": ("rtpproxy_sockets", "rtpproxy_sock", "rtpproxy_sock",
                 {"rtpp_socket_col": "s", "set_id_col": "n", "db_table": "mine"})}
SCRIPT = """{dialect}
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "db_sqlite.so"
loadmodule "{module}.so"
modparam("{module}", "{module}_retr", 0)
{settings}
route {{
exit;
}}
"""


@pytest.fixture(params=MODULES)
def module(request):
    return request.param


@pytest.fixture
def table(module, tmp_path):
    """The URL of a database, the database, the table, and its column of sockets."""
    name, _, column, _ = MODULES[module]
    url = f"sqlite://{tmp_path}/o.sqlite"
    database = create(url, name)
    database.insert_many(name, (column, "set_id"), [
        ("udp:127.0.0.1:9=3 udp:127.0.0.1:11", 1), ("udp:127.0.0.1:13", 2), ("", 2)])
    return url, database, name, column


def script(module, url, settings="", dialect=""):
    given = f'modparam("{module}", "db_url", "{url}")\n' if url else ""
    return SCRIPT.format(module=module, settings=given + settings, dialect=dialect)


def shown(server, module):
    return {each["Set"]: [(node["url"].rpartition(":")[2], node["weight"]) for node in each["Nodes"]]
            for each in server.mi(f"{module}:show")}


def test_beside_those_of_the_script_until_it_is_read_again(opensips, module, table):
    url, database, name, column = table
    server = opensips(text=script(module, url, f'modparam("{module}", "{module}_sock", "2 == udp:127.0.0.1:7")\n'))
    assert shown(server, module) == {1: [("9", 3), ("11", 1)], 2: [("7", 1), ("13", 1)]}
    database.insert(name, {column: "udp:127.0.0.1:15", "set_id": 3})
    assert server.mi(f"{module}:reload") == "OK"
    assert shown(server, module) == {1: [("9", 3), ("11", 1)], 2: [("13", 1)], 3: [("15", 1)]}
    database.query(f"DROP TABLE {name}")
    with pytest.raises(MIError, match="no such table"):
        server.mi(f"{module}:reload")
    assert sorted(shown(server, module)) == [1, 2, 3]


def test_names_of_ones_own(opensips, module, table):
    url, database, name, column = table
    settings = "".join(f'modparam("{module}", "{each}", "{value}")\n' for each, value in MODULES[module][3].items())
    with pytest.raises(ConfigError, match="table mine"):
        opensips(text=script(module, url, settings))
    database.query(f"ALTER TABLE {name} RENAME TO mine")
    for old, new in ((column, "s"), ("set_id", "n")):
        database.query(f"ALTER TABLE mine RENAME COLUMN {old} TO {new}")
    database.update("version", {"table_name": "mine"}, {"table_name": name})
    assert sorted(shown(opensips(text=script(module, url, settings)), module)) == [1, 2]


def test_what_makes_no_sense_is_left_out(opensips, module, table):
    table[1].insert(table[2], {table[3]: "=5", "set_id": 1})
    server = opensips(text=script(module, table[0]))
    assert sorted(shown(server, module)) == [1, 2] and any("'=5' of set 1 is left out" in each for each in server.log)


def test_no_database(opensips, module):
    loading = f'loadmodule "{module}.so"\n'
    text = script(module, "").replace(loading, f'{loading}modparam("{module}", "{module}_sock", "udp:127.0.0.1:1")\n')
    with pytest.raises(MIError, match="no database"):
        opensips(text=text).mi(f"{module}:reload")


def test_a_database_that_comes_later(opensips, module, table, tmp_path):
    path = tmp_path / "o.sqlite"
    away = path.rename(tmp_path / "away")
    server = opensips(text=script(module, table[0]))
    assert shown(server, module) == {}
    away.rename(path)
    server.engine.generation.registry.modules["db_sqlite"].databases[table[0]].breaker.until = 0.0
    server.advance(5.1)
    assert sorted(shown(server, module)) == [1, 2]


def test_engines_that_are_left_alone_stay_so_where_asked_for(opensips, tmp_path):
    url = f"sqlite://{tmp_path}/o.sqlite"
    create(url, "rtpengine").insert("rtpengine", {"socket": "udp:127.0.0.1:9", "set_id": 1})
    server = opensips(text=script("rtpengine", url))

    def disabled():
        return [node["disabled"] for each in server.mi("rtpengine:show") for node in each["Nodes"]]
    server.mi("rtpengine:enable", "udp:127.0.0.1:9", "0")
    assert disabled() == [1]
    assert server.mi("rtpengine:reload", "soft") == "OK" and disabled() == [1]
    assert server.mi("rtpengine:reload") == "OK"
    assert [name for name, _ in server.events if name == "E_RTPENGINE_STATUS"]


def test_the_command_of_2_1(opensips, tmp_path):
    url = f"sqlite://{tmp_path}/o.sqlite"
    database = create(url, "rtpproxy_sockets")
    server = opensips(text=script("rtpproxy", url, dialect="dialect=2.1"))
    database.insert("rtpproxy_sockets", {"rtpproxy_sock": "udp:127.0.0.1:9", "set_id": 1})
    assert server.mi("rtpproxy_reload") == "OK"
    assert [each["Set"] for each in server.mi("rtpproxy_show")] == [1]

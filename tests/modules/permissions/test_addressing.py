"""Groups of addresses, from tables."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.mi.tree import tree_of
from opensips_py.testing import request
from tests.db.databases import create
from tests.modules.users import HEAD

ROWS = [(1, "192.0.2.1", 32, 0, "any", None, "host"), (1, "198.51.100.0", 24, 5060, "udp", None, None),
        (2, "192.0.2.1", 32, 0, "tcp", None, "tcp"), (3, "2001:db8::", 32, 0, "any", "4930*", "six"),
        (4, "203.0.113.0", 25, 0, "any", "alice?", "net")]
COLUMNS = ("grp", "ip", "mask", "port", "proto", "pattern", "context_info")


@pytest.fixture
def table(tmp_path):
    url = f"sqlite://{tmp_path}/o.sqlite"
    database = create(url, "address")
    database.insert_many("address", COLUMNS, ROWS)
    return url, database


def script(url, route, settings="", dialect="4.0"):
    old = dialect == "2.1"
    given = f'modparam("permissions", "db_url", "{url}")\n' if url else ""
    return (f'{"dialect=2.1" if old else ""}\n{HEAD}loadmodule "db_sqlite.so"\nloadmodule "permissions.so"\n{given}'
            f"{settings}\nroute {{\n{route}\n}}\n")


def result(opensips, url, call, host="192.0.2.1", settings="", dialect="4.0"):
    server = opensips(text=script(url, f'$var(info) = "-"; {call}; $var(rc) = $rc;', settings, dialect))
    server.receive(request("INVITE", "sip:b@example.com"), host)
    return server.variables["rc"], server.variables.get("info")


CHECKS = [
    ('check_address(1, "192.0.2.1", 5060, "udp", $var(info))', (1, "host")),
    ('check_address(1, "192.0.2.1", 5060, "udp")', (1, "-")),
    ('check_address(1, "198.51.100.9", 5060, "UDP", $var(info))', (1, "")),
    ('check_address(1, "198.51.100.9", 5061, "udp")', (-1, "-")),
    ('check_address(1, "198.51.100.9", 0, "ANY")', (1, "-")), ('check_address(1, "198.51.100.9", 0, "tcp")', (-1, "-")),
    ('check_address(0, "192.0.2.1", 1, "tls", $var(info))', (1, "host")),
    ('check_address(2, "192.0.2.1", 1, "tls")', (-1, "-")), ('check_address(7, "192.0.2.1", 1, "tls")', (-2, "-")),
    ('check_address(3, "2001:db8::7", 1, "udp", , "493012")', (1, "-")),
    ('check_address(3, "[2001:db8::7]", 1, "udp", $var(info), "4430")', (-1, "-")),
    ('check_address(3, "2001:db8::7", 1, "udp", $var(info))', (1, "six")),
    ('check_address(7, "no address", 1, "udp")', (-1, "-")),
    ('check_address(1, "no address", 1, "udp")', (-1, "-")), ('check_address(1, "192.0.2.1", 1, "carrier")', (-1, "-")),
    ('check_address($hdr(X-G), $hdr(X-I), $hdr(X-P), $hdr(X-T), $var(info))', (1, "net"))]


def test_checking(opensips, table):
    """All of them in one script: the number of the one is in a header."""
    cases = "".join(f'if ($hdr(X-Case) == "{number}") {{ {call}; $var(rc) = $rc; }}\n'
                    for number, (call, _) in enumerate(CHECKS))
    server = opensips(text=script(table[0], f'$var(info) = "-";\n{cases}'))
    for number, (call, found) in enumerate(CHECKS):
        headers = {"X-Case": str(number), "X-G": "4", "X-I": "203.0.113.127", "X-P": "9", "X-T": "tls"}
        server.receive(request("INVITE", "sip:b@example.com", headers=headers), "192.0.2.1")
        assert (server.variables["rc"], server.variables["info"]) == found, call


@pytest.mark.parametrize(("call", "found"), [
    ('check_address("1", "192.0.2.1", "5060", "udp", "$var(info)")', (1, "host")),
    ('check_address("4", "$si", "$sp", "any", "$var(info)", "alicex")', (-1, "-")),
    ('check_address("4", "203.0.113.9", "5", "any", "$var(info)", "alicex")', (1, "net")),
    ('check_source_address("1", "$var(info)")', (1, "host")), ('check_source_address("2")', (-1, "-")),
    ('check_source_address("1", "$var(info)", "text")', (1, "host")), ('get_source_group("$var(info)")', (1, 1))])
def test_as_2_1_writes_it(opensips, table, call, found):
    assert result(opensips, table[0], call, dialect="2.1") == found


@pytest.mark.parametrize(("call", "found"), [
    ('check_address("peers:1", "$si", "0", "any", "$var(info)")', (1, "peer")),
    ('$var(part) = "other"; check_address("$var(part):5", "$si", "0", "any", "$var(info)")', (1, "other")),
    ('check_address("default:1", "$si", "0", "any", "$var(info)")', (1, "host")),
    ('check_source_address("peers:1", "$var(info)")', (1, "peer")),
    ('check_source_address("other:1")', (-2, "-")), ('check_address("none:1", "$si", "0", "any")', (-1, "-"))])
def test_partitions_as_scripts_of_2_4_write_them(opensips, table, partitions, call, found):
    assert result(opensips, table[0], call, settings=partitions, dialect="2.1") == found


@pytest.mark.parametrize("group", ["first", ":1", "default:one"])
def test_what_is_no_group(opensips, table, group):
    with pytest.raises(ConfigError, match="argument 'group_id'"):
        result(opensips, table[0], f'check_address("{group}", "$si", "0", "any")', dialect="2.1")


@pytest.mark.parametrize(("call", "host", "found"), [
    ("check_source_address(1, $var(info))", "192.0.2.1", (1, "host")),
    ("check_source_address(1)", "192.0.2.2", (-1, "-")), ("check_source_address(9)", "192.0.2.1", (-2, "-")),
    ('check_source_address(4, $var(info), "alice1")', "203.0.113.5", (1, "net")),
    ('check_source_address(4, , "bob")', "203.0.113.5", (-1, "-")),
    ("get_source_group($var(info))", "203.0.113.5", (1, 4)),
    ("get_source_group($var(info))", "203.0.113.200", (-1, "-"))])
def test_the_source_of_a_request(opensips, table, call, host, found):
    assert result(opensips, table[0], call, host) == found


@pytest.fixture
def partitions(table, tmp_path):
    other = f"sqlite://{tmp_path}/other.sqlite"
    create(other, "address").insert("address", {"grp": 5, "ip": "192.0.2.1", "context_info": "other"})
    table[1].query("CREATE TABLE peers AS SELECT * FROM address")
    table[1].update("peers", {"context_info": "peer"}, {})
    table[1].insert("version", {"table_name": "peers", "table_version": 5})
    return (f'modparam("permissions", "partition", "\n other:\n db_url = {other};\n table_name = address")\n'
            'modparam("permissions", "partition", "peers: table_name=peers")\n')


@pytest.mark.parametrize(("call", "found"), [
    ('check_address(5, "192.0.2.1", 1, "udp", $var(info), , "other")', (1, "other")),
    ('check_address(5, "192.0.2.1", 1, "udp", $var(info))', (-2, "-")),
    ('check_source_address(1, $var(info), , "peers")', (1, "peer")),
    ('check_source_address(1, $var(info), , "default")', (1, "host")),
    ('get_source_group($var(info), "other")', (1, 5)), ('check_source_address(1, , , "nothing")', (-1, "-"))])
def test_partitions(opensips, table, partitions, call, found):
    assert result(opensips, table[0], call, settings=partitions) == found


def test_a_partition_without_a_default_one(opensips, table, partitions):
    settings = f'db_default_url="{table[0]}"\nmodparam("permissions", "partition", "mine: ")\n'
    assert result(opensips, "", 'check_source_address(1, $var(info), , "mine")', settings=settings) == (1, "host")
    assert result(opensips, "", "check_source_address(1, $var(info))", settings=settings) == (-1, "-")


HOSTS = [{"grp": 1, "ip": "192.0.2.1", "mask": "32", "port": 0, "proto": "any", "pattern": "", "context_info": "host"},
         {"grp": 2, "ip": "192.0.2.1", "mask": "32", "port": 0, "proto": "tcp", "pattern": "", "context_info": "tcp"}]
NETS = [{"grp": 1, "ip": "198.51.100.0", "mask": "255.255.255.0", "port": 5060, "proto": "udp", "pattern": "",
         "context_info": ""},
        {"grp": 3, "ip": "2001:db8::", "mask": "ffff:ffff::", "port": 0, "proto": "any", "pattern": "4930*",
         "context_info": "six"},
        {"grp": 4, "ip": "203.0.113.0", "mask": "255.255.255.128", "port": 0, "proto": "any", "pattern": "alice?",
         "context_info": "net"}]


def test_management(opensips, table, partitions):
    server = opensips(text=script(table[0], "exit;", partitions))
    assert server.mi("permissions:address_dump", partition="default") == {"part": "default", "Destinations": HOSTS}
    assert server.mi("permissions:subnet_dump", partition="default") == {"part": "default", "Destinations": NETS}
    assert [each["name"] for each in server.mi("permissions:address_dump")["Partitions"]] == [
        "default", "other", "peers"]
    assert [len(each["Destinations"]) for each in server.mi("permissions:subnet_dump")["Partitions"]] == [3, 0, 3]
    table[1].delete("peers", {})
    table[1].insert("address", {"grp": 9, "ip": "10.0.0.0", "mask": 8})
    assert server.mi("permissions:address_reload", partition="peers") == "OK"
    assert [len(each["Destinations"]) for each in server.mi("permissions:subnet_dump")["Partitions"]] == [3, 0, 0]
    assert server.mi("permissions:address_reload") == "OK"
    assert [len(each["Destinations"]) for each in server.mi("permissions:subnet_dump")["Partitions"]] == [4, 0, 0]
    for command, error in ("address_reload", "reload failed"), ("address_dump", "No such"), ("subnet_dump", "No such"):
        with pytest.raises(MIError, match=error):
            server.mi(f"permissions:{command}", partition="nothing")


def shown(server, command):
    """The lines of an answer of 2.1."""
    method = server.engine.generation.registry.commands[command].call
    return [each.value for each in tree_of(server.mi(command), method)]


def test_management_of_2_1(opensips, table):
    server = opensips(text=script(table[0], "exit;", dialect="2.1"))
    assert server.mi("address_dump") == {"part": "default", "Destinations": HOSTS}
    assert shown(server, "address_dump") == [
        "   0 <192.0.2.1,1, 0, 0, NULL, host>", "   1 <192.0.2.1,2, 0, 2, NULL, tcp>"]
    assert shown(server, "subnet_dump")[0] == "   0 <1, 198.51.100.0, 255.255.255.0, 5060>"
    table[1].insert("address", {"grp": 9, "ip": "10.0.0.0", "mask": 8})
    assert server.mi("subnet_dump") == {"part": "default", "Destinations": NETS}
    assert server.mi("address_reload") == "OK"
    assert len(server.mi("subnet_dump")["Destinations"]) == 4


def test_rows_that_make_no_sense_are_left_out(opensips, table):
    table[1].insert_many("address", COLUMNS, [(1, "no address", 32, 0, "any", None, None),
                                              (1, "10.0.0.1", 99, 0, "any", None, None),
                                              (1, "10.0.0.1", 32, 0, "carrier", None, None)])
    server = opensips(text=script(table[0], "$var(x) = check_source_address(1);"))
    server.receive(request("INVITE", "sip:b@example.com"), "192.0.2.1")
    assert server.variables["x"] == 1
    assert [each for each in server.log if "left out" in each] == [
        "ERROR table address: 3 rows are left out, such as 'no address': ('no address', 32) does not appear to be an "
        "IPv4 or IPv6 network"]


def test_a_database_that_is_gone_leaves_what_was_read_last(opensips, table):
    server = opensips(text=script(table[0], "$var(x) = check_source_address(1);"))
    table[1].query("DROP TABLE address")
    with pytest.raises(MIError, match="no such table"):
        server.mi("permissions:address_reload")
    server.receive(request("INVITE", "sip:b@example.com"), "192.0.2.1")
    assert server.variables["x"] == 1


def test_names_of_ones_own(opensips, table):
    url, database = table
    database.query("ALTER TABLE address RENAME TO mine")
    database.update("version", {"table_name": "mine"}, {"table_name": "address"})
    settings = 'modparam("permissions", "address_table", "mine")\n'
    for parameter, column in zip(("grp", "ip", "mask", "port", "proto", "pattern", "info"), COLUMNS, strict=True):
        database.query(f"ALTER TABLE mine RENAME COLUMN {column} TO my_{column}")
        settings += f'modparam("permissions", "{parameter}_col", "my_{column}")\n'
    call = 'check_address(4, "203.0.113.9", 1, "udp", $var(info), "alice1")'
    assert result(opensips, url, call, settings=settings) == (1, "net")


@pytest.mark.parametrize(("settings", "said"), [
    ('modparam("permissions", "partition", "x")\n', "a partition is a name"),
    ('modparam("permissions", "partition", "x: table=y")\n', "neither db_url"),
    ('modparam("permissions", "partition", "x: table_name=y")\n', "no version of table y"),
    ('modparam("permissions", "partition", "x: db_url = mysql://h/d")\n', "needs its driver"),
    ('modparam("permissions", "partition", "x:")\n' * 2, "given twice"),
    ('modparam("permissions", "ip_col", "nothing")\n', "has no column nothing")])
def test_what_cannot_work_is_refused(opensips, table, settings, said):
    with pytest.raises(ConfigError, match=said):
        opensips(text=script(table[0], "exit;", settings))

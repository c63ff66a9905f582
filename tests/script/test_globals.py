import pytest

from opensips_py.script import globals as core


@pytest.mark.parametrize(("name", "dialect"), [
    ("listen", "2.1"), ("children", "2.1"), ("debug", "2.1"), ("fork", "2.1"), ("socket", "4.0"),
    ("udp_workers", "4.0"),
    ("log_level", "4.0"), ("stderror_enabled", "4.0"), ("alias", None), ("log_stderror", None), ("mpath", None)])
def test_names_of_one_dialect_give_it_away(name, dialect):
    assert core.find(name).marks == dialect


def test_defaults_differ_by_dialect():
    old, new = core.defaults("2.1"), core.defaults("4.0")
    assert (old["max_while_loops"], new["max_while_loops"]) == (100, 10000)
    assert (old["auto_aliases"], new["auto_aliases"]) == (True, False)
    assert (old["udp_workers"], old["log_level"], old["socket"]) == (8, 2, [])
    assert old.keys() == new.keys() and "debug" not in new and "children" not in new


def test_both_names_are_kept_under_one():
    for old, new in (("listen", "socket"), ("children", "udp_workers"), ("debug", "log_level"),
                     ("tcp_children", "tcp_workers"), ("log_stderror", "stderror_enabled"),
                     ("log_facility", "syslog_facility"), ("tcp_listen_backlog", "tcp_socket_backlog")):
        assert core.find(old).kept_as == new == core.find(new).kept_as


def test_aliases():
    assert core.find("uid") is core.find("user") and core.find("wdir") is core.find("workdir")
    assert core.find("tcp_threshold") is core.find("tcpthreshold")
    assert core.find("nosuch") is None and core.unknown("max_while_loop") == "did you mean max_while_loops?"


@pytest.mark.parametrize(("name", "value", "kept"), [
    ("tcp_accept_aliases", 1, True), ("children", 4, 4), ("server_header", "Server: x", "Server: x"), ("tos", 16, 16),
    ("tos", "IPTOS_LOWDELAY", 16), ("tcp_no_new_conn_bflag", 6, "6"), ("debug", -3, -3)])
def test_values(name, value, kept):
    assert core.find(name).convert(value) == kept


@pytest.mark.parametrize(("name", "value"), [
    ("children", "four"), ("children", -1), ("advertised_port", 70000), ("server_header", 5), ("tos", "FAST"),
    ("check_via", "yes")])
def test_wrong_values_are_refused(name, value):
    with pytest.raises(ValueError):
        core.find(name).convert(value)


def test_what_does_nothing_says_so():
    for each in core.TABLE:
        assert each.idle == each.effect.startswith("accepted without effect"), each.name

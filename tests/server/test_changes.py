"""What a reload would change, as the checking process says it."""
import json
import os
import subprocess
import sys

import pytest

from opensips_py.server import description, sources
from opensips_py.server.description import Description
from opensips_py.server.wish import Wish

TEXT = """workers=2
socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "cfgutils.so"
route { sl_send_reply(200, "OK"); }
"""


@pytest.fixture
def checked(tmp_path):
    """The description of a text beside TEXT, on which a server runs."""
    path = tmp_path / "x.cfg"
    fds = sources.create()
    sources.place(fds, 3, {str(path): TEXT})

    def check(text):
        path.write_text(text)
        ran = subprocess.run([sys.executable, "-m", "opensips_py.server.check", str(path), "--against", f"{fds[1]}:3"],
                             capture_output=True, check=True, pass_fds=[fds[1]])
        return description.load(ran.stdout)
    yield check
    for fd in fds:
        os.close(fd)


def test_all_at_once(checked):
    result = checked(TEXT.replace('"OK"', '"Fine"').replace("workers=2", "workers=3\ntos=8\nsocket=udp:127.0.0.1:5062")
                     .replace("127.0.0.1:5060", "127.0.0.1:5061").replace(
                         'loadmodule "cfgutils.so"',
                         'loadmodule "cfgutils.so"\nmodparam("cfgutils", "shv_hash_size", 1)'))
    assert result.route_changes == ["route is changed"]
    assert result.other_changes == [
        "tos is 8, was 16", "workers is 3, was 2", "shv_hash_size of module cfgutils is 1, was as by default",
        "listener udp:127.0.0.1:5062 is added", "listener udp:127.0.0.1:5061 is added",
        "listener udp:127.0.0.1:5060 is removed"]
    assert [each.port for each in result.added] == [5062, 5061] and [each.port for each in result.removed] == [5060]
    assert result.rolling == ["tos is 8: a worker sets its sockets up when it starts (rolling_restart brings it)"]
    assert result.restart == [
        "shv_hash_size of module cfgutils is 1, was as by default: "
        "the memory for shared variables is laid out when the "
        "server starts (the server has to be restarted)",
        "the number of workers is 3, was 2: calls are shared out among the workers when the server starts "
        "(the server has to be restarted)"]


def test_a_listener_that_is_described_otherwise(checked):
    result = checked(TEXT.replace(":5060", ":5060 as proxy.example:5060"))
    assert result.other_changes == ["listener udp:127.0.0.1:5060 is described otherwise"]
    assert len(result.rolling) == 1 and "rolling_restart" in result.rolling[0] and result.added == []


def test_where_the_log_goes(checked):
    [reason] = checked(TEXT.replace("workers=2", "workers=2\nlog_prefix=\"x\"")).restart
    assert reason.startswith("where the log goes, or its format is another")


def test_nothing_is_different(checked):
    result = checked("# other words\n" + TEXT)
    assert result.changes == result.restart == result.rolling == result.added == result.removed == []
    assert json.loads(result.dump())["route_changes"] == []


def test_a_broken_one_is_not_compared(checked):
    result = checked(TEXT.replace("sl_send", "sl_sent"))
    assert len(result.errors) == 1 and result.changes == []


# What is asked of the supervisor


def answered(result, **wish):
    told = []
    return Wish(told.append, **wish).answered(result), told


def test_a_reload_that_can_be_done():
    assert answered(Description(route_changes=["a"], other_changes=["b"])) == (False, [])
    assert answered(Description(route_changes=["a"]), routes_only=True) == (False, [])


def test_a_dry_run_of_routes_tells_what_is_no_route():
    over, told = answered(Description(route_changes=["a"], other_changes=["b"]), dry_run=True, routes_only=True)
    assert over and told[0]["reasons"] == ["b (not a route: reload takes it over)"]


def test_a_dry_run_only_tells():
    over, told = answered(Description(route_changes=["a"], other_changes=["b"], restart=["c"]), dry_run=True)
    assert over and told == [{"ok": False, "reasons": ["c"], "changes": ["a", "b"]}]


@pytest.mark.parametrize(("result", "reasons"), [
    (Description(errors=["x"], restart=["c"]), ["x"]), (Description(restart=["c"], rolling=["d"]), ["c", "d"])])
def test_a_reload_that_is_refused(result, reasons):
    assert answered(result) == (True, [{"ok": False, "reasons": reasons}])


def test_routes_alone():
    over, told = answered(Description(route_changes=["a"], other_changes=["b"]), routes_only=True)
    assert over and told == [{"ok": False, "reasons": ["b (not a route: reload takes it over)"]}]


def test_a_rolling_restart_takes_what_a_reload_cannot():
    rolled = []
    assert Wish(rolls=lambda: rolled.append(1)).answered(Description(rolling=["d"])) is False and rolled == []
    assert Wish(rolls=lambda: rolled.append(1)).answered(Description(restart=["c"])) is True and rolled == [1]
    assert Wish(rolls=lambda: rolled.append(1)).answered(Description(errors=["e"])) is True and rolled == [1, 1]


def test_the_outcome_is_told_with_what_changed():
    told = []
    Wish(told.append).over(["a"], {"ok": True, "reasons": []})
    Wish(told.append).over(["a"], {"ok": False, "reasons": ["no"]})
    assert told == [{"ok": True, "reasons": [], "changes": ["a"]}, {"ok": False, "reasons": ["no"]}]

"""A database made of others."""
from __future__ import annotations

import pytest

from opensips_py.db import Conflict, Database, Hindered, QueryError, Unavailable
from opensips_py.errors import ConfigError, MIError
from opensips_py.modules.db_virtual.groups import MODES
from tests.db.databases import create, opened
from tests.modules.db.script import run, script

KEEP = 'if (keep("people", "x")) $var(kept) = 1; if (is_kept("people", "x")) $var(found) = 1;'


class Moody(Database):
    """A database whose server comes and goes; *breaks*: it loses the connection once an operation is carried out, or,
    where *before*, before."""

    def __init__(self, behind):
        self.behind, self.url = behind, behind.url
        self.breaks = self.before = False
        self.asked = 0

    def run(self, operation, *, together=False, patience=None):
        self.asked += 1
        if self.before:
            raise Unavailable("gone")
        result = self.behind.run(operation, together=together, patience=patience)
        if self.breaks:
            raise Unavailable("lost", outcome=False)
        return result


def files(tmp_path, count=2):
    made = []
    for number in range(count):
        url = f"sqlite://{tmp_path}/{number}.sqlite"
        each = create(url)
        each.query("CREATE TABLE people (name VARCHAR(64) NOT NULL UNIQUE)")
        made.append(url)
    return made


def play(tmp_path, mode, body=KEEP, count=2, settings="", dialect="4.0"):
    """A script on a set whose databases are moody."""
    urls = files(tmp_path, count)
    lines = "\n".join(f'modparam("db_virtual", "db_urls", "{each}")' for each in (f"define set1 {mode}", *urls))
    bench = script("db_sqlite db_virtual", "virtual://set1", body, f"{lines}\n{settings}", dialect)
    found = bench.registry.modules["keeper"].db
    for member in found.members:
        member.database = Moody(member.database)
    bench.moody = [member.database for member in found.members]
    bench.kept = lambda: [[name for name, in opened(each).select("people", ("name",))] for each in urls]
    return bench, found


@pytest.mark.parametrize(("mode", "kept"), [("FAILOVER", [["x"], []]), ("ROUND", [["x"], []]),
                                            ("PARALLEL", [["x"], ["x"]])])
@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_where_a_row_goes(tmp_path, mode, kept, dialect):
    bench, _ = play(tmp_path, mode, 'if (keep("people", "x")) $var(kept) = 1;', dialect=dialect)
    assert run(bench) == {"kept": 1} and bench.kept() == kept


def test_round_asks_each_in_turn(tmp_path):
    bench, found = play(tmp_path, "ROUND", count=3)
    for number in range(6):
        found.insert("people", {"name": str(number)})
    assert bench.kept() == [["0", "3"], ["1", "4"], ["2", "5"]]
    bench.moody[1].before = True
    for number in range(6, 9):
        found.insert("people", {"name": str(number)})
    assert bench.kept() == [["0", "3", "6"], ["1", "4"], ["2", "5", "7", "8"]]


@pytest.mark.parametrize("mode", MODES)
def test_one_that_is_gone(tmp_path, mode):
    bench, _ = play(tmp_path, mode)
    bench.moody[0].before = True
    assert run(bench) == {"kept": 1, "found": 1} and bench.kept() == [[], ["x"]]
    assert bench.moody[0].asked == 1, "who is gone is asked again before a probe"
    bench.moody[1].before = True
    assert run(bench) == {}


@pytest.mark.parametrize("mode", ["FAILOVER", "ROUND"])
def test_nothing_is_written_twice(tmp_path, mode):
    bench, found = play(tmp_path, mode)
    bench.moody[0].breaks = True
    with pytest.raises(Unavailable) as raised:
        found.insert("people", {"name": "x"})
    assert not raised.value.outcome and bench.kept() == [["x"], []] and bench.moody[1].asked == 0
    found.members[0].works()
    assert found.select("people", ("name",)) == [], "a read may be asked elsewhere"


def test_parallel_goes_on_with_the_others(tmp_path):
    bench, found = play(tmp_path, "PARALLEL", count=3)
    bench.moody[0].breaks = True
    found.insert("people", {"name": "x"})
    assert bench.kept() == [["x"], ["x"], ["x"]]
    found.members[0].works()
    bench.moody[0].breaks = False
    opened(str(bench.moody[2].url)).delete("people", {})
    found.insert("people", {"name": "y"})
    found.members[2].works()
    found.insert("people", {"name": "z"})
    opened(str(bench.moody[0].url)).delete("people", {})
    found.insert("people", {"name": "z"})  # one takes it
    assert bench.kept() == [["z"], ["x", "y", "z"], ["y", "z"]]
    with pytest.raises(Conflict):
        found.insert("people", {"name": "z"})
    bench.moody[0].asked = bench.moody[1].asked = 0
    assert found.select("people", ("name",)) == [("z",)] and bench.moody[1].asked == 0


def test_mistakes_are_not_asked_elsewhere(tmp_path):
    bench, found = play(tmp_path, "FAILOVER")
    with pytest.raises(QueryError):
        found.select("nothing", ("name",))
    assert bench.moody[1].asked == 0 and all(each.can for each in found.members)
    assert found.query("SELECT 1 AS one").columns == ("one",)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_only_in_the_way_is_no_loss(tmp_path, mode):
    """After a deadlock nobody does without that database, nor writes elsewhere what it may take in a moment."""
    bench, found = play(tmp_path, mode)
    first = found.members[0]

    def hindered(operation, **_):
        first.database.behind.run(operation, together=True)
        raise Hindered("a deadlock")
    before, first.database.run = first.database.run, hindered
    if mode == "PARALLEL":
        found.insert("people", {"name": "x"})
    else:
        with pytest.raises(Hindered):
            found.insert("people", {"name": "x"})
    assert bench.kept()[1] == (["x"] if mode == "PARALLEL" else [])
    assert all(each.can for each in found.members)
    first.database.run = before
    found.insert("people", {"name": "y"})
    assert any("y" in each for each in bench.kept())


def test_a_probe_brings_it_back(tmp_path):
    bench, found = play(tmp_path, "FAILOVER", settings='modparam("db_virtual", "db_probe_time", 3)\n'
                                                       'modparam("db_virtual", "db_max_consec_retrys", 2)')
    first = bench.moody[0]
    first.before = True
    run(bench)
    bench.pass_time(3.2)
    assert not found.members[0].can and first.asked == 2
    first.before = False
    bench.pass_time(3.2)
    assert found.members[0].can
    for number in range(3):  # well when it is probed, and never else
        first.before = True
        run(bench)
        first.before = False
        bench.pass_time(3.2)
        assert found.members[0].can == (number < 1), number
    bench.mi("db_virtual:set", "0", "0", "1")
    bench.pass_time(3.2)
    assert found.members[0].can
    bench.registry.stop()
    found.members[0].failed()
    bench.pass_time(7)
    assert not found.members[0].can, "it probes after its end"


def test_management_shows_and_sets(tmp_path):
    bench, found = play(tmp_path, "FAILOVER")
    [group] = bench.mi("db_virtual:get")["SETS"]
    assert (group["index"], group["name"], group["mode"]) == (0, "set1", "FAILOVER")
    assert group["DBS"][1] == {"index": 1, "name": str(found.members[1].database.url), "can": 1, "may": 1, "r_rec": 0}
    found.members[0].retries = 5
    assert bench.mi("db_virtual:set", "0", "0", "0", "1") == "OK"
    assert bench.mi("db_virtual:get")["SETS"][0]["DBS"][0] | {"name": ""} == {
        "index": 0, "name": "", "can": 1, "may": 0, "r_rec": 1}
    assert run(bench) == {"kept": 1, "found": 1} and bench.kept() == [[], ["x"]] and found.members[0].retries == 0
    assert bench.mi("db_virtual:set", "0", "1", "0") == "OK" and run(bench) == {}
    for wrong in (("1", "0", "1"), ("0", "7", "1")):
        with pytest.raises(MIError):
            bench.mi("db_virtual:set", *wrong)


def test_the_names_in_2_1(tmp_path):
    bench, _ = play(tmp_path, "FAILOVER", dialect="2.1")
    assert bench.mi("db_set", "0", "0", "0") == "OK"
    assert [each["may"] for each in bench.mi("db_get")["SETS"][0]["DBS"]] == [0, 1]


def test_a_set_can_what_all_can(tmp_path):
    url, = files(tmp_path, 1)
    lines = "\n".join(f'modparam("db_virtual", "db_urls", "{each}")'
                      for each in ("define s PARALLEL", url, f"flatstore:{tmp_path}"))
    body = 'if (keep("people", "x")) $var(kept) = 1;'
    bench = script("db_sqlite db_flatstore db_virtual", "virtual://s", body, lines)
    assert bench.registry.modules["keeper"].db.can == {"insert"}
    assert run(bench) == {"kept": 1} and (tmp_path / "people_1.log").read_text() == "x\n"
    assert opened(url).select("people", ("name",)) == [("x",)]


@pytest.mark.parametrize(("urls", "match"), [
    (["define a FAILOVER"], "has no database"), (["define a SOMETIMES"], "SOMETIMES is none of"),
    (["sqlite:///x"], "a set begins with"), (["define a ROUND", "sqlite:///x"], "needs its driver"),
    (["define a ROUND", "virtual://a"], "not of sets"), (["define a ROUND", "nonsense"], "looks like")])
def test_sets_that_cannot_be(urls, match):
    lines = "\n".join(f'modparam("db_virtual", "db_urls", "{each}")' for each in urls)
    with pytest.raises((ConfigError, AssertionError)) as raised:
        script("db_virtual", "virtual://a", "", lines)
    assert match in getattr(raised.value, "message", "") + repr(raised.value)

"""ratelimit through scripts: algorithms, functions, management."""
import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.mi.tree import text, tree_of
from opensips_py.modules.ratelimit.load import Load
from opensips_py.testing import request

HEAD = """dialect={dialect}
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "ratelimit.so"
{settings}
"""
ANSWER = 'route {{ if (rl_check({arguments})) sl_send_reply(200, "OK"); else sl_send_reply(503, "Slow Down"); }}\n'


@pytest.fixture
def limited(opensips):
    def start(arguments='"p", 2', settings="", dialect="4.0", script=None):
        head = HEAD.format(dialect=dialect, settings=settings)
        return opensips(text=head + (ANSWER.format(arguments=arguments) if script is None else script))
    return start


def passed(server, count):
    """How many of *count* requests pass."""
    for _ in range(count):
        server.receive(request("OPTIONS", "sip:x@192.0.2.9"), "192.0.2.1")
    return sum(each.status == 200 for each in server.take())


@pytest.mark.parametrize(("dialect", "arguments"), [("4.0", '"p", 2'), ("2.1", '"p", "2"'),
                                                    ("4.0", '"p", 2, "TAILDROP"'), ("2.1", '"p", "2", "taildrop"')])
def test_taildrop_lets_the_first_ones_of_an_interval_pass(limited, dialect, arguments):
    server = limited(arguments, dialect=dialect)
    assert passed(server, 25) == 20
    server.advance(10)
    assert passed(server, 5) == 5


def test_red_spreads_what_may_pass(limited):
    server = limited('"p", 2, "RED"')
    assert passed(server, 60) == 60
    server.advance(10)
    assert [passed(server, 3) for _ in range(6)] == [1] * 6
    server.advance(10)
    assert passed(server, 30) == 30


def test_limits_per_interval(limited):
    settings = 'modparam("ratelimit", "limit_per_interval", 1) modparam("ratelimit", "timer_interval", 4)'
    server = limited('"p", 3', settings)
    assert passed(server, 5) == 3
    server.advance(4)
    assert passed(server, 5) == 3
    server = limited('"p", 3, "RED"', settings)
    passed(server, 30)
    server.advance(4)
    assert passed(server, 30) == 3


def test_a_window_moves_on(limited):
    settings = 'modparam("ratelimit", "window_size", 2) modparam("ratelimit", "slot_period", 500)'
    server = limited('"p", 3, "SBT"', settings)
    assert passed(server, 2) == 2
    server.advance(1)
    assert passed(server, 2) == 1  # what is refused counts as well
    server.advance(1)
    assert passed(server, 3) == 1


def test_the_default_algorithm_is_a_parameter(limited):
    server = limited(settings='modparam("ratelimit", "default_algorithm", "red")')
    assert passed(server, 60) == 60
    assert server.mi("ratelimit:list")["Pipes"] == [{"id": "p", "algorithm": "RED", "limit": 2, "counter": 0}]
    server.advance(10)
    assert server.mi("ratelimit:list")["Pipes"][0]["counter"] == 60  # of the interval that is over


def test_network_looks_at_what_waits(limited):
    server = limited('"p", 1000, "NETWORK"')
    waiting = [0]
    for name in ("waiting_udp", "waiting_tcp"):
        server.engine.statistics.register("net", name, "function", lambda: waiting[0])
    assert passed(server, 3) == 3
    waiting[0] = 501
    assert passed(server, 3) == 3  # it is looked at once in an interval
    server.advance(10)
    assert passed(server, 3) == 0
    waiting[0] = 500
    server.advance(10)
    assert passed(server, 3) == 3


@pytest.fixture
def stat(monkeypatch, tmp_path):
    """Sets what the file of the kernel says of the processors: ticks that they were busy, and idle, in all."""
    path = tmp_path / "stat"
    ticks = [0, 0]

    def more(busy, idle):
        ticks[0] += busy
        ticks[1] += idle
        path.write_text(f"cpu  {ticks[0]} 0 0 {ticks[1]} 0 0 0 0 0 0\ncpu0 1 1 1 1\n")
    more(1000, 1000)
    begin = Load.__init__
    monkeypatch.setattr(Load, "__init__", lambda self, services: begin(self, services, str(path)))
    return more


def test_feedback_follows_the_load(limited, stat):
    server = limited('"p", 60, "FEEDBACK"')
    assert passed(server, 100) == 100
    dropped = []
    for busy in (80, 80, 80, 52, 32, 30):
        stat(busy, 100 - busy)
        server.advance(10)
        dropped.append(100 - passed(server, 100))
    assert dropped == [5, 10, 15, 13, 6, 0]
    listed = server.mi("ratelimit:list")
    assert listed["Pipes"][0]["drop_rate"] == listed["drop_rate"] == 0


def test_the_gains_of_feedback_are_management(limited, stat):
    server = limited('"p", 60, "FEEDBACK"')
    assert server.mi("ratelimit:get_pid") == {"PID": {"ki": "-25.000", "kp": "0.000", "kd": "0.000"}}
    server.mi("ratelimit:set_pid", "0", "-100", "0.5")
    stat(80, 20)
    server.advance(10)
    assert passed(server, 100) == 80
    assert server.mi("ratelimit:get_pid") == {"PID": {"ki": "0.000", "kp": "-100.000", "kd": "0.500"}}
    for wrong in (("x", "1", "1"), ("1", "nan", "1"), ("1", "1", "inf")):
        with pytest.raises(MIError):
            server.mi("ratelimit:set_pid", *wrong)


def test_the_kernel_tells_the_load():
    class Services:
        index, workers = 0, 1

        def shared_words(self, name, count):
            from tests.modules.bench import Bench
            return Bench("gflags").shared_words(name, count)
    load = Load(Services())
    busy, total = load.times()
    assert 0 < busy < total


COUNTING = """route {
	$var(two) = rl_check("a $rU", 2);
	if ($rU == "back") $var(back) = rl_dec_count("a $rU");
	if ($rU == "reset") $var(reset) = rl_reset_count("a $rU");
	$var(no) = rl_dec_count("nothing") + rl_reset_count("nothing");
	%s
}
"""


def counted(server, user):
    server.receive(request("OPTIONS", f"sip:{user}@192.0.2.9"), "192.0.2.1")
    return server.variables


def test_counts_are_read_and_taken_back(limited):
    server = limited(script=COUNTING % '$var(n) = $rl_count(a $rU); $var(none) = $rl_count(nothing);')
    assert [counted(server, "up")["n"] for _ in range(3)] == [1, 2, 3]
    assert counted(server, "back") == {"two": 1, "back": 1, "no": -2, "n": 0, "none": None}
    assert [counted(server, "reset")["n"] for _ in range(2)] == [0, 0]


def test_functions_of_21_change_the_same_counters(limited):
    script = (COUNTING % "").replace('rl_check("a $rU", 2)', 'rl_check("a $rU", "2")')
    server = limited(script=script, dialect="2.1")
    for user in ("up", "up", "back", "back", "reset"):
        counted(server, user)
    server.advance(10)
    pipes = server.mi("rl_list")["Pipes"]
    assert {each["id"]: each["counter"] for each in pipes} == {"a up": 2, "a back": 0, "a reset": 0}


def test_names_are_listed_by_the_script(limited):
    server = limited(script="""route {
	rl_check("gw_1", 5); rl_check("gw_2", 5); rl_check("user", 5, "SBT");
	rl_values($avp(all)); rl_values($avp(some), "^gw_");
	$var(all) = $(avp(all)[*]{s.len}); $var(some) = "";
	for ($var(each) in $(avp(some)[*])) $var(some) = $var(some) + $var(each) + ",";
	$var(count) = 0;
	for ($var(each) in $(avp(all)[*])) $var(count) = $var(count) + 1;
}
""")
    found = counted(server, "x")
    assert found["count"] == 3 and sorted(found["some"].split(",")) == ["", "gw_1", "gw_2"]


def test_a_negative_limit_is_none(limited):
    server = limited('"p", -1')
    assert passed(server, 1) == 0 and server.log.matching("-1 is no limit")
    server = limited('"p", 0')
    assert passed(server, 2) == 0


def test_an_idle_pipe_is_gone(limited):
    server = limited(settings='modparam("ratelimit", "expire_time", 30)')
    passed(server, 1)
    server.advance(30)
    assert len(server.mi("ratelimit:list")["Pipes"]) == 1
    server.advance(1)
    assert server.mi("ratelimit:list") == {"Pipes": [], "drop_rate": 0}


def test_management_selects_pipes(limited):
    server = limited(script='route { rl_check("gw_1", 5); rl_check("gw_2", 6); rl_check("user", 7); }')
    counted(server, "x")

    def names(**given):
        answer = server.mi("ratelimit:list", **given)
        return sorted(each["id"] for each in answer.get("Pipes") or [answer["Pipe"]])
    assert names() == ["gw_1", "gw_2", "user"]
    assert names(pipe="user") == ["user"] and names(filter="gw_*") == ["gw_1", "gw_2"]
    assert names(filter_out="gw_?") == ["user"]
    for wrong in ({"pipe": "nothing"}, {"pipe": "user", "filter": "*"}):
        with pytest.raises(MIError):
            names(**wrong)


def test_management_resets_a_pipe(limited):
    server = limited()
    assert passed(server, 25) == 20
    server.mi("ratelimit:reset_pipe", "p")
    assert passed(server, 5) == 5
    with pytest.raises(MIError):
        server.mi("ratelimit:reset_pipe", "nothing")


def test_management_dumps_a_pipe(limited):
    server = limited(script='route { rl_check("w", 5, "SBT"); rl_check("t", 6); }')
    counted(server, "x")
    server.advance(0.5)
    counted(server, "x")
    dumped = server.mi("rl_dump_pipe", "w")
    assert dumped == {"Pipe": "w", "Algorithm": "SBT", "limit": 5, "Counter": 2, "Total": 2, "Replication Nodes": [],
                      "window_size": 10000, "slot_period": 200,
                      "slots": [{"ago": 0, "counter": 1}, {"ago": 400, "counter": 1}]}
    server.advance(10)
    assert server.mi("ratelimit:dump_pipe", "t") == {
        "Pipe": "t", "Algorithm": "TAILDROP", "limit": 6, "Counter": 0, "Total": 0, "Replication Nodes": [],
        "last_counter": 2}


def test_management_of_21_prints_lines(limited):
    server = limited('"p", "2"', dialect="2.1")
    passed(server, 3)
    server.advance(10)

    def lines(name, *given):
        return text(tree_of(server.mi(name, *given), server.engine.generation.registry.commands[name].call))
    assert lines("rl_list", "p") == "PIPE::  id=p algorithm=TAILDROP limit=2 counter=3\n"
    lines("rl_set_pid", "0.5", "0.25", "0")
    assert lines("rl_get_pid") == "PID::  ki=0.500 kp=0.250 kd=0.000\n"
    lines("rl_reset_pipe", "p")
    server.advance(10)
    assert lines("rl_list") == "PIPE::  id=p algorithm=TAILDROP limit=2 counter=0\n"


def test_pipes_outlive_a_reload(limited):
    server = limited()
    assert passed(server, 15) == 15
    server.reload(HEAD.format(dialect="4.0", settings="") + ANSWER.format(arguments='"p", 2'))
    assert passed(server, 15) == 5


def test_the_table_has_so_many_chains(limited):
    server = limited(settings='modparam("ratelimit", "hash_size", 1)', script='route { rl_check("a $rU", 5); }')
    for number in range(20):
        counted(server, f"u{number}")
    assert len(server.mi("ratelimit:list")["Pipes"]) == 8


@pytest.mark.parametrize(("parameter", "value"), [("hash_size", 1000), ("slot_period", 11000), ("slot_period", 1)])
def test_sizes_that_cannot_be(limited, parameter, value):
    with pytest.raises(ConfigError, match=parameter if parameter == "hash_size" else "steps|power"):
        limited(settings=f'modparam("ratelimit", "{parameter}", {value})')

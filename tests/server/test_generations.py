"""What goes on through a reload: calls that wait, timers, counters, variables; and what does not stay."""
import gc

from opensips_py.server.generation import Generation
from opensips_py.testing import request

TEXT = """
log_level=3
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "cfgutils.so"
loadmodule "statistics.so"
modparam("statistics", "variable", "seen")
modparam("cfgutils", "shvset", "limit=i:7")
route {
	update_stat("seen", 1);
	if ($rU == "wait")
		sleep(5);
	if ($rU == "set")
		$shv(limit) = 9;
	sl_send_reply(200, "One $shv(limit)");
}
timer_route[beat, 10] { xlog("L_NOTICE", "beat of one\\n"); }
timer_route[other, 4] { xlog("L_NOTICE", "other\\n"); }
"""
OTHER = TEXT.replace("One", "Two").replace("of one", "of two")


def told(server, user):
    """The reason phrases of what leaves for a request for *user*."""
    sent = server.receive(request("MESSAGE", f"sip:{user}@192.0.2.9"), "192.0.2.1")
    return reasons(sent)


def reasons(sent):
    return [each.data.partition(b"\r\n")[0].decode().partition(" 200 ")[2] for each in sent if each.status == 200]


def beats(server):
    lines = [line.removeprefix("Level 25 ") for line in server.log if "beat" in line]
    server.log.clear()
    return [line.partition("beat of ")[2].strip() for line in lines]


def test_a_call_that_waits_ends_as_it_began_and_all_others_are_new(opensips):
    server = opensips(text=TEXT)
    assert told(server, "wait") == []
    without = OTHER.replace('loadmodule "cfgutils.so"', "").replace('modparam("cfgutils", "shvset", "limit=i:7")', "")
    server.reload(without.replace("sleep(5)", "exit").replace("$shv(limit) = 9", "exit").replace("$shv(limit)", "x"))
    assert told(server, "any") == ["Two x"]
    assert reasons(server.advance(5.2)) == ["One 7"]


def test_reloads_neither_double_a_timer_route_nor_put_it_off(opensips):
    server = opensips(text=TEXT)
    for _ in range(4):
        server.advance(2)
        server.reload(OTHER)
    server.log.clear()
    server.advance(2.2)
    assert beats(server) == ["two"]  # at 10
    server.advance(10)
    assert beats(server) == ["two"]
    server.reload(OTHER.replace("timer_route[beat, 10]", "timer_route[another, 10]"))
    server.advance(9)
    assert beats(server) == []  # it is another one, which begins now
    server.advance(1.2)
    assert beats(server) == ["two"]


def test_counters_and_shared_variables_stay(opensips):
    server = opensips(text=TEXT)
    assert told(server, "set") == ["One 9"]
    before = server.counted("sl:2xx_replies")
    for _ in range(3):
        server.reload(OTHER)
    assert (server.counted("seen"), server.counted("sl:2xx_replies")) == (1, before)
    assert told(server, "any") == ["Two 9"]
    assert (server.counted("seen"), server.counted("sl:2xx_replies")) == (2, before + 1)


def test_a_generation_lasts_as_long_as_a_call_of_it_and_no_longer(opensips):
    """Without a search for cycles, which a worker never makes."""
    others = {id(each) for each in gc.get_objects() if isinstance(each, Generation)}

    def alive():
        return [each.number for each in gc.get_objects() if isinstance(each, Generation) and id(each) not in others]
    server = opensips(text=TEXT)
    gc.disable()
    try:
        told(server, "wait")
        for _ in range(5):
            server.reload(OTHER)
        assert sorted(alive()) == [1, 6]
        server.advance(40)  # the call and its transaction
        server.runs.clear()  # the test keeps what has run
        assert alive() == [6]
    finally:
        gc.enable()

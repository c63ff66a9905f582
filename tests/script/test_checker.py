from tests.script.script import messages, read, right

LOADS = 'loadmodule "sl.so"\nloadmodule "tm.so"\n'


def found(text):
    return messages(read(LOADS + text).diagnostics)


def test_a_route_that_nothing_calls_may_hold_what_it_likes():
    right(LOADS + "route { exit; }\nroute[a] { t_newtran(); t_was_cancelled(); }")


def test_a_route_is_what_calls_it():
    text = "route { exit; }\nonreply_route[r] { route(a); }\nroute[a] { route(b); }\nroute[b] { t_newtran(); }"
    (error,) = right(LOADS + text).diagnostics.found
    assert (error.severity, error.message) == (
        "warning", "t_newtran is not for route[b] where that runs in an onreply_route")
    assert [str(place) for _, place in error.related] == ["test.cfg:5:18"]
    assert error.fix == "it works in route"


def test_calls_inside_of_others():
    assert found("route { if (1 && !nonsense()) exit; async(nothing(), a); switch (word()) { case 1: exit; } }\n"
                 "route[a] { exit; }") == [f"function {each} is unknown" for each in ("nonsense", "nothing", "word")]


def test_numbers_of_arguments():
    assert found('route { setflag(); setflag(1, 2); append_branch("sip:a@b", ); sl_send_reply(404, "x", 3); }') == [
        "setflag takes 1 argument, not 0", "setflag takes 1 argument, not 2", "sl_send_reply takes 2 arguments, not 3"]


def test_asynchronous_calls_of_what_never_waits():
    assert found("route { async(setflag(1), a); }\nroute[a] { exit; }") == [
        "setflag never waits, and async is for functions that do"]
    assert found("route { launch(xlog(\"x\")); }") == ["xlog never waits, and launch is for functions that do"]


def test_routes_of_the_same_name_but_another_kind():
    right("route { exit; }\nroute[a] { exit; }\nfailure_route[a] { exit; }\n"
          "onreply_route { exit; }\nonreply_route[a] { exit; }")
    assert found("route { exit; }\nevent_route[E] { exit; }\nevent_route[E] { exit; }") == [
        "event_route[E] is there twice"]

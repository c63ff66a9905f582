from opensips_py.module.run import Route
from opensips_py.script.routes import called, plain, reached, routes_named, title
from tests.script.script import parsed

TEXT = """
route { route(a); route("b", 1); async(f(), c); launch(f(), d); }
route[a] { if (route(e)) exit; }
route[b] { exit; } route[c] { exit; } route[d] { exit; } route[e] { route(a); } route[alone] { exit; }
failure_route[f] { route(e); }
timer_route[t, 5] { route(b); }
"""


def test_what_a_run_may_come_to():
    known = reached(parsed(TEXT)[0].items)
    assert {name: begun for (kind, name), begun in known.items() if kind == "route"} == {
        "": Route.REQUEST, "a": Route.REQUEST | Route.FAILURE, "b": Route.REQUEST | Route.TIMER, "c": Route.REQUEST,
        "d": Route.REQUEST, "e": Route.REQUEST | Route.FAILURE}
    assert known["failure_route", "f"] == Route.FAILURE


def test_a_variable_may_lead_anywhere():
    known = reached(parsed("route { route($var(x)); }\nroute[a] { exit; }\nroute[b] { exit; }")[0].items)
    assert known["route", "a"] == known["route", "b"] == Route.REQUEST


def test_names():
    main, first, *_ = parsed(TEXT.replace("route {", "route[0] {"))[0].items
    assert (plain(main), plain(first), title(first), title(main)) == ("", "a", "route[a]", "route[0]")
    assert [name for _, name in routes_named(main)] == ["a", "b", "c", "d"]
    assert called(None) is None

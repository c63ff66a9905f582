import logging
import os
import time

from opensips_py.module.run import Route
from opensips_py.script.pvars_run import RouteError


def test_return_code_and_parameters(world):
    world.run.rc = -3
    assert world.value("$rc") == world.value("$retcode") == world.value("$?") == -3
    world.run.parameters.append(("one", 2))
    assert (world.value("$param(1)"), world.value("$param(2)"), world.value("$param(3)")) == ("one", 2, None)
    world.assign("$var(i)", 2)
    assert world.value("$param($var(i))") == 2


def test_values_returned_behind_the_code(world):
    world.run.extra = {"return": ("id", 7)}
    assert (world.value("$return(0)"), world.value("$return(1)"), world.value("$return(2)")) == ("id", 7, None)


def test_flags(world):
    assert world.value("$mf") == ""
    world.assign("$msg.flag(NAT)", 1)
    world.assign("$msg.flag(5)", 1)
    assert world.request.flags == 1 << 31 | 1 << 5
    assert (world.value("$mf"), world.value("$msg.flag(NAT)"), world.value("$msg.flag(other)")) == ("5 NAT", 1, 0)
    world.assign("$msg.flag(NAT)", 0)
    assert world.value("$mf") == "5"
    world.call("setbflag", "SEEN")
    assert world.value("$bf") == "SEEN"
    world.call("setsflag", "S")
    assert world.value("$sf") == "S"


def test_kind_of_message(world):
    assert (world.value("$msg.is_request"), world.value("$msg.type")) == (1, "request")
    world.on_ringing()
    assert (world.value("$msg.is_request"), world.value("$msg.type")) == (0, "reply")


def test_time(world):
    before = int(time.time())
    assert before <= world.value("$Ts") <= before + 5
    assert 0 <= world.value("$Tsm") < 1_000_000
    assert world.value("$TS") == 1000
    assert world.value("$time(%Y)") == time.strftime("%Y")
    assert world.value("$Tf").endswith(time.strftime("%Y"))
    assert world.value("$pp") == os.getpid()


def test_options_and_colours(world):
    world.core.options["foo"] = "0"
    assert (world.value("$argv(foo)"), world.value("$argv(bar)")) == ("0", None)
    assert world.value("$C(rx)") == ""
    world.core.levels.coloured = True
    assert (world.value("$C(rx)"), world.value("$C(Gb)"), world.value("$C(xx)"), world.value("$C(bad)")) == (
        "\x1b[31m", "\x1b[1;32;44m", "\x1b[0m", "")


def test_log_levels(world):
    logger = logging.getLogger("opensips_py")
    before = logger.level
    try:
        world.assign("$log_level", 4)
        assert (world.value("$log_level"), logger.level) == (4, logging.DEBUG)
        world.assign("$log_level", None)
        assert world.value("$log_level") == 2
    finally:
        logger.setLevel(before)
    world.assign("$xlog_level", -1)
    assert world.value("$xlog_level") == -1
    world.assign("$xlog_level", None)
    assert world.value("$xlog_level") == 2


def test_the_error_of_an_error_route(world):
    assert world.value("$err.info") == "" and world.value("$err.class") == world.value("$err.rcode") == 0
    world.run.extra = {RouteError: RouteError("no Via", 400, "Bad Request")}
    assert [world.value(f"$(err.{each})") for each in ("class", "level", "info", "rcode", "rreason")] == [
        1, 1, "no Via", 400, "Bad Request"]


def test_script_variables(world):
    assert world.value("$var(a)") is None
    world.assign("$var(a)", 5)
    assert world.value("$var(a)") == 5
    world.assign("$var(n)", "a")
    assert world.value("$var($var(n))") == 5
    world.assign("$var(new_$var(n))", "x")
    assert world.value("$var(new_a)") == "x"
    world.assign("$var(a)", None)
    assert world.value("$var(a)") is None


def test_the_kind_of_route_and_the_place(world):
    assert world.value("$rT") == "request_route"
    assert world.on(None, kind=Route.TIMER).value("$rT") == "timer_route"

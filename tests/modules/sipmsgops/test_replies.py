"""Headers of our own replies, and the status of those that pass."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from opensips_py.sip import parse
from tests.modules.bench import Bench
from tests.transaction.stage import Stage
from tests.transaction.world import request, response

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])
REPLY = {"2.1": '("404", "Gone")', "4.0": '(404, "Gone")'}
LOADS = "\n".join(f'loadmodule "{name}.so"' for name in ("tm", "sl", "sipmsgops"))


def stage(script, dialect):
    return Stage(f"{LOADS}\n{script}", dialect)


@DIALECTS
@pytest.mark.parametrize("function", ["sl_send_reply", "t_reply"])
def test_headers_go_into_our_own_replies_and_nowhere_else(function, dialect):
    made = stage(r'route { append_to_reply("X-One: $rm\r\n"); append_to_reply("X-Two: 2");'
                 f'$var(rc) = $rc; {function}{REPLY[dialect]}; }}', dialect)
    made.receive(message := request(world=made))
    answer = made.take()[-1]
    assert (answer.header("X-One"), answer.header("X-Two")) == ("INVITE", "2") and not message.has_edits
    assert made.runs[0].variables["rc"] == 1


@DIALECTS
def test_replies_tell_the_time(dialect):
    made = stage(f"route {{ append_time(); $var(rc) = $rc; sl_send_reply{REPLY[dialect]}; }}", dialect)
    made.receive(request(world=made))
    date = made.take()[-1].header("Date")
    assert date.endswith(" GMT") and len(date) == len("Thu, 01 Dec 1994 16:00:00 GMT")
    assert abs(parsedate_to_datetime(date) - datetime.now(UTC)) < timedelta(seconds=60)
    assert made.runs[0].variables["rc"] == 1


def relayed(status, call, dialect, failure=""):
    """What leaves to the client when *status* comes and the onreply route makes *call*; the AVPs of the transaction."""
    made = stage(f"""
        modparam("tm", "onreply_avp_mode", 1)
        route {{ t_on_reply("r"); t_on_failure("f"); t_relay(); }}
        onreply_route[r] {{ {call} $avp(rc) = $rc; }}
        failure_route[f] {{ {failure} }}""", dialect)
    made.receive(request(world=made))
    transaction = next(iter(made.layer.servers.values()))
    made.receive(response(parse(transaction.branches[0].data), status))
    left = [each for each in made.take() if not each.is_request]
    return left[-1], transaction.avps


def change(code, reason, dialect):
    return f'change_reply_status("{code}", "{reason}");' if dialect == "2.1" else \
        f'change_reply_status({code}, "{reason}");'


@DIALECTS
@pytest.mark.parametrize(("status", "code"), [(603, 404), (404, 480), (503, 486), (183, 180), (200, 202)])
def test_reply_passes_with_another_status(status, code, dialect):
    left, avps = relayed(status, change(code, "Other Words", dialect), dialect)
    assert (left.status, left.reason, avps["rc"]) == (code, "Other Words", [1])


@DIALECTS
@pytest.mark.parametrize(("status", "code"), [(603, 200), (200, 404), (183, 200), (486, 180)])
def test_failure_never_becomes_a_success_nor_the_other_way_round(status, code, dialect):
    left, avps = relayed(status, change(code, "Other Words", dialect), dialect)
    assert (left.status, avps["rc"]) == (status, [-1])


@DIALECTS
def test_last_change_counts_and_the_failure_route_sees_it(dialect):
    left, avps = relayed(603, change(404, "One", dialect) + change(486, "Two", dialect), dialect,
                         'if (t_check_status("486")) { $avp(seen) = 1; }')
    assert (left.status, left.reason, avps.get("seen")) == (486, "Two", [1])


@DIALECTS
def test_the_script_sees_the_status_that_it_has_made_and_the_reason_that_came(dialect):
    _, avps = relayed(603, change(404, "Not Here", dialect) + "$avp(status) = $rs; $avp(reason) = $rr; "
                      'if ($rs == 404) { $avp(equal) = 1; }', dialect)
    assert (avps["status"], avps["reason"], avps.get("equal")) == ([404], ["Whatever"], [1])


def test_status_outside_of_sip_is_refused():
    with pytest.raises(AssertionError, match="from 100 to 699"):
        Bench("sipmsgops", routes='onreply_route[r] { change_reply_status(700, "x"); }')

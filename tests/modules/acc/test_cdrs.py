"""CDRs: one record for a call, however it ends, with the values that the script has given it."""
from __future__ import annotations

import pytest

from opensips_py.db import moment
from opensips_py.errors import ConfigError
from opensips_py.testing import Phone
from tests.db.databases import create
from tests.modules.books import Books
from tests.modules.dialog.conftest import restarted

HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "rr.so" loadmodule "sipmsgops.so"
loadmodule "dialog.so" loadmodule "db_sqlite.so" loadmodule "acc.so"
modparam("acc", "db_url", "@URL@")
"""
HEAD_21 = HEAD.replace("socket=", "listen=").replace('loadmodule "sipmsgops.so"', 'loadmodule "uri.so"') + """
modparam("acc", "db_flag", "DB") modparam("acc", "log_flag", "LOG") modparam("acc", "evi_flag", "EVI")
modparam("acc", "cdr_flag", "CDR") modparam("acc", "failed_transaction_flag", "FAILED")
"""
ROUTE = """route {
    if (has_totag()) { %(within)s loose_route(); %(matched)s t_relay(); exit; }
    if ($rm == "CANCEL") { if (t_check_trans()) t_relay(); exit; }
    if ($rm == "INVITE") { record_route(); %(initial)s }
    $du = "sip:192.0.2.2:5060"; %(last)s
    t_relay();
}
%(routes)s
"""
ALL = 'do_accounting("db|log|evi", "cdr|missed");'
ALL_21 = "setflag(DB); setflag(LOG); setflag(EVI); setflag(CDR);"
COLUMNS = ("method", "callid", "sip_code", "sip_reason", "duration", "setuptime", "ms_duration")


@pytest.fixture
def proxy(opensips, tmp_path):
    """Starts a proxy that accounts, with two phones."""
    def start(initial=ALL, settings="", dialect="4.0", more="", **parts):
        url = f"sqlite://{tmp_path}/acc.db"
        rows = create(url, "acc", "missed_calls")
        for column in more.split():
            rows.query(f"ALTER TABLE acc ADD COLUMN {column} VARCHAR(16)")
        given = {"within": "", "matched": "", "last": "", "routes": "", **parts, "initial": initial}
        head = (HEAD if dialect == "4.0" else HEAD_21).replace("@URL@", url)
        text = f"{head}{settings}\n{ROUTE % given}"
        server = opensips(text=text)
        server.text = text
        server.alice, server.bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
        server.rows = rows
        return server
    return start


def table(server, *columns, of="acc"):
    server.settle()
    return server.rows.select(of, columns or COLUMNS, order=("id",))


def call(server, rings=2.0, lasts=61.5):
    """A call that is answered after *rings* seconds, and then goes on for *lasts*."""
    made = server.alice.call("bob")
    server.advance(rings)
    server.bob.answer()
    made.ack()
    server.advance(lasts)
    return made


def hang_up(server, made):
    """The caller hangs up, and the other side agrees."""
    made.bye()
    server.bob.answer(server.bob.last("BYE"))


def cdrs(server):
    return [values for name, values in server.events if name == "E_ACC_CDR"]


def lines(server):
    return [each for each in server.accounting if each["what"] == "call ended"]


@pytest.mark.parametrize(("dialect", "initial"), [("4.0", ALL), ("2.1", ALL_21)])
def test_a_call_is_one_record_when_it_is_over(proxy, dialect, initial):
    server = proxy(initial, dialect=dialect)
    made = call(server)
    assert table(server) == [] and cdrs(server) == [] and server.accounting == []
    hang_up(server, made)
    assert table(server) == [("INVITE", made.call_id, "200", "OK", 62, 2, 61500)]
    event, = cdrs(server)
    assert list(event) == ["method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time", "duration",
                           *(["ms_duration"] if dialect == "4.0" else []), "setuptime", "created"]
    assert (event["duration"], event["setuptime"], event["time"] - event["created"]) == (62, 2, 2)
    line, = lines(server)
    assert line == {
        "what": "call ended", "created": str(event["created"]), "call_start_time": str(event["time"]), "duration": "62",
        **({"ms_duration": "61500"} if dialect == "4.0" else {}), "setuptime": "2", "method": "INVITE", "from_tag": "a",
        "to_tag": "tag-bob", "call_id": made.call_id, "code": "200", "reason": "OK"}
    assert len(server.accounting) == 1
    assert [moment(each) for each in table(server, "time", "created")[0]] == [event["time"], event["created"]]


def test_the_other_side_hangs_up(proxy):
    server = proxy()
    made = call(server, lasts=3)
    answer = server.bob.request("BYE", "sip:alice@192.0.2.1:5060", to="sip:alice@192.0.2.9", to_tag="a",
                                call_id=made.call_id, from_tag="tag-bob",
                                headers={"Route": "<sip:192.0.2.9;lr;did=" + did(server) + ">"})
    server.bob.send(answer)
    server.alice.answer(server.alice.last("BYE"))
    assert table(server, "duration", "from_tag", "to_tag") == [(3, "a", "tag-bob")]


def did(server):
    found, = server.engine.generation.registry.modules["dialog"].dialogs
    return found.did


def test_a_bye_that_nobody_answers_ends_the_call_all_the_same(proxy):
    server = proxy()
    made = call(server, lasts=5)
    made.bye()
    assert table(server) == [] and held(server) == 1
    server.advance(40)
    assert table(server, "duration") == [(5,)] and len(cdrs(server)) == len(lines(server)) == 1 and held(server) == 0


def held(server):
    journal = server.engine.generation.registry.modules["acc"].writer.journal
    return journal.environment.entries(journal.held)


def test_a_bye_that_is_not_relayed(proxy):
    server = proxy(matched='if ($rm == "BYE") { sl_send_reply(200, "Gone"); exit; }')
    call(server, lasts=5).bye()
    assert table(server, "duration") == [(5,)] and len(lines(server)) == 1


def test_requests_before_the_answer_share_the_account_and_are_not_accounted(proxy):
    server = proxy("""do_accounting("db|log", "cdr"); $acc_extra(a) = "invite";""", """
        modparam("acc", "extra_fields", "db: a->x")""", more="x", matched="""
        if ($rm == "PRACK") { $var(a) = $acc_extra(a); $acc_extra(a) = "prack"; }""")
    made = server.alice.call("bob")
    ringing = server.bob.last("INVITE")
    server.bob.answer(ringing, 183)
    server.alice.send(server.alice.request(
        "PRACK", "sip:bob@192.0.2.2:5060", to="sip:bob@192.0.2.9", to_tag="tag-bob", call_id=made.call_id, cseq=2,
        headers={"Route": f"<sip:192.0.2.9;lr;did={did(server)}>"}))
    server.bob.answer(server.bob.last("PRACK"))
    assert server.variables == {"a": "invite"} and server.accounting == []
    server.bob.answer(ringing)
    made.ack()
    hang_up(server, made)
    assert table(server, "x") == [("prack",)] and len(server.accounting) == 1


def test_a_call_whose_time_is_over(proxy):
    server = proxy(settings='modparam("dialog", "default_timeout", 30)')
    call(server, lasts=31)
    assert table(server, "duration", "ms_duration") == [(30, 30000)] and len(cdrs(server)) == len(lines(server)) == 1


def test_a_call_that_management_ends(proxy):
    server = proxy()
    made = call(server, lasts=7)
    server.mi("dialog:end_dlg" if "dialog:end_dlg" in server.engine.generation.registry.commands else "dlg_end_dlg",
              did(server))
    for phone in (server.alice, server.bob):
        phone.answer(phone.last("BYE"))
    assert table(server, "callid", "duration") == [(made.call_id, 7)] and len(lines(server)) == 1


def test_a_call_that_was_missed_has_no_cdr(proxy):
    server = proxy()
    server.alice.call("bob")
    server.bob.answer(status=486)
    assert table(server) == [] and [row[2] for row in table(server, "method", "callid", "sip_code", of="missed_calls")
                                    ] == ["486"]
    assert cdrs(server) == [] and [each["what"] for each in server.accounting] == ["call missed"]


def test_a_request_that_was_matched_to_the_call_is_part_of_its_cdr(proxy):
    server = proxy(matched='if (!do_accounting("db|log", "failed")) $du = "sip:198.51.100.9";')
    made = call(server, lasts=5)
    made.within("INFO")
    server.bob.answer(server.bob.last("INFO"))
    hang_up(server, made)
    assert table(server, "method", "duration") == [("INVITE", 5)]
    assert [each["what"] for each in server.accounting] == ["call ended"]


def test_other_requests_of_a_call_are_accounted_as_ever(proxy):
    server = proxy(within='if ($rm == "BYE") do_accounting("log");')
    hang_up(server, call(server))
    assert [each["what"] for each in server.accounting] == ["transaction answered", "call ended"]


def test_each_back_end_has_a_word_of_its_own(proxy):
    server = proxy('do_accounting("log"); do_accounting("db", "cdr");')
    hang_up(server, call(server))
    assert [each["what"] for each in server.accounting] == ["transaction answered"] and len(table(server)) == 1
    server = proxy('do_accounting("db|log", "cdr"); drop_accounting("db", "cdr");')
    hang_up(server, call(server))
    assert [row[5] for row in table(server)] == [2] and table(server, "duration") == [(0,)]
    assert len(lines(server)) == 1


def test_the_table_and_values_that_the_script_gives(proxy):
    server = proxy("""do_accounting("db", "cdr", "acc2"); $acc_extra(a) = "first"; $acc_leg(l) = "one"; acc_new_leg();
                      $acc_leg(l) = "two";""", """
        modparam("acc", "extra_fields", "db: a->x;b->y") modparam("acc", "leg_fields", "db: l->leg")""",
        more="x y leg", last='t_on_reply("r");', routes='onreply_route[r] { $acc_extra(b) = $rs; }')
    server.rows.query("CREATE TABLE acc2 AS SELECT * FROM acc")
    hang_up(server, call(server))
    assert table(server, "x", "y", "leg", "duration", of="acc2") == [
        ("first", "200", "one", 62), ("first", "200", "two", 62)]


def test_values_change_while_the_call_goes_on(proxy):
    server = proxy("""do_accounting("db|log", "cdr"); $acc_extra(a) = "first"; $acc_leg(l) = "one";""", """
        modparam("acc", "extra_fields", "db: a->x") modparam("acc", "leg_fields", "db: l->leg")
        modparam("acc", "extra_fields", "log: a;b")""", more="x leg", matched="""
        if ($rm == "INFO") { $var(seen) = $acc_extra(a); $acc_extra(a) = "then"; acc_new_leg(); $acc_leg(l) = "two";
                             $var(legs) = $acc_current_leg; }
        if ($rm == "BYE") $acc_extra(b) = "bye";""")
    made = call(server)
    made.within("INFO")
    server.bob.answer(server.bob.last("INFO"))
    assert server.variables == {"seen": "first", "legs": 1}
    hang_up(server, made)
    assert table(server, "x", "leg") == [("then", "one"), ("then", "two")]
    assert (lines(server)[0]["a"], lines(server)[0]["b"]) == ("then", "bye")


def test_values_of_21(proxy):
    server = proxy(f"""{ALL_21} $avp(leg) = "one"; $avp(leg) = "two"; $avp(t) = "acc2";""", """
        modparam("acc", "db_extra", "x=$ua;y=$rs/reply") modparam("acc", "db_extra_bye", "z=$hdr(Reason)")
        modparam("acc", "log_extra", "ua=$ua") modparam("acc", "log_extra_bye", "why=$avp(why);code=$rs/reply")
        modparam("acc", "evi_extra", "ua=$ua") modparam("acc", "evi_extra_bye", "why=$hdr(Reason)")
        modparam("acc", "multi_leg_info", "leg=$avp(leg)") modparam("acc", "multi_leg_bye_info", "bye=$avp(bye)")
        modparam("acc", "db_table_avp", "$avp(t)")""", dialect="2.1", more="x y z leg bye",
        within='$avp(why) = "tired"; $avp(bye) = "b1"; $avp(bye) = "b2"; $avp(bye) = "b3";')
    server.rows.query("CREATE TABLE acc2 AS SELECT * FROM acc")
    made = server.alice.call("bob", headers={"User-Agent": "phone"})
    server.bob.answer()
    made.ack()
    made.within("BYE", headers={"Reason": "SIP;cause=200"})
    server.bob.answer(server.bob.last("BYE"))
    assert table(server, "x", "y", "z", "leg", "bye", of="acc2") == [
        ("phone", "200", "SIP;cause=200", "two", "b3"), ("phone", "200", "SIP;cause=200", "one", "b2"),
        ("phone", "200", "SIP;cause=200", None, "b1")]
    line, = lines(server)
    assert (line["ua"], line["why"], line["code"]) == ("phone", "tired", "200")
    assert [(each["ua"], each["why"]) for each in cdrs(server)] == [("phone", "SIP;cause=200")] * 3


def test_the_script_may_begin_the_dialog_itself(proxy):
    for words in ('create_dialog("B"); do_accounting("db", "cdr");', 'do_accounting("db", "cdr"); create_dialog("B");'):
        server = proxy(words, 'modparam("dialog", "default_timeout", 10)')
        call(server, lasts=11)
        assert server.bob.last("BYE") and len(table(server)) == 1


def test_no_dialog_no_cdr(proxy):
    server = proxy(ALL, last='if ($rm == "MESSAGE") do_accounting("log", "cdr");')
    server.alice.send(server.alice.request("MESSAGE", "sip:bob@192.0.2.9"))
    server.bob.answer(server.bob.last("MESSAGE"))
    assert [each["what"] for each in server.accounting] == ["transaction answered"]


@pytest.mark.parametrize(("body", "settings"), [('do_accounting("log", "missed|cdr");', ""),
                                                ("exit;", 'modparam("acc", "cdr_flag", 4)')])
def test_calls_as_a_whole_need_module_dialog(body, settings):
    with pytest.raises((ConfigError, AssertionError), match="dialog"):
        Books(body, settings)


def test_the_account_of_another_call(proxy):
    server = proxy("""do_accounting("db", "cdr"); $acc_extra(a) = "theirs"; $acc_leg(l) = "leg";""", """
        modparam("acc", "extra_fields", "db: a->x")
        modparam("acc", "leg_fields", "db: l->leg")""", more="x leg", last="""
        if ($rm == "MESSAGE") {
            $acc_extra(a) = "mine"; acc_load_ctx_from_dlg(); $var(none) = $rc;
            acc_unload_ctx_from_dlg(); $var(no) = $rc;
            load_dialog_ctx("$hdr(X-Call)"); acc_load_ctx_from_dlg(); $var(first) = $rc;
            acc_load_ctx_from_dlg(); $var(second) = $rc; $var(theirs) = $acc_extra(a); $var(leg) = $acc_leg(l);
            $acc_extra(a) = "changed";
            acc_unload_ctx_from_dlg(); $var(third) = $rc; unload_dialog_ctx(); $var(mine) = $acc_extra(a);
        }""")
    made = call(server)
    server.alice.send(server.alice.request("MESSAGE", "sip:bob@192.0.2.9", headers={"X-Call": made.call_id}))
    assert server.variables == {"none": -1, "no": -1, "first": 1, "second": -1, "theirs": "theirs", "leg": "leg",
                                "third": 1, "mine": "mine"}
    hang_up(server, made)
    assert table(server, "x") == [("changed",)]


# Processes that end

def test_a_call_outlives_the_process(proxy):
    server = proxy("""do_accounting("db|log|evi", "cdr"); $acc_extra(a) = "kept";""",
                   'modparam("acc", "extra_fields", "db: a->x")', more="x")
    made = call(server, lasts=10)
    restarted(server, away=5)
    server.advance(10)
    hang_up(server, made)
    assert table(server, "callid", "duration", "x") == [(made.call_id, 25, "kept")]
    assert len(cdrs(server)) == len(lines(server)) == 1


def test_a_call_that_was_over_meanwhile(proxy):
    server = proxy(settings='modparam("dialog", "default_timeout", 60)')
    call(server, lasts=10)
    restarted(server, away=600)
    server.advance(1)
    assert table(server, "duration") == [(60,)] and len(lines(server)) == 1


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_nobody_pays_for_an_hour_that_never_was(proxy, jump):
    """The clock is set while it rings, and again while they talk."""
    server = proxy()
    made = server.alice.call("bob")
    server.advance(1)
    server.clock.start += jump
    server.advance(2)
    server.bob.answer()
    made.ack()
    server.advance(10)
    server.clock.start += jump
    server.advance(10)
    hang_up(server, made)
    assert table(server, "duration", "ms_duration", "setuptime") == [(20, 20000, 3)]


@pytest.mark.parametrize("away", [0, 5])
def test_an_end_that_is_told_twice_is_accounted_once(proxy, away):
    server = proxy()
    made = call(server, lasts=10)
    found, = server.engine.generation.registry.modules["dialog"].dialogs
    hang_up(server, made)
    if away:
        server.advance(away)
    server.engine.generation.registry.modules["acc"].call_ended(found, None)
    assert len(table(server)) == len(lines(server)) == 1


def test_accounted_calls_are_forgotten_in_time(proxy):
    server = proxy()
    hang_up(server, call(server, lasts=1))
    journal = server.engine.generation.registry.modules["acc"].writer.journal
    assert journal.environment.entries(journal.calls) == 1
    server.advance(31)
    assert journal.environment.entries(journal.calls) == 0
    me, journal.me = journal.me, 1
    journal.add((), b"of a process that is gone")
    journal.me = me
    server.advance(700)
    assert journal.environment.entries(journal.calls) == 0


def test_accounted_calls_are_remembered_while_their_dialogs_go_on(proxy):
    server = proxy()
    made = call(server)
    acc = server.engine.generation.registry.modules["acc"]
    dialog, = acc.dialog.dialogs
    journal, mark = acc.writer.journal, acc.mark_of(dialog)
    journal.me += 1  # of a process that was killed before it could forget the dialog
    journal.add([], mark)
    journal.me -= 1
    acc.writer.prune()
    assert journal.old_calls() == [mark]
    hang_up(server, made)
    server.advance(31)
    assert journal.old_calls() == [] and table(server) == []


def test_a_reload_in_the_middle(proxy):
    server = proxy()
    made = call(server, lasts=10)
    server.reload(server.text)
    hang_up(server, made)
    assert len(table(server)) == len(lines(server)) == 1

"""The pseudo-variables of dialog, through scripts."""
from __future__ import annotations

import json

import pytest

from opensips_py.testing import request
from tests.modules.dialog.conftest import called, dialog, dialogs


def headers(**variables):
    """Statements that put *variables* into headers."""
    return "".join(f'append_hf("X-{name}: {value}\\r\\n");' for name, value in variables.items())


def test_outside_of_a_dialog_all_are_null(proxy):
    names = ("DLG_status", "DLG_lifetime", "DLG_flags", "DLG_dir", "DLG_did", "DLG_end_reason",
             "DLG_del_delay", "DLG_json", "DLG_ctx_json", "dlg_val(x)")
    server = proxy(create="", initial='$dlg_val(x) = 1; $DLG_flags = "a"; $DLG_del_delay = 1;'
                   + headers(**{f"V{place}": f"${name}" for place, name in enumerate(names)}))
    server.alice.call("bob")
    invite = server.bob.last("INVITE")
    assert [invite.header(f"X-V{place}") for place in range(len(names))] == ["<null>"] * len(names)


def test_at_the_beginning(proxy):
    server = proxy(initial=headers(S="$DLG_status", D="$DLG_did", T="$DLG_timeout", N="$DLG_count", Y="$DLG_dir",
                                   R="$DLG_end_reason", L="$DLG_lifetime", Q="$DLG_del_delay"))
    server.alice.call("bob")
    invite, found = server.bob.last("INVITE"), dialog(server)
    assert [invite.header(f"X-{name}") for name in "SDTNYRLQ"] == [
        "1", found.did, "43200", "0", "downstream", "<null>", "0", "0"]


def test_within_and_at_the_end(proxy):
    shown = headers(S="$DLG_status", L="$DLG_lifetime", T="$DLG_timeout", Y="$DLG_dir", R="$DLG_end_reason")
    server = proxy(matched=shown)
    call = called(server)
    server.advance(10)
    call.within("INFO")
    info = server.bob.last("INFO")
    assert [info.header(f"X-{name}") for name in "SLTYR"] == ["4", "10", "43190", "downstream", "<null>"]
    server.advance(5)
    call.bye()
    bye = server.bob.last("BYE")
    assert [bye.header(f"X-{name}") for name in "SLR"] == ["5", "15", "Downstream BYE"]


def test_the_direction_is_that_of_the_message(proxy):
    show = 'append_hf("X-Way: $DLG_dir\\r\\n");'
    server = proxy(matched='t_on_reply("back");' + show, initial='t_on_reply("back");' + show,
                   routes=f"onreply_route[back] {{ {show} }}")
    call = called(server)
    assert call.final().header("X-Way") == "upstream"
    server.bob.send(request("INFO", call.request.contacts[0].uri, sender="sip:bob@192.0.2.2", from_tag="tag-bob",
                            to_tag=call.request.from_tag, call_id=call.call_id, headers={"Route": server.route}))
    asked = server.alice.last("INFO")
    server.alice.answer(asked)
    assert (asked.header("X-Way"), server.bob.last(200).header("X-Way")) == ("upstream", "downstream")


def test_forms_of_2_1(proxy):
    server = proxy(dialect="2.1", matched=headers(D="$DLG_did", Y="$DLG_dir", F="$DLG_flags"),
                   initial="$DLG_flags = 5;")
    call = called(server)
    call.within("INFO")
    info, found = server.bob.last("INFO"), dialog(server)
    assert info.header("X-D") == f"{found.entry}:{found.number}"
    assert (info.header("X-Y"), info.header("X-F")) == ("DOWNSTREAM", "5")


def test_a_lifetime_that_was_set_before_the_dialog(proxy):
    server = proxy(create="", initial=f'{headers(A="$DLG_timeout")} $DLG_timeout = 5; {headers(B="$DLG_timeout")} '
                   f'if (is_method("INVITE")) create_dialog("bye-on-timeout"); {headers(C="$DLG_timeout")}')
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    assert [invite.header(f"X-{name}") for name in "ABC"] == ["<null>", "5", "5"]
    server.bob.answer(invite)
    call.ack()
    server.advance(4)
    assert dialog(server).state == 4
    server.advance(2)
    assert server.bob.last("BYE").message.call_id == call.call_id


def test_a_lifetime_of_its_own(proxy):
    server = proxy(initial="$DLG_timeout = 60;", matched='if (is_method("INFO")) $DLG_timeout = 100;')
    call = called(server)
    found = dialog(server)
    assert found.expires - found.started == 60
    server.advance(20)
    call.within("INFO")
    server.advance(99)
    assert found.state == 4 and found.lifetime == 120
    server.advance(2)
    assert found.end_reason == "Lifetime Timeout"


def test_a_deletion_delay_of_its_own(proxy):
    server = proxy(initial="$DLG_del_delay = 5;" + headers(Q="$DLG_del_delay"))
    call = called(server)
    assert server.invite is not None
    found = dialog(server)
    call.bye()
    assert dialogs(server).find(found.did) is found
    server.advance(6)
    assert dialogs(server).find(found.did) is None


def test_flags_by_name(proxy):
    server = proxy(initial='$DLG_flags = "vip nat";', matched=headers(F="$DLG_flags"))
    call = called(server)
    call.within("INFO")
    assert set(server.bob.last("INFO").header("X-F").split()) == {"vip", "nat"}


def test_as_json(proxy):
    server = proxy('modparam("dialog", "profiles_no_value", "all")',
                   initial='$dlg_val(a) = "b"; set_dlg_profile("all");',
                   matched="$var(j) = $DLG_json; $var(c) = $DLG_ctx_json;")
    call = called(server)
    call.within("INFO")
    short, whole = json.loads(server.variables["j"]), json.loads(server.variables["c"])
    assert short["callid"] == call.call_id and "values" not in short and short["state"] == "4"
    assert (whole["values"], whole["profiles"]) == ({"a": "b"}, {"all": [""]})
    assert (whole["caller"]["contact"], whole["callees"][0]["tag"]) == ("sip:alice@192.0.2.1:5060", "tag-bob")


@pytest.mark.parametrize("dialect", ["4.0", "2.1"])
def test_values(proxy, dialect):
    server = proxy(dialect=dialect, initial='$dlg_val(a) = "x"; $dlg_val(n) = 7; $dlg_val(gone) = 1; '
                                            "$dlg_val(gone) = NULL;",
                   matched=headers(A="$dlg_val(a)", N="$dlg_val(n)", G="$dlg_val(gone)"))
    call = called(server)
    call.within("INFO")
    info = server.bob.last("INFO")
    assert [info.header(f"X-{name}") for name in "ANG"] == ["x", "7", "<null>"]


def test_replies_know_the_dialog_of_their_request(proxy):
    server = proxy(initial='t_on_reply("answered");', routes="""onreply_route[answered] {
        append_hf("X-S: $DLG_status\\r\\n"); $dlg_val(code) = $rs; }""")
    call = server.alice.call("bob")
    server.bob.answer()
    assert call.final().header("X-S") == "1"  # the answer is on its way
    assert dialog(server).values == {"code": 200}

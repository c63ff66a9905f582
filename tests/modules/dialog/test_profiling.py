"""Profiles through scripts and management."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.mi.tree import text, tree_of
from opensips_py.module import MIError
from tests.modules.dialog.conftest import called, dialog, dialogs, headers

SETTINGS = 'modparam("dialog", "profiles_with_value", "caller; gw/s") modparam("dialog", "profiles_no_value", "all")'
SIZES = 'get_profile_size("caller", "$fU", $var(user)); get_profile_size("caller", , $var(callers)); ' \
        'get_profile_size("all", , $var(all));' + headers(User="$var(user)", Callers="$var(callers)", All="$var(all)")


def sizes(sent):
    return [sent.header(f"X-{name}") for name in ("User", "Callers", "All")]


def test_sizes_count_from_the_first_moment(proxy):
    server = proxy(SETTINGS, before=SIZES, initial='set_dlg_profile("caller", "$fU"); set_dlg_profile("all", "x");'
                                                   'set_dlg_profile("caller", "$fU");')
    first = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    assert sizes(invite) == ["0", "0", "0"]
    second = server.alice.call("bob")
    assert sizes(server.bob.last("INVITE")) == ["2", "2", "1"]  # it has entered with the same value twice
    server.bob.answer(invite)
    first.ack()
    first.bye()
    assert second.call_id != first.call_id
    server.alice.call("bob")
    assert sizes(server.bob.last("INVITE")) == ["2", "2", "1"]


def test_sizes_in_2_1(proxy):
    server = proxy(SETTINGS, dialect="2.1", initial="""set_dlg_profile("caller", "$fU"); set_dlg_profile("caller", "x");
        get_profile_size("caller", "$fU", "$var(one)"); get_profile_size("caller", "$var(both)");
        get_profile_size("caller", , "$avp(all)"); if (!get_profile_size("caller", "x", "y")) $var(no) = 1;
        if (!get_profile_size("caller")) $var(none) = 1;""" + headers(
            R="$var(one) $var(both) $avp(all) $var(no)$var(none)"))
    server.alice.call("bob")
    assert server.bob.last("INVITE").header("X-R") == "1 2 2 11"


def test_a_refused_call_leaves(proxy):
    server = proxy(SETTINGS, initial='set_dlg_profile("all");')
    server.alice.call("bob")
    server.bob.answer(status=486)
    assert dialogs(server).sizes.size("all", None) == 0


def test_a_limit(proxy):
    server = proxy(SETTINGS, initial='set_dlg_profile("caller", "$fU"); get_profile_size("caller", "$fU", $var(n));'
                                     'if ($var(n) > 1) { sl_send_reply(486, "Too Many Calls"); exit; }')
    server.alice.call("bob")
    assert server.alice.call("bob").final().status == 486
    assert dialogs(server).sizes.size("caller", "alice") == 1


@pytest.mark.parametrize(("question", "answer"), [
    ('"caller"', "yes"), ('"caller", "alice"', "yes"), ('"caller", "bob"', "no"), ('"gw"', "no"), ('"all"', "yes"),
    ('"all", "whatever"', "yes"), ('"unknown"', "no")])
def test_is_in_profile(proxy, question, answer):
    server = proxy(SETTINGS, initial='set_dlg_profile("caller", "alice"); set_dlg_profile("all");'
                                     f'if (is_in_profile({question})) $var(a) = "yes"; else $var(a) = "no";'
                   + headers(A="$var(a)"))
    server.alice.call("bob")
    assert server.bob.last("INVITE").header("X-A") == answer


@pytest.mark.parametrize(("dialect", "statement", "left"), [
    ("4.0", 'unset_dlg_profile("caller", "b");', [("caller", "a"), ("all", None)]),
    ("4.0", 'unset_dlg_profile("caller");', [("all", None)]),
    ("4.0", 'set_dlg_profile("caller", "b"); unset_dlg_profile("caller", "b");',
     [("caller", "a"), ("all", None), ("caller", "b")]),
    ("2.1", 'unset_dlg_profile("all");', [("caller", "a"), ("caller", "b")]),
    ("4.0", 'set_dlg_profile("caller", "c", 1);', [("all", None), ("caller", "c")]),
    ("4.0", 'set_dlg_profile("caller", "c");', [("caller", "a"), ("caller", "b"), ("all", None), ("caller", "c")]),
    ("2.1", 'set_dlg_profile("caller", "c");', [("caller", "a"), ("caller", "b"), ("all", None), ("caller", "c")])])
def test_entering_and_leaving(proxy, dialect, statement, left):
    server = proxy(SETTINGS, dialect=dialect, initial='set_dlg_profile("caller", "a"); set_dlg_profile("caller", "b");'
                                                      f'set_dlg_profile("all"); {statement}')
    server.alice.call("bob")
    assert dialog(server).profiles == left
    assert dialogs(server).sizes.size("caller", None) == sum(1 for each in left if each[0] == "caller")


@pytest.mark.parametrize("statement", [
    'set_dlg_profile("unknown")', 'set_dlg_profile("caller")', 'unset_dlg_profile("caller")',
    'unset_dlg_profile("unknown")', 'get_profile_size("unknown", , $var(x))'])
def test_what_fails(proxy, statement):
    server = proxy(SETTINGS, initial=f'if (!{statement}) append_hf("X-No: yes\\r\\n");')
    server.alice.call("bob")
    assert server.bob.last("INVITE").header("X-No") == "yes"


def test_without_a_dialog_nothing_can_enter(proxy):
    server = proxy(SETTINGS, create="", initial='if (!set_dlg_profile("all") && !unset_dlg_profile("all") && '
                                                '!is_in_profile("all")) append_hf("X-No: yes\\r\\n");')
    server.alice.call("bob")
    assert server.bob.last("INVITE").header("X-No") == "yes"


def test_a_profile_that_is_there_twice(opensips):
    from tests.modules.dialog.conftest import script
    with pytest.raises(ConfigError, match="profile a is there already"):
        opensips(text=script('modparam("dialog", "profiles_with_value", "a") '
                             'modparam("dialog", "profiles_no_value", "a")'))


def filled(proxy, dialect="4.0"):
    server = proxy(SETTINGS, dialect=dialect, initial='set_dlg_profile("caller", "$tU"); set_dlg_profile("all");')
    return server, called(server), called(server)


def test_management(proxy):
    server, first, _ = filled(proxy)
    size = server.mi("dialog:profile_get_size", "caller", "bob")["Profile"]
    assert (size["name"], size["value"], size["count"]) == ("caller", "bob", 2)
    assert server.mi("profile_get_size", profile="all", value="x")["Profile"]["count"] == 2
    assert server.mi("dialog:profile_get_values", "caller") == [{"value": "bob", "count": 2}]
    assert server.mi("dialog:profile_get_values", "all") == [{"value": None, "count": 2}]
    assert server.mi("dialog:list_all_profiles")["Profiles"] == [
        {"name": "all", "has value": False}, {"name": "caller", "has value": True}, {"name": "gw", "has value": True}]
    listed = server.mi("dialog:profile_list_dlgs", "caller", "bob")["Dialogs"]
    assert first.call_id in [each["callid"] for each in listed] and len(listed) == 2
    assert server.mi("dialog:profile_list_dlgs", "caller", "carol")["Dialogs"] == []
    for name in ("get_size", "get_values", "list_dlgs", "end_dlgs"):
        with pytest.raises(MIError, match="Profile not found"):
            server.mi(f"dialog:profile_{name}", "unknown")


def test_ending_all_of_a_profile(proxy):
    server, first, second = filled(proxy)
    assert server.mi("dialog:profile_end_dlgs", "caller", "carol") == "OK" and len(dialogs(server)) == 2
    assert server.mi("dialog:profile_end_dlgs", "all") == "OK" and len(dialogs(server)) == 0
    assert {each.message.call_id for each in server.take() if each.method == "BYE"} == {first.call_id, second.call_id}


def test_entering_by_hand(proxy):
    server, first, _ = filled(proxy)
    sizes = dialogs(server).sizes
    assert server.mi("dialog:set_profile", first.call_id, "gw", "one") == "OK" and sizes.size("gw", "one") == 1
    assert server.mi("dlg_set_profile", dlg_id=first.call_id, profile="gw", value="two", clear_values=1) == "OK"
    assert sizes.values("gw") == [("two", 1)]
    assert server.mi("dialog:unset_profile", first.call_id, "gw") == "OK" and sizes.size("gw", None) == 0
    with pytest.raises(MIError, match="Failed to unset"):
        server.mi("dialog:unset_profile", first.call_id, "gw")
    with pytest.raises(MIError, match="Failed to set"):
        server.mi("dialog:set_profile", first.call_id, "gw")
    for command in ("set_profile", "unset_profile"):
        with pytest.raises(MIError, match="not found"):
            server.mi(f"dialog:{command}", "nobody", "all")


def test_management_of_2_1(proxy):
    server, _, _ = filled(proxy, "2.1")

    def lines(name, *arguments):
        return text(tree_of(server.mi(name, *arguments), server.engine.generation.registry.commands[name].call))
    assert lines("profile_get_size", "caller", "bob") == "Profile::  name=caller value=bob count=2 shared=no\n"
    assert lines("profile_get_values", "caller") == "value:: bob count=2\n"
    assert lines("list_all_profiles") == "all:: 0\ncaller:: 1\ngw:: 1\n"
    assert lines("profile_list_dlgs", "all").count("dialog::") == 2

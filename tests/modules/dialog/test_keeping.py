"""Values and flags of dialogs, through scripts."""
from __future__ import annotations

import pytest

from tests.modules.dialog.conftest import called, dialog, headers


@pytest.mark.parametrize(("dialect", "store", "fetch"), [
    ("4.0", '$var(v) = 7; store_dlg_value("n", $var(v)); store_dlg_value("u", $fU);',
     'fetch_dlg_value("n", $avp(n)); fetch_dlg_value("u", $var(u));'),
    ("2.1", 'store_dlg_value("n", "7"); store_dlg_value("u", "$fU");',
     'fetch_dlg_value("n", "$avp(n)"); fetch_dlg_value("u", "$var(u)");')])
def test_values(proxy, dialect, store, fetch):
    nothing = "fetch_dlg_value('none', %s)" % ("$var(x)" if dialect == "4.0" else "'$var(x)'")
    server = proxy(dialect=dialect, initial=store,
                   matched=f"{fetch} if (!{nothing}) $var(no) = 'yes';".replace("'", '"')
                   + headers(N="$avp(n)", U="$var(u)", No="$var(no)"))
    call = called(server)
    call.within("INFO")
    info = server.bob.last("INFO")
    assert [info.header(f"X-{name}") for name in ("N", "U", "No")] == ["7", "alice", "yes"]


def test_a_value_that_is_null_is_not_kept(proxy):
    server = proxy(initial='$dlg_val(a) = 1; if (!store_dlg_value("a", $avp(nothing))) $dlg_val(no) = 1;')
    called(server)
    assert dialog(server).values == {"a": 1, "no": 1}


def test_values_by_hand(proxy):
    server = proxy()
    first, second = called(server), called(server)
    found = server.engine.generation.registry.modules["dialog"].dialogs
    assert server.mi("dialog:push_var", "a", "b", first.call_id, found.find(second.call_id).did) == "OK"
    assert [each.values for each in found] == [{"a": "b"}, {"a": "b"}]
    assert server.mi("dlg_push_var", dlg_val_name="a", dlg_val_value="c", DID=[first.call_id, "nobody"]) == "OK"
    assert found.find(first.call_id).values == {"a": "c"}
    assert server.mi("dialog:push_var", "a", "b", "nobody") == "OK"


@pytest.mark.parametrize(("dialect", "flag", "value"), [("4.0", '"vip"', ""), ("2.1", '"3"', '"')])
def test_flags(proxy, dialect, flag, value):
    def numbered(number):
        return f"{value}{number}{value}"
    server = proxy(dialect=dialect, initial=f"set_dlg_flag({flag});", matched=f"""
        if (is_method("INFO")) {{
            is_dlg_flag_set({flag}); $var(a) = $rc;
            test_and_set_dlg_flag({flag}, {numbered(0)}); $var(b) = $rc;
            test_and_set_dlg_flag({flag}, {numbered(1)}); $var(c) = $rc;
            is_dlg_flag_set({flag}); $var(d) = $rc;
            test_and_set_dlg_flag({flag}, {numbered(0)}); $var(e) = $rc;
            reset_dlg_flag({flag});
            is_dlg_flag_set({flag}); $var(f) = $rc;
        }}"""
                   + headers(R="$var(a) $var(b) $var(c) $var(d) $var(e) $var(f)"))
    call = called(server)
    call.within("INFO")
    assert server.bob.last("INFO").header("X-R") == "1 -1 1 -1 1 -1"
    assert dialog(server).user_flags == 0


def test_without_a_dialog_there_is_nothing_to_keep_it_with(proxy):
    server = proxy(create="", initial="""if (!set_dlg_flag("a") && !reset_dlg_flag("a") && !is_dlg_flag_set("a")
        && !test_and_set_dlg_flag("a", 0) && !store_dlg_value("a", $fU) && !fetch_dlg_value("a", $var(x)))
        append_hf("X-No: yes\\r\\n");""")
    server.alice.call("bob")
    assert server.bob.last("INVITE").header("X-No") == "yes"

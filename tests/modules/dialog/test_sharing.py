"""Profiles that several servers count together, in cachedb_local."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.module import MIError
from opensips_py.module.caches import CacheError
from tests.modules.dialog.conftest import called, dialog, dialogs, headers, module, restarted, script

SETTINGS = """loadmodule "cachedb_local.so" modparam("dialog", "cachedb_url", "local://")
modparam("dialog", "profiles_with_value", "caller/s; gw") modparam("dialog", "profiles_no_value", "all/s")
"""
ENTER = 'set_dlg_profile("caller", "alice"); set_dlg_profile("caller", "bob"); set_dlg_profile("all/s"); '
SIZES = 'get_profile_size("caller/s", "alice", $var(a)); get_profile_size("caller", , $var(c)); ' \
        'get_profile_size("all", , $var(n));' + headers(A="$var(a)", C="$var(c)", N="$var(n)")


def counters(server):
    cache = module(server).cache
    names = ("dlg_val_caller_YWxpY2U=", "dlg_val_caller_Ym9i", "dlg_size_caller", "dlg_noval_all")
    return [cache.counter(each) for each in names]


def test_keys_and_sizes(proxy):
    server = proxy(SETTINGS, initial=ENTER + SIZES)
    call = called(server)
    assert counters(server) == [1, 1, 2, 1]
    module(server).cache.add("dlg_size_caller", 5, 0)  # another server's
    server.alice.call("bob")
    invite = server.bob.last("INVITE")
    assert [invite.header(f"X-{name}") for name in "ACN"] == ["2", "9", "2"]
    server.bob.answer(invite, 486)
    call.bye()
    server.settle()
    assert counters(server) == [0, 0, 5, 0]
    assert dialogs(server).sizes.size("caller", None) == 0


def test_leaving(proxy):
    server = proxy(SETTINGS, initial=ENTER, matched='if (is_method("INFO")) unset_dlg_profile("caller", "bob");')
    call = called(server)
    call.within("INFO")
    server.settle()
    assert counters(server) == [1, 0, 1, 1] and dialog(server).profiles == [("caller", "alice"), ("all", None)]


def test_management(proxy):
    server = proxy(SETTINGS, initial=ENTER)
    called(server)
    module(server).cache.add("dlg_noval_all", 2, 0)
    assert server.mi("dialog:profile_get_size", "all")["Profile"] == {
        "name": "all", "value": None, "count": 3, "shared": "yes", "replicated": "no"}
    assert server.mi("dialog:profile_get_size", "caller", "bob")["Profile"]["count"] == 1
    with pytest.raises(MIError, match="Unsupported command for shared profiles"):
        server.mi("dialog:profile_get_values", "caller")


def test_without_a_store_a_shared_profile_is_one_like_any_other(proxy):
    server = proxy('modparam("dialog", "profiles_no_value", "all/s")', initial='set_dlg_profile("all");')
    called(server)
    assert server.mi("dialog:profile_get_size", "all")["Profile"]["count"] == 1


def test_prefixes_and_time(proxy):
    server = proxy(SETTINGS + """modparam("dialog", "profile_value_prefix", "v_")
        modparam("dialog", "profile_no_value_prefix", "n_") modparam("dialog", "profile_size_prefix", "s_")
        modparam("dialog", "profile_timeout", 60)""", initial=ENTER)
    called(server)
    cache = module(server).cache
    names = ("v_caller_YWxpY2U=", "s_caller", "n_all")
    assert [cache.counter(each) for each in names] == [1, 2, 1]
    server.advance(61)
    assert [cache.counter(each) for each in names] == [None] * 3


@pytest.mark.parametrize("outcome", [True, False])
def test_a_store_that_fails_is_told_later(proxy, outcome):
    server = proxy(SETTINGS, initial='set_dlg_profile("all"); if (!get_profile_size("all", , $var(n))) '
                                     'append_hf("X-No: yes\\r\\n");')

    def lost(*_):
        raise CacheError("it is gone", outcome=outcome)
    cache, module(server).cache = module(server).cache, type("Lost", (), {"add": lost, "counter": lost})()
    server.alice.call("bob")
    assert server.bob.last("INVITE").header("X-No") == "yes"
    with pytest.raises(MIError, match="it is gone"):
        server.mi("dialog:profile_get_size", "all")
    assert bool(server.log.matching("does not count shared profiles: it is gone; it is told later")) == outcome
    module(server).cache = cache
    server.advance(6)
    assert cache.counter("dlg_noval_all") == (1 if outcome else None)  # what it may have counted it is not told again


def test_after_a_crash_the_store_is_put_right(proxy):
    server = proxy(SETTINGS, initial=ENTER)
    called(server)
    module(server).cache.add("dlg_noval_all", 5, 0)  # another server's
    server.alice.call("bob")  # nobody has answered this one
    assert counters(server) == [2, 2, 4, 7]
    module(server).cache.add("dlg_noval_all", -1, 0)  # the store was not told all
    module(server).dialogs.store.note_share("dlg_noval_all", 1)
    restarted(server)
    server.settle()
    assert counters(server) == [1, 1, 2, 6]
    restarted(server)
    server.settle()
    assert counters(server) == [1, 1, 2, 6] and module(server).dialogs.store.shares() == {
        "dlg_val_caller_YWxpY2U=": 1, "dlg_val_caller_Ym9i": 1, "dlg_size_caller": 2, "dlg_noval_all": 1}
    assert server.mi("dialog:end_dlg", dialog(server).call_id) == "OK"
    server.settle()
    assert counters(server) == [0, 0, 0, 5] and module(server).dialogs.store.shares() == {}


def test_a_counter_that_is_none(proxy):
    server = proxy(SETTINGS, initial='cache_store("local", "dlg_noval_all", "x"); set_dlg_profile("all");')
    called(server)
    assert server.log.matching("does not count dlg_noval_all")


def test_a_store_that_is_not_loaded(opensips):
    with pytest.raises(ConfigError, match="cachedb_local"):
        opensips(text=script('modparam("dialog", "cachedb_url", "local://")'))

"""Remote-Party-ID."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import Phone, request
from tests.modules.auth.client import HEAD

SUFFIX = ";party=calling;id-type=subscriber;screen=yes"


def relayed(opensips, route, settings="", dialect="4.0", identity="$avp(rpid) = \"sip:+49301@h\";"):
    server = opensips(text=f'dialect={dialect}\n{HEAD}loadmodule "tm.so"\n{settings}route {{ {identity} {route} '
                           '$du = "sip:192.0.2.2"; t_relay(); }')
    [sent] = [each for each in server.receive(request("OPTIONS", "sip:bob@example.net"), "192.0.2.1")
              if not each.status]
    return server, sent.header("Remote-Party-ID")


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize(("call", "expected"), [
    ("append_rpid_hf()", f"sip:+49301@h{SUFFIX}"), ('append_rpid_hf("<", ">;screen=no")', "<sip:+49301@h>;screen=no")])
def test_the_header(opensips, dialect, call, expected):
    server, value = relayed(opensips, f"$var(rc) = {call};" if dialect == "4.0" else f"{call}; $var(rc) = $rc;",
                            dialect=dialect)
    assert (value, server.variables["rc"]) == (expected, 1)


def test_the_second_argument_alone(opensips):
    assert relayed(opensips, 'append_rpid_hf(, ";x=1");')[1] == "sip:+49301@h;x=1"


def test_prefix_and_suffix_of_the_parameters(opensips):
    settings = 'modparam("auth", "rpid_prefix", "Ann <")\nmodparam("auth", "rpid_suffix", ">;screen=yes")\n'
    assert relayed(opensips, "append_rpid_hf();", settings)[1] == "Ann <sip:+49301@h>;screen=yes"


def test_another_avp(opensips):
    settings = 'modparam("auth", "rpid_avp", "$avp(mine)")\n'
    identity = '$avp(rpid) = "sip:no@h"; $avp(mine) = "sip:+491@h";'
    server, value = relayed(opensips, "append_rpid_hf(); $var(is) = is_rpid_user_e164();", settings, identity=identity)
    assert (value, server.variables["is"]) == (f"sip:+491@h{SUFFIX}", 1)


@pytest.mark.parametrize(("settings", "identity"), [
    ("", ""), ("", '$avp(rpid) = "";'), ("", "$avp(rpid) = 5;"),
    ('modparam("auth", "rpid_avp", "")\n', '$avp(rpid) = "sip:+491@h";')])
def test_no_identity(opensips, settings, identity):
    server, value = relayed(opensips, "$var(rc) = append_rpid_hf(); $var(is) = is_rpid_user_e164();", settings,
                            identity=identity)
    assert (value, server.variables["rc"], server.variables["is"]) == (None, -1, -1)


def test_no_other_header_begins(opensips):
    server, value = relayed(opensips, '$var(rc) = append_rpid_hf("x\\r\\nEvil: ", "");')
    assert (value, server.variables["rc"]) == (None, -1)


@pytest.mark.parametrize(("identity", "result"), [
    ("sip:+4930123@h", 1), ("Ann <sip:+4930123@h>", 1), ("sip:4930123@h", -1), ("sip:+49x@h", -1),
    ("sip:+1234567890123456@h", -1), ("sip:+123456789012345@h", 1), ("<rubbish", -1), ("tel:", -1)])
def test_e164_numbers(opensips, identity, result):
    server, _ = relayed(opensips, "$var(is) = is_rpid_user_e164();", identity=f'$avp(rpid) = "{identity}";')
    assert server.variables["is"] == result


def test_in_branch_and_failure_routes(opensips):
    server = opensips(text=f"""{HEAD}loadmodule "tm.so"
        route {{ $avp(rpid) = "sip:a@h"; $du = "sip:192.0.2.2"; t_on_branch("b"); t_on_failure("f"); t_relay(); }}
        branch_route[b] {{ append_rpid_hf("b ", ""); }}
        failure_route[f] {{ append_rpid_hf("f ", ""); $du = "sip:192.0.2.3"; t_relay(); }}""")
    bob = Phone(server, "bob", "192.0.2.2")
    server.receive(request("OPTIONS", "sip:bob@example.net"), "192.0.2.1")
    first = bob.last("OPTIONS")
    assert first.message.values("Remote-Party-ID") == ["b sip:a@h"]
    bob.answer(first, 404)
    assert [each.message.values("Remote-Party-ID") for each in server.sent if each.host == "192.0.2.3"] == [
        ["f sip:a@h", "b sip:a@h"]]


def test_it_has_to_be_an_avp(opensips):
    with pytest.raises(ConfigError, match="rpid_avp names an AVP"):
        relayed(opensips, "", 'modparam("auth", "rpid_avp", "$ru")\n')

"""permissions through scripts: functions by rules in files, and management."""
import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.testing import request

HEAD = """dialect={dialect}
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "permissions.so"
"""


@pytest.fixture
def site(opensips, tmp_path):
    """Starts a configuration in a folder of its own, with *files* beside it."""
    def start(body, files=None, settings="", dialect="4.0", routes=""):
        for name, text in (files or {}).items():
            (tmp_path / name).write_text(text)
        config = tmp_path / "opensips.cfg"
        config.write_text(f"{HEAD.format(dialect=dialect)}{settings}\nroute {{ {body} }}\n{routes}")
        return opensips(config)
    return start


def told(server, uri="sip:bob@example.com", method="INVITE", sender="sip:alice@example.com", **more):
    """What `$var(ok)` is after a request."""
    server.receive(request(method, uri, sender=sender, **more), "192.0.2.1")
    return server.variables["ok"]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_routing_by_the_default_files(site, dialect):
    files = {"permissions.allow": '"^sip:alice@" : ALL\n', "permissions.deny": 'ALL : "^sip:0900"\n'}
    server = site("$var(ok) = allow_routing();", files, dialect=dialect)
    assert told(server, "sip:0900@x") == 1
    assert told(server, "sip:0900@x", sender="sip:carol@example.com") == -1
    assert told(server, "sip:bob@x", sender="sip:carol@example.com") == 1


def test_without_files_everything_is_allowed(site):
    server = site('$var(ok) = allow_routing() + allow_routing("x") + allow_uri("x", "sip:x@y");')
    assert told(server) == 3


def test_the_default_files_are_parameters(site, tmp_path):
    server = site("$var(ok) = allow_routing();", {"mine.deny": "ALL : ALL\n", "other.allow": '"carol" : ALL'},
                  f'modparam("permissions", "default_deny_file", "{tmp_path}/mine.deny")\n'
                  'modparam("permissions", "default_allow_file", "other.allow")')
    assert told(server) == -1 and told(server, sender="sip:carol@x") == 1


def test_all_branches_count_unless_the_first_alone_shall(site):
    body = 'append_branch("sip:0900@x"); $var(ok) = allow_routing("calls");'
    files = {"calls.deny": 'ALL : "^sip:0900@"\n'}
    assert told(site(body, files)) == -1
    assert told(site(body, files, 'modparam("permissions", "check_all_branches", 0)')) == 1
    allowing = {"calls.deny": "ALL : ALL", "calls.allow": 'ALL : "bob"'}
    assert told(site(body, allowing)) == -1  # all pairs have to match a rule that allows


def test_suffixes_are_parameters(site):
    settings = 'modparam("permissions", "allow_suffix", ".yes") modparam("permissions", "deny_suffix", ".no")'
    files = {"calls.no": "ALL : ALL", "calls.yes": '"carol" : ALL'}
    server = site('$var(ok) = allow_routing("calls");', files, settings)
    assert told(server) == -1 and told(server, sender="sip:carol@x") == 1


def test_two_files_in_scripts_of_21(site, tmp_path):
    files = {"who.a": '"carol" : ALL', "who.b": "ALL : ALL"}
    body = f'$var(ok) = {{}}("who.a", "{tmp_path}/who.b");'
    for function, method in (("allow_routing", "INVITE"), ("allow_register", "REGISTER")):
        server = site(body.format(function), files, dialect="2.1")
        assert told(server, method=method, contact="sip:x@y") == -1
        assert told(server, method=method, contact="sip:x@y", sender="sip:carol@x", to="sip:carol@x") == 1


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_registering(site, dialect):
    files = {"register.deny": 'ALL : "^sip:.*192\\.0\\.2\\.200$"\n'}
    server = site('$var(ok) = allow_register("register");', files, dialect=dialect)
    own = {"method": "REGISTER", "to": "sip:alice@example.com"}
    assert told(server, contact="sip:alice@192.0.2.5", **own) == 1
    assert told(server, contact="sip:alice@192.0.2.200:5070;transport=tcp", **own) == -1
    assert told(server, contact="sips:alice@192.0.2.200", **own) == -1
    two = {"Contact": ["<sip:alice@192.0.2.5>", "<sip:alice@192.0.2.200>"]}
    assert told(server, headers=two, **own) == -1
    assert told(server, contact="*", headers={"Expires": "0"}, **own) == 1
    assert told(server, **own) == 1


@pytest.mark.parametrize(("dialect", "uri"), [("2.1", '"$hdr(X-To)"'), ("4.0", "$hdr(X-To)")])
def test_any_uri(site, dialect, uri):
    files = {"refer.allow": '"^sip:alice@" : "^sip:1[0-9]+@"', "refer.deny": "ALL : ALL"}
    server = site(f'$var(ok) = allow_uri("refer", {uri});', files, dialect=dialect)
    assert told(server, headers={"X-To": "sip:%3123@x"}) == 1
    assert told(server, headers={"X-To": "sip:23@x"}) == -1
    assert told(server, headers={"X-To": "nobody"}) == -1 and server.log.matching("'nobody' is no URI")
    assert told(server) == -1


def test_files_that_variables_name(site):
    server = site('$var(ok) = allow_routing("to-$rU");', {"to-bob.deny": "ALL : ALL"})
    assert told(server) == -1 and told(server, "sip:carol@x") == 1
    server = site('$avp(f) = "../" + $rU; $var(ok) = allow_routing($avp(f));')
    assert told(server) == -1 and server.log.matching("in the folder of the configuration")


def test_where_there_is_no_request_nothing_is_allowed(site):
    server = site("exit;", routes='timer_route[t, 1] { xlog("L_NOTICE", "timer $(var(x))\\n"); '
                  'if (allow_uri("x", "sip:a@b")) xlog("L_NOTICE", "allowed\\n"); }')
    server.advance(1.5)
    assert server.log.matching("timer") and not server.log.matching("NOTICE allowed")
    assert server.log.matching("denied: there is no request here")


def test_a_mistake_keeps_the_server_from_starting(site):
    for files in ({"calls.allow": "ALL ALL"}, {"permissions.deny": '"(" : ALL'}):
        with pytest.raises(ConfigError, match="line 1"):
            site('allow_routing("calls");', files)


def test_a_name_that_begins_others_may_be_that_of_something_else(site, tmp_path):
    (tmp_path / "folder").mkdir()
    server = site('$var(ok) = allow_routing("folder");', {"folder.deny": "ALL : ALL"}, dialect="2.1")
    assert told(server) == -1 and not server.log.matching("denied:")
    server = site('$var(ok) = allow_routing("folder", "folder.deny");', dialect="2.1")
    assert told(server) == -1 and server.log.matching("denied: .*folder")


def test_a_reload_brings_changes(site, tmp_path):
    server = site('$var(ok) = allow_routing("calls");', {"calls.deny": "ALL : ALL"})
    assert told(server) == -1
    (tmp_path / "calls.deny").write_text("")
    assert told(server) == -1
    server.reload((tmp_path / "opensips.cfg").read_text())
    assert told(server) == 1


@pytest.mark.parametrize(("dialect", "name"), [("2.1", "allow_uri"), ("4.0", "permissions:allow_uri")])
def test_management_asks_the_same_rules(site, dialect, name):
    server = site('allow_register("register");', {"register.deny": 'ALL : "@192.0.2.200$"'}, dialect=dialect)
    good, bad = ((name, "register", "sip:alice@x", f"sip:a@192.0.2.{each}") for each in (5, 200))
    assert server.mi(*good) in (None, "OK")
    with pytest.raises(MIError, match="Forbidden") as refused:
        server.mi(*bad)
    assert refused.value.code == 403
    for wrong in (("other", "sip:a@x", "sip:a@y"), ("register", "a", "sip:a@y"), ("register", "sip:a@x", "b")):
        with pytest.raises(MIError):
            server.mi(name, *wrong)

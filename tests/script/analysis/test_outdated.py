"""Names of 2.1 in scripts of 4.0."""
import pytest

from opensips_py.module.loader import upstream_modules
from opensips_py.script import renames
from tests.script.analysis.found import HEAD, warnings


def outdated(text):
    return [(each["message"].partition(":")[0], each["fix"]) for each in warnings(text, "W0201")]


@pytest.mark.parametrize(("statement", "name", "fix"), [
    ('rewritehost("x");', "rewritehost", "write sethost"),
    ("append_branch();", "append_branch", "write append_branch_old (or"),
    ("setsflag(1);", "setsflag", "write setflag(): flags"), ("$var(x) = $retcode;", "$retcode", "write $rc"),
    ("$var(x) = $(Ri{s.len});", "$Ri", "write $socket_in(ip)")])
def test_in_routes(statement, name, fix):
    ((said, told),) = outdated(f"log_level=2 {HEAD} route {{ {statement} drop; }}")
    assert said == f"{name} is of OpenSIPS 2.1" and told.startswith(fix)


def test_outside_of_routes():
    text = f'log_stderror=yes\nsocket=udp:127.0.0.1:5060\n{HEAD}modparam("usrloc", "db_mode", 0)\nroute {{ drop; }}'
    assert outdated(text) == [
        ("log_stderror is of OpenSIPS 2.1", "write stderror_enabled (syslog_enabled says the opposite)"),
        ("db_mode is of OpenSIPS 2.1", "write working_mode_preset")]


def test_letters_of_flags():
    routes = 'route { save("location", "fc3"); lookup("location", "method-filtering"); }'
    text = f"socket=udp:127.0.0.1:5060\n{HEAD}{routes}"
    assert outdated(text) == [('save, flags "fc3"', 'write "force-registration,max-contacts=3"')]


def test_in_its_own_dialect():
    assert outdated(f'debug=2 {HEAD} route {{ rewritehost("x"); drop; }}') == []


OF_OTHER_VERSIONS = {"event_jsonrpc", "xlog", "uri_db", "lcr", "localcache", "memcached", "perlvdb", "tlsops", "mysql",
                     "dbtext", "rabbitmq"}  # neither 2.1 nor 4.0 has them


def test_names_of_the_table_are_those_of_opensips():
    modules = {key.partition(".")[0] for key in renames.table()["params"]}
    assert modules | set(renames.table()["modules"]) - OF_OTHER_VERSIONS <= upstream_modules()
    assert all(found.how or found.to in upstream_modules() for found in renames.table()["modules"].values())
    for kind, names in renames.table().items():
        for name, found in names.items():
            assert found.to or found.how or (kind, name) == ("flags", "t_relay.0x01"), (kind, name)

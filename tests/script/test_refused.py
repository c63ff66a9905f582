"""What OpenSIPS 2.1.5 and 4.0.1 refuse, asked one by one: refused here too, once, and where it stands; the fixes that
are made by themselves mend it."""
import pytest

from opensips_py.script.remedies import Edit, applied
from opensips_py.server.verdict import overlaid, verdict

HEADS = {
    "2.1": "debug=3\nchildren=1\nlisten=udp:127.0.0.1:5060\n",
    "4.0": "log_level=3\nudp_workers=1\nsocket=udp:127.0.0.1:5060\n"}
MODULES = ("proto_udp", "signaling", "sl", "tm", "rr", "sipmsgops", "maxfwd", "usrloc", "registrar", "cfgutils",
           "nathelper")
BOTH, OLD, NEW = ("2.1", "4.0"), ("2.1",), ("4.0",)

# what stands in the request route: the dialects, the beginning of the message, whether its fix mends it
STATEMENTS = {
    'exit; // done': (BOTH, "'//' begins no comment", True),
    'if ($rU == NULL) exit else drop;': (BOTH, "missing ';' after this statement", True),
    'if ($rU == 5 & $rd == "a") exit;': (BOTH, "'&' joins bits, not conditions", True),
    'if ($var(x) == 5 | 4) exit;': (BOTH, "'|' joins bits, not conditions", False),
    'switch ($rs) { case 1: exit; default: exit; case 2: drop; }': (BOTH, "'default' is the last part", False),
    'switch ($rs) { case 1: exit; default: exit; default: drop; }': (BOTH, "'default' is the last part", False),
    'switch ($rs) { default: exit; }': (BOTH, "a switch needs a case", False),
    'switch ($rs) { }': (BOTH, "a switch needs a case", False),
    'switch (5) { case 5: exit; }': (BOTH, "a switch is on a variable", False),
    'if (src_ip == 10.0.0) exit;': (OLD, "'10.0.0' is no value of src_ip", False),
    'if (src_ip == 10.0.0.1.2) exit;': (OLD, "'10.0.0.1.2' is no value of src_ip", False),
    'if (src_port == high) exit;': (OLD, "'high' is no value of src_port", False),
    'if (proto == UDPP) exit;': (OLD, "'UDPP' is no value of proto", False),
    'if (af == INET7) exit;': (OLD, "'INET7' is no value of af", False),
    'xlog("it costs $ 5\\n");': (BOTH, "the name of a variable is missing behind $", True),
    'append_hf("X-Price: 5$\\r\\n");': (BOTH, "the name of a variable is missing behind $", True),
    'xlog("$var()");': (BOTH, "$var needs a name", False),
    'xlog("$avp()");': (BOTH, "$avp needs a name", False),
    'xlog("L_FOO", "a");': (BOTH, '"L_FOO" is no log level', False),
    'setflag(-1);': (BOTH, "setflag, argument 'flag': the name of a flag is a word", False),
    'setflag($var(x));': (BOTH, "setflag, argument 'flag': the name of a flag is a word", False),
    'is_method("INVITE|FOO");': (BOTH, 'is_method, argument \'name\': "FOO" is no method', False),
    't_on_failure("");': (BOTH, "t_on_failure, argument 'failure_route': there is no failure_route[]", False),
    't_relay("");': (OLD, "t_relay, argument 'proxy_or_flags': a number of flags", False),
    't_relay("udp:10.0.0.1:5060:x");': (BOTH, "t_relay, argument", False),
    't_relay("0xZZ");': (BOTH, "t_relay, argument", False),
    'forward("sip:a@b");': (BOTH, "forward, argument 'destination': [protocol:]host[:port] is needed", False),
    'forward("10.0.0.1:5060:7");': (BOTH, "forward, argument 'destination': [protocol:]host[:port] is needed", False),
    'mf_process_maxfwd_header(0);': (NEW, "mf_process_maxfwd_header, argument 'max_value': a number from 1", False),
    'use_blacklist("nobody");': (BOTH, "use_blacklist, argument 'name': there is no blacklist nobody", False),
    'force_send_socket("udp:10.1.2.3:5060");': (BOTH, "force_send_socket, argument 'socket': the script has no", False),
    'force_send_socket("udp:127.0.0.1:5061");': (BOTH, "force_send_socket, argument 'socket': the script", False),
    'async(xlog("a"), known);': (BOTH, "xlog never waits, and async is for functions that do", False),
    'async(is_method("INVITE"), known);': (BOTH, "is_method never waits, and async is for functions", False),
    'launch(record_route());': (NEW, "record_route never waits, and launch is for functions", False),
}
# what stands before the route
SETTINGS = {
    'loadmodule "sl.so"': (BOTH, "module sl is there twice", False),
    'loadmodule "/usr/lib/opensips/modules/sl.so"': (BOTH, "module sl is there twice", False),
    'loadmodule "textops"': (BOTH, "module textops is a file, textops.so", True),
    'loadmodule "textops.so";': (BOTH, "';' stands behind loadmodule", True),
    'modparam("tm", "fr_timeout", 5);': (BOTH, "';' stands behind modparam", True),
    'check_via=no;': (BOTH, "';' stands behind a parameter", True),
    'route[more] { exit; };': (BOTH, "';' stands behind a route", True),
    'modparam("tm", "fr_timeout", 1)': (BOTH, "parameter fr_timeout of tm: a number from 2", False),
    'modparam("registrar", "received_avp", "$var(x)")': (BOTH, "parameter received_avp of registrar: ", False),
    'modparam("registrar", "attr_avp", "$ru")': (BOTH, "parameter attr_avp of registrar: $avp(name) is needed", False),
    'modparam("nathelper", "received_avp", "$var(x)")': (BOTH, "parameter received_avp of nathelper: ", False),
    'server_header=OpenSIPS': (BOTH, "server_header is a text in quotes, not OpenSIPS", True),
    'db_version_table=versions': (BOTH, "db_version_table is a text in quotes", True),
    'stderror_log_format="yaml"': (NEW, "stderror_log_format is one of plain_text, json, json_cee", False),
    'socket=127.0.0.1:5070': (NEW, "127.0.0.1:5070 names no protocol", True),
    'socket=udp:127.0.0.1:-5': (NEW, "'-5' is no port", False),
    'listen=127.0.0.1:5070': (OLD, "127.0.0.1:5070 names no protocol", True),
    'loadmodule "httpd.so"\nmodparam("httpd", "ip", "127.0.0.300")': (BOTH, "127.0.0.300 is no IP address", False),
    'loadmodule "rtpproxy.so"': (BOTH, "no relay is named", False),
}


def script(dialect, settings="", statement="exit;"):
    modules = "".join(f'loadmodule "{each}.so"\n' for each in MODULES)
    return f"{HEADS[dialect]}{modules}{settings}\nroute {{\n\t{statement}\n}}\nroute[known] {{ exit; }}\n"


def findings(text):
    return [each for each in verdict("/x.cfg", overlaid({"/x.cfg": text}), notes=False).as_data()["findings"]
            if each["severity"] == "error"]


def expected(table):
    return [(dialect, text, message, mends) for text, (dialects, message, mends) in table.items()
            for dialect in dialects]


def blamed(text, wrong, message, mends):
    """The one error is *message*, in one of the lines that *wrong* takes, and its edits are carried out."""
    (found,) = findings(text)
    assert found["message"].startswith(message) and found["fix"]
    start = text[:text.rindex(wrong)].count("\n") + 1
    assert start <= found["line"] <= start + wrong.count("\n")
    if mends:
        assert findings(applied(text, [Edit(**each) for each in found["edits"]])) == []


def test_what_is_right():
    for dialect in BOTH:
        assert findings(script(dialect)) == []


@pytest.mark.parametrize(("dialect", "statement", "message", "mends"), expected(STATEMENTS))
def test_statements(dialect, statement, message, mends):
    blamed(script(dialect, statement=statement), statement, message, mends)


@pytest.mark.parametrize(("dialect", "settings", "message", "mends"), expected(SETTINGS))
def test_settings(dialect, settings, message, mends):
    blamed(script(dialect, settings), settings, message, mends)


@pytest.mark.parametrize("statement", [
    'xlog("100% of $$ 5 for $rU");', 'if ($rU =~ "^a$") exit;', '$var(x) = "5 $";', 'subst("/a$/b/");',
    'if ($var(x) == (5 & 4)) exit;', 'switch ($rs) { case 1: exit; default: drop; }', 'is_method("FOO");',
    'async(sleep("1"), known);', 'xlog("L_WARN", "a");', 'xlog("$var(level)", "a");'])
def test_what_looks_alike_and_is_right(statement):
    modules = 'loadmodule "textops.so"\nloadmodule "proto_udp.so"\n'
    assert findings(script("2.1", modules, statement)) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "eth0", "sip.example.com"])
def test_a_forced_socket_may_be_one_of_the_machine_that_the_script_is_for(host):
    text = script("4.0", statement='force_send_socket("udp:10.1.2.3:5060");')
    assert findings(text.replace("socket=udp:127.0.0.1:5060", f"socket=udp:{host}:5060")) == []

"""A script of 2.1 becomes one of 4.0 that means the same; what need not change stays to the byte."""
import pathlib

import pytest

from opensips_py.script import configuration, converting, tree
from opensips_py.script.preprocessor import read_text

OLD = read_text(str(pathlib.Path(__file__).with_name("residential_21.cfg")))
MODULES = "".join(f'loadmodule "{each}.so"\n' for each in (
    "sl", "tm", "rr", "maxfwd", "sipmsgops", "uri", "signaling", "usrloc", "registrar", "acc", "cfgutils"))
DEFAULTS = "auto_aliases=no\n"


def reader(texts):
    def read(path):
        if path not in texts:
            raise FileNotFoundError(2, "No such file or directory", path)
        return texts[path]
    return read


def converted(text, **others):
    """The converted text; it has to load as one of 4.0."""
    texts = converting.converted("old.cfg", {"old.cfg": text, **others})
    found = configuration.read("old.cfg", read=reader(texts))
    assert found.dialect == "4.0"
    assert not found.diagnostics.errors, found.diagnostics.render() + "\n\n" + texts["old.cfg"]
    return texts["old.cfg"]


def statements(text):
    """What the statements of a route become."""
    begin, end = "route[x] {\n", "\n}\nfailure_route[f] { exit; }\n"
    return converted(f"debug=2\n{DEFAULTS}{MODULES}route {{ route(x); }}\n{begin}{text}{end}").partition(begin)[2] \
        .removesuffix(end)


@pytest.mark.parametrize(("old", "new"), [
    # operands
    ('if (method=="INVITE") exit;', 'if ($rm=="INVITE") exit;'),
    ("if (method==INVITE) exit;", 'if ($rm=="INVITE") exit;'),
    ("if (uri==myself) exit;", 'if (is_myself("$rd", $(ru{uri.port}))) exit;'),
    ("if (! from_uri != myself) exit;", 'if (! !is_myself("$fd", $(fu{uri.port}))) exit;'),
    ("if (src_ip == 10.0.0.0/8) exit;", "if ($si == 10.0.0.0/8) exit;"),
    ('if (dst_port=="5060") exit;', "if ($socket_in(port)==5060) exit;"),
    ("if (proto==UDP && af==INET6) exit;", 'if ($socket_in(proto)=="UDP" && $af=="INET6") exit;'),
    ("if (msg:len >= max_len) exit;", "if ($ml >= 65535) exit;"),
    ('if (uri =~ "^sip:[0-9]+@") exit;', 'if ($ru =~ "^sip:[0-9]+@") exit;'),
    # numbers, variables and names as arguments
    ('sl_send_reply("404", "Not Found");', 'sl_send_reply(404, "Not Found");'),
    ('strip("2"); prefix("00");', 'strip(2); prefix("00");'),
    ('$var(c) = 404; t_newtran(); t_reply("$var(c)", "x");', '$var(c) = 404; t_newtran(); t_reply($var(c), "x");'),
    ('pv_printf("$var(a)", "x");', 'pv_printf($var(a), "x");'),
    ("setflag(ACC_DONE); if (isflagset(5)) exit;", 'setflag("ACC_DONE"); if (isflagset("5")) exit;'),
    ("force_send_socket(udp:127.0.0.1:5060); set_advertised_port(5080);",
     'force_send_socket("udp:127.0.0.1:5060"); set_advertised_port("5080");'),
    ('set_advertised_address(10.0.0.1); set_advertised_address("a.b");',
     'set_advertised_address("10.0.0.1"); set_advertised_address("a.b");'),
    # orders of arguments
    ("setbflag(1, 6);", 'setbflag("6", 1);'), ("setbflag(6);", 'setbflag("6");'),
    ('setbranchflag("2", "NAT");', 'setbflag("NAT", 2);'),
    ("if (isbflagset(1, 6)) exit;", 'if (isbflagset("6", 1)) exit;'),
    ('t_relay("0x02");', 't_relay("no-auto-477");'),
    ('t_relay("udp:10.0.0.1:5060");', 't_relay(, "udp:10.0.0.1:5060");'),
    ('t_relay("10.0.0.1", "6");', 't_relay("no-auto-477,no-dns-failover", "10.0.0.1");'),
    ('lookup("location", "m");', 'lookup("location", "method-filtering");'),
    ('save("location", "p1vc3");', 'save("location", "path-lazy,path-received,max-contacts=3");'),
    ('if (registered("location")) exit;', 'if (is_registered("location", "$ru")) exit;'),
    ('if (registered("location", "$fu", "$ci")) exit;', 'if (is_contact_registered("location", "$fu", , "$ci")) exit;'),
    ('remove("location", "$tu", "10.0.0.1");', 'remove("location", "$tu", , "10.0.0.1");'),
    ('remove_hf("X-.*", "r");', 'remove_hf_re("X-.*");'), ('remove_hf("X-A");', 'remove_hf("X-A");'),
    # names
    ('rewritehost("a.example"); setu("b");', 'sethost("a.example"); setuser("b");'),
    ('add_uri_param("a=b"); if (uri_param("a")) exit;', 'ruri_add_param("a=b"); if (ruri_has_param("a")) exit;'),
    ("append_branch();", "append_branch_old();"), ('strip_body();', "remove_body_part();"),
    ('if (method=="MESSAGE") add_body("a", "text/plain");',
     'if ($rm=="MESSAGE") { remove_body_part(); add_body_part("a", "text/plain"); };'),
    ('xlog("$retcode $Ri:$Rp $$Ri $proto.");', 'xlog("$rc $socket_in(ip):$socket_in(port) $$Ri $socket_in(proto).");'),
    ("$var(x) = $(Ri{s.len});", "$var(x) = $(socket_in(ip){s.len});"),
    # meanings
    ("$var(x) = 1; $var(x) += 2;", "$var(x) = 1; $var(x) = 2;  # all that += did in OpenSIPS 2.1"),
    ('switch ($rm) { case "A": xlog("a"); default: xlog("b"); }',
     'switch ($rm) { case "A": xlog("a"); break; default: xlog("b"); }'),
    ('switch ($rm) { case "A": exit; default: xlog("b"); }', 'switch ($rm) { case "A": exit; default: xlog("b"); }'),
    ('if ($(fu{uri.param,x}) == "") exit;', 'if (($(fu{uri.param,x}) == NULL || $(fu{uri.param,x}) == "")) exit;'),
    # no change: comments, texts, blanks
    ("# method == INVITE\n/* uri==myself */ xlog(\"method uri\");",
     "# method == INVITE\n/* uri==myself */ xlog(\"method uri\");"),
    ("if (  is_method( \"INVITE\" )  )\n\t\texit ;", "if (  is_method( \"INVITE\" )  )\n\t\texit ;"),
])
def test_statements(old, new):
    assert statements(old) == new


@pytest.mark.parametrize(("old", "new"), [
    ('if (is_avp_set("$avp(x)")) exit;', "if (($avp(x) != NULL)) exit;"),
    ('if (!is_avp_set("$avp(x)") && $rU) exit;', "if (!($avp(x) != NULL) && $rU) exit;"),
    ('avp_delete("$avp(x)"); avp_delete("$avp(y)/g");', "$avp(x) = NULL; $(avp(y)[*]) = NULL;"),
    ('avp_subst("$avp(x)", "/^0+/+/");', "$avp(x) = $(avp(x){re.subst,/^0+/+/});"),
    ('if ($rU) setdebug("4");', "if ($rU) $log_level = 4;"),
    ('exec_msg("logger -t sip");', 'exec("logger -t sip", $mb);')])
def test_functions_that_4_0_has_no_more(old, new):
    modules = 'loadmodule "avpops.so"\nloadmodule "exec.so"\n'
    text = f"debug=2\n{DEFAULTS}{MODULES}{modules}route {{\n{old}\n}}\n"
    assert converting.converted("old.cfg", {"old.cfg": text})["old.cfg"].endswith(f"route {{\n{new}\n}}\n")
    assert "OpenSIPS 4.0 has" not in new


@pytest.mark.parametrize(("old", "new"), [
    ("listen=udp:127.0.0.1:5060", "socket=udp:127.0.0.1:5060"), ("children=4", "udp_workers=4"),
    ("debug=4 # much", "log_level=4 # much"), ("log_stderror=no", "stderror_enabled=no\nsyslog_enabled=yes"),
    ("log_facility=LOG_LOCAL1", "syslog_facility=LOG_LOCAL1"),
    ("fork=yes", "# fork=yes  # OpenSIPS 4.0 has the option -F, or debug_mode=yes instead"),
    ("listen=127.0.0.1", "socket=udp:127.0.0.1"),
    ('listen=127.0.0.1\nloadmodule "proto_udp.so"\nloadmodule "proto_tcp.so"',
     'socket=udp:127.0.0.1\nsocket=tcp:127.0.0.1\nloadmodule "proto_udp.so"\nloadmodule "proto_tcp.so"'),
    ("children=3\nfork=no", "# children=3  # without fork there is one worker\n"
     "# fork=no  # OpenSIPS 4.0 has the option -F, or debug_mode=yes instead\nudp_workers=1"),
    ("dialect=2.1", "# dialect=2.1  # the script is of 4.0 now"),
    ("tcp_children=2\ntcp_listen_backlog=20", "tcp_workers=2\ntcp_socket_backlog=20")])
def test_core_parameters(old, new):
    end = f"\n{DEFAULTS}loadmodule \"sl.so\"\nroute {{ exit; }}\n"
    text = converted(f"{old}{end}" if "listen" not in old else f"{old}\nlog_name=\"x\"{end}")
    assert text.startswith(new + "\n")


@pytest.mark.parametrize(("debug", "line", "level"), [
    (3, 'xlog("L_INFO", "x");', "xlog_level=3\n"), (2, 'xlog("L_INFO", "x");', ""), (3, "", "")])
def test_lines_of_the_script_have_the_level_that_they_had(debug, line, level):
    text = converted(f'debug={debug}\nchildren=2\n{DEFAULTS}route {{ {line} exit; }}\n')
    assert text.startswith(f"log_level={debug}\n{level}udp_workers=2\n")


def test_protocols_that_were_built_in_are_loaded():
    assert 'loadmodule "proto_udp.so"\n' in converted(f'debug=2\n{DEFAULTS}loadmodule "sl.so"\nroute {{ exit; }}\n')


def test_a_parameter_of_several_modules_is_left_to_those_that_have_it():
    text = converted(f'debug=2\n{DEFAULTS}{MODULES}modparam("usrloc|uri", "use_domain", 1)\n'
                     "route { exit; }\n")
    assert 'modparam("usrloc", "use_domain", 1)' in text


def test_defaults_that_differ_are_made_plain():
    text = converted('listen=udp:127.0.0.1:5060\nloadmodule "usrloc.so" # who is where\n'
                     "route { while ($rU) exit; }\n")
    assert text == """socket=udp:127.0.0.1:5060
auto_aliases=1  # the default of OpenSIPS 2.1
max_while_loops=100  # the default of OpenSIPS 2.1

loadmodule "usrloc.so" # who is where
modparam("usrloc", "use_domain", 0)  # the default of OpenSIPS 2.1
route { while ($rU) exit; }
"""


def test_a_default_that_nothing_relies_on_is_left_out():
    assert "max_while_loops" not in converted(f"debug=2\n{DEFAULTS}route {{ exit; }}\n")


def test_modules_that_are_no_more():
    text = converted(f'debug=2\n{DEFAULTS}loadmodule "uri.so"\nroute {{ if (has_totag()) exit; }}\n')
    assert 'loadmodule "sipmsgops.so"\n' in text and "uri.so" not in text
    text = converted(f'debug=2\n{DEFAULTS}loadmodule "uri.so"\nroute {{ if (is_user("joe")) exit; }}\n')
    assert 'loadmodule "uri.so"  # OpenSIPS 4.0 has modules sipmsgops' in text


def test_management_over_http():
    text = converted(f'debug=2\n{DEFAULTS}loadmodule "httpd.so"\nmodparam("httpd", "ip", "")\nloadmodule "mi_json.so"\n'
                     'loadmodule "mi_http.so"\nmodparam("mi_http", "mi_http_root", "pages")\nroute { exit; }\n')
    assert 'loadmodule "mi_http.so"\nmodparam("mi_http", "root", "json")' in text
    assert 'loadmodule "mi_html.so"\nmodparam("mi_html", "root", "pages")' in text


def test_flags_of_accounts_in_a_database():
    text = converted(f'debug=2\n{DEFAULTS}{MODULES}loadmodule "db_sqlite.so"\n'
                     'modparam("acc", "db_url", "sqlite:///accounts.db")\n'
                     'modparam("acc", "db_flag", 1)\nmodparam("acc", "db_missed_flag", 2)\n'
                     'modparam("acc", "failed_transaction_flag", 3)\nroute { setflag(1); setflag(2); setflag(3); }\n')
    assert text.endswith('route { do_accounting("db"); if ($rm == "INVITE") do_accounting("db", "missed"); '
                         'do_accounting("db", "failed"); }\n')
    assert text.count("# modparam(\"acc\"") == 3


def test_modules_of_which_nothing_is_left_go():
    script = f'debug=2\n{DEFAULTS}{MODULES}loadmodule "avpops.so"\nroute {{ @call@ exit; }}\n'
    assert '\n# loadmodule "avpops.so"  # no function of it is left' in converted(
        script.replace("@call@", 'avp_delete("$avp(x)/g");'))
    assert '\nloadmodule "avpops.so"  # OpenSIPS 4.0 has' in converted(
        script.replace("@call@", 'avp_copy("$avp(x)", "$avp(y)");'))
    assert '\nloadmodule "avpops.so"  # OpenSIPS 4.0 has' in converted(script.replace(
        "route", 'modparam("avpops", "avp_table", "avps")\nroute').replace("@call@", ""))


def test_flags_that_are_asked_for_stay():
    text = converted(f'debug=2\n{DEFAULTS}{MODULES}modparam("acc", "log_flag", "ACC")\n'
                     "route { setflag(ACC); if (isflagset(ACC)) exit; }\n")
    assert 'setflag("ACC"); if (isflagset("ACC")) exit;' in text and '"log_flag", "ACC")' in text


def test_a_whole_script():
    text = converted(OLD)
    for line in OLD.splitlines():
        if "#" in line or "/*" in line or "*/" in line:
            assert line.partition("#")[2] in text
    assert 'do_accounting("log")' in text and "$avp(original) = " in text
    assert len([line for line in text.splitlines() if line.startswith(("/* modules", "   those"))]) == 2
    assert converting.converted("old.cfg", {"old.cfg": text}) == {"old.cfg": text}


def test_files_that_are_included():
    part = 'route[x] { if (method==ACK) exit; }  # in a file of its own\n'
    texts = converting.converted("old.cfg", {"old.cfg": 'debug=1\ninclude_file "part.cfg"\nroute { route(x); }\n',
                                             "part.cfg": part})
    assert texts["part.cfg"] == 'route[x] { if ($rm=="ACK") exit; }  # in a file of its own\n'
    assert texts["old.cfg"].startswith('log_level=1\ninclude_file "part.cfg"\n')


OF_DATABASES = """listen=udp:127.0.0.1:5060
debug=2
auto_aliases=no
loadmodule "proto_udp.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "db_sqlite.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
modparam("auth_db", "db_url", "sqlite:///x.sqlite")
loadmodule "uri.so"
modparam("uri", "use_uri_table", §)
loadmodule "uac_auth.so"
loadmodule "rr.so"
loadmodule "uac.so"
loadmodule "event_route.so"
route {
	if (!db_check_to() || !db_check_from()) exit;
	if (!db_does_uri_exist()) exit;
	www_challenge("", "0");
	proxy_challenge("x", "1");
	uac_replace_from("sip:a@b");
}
event_route[E_CORE_THRESHOLD] {
	fetch_event_params("$avp(a);source=$avp(b)");
}
"""


def test_functions_that_other_modules_have_in_40():
    text = converted(OF_DATABASES.replace("§", "0"))
    for each in ("if (!($tU == $au) || !($fU == $au)) exit;", 'if (!db_does_uri_exist("$ru", "subscriber")) exit;',
                 'www_challenge("");', 'proxy_challenge("x", "auth");', 'uac_replace_from(, "sip:a@b");',
                 "\t$avp(a) = $param(1); $avp(b) = $param(source);\n", '# modparam("uri", "use_uri_table", 0)  #'):
        assert each in text, (each, text)
    text = converted(OF_DATABASES.replace("§", "1"))
    assert 'if (!db_is_to_authorized("uri") || !db_is_from_authorized("uri")) exit;' in text


def test_flags_of_parameters_are_names_in_40():
    text = converted('debug=2\nport=5070\nauto_aliases=no\nloadmodule "usrloc.so"\n'
                     'modparam("usrloc", "nat_bflag", 10)\nroute { exit; }\n')
    assert 'modparam("usrloc", "nat_bflag", "10")' in text and "# port=5070  # OpenSIPS 4.0 has the port" in text


def test_a_script_of_40_stays():
    text = 'log_level=2\nroute { setbflag("a", 1); }\n'
    assert converting.converted("old.cfg", {"old.cfg": text}) == {"old.cfg": text}


def test_a_script_without_a_socket_gets_those_of_its_protocols():
    text = converted(f'debug=2\n{DEFAULTS}loadmodule "proto_udp.so"\nloadmodule "proto_tcp.so"\nroute {{ exit; }}\n')
    assert "\nsocket=udp:*:5060  # the default of OpenSIPS 2.1: all addresses\nsocket=tcp:*:5060  #" in text


def test_line_ends_of_windows():
    head = f'debug=2\nlisten=udp:127.0.0.1\n{DEFAULTS}loadmodule "proto_udp.so"\n'
    text = converted(head.replace("\n", "\r\n") + "route {\r\n\tif (method==ACK) exit;\r\n}\r\n")
    assert text == ('log_level=2\r\nsocket=udp:127.0.0.1\r\nauto_aliases=no\r\nloadmodule "proto_udp.so"\r\n'
                    'route {\r\n\tif ($rm=="ACK") exit;\r\n}\r\n')


def test_what_definitions_hold_is_left():
    text = "debug=2\n#!define ME method\nauto_aliases=no\nroute { if (ME == INVITE) exit; }\n"
    found = converting.converted("old.cfg", {"old.cfg": text})["old.cfg"]
    assert "#!define ME method" in found and "log_level=2" in found


def test_routes_are_those_of_before():
    before = configuration.read("old.cfg", read=reader({"old.cfg": OLD}))
    after = configuration.read("old.cfg", read=reader({"old.cfg": converted(OLD)}))
    assert [each.name for each in before.script.of(tree.Route)] == [each.name for each in after.script.of(tree.Route)]
    assert [str(each) for each in before.sockets] == [str(each) for each in after.sockets]

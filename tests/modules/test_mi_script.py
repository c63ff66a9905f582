"""mi_script: management commands out of the script."""
import json

import pytest

from opensips_py.testing import request

HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "mi_script.so" loadmodule "cfgutils.so"
"""


def variables(opensips, body, settings="", more=""):
    server = opensips(text=f"{HEAD}{settings}route {{ {body} }}\n{more}")
    server.receive(request("OPTIONS", "sip:x@192.0.2.9"), "192.0.2.1")
    return server.variables


def test_an_answer_is_json(opensips):
    found = variables(opensips, 'mi("uptime", $var(answer)); $var(rc) = $rc;')
    assert found["rc"] == 1 and set(json.loads(found["answer"])) >= {"Now", "Up since", "Up time"}
    assert "\n" not in found["answer"]


def test_an_answer_that_is_a_text_is_json_too(opensips):
    found = variables(opensips, '''$shv(a) = 1; mi("shv_set a int 7", $var(answer));
                                   mi("reset_statistics 2xx_replies", $var(none));''')
    assert json.loads(found["answer"]) == "OK" and json.loads(found["none"]) == "OK"


def test_answers_on_several_lines(opensips):
    found = variables(opensips, 'mi("uptime", $var(answer));', 'modparam("mi_script", "pretty_printing", 1)\n')
    assert "\n" in found["answer"]


def test_without_a_variable_the_code_is_all(opensips):
    assert variables(opensips, 'mi("shv_set a int 7"); $var(rc) = $rc; $var(a) = $shv(a);') == {"rc": 1, "a": 7}


def test_values_behind_the_command(opensips):
    found = variables(opensips, '$shv(x) = 3; mi("shv_get x", $var(answer));')
    assert json.loads(found["answer"])["VAR"] == {"type": "integer", "value": 3}


def test_values_of_an_avp_by_place_in_the_order_of_their_assignment(opensips):
    found = variables(opensips, '''$avp(p) = "b"; $avp(p) = "str"; $avp(p) = "a text with spaces";
                                   mi("shv_set ignored", , $avp(p)); $var(b) = $shv(b);''')
    assert found == {"b": "a text with spaces"}


def test_values_by_name(opensips):
    found = variables(opensips, '''$avp(p) = "value"; $avp(v) = "5"; $avp(p) = "name"; $avp(v) = "c";
                                   $avp(p) = "type"; $avp(v) = "int"; mi("shv_set", $var(x), $avp(p), $avp(v));
                                   $var(rc) = $rc; $var(c) = $shv(c);''')
    assert (found["rc"], found["c"]) == (1, 5)


def test_values_alone_go_by_place(opensips):
    found = variables(opensips, '''$avp(v) = "d"; $avp(v) = "int"; $avp(v) = 4; mi("shv_set", , , $avp(v));
                                   $var(rc) = $rc; $var(d) = $shv(d);''')
    assert found == {"rc": 1, "d": 4}


def test_more_values_than_names(opensips, caplog):
    found = variables(opensips, '''$shv(x) = 3; $avp(p) = "name"; $avp(v) = "x"; $avp(v) = "y";
                                   mi("shv_get", $var(answer), $avp(p), $avp(v)); $var(rc) = $rc;''')
    assert found["rc"] == 1 and json.loads(found["answer"])["VAR"]["value"] == 3
    assert "2 values for 1 names" in caplog.text


def test_lists(opensips):
    found = variables(opensips, '''$avp(p) = "statistics"; $avp(v) = "__array(sl:2xx_replies sl:4xx_replies)";
                                   mi("get_statistics", $var(answer), $avp(p), $avp(v));''')
    assert json.loads(found["answer"]) == {"sl:2xx_replies": 0, "sl:4xx_replies": 0}
    found = variables(opensips, '$avp(p) = "__array(sl:2xx_replies)"; mi("get_statistics", $var(answer), $avp(p));')
    assert json.loads(found["answer"]) == {"sl:2xx_replies": 0}


@pytest.mark.parametrize(("call", "code", "text"), [
    ('mi("no_such_command", $var(answer))', -1, "Method not found"),
    ('mi("shv_set a", $var(answer))', -32602, "parameter"),
    ('mi("", $var(answer))', -1, "Method not found"),
    ('mi("shv_set", $var(answer), $avp(one), $avp(none))', -2, "1 names for 0 values")])
def test_errors_are_negative_codes_with_their_text(opensips, call, code, text):
    found = variables(opensips, f'$avp(one) = "1"; {call}; $var(rc) = $rc;')
    assert found["rc"] == code and text.lower() in found["answer"].lower()


def test_asynchronously(opensips):
    server = opensips(text=HEAD + '''route { async(mi("uptime", $avp(answer)), resume); }
        route[resume] { xlog("L_NOTICE", "$rc $avp(answer)"); sl_send_reply(200, "OK"); }''')
    (answer,) = server.receive(request("OPTIONS", "sip:x@192.0.2.9"), "192.0.2.1")
    assert answer.status == 200 and server.log.matching(r'NOTICE 1 \{"Now')

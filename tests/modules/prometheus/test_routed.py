"""Metrics of the script."""
import json

import pytest

from opensips_py.errors import MIError
from opensips_py.modules.prometheus.routed import block, braced
from tests.modules.bench import Bench

SETTINGS = 'modparam("prometheus", "script_route", "metrics")'


def scripted(body, route=""):
    """What the route gives, and the bench that ran it."""
    bench = Bench("httpd prometheus", route, SETTINGS, f"route[metrics] {{ {body} }}")
    return bench.registry.modules["prometheus"].scripted(), bench


def test_metrics_are_declared_and_pushed():
    (declared, more), _ = scripted('''
        prometheus_declare_stat("cps"); prometheus_push_stat(3);
        prometheus_declare_stat("calls", "counter", "All calls"); prometheus_push_stat(10, "{gateway=\\"gw1\\"}");
        prometheus_push_stat(-2, "gateway", "gw\\"2");''')
    assert declared == [["cps", "gauge", "", [["", 3]]],
                        ["calls", "counter", "All calls", [['gateway="gw1"', 10], ['gateway="gw\\"2"', -2]]]]
    assert more == ""


def test_codes_of_what_is_refused():
    (declared, _), _ = scripted('''
        $var(a) = prometheus_push_stat(1); $var(b) = prometheus_declare_stat("no name");
        prometheus_declare_stat("x"); $var(c) = prometheus_push_stat(1, "a", "b");
        $var(d) = prometheus_push_stat(1, "a=b");
        $var(e) = prometheus_push_stat(1, "no label", "x");
        prometheus_declare_stat("codes"); prometheus_push_stat($var(a), "of", "nothing declared");
        prometheus_push_stat($var(b), "of", "no name"); prometheus_push_stat($var(c), "of", "a label");
        prometheus_push_stat($var(d), "of", "no label"); prometheus_push_stat($var(e), "of", "no label name");''')
    assert declared[-1][3] == [['of="nothing declared"', -1], ['of="no name"', -1], ['of="a label"', 1],
                               ['of="no label"', -1], ['of="no label name"', -1]]


def test_no_other_route_can_push():
    _, bench = scripted("", '$var(a) = prometheus_declare_stat("x"); $var(b) = prometheus_push_stat(1);')
    from tests.modules.bench import options
    assert bench.run_on(bench.message(options())).variables == {"a": -1, "b": -1}


def test_the_route_reads_a_request():
    (declared, _), _ = scripted('prometheus_declare_stat("x"); prometheus_push_stat(1, "who", "$rm $fU");')
    assert declared[0][3] == [['who="OPTIONS prometheus"', 1]]


TEXT = [{"header": "# TYPE x gauge", "values": [{"name": "x", "value": 3}, {"name": 'x{a="b"}', "value": 1.5}]},
        {"values": [{"name": "y", "value": 0}]}]


@pytest.mark.parametrize("statement", ["return (1, '{}');", "$var(t) = '{}'; return (1, $var(t));"])
def test_the_route_returns_text(statement):
    text = json.dumps(TEXT).replace('{a=\\"b\\"}', "")
    (_, more), _ = scripted(statement.replace("{}", text.replace("'", "\\'")))
    assert more == "# TYPE x gauge\nx 3\nx 1.5\ny 0\n"


def test_lines_of_json():
    assert block(json.dumps(TEXT)) == '# TYPE x gauge\nx 3\nx{a="b"} 1.5\ny 0\n'


@pytest.mark.parametrize("value, words", [
    ({}, "an array"), ([1], "an object with"), ([{"values": 1}], "an object with"),
    ([{"header": "x 3", "values": []}], "begin with #"), ([{"header": 3, "values": []}], "begin with #"),
    ([{"values": [{"name": "no name", "value": 3}]}], "is no name"), ([{"values": [3]}], "is no name"),
    ([{"values": [{"name": "x{a=b}", "value": 3}]}], "is no name"),
    ([{"values": [{"name": "x", "value": "3"}]}], "is a number"),
    ([{"values": [{"name": "x", "value": True}]}], "number")])
def test_json_that_prometheus_would_not_take(value, words):
    with pytest.raises(ValueError, match=words):
        block(json.dumps(value))


def test_what_the_route_returns_wrongly_is_an_error():
    with pytest.raises(MIError, match="it is no JSON"):
        scripted("return (1, 'nonsense');")


@pytest.mark.parametrize("text, labels", [('{a="1"}', 'a="1"'), (' { a="1", } ', 'a="1"'), ("{}", ""), ('a="1"', None),
                                          ("{a}", None), ("{", None)])
def test_labels_in_braces(text, labels):
    assert braced(text) == labels

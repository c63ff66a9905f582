"""json: documents that scripts read, build and change, by real scripts."""
import re

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import request

HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "json.so"
"""


def run(opensips, body, settings="", dialect="4.0"):
    server = opensips(text=f"dialect={dialect}\n{HEAD}{settings}\nroute {{ {body} }}\n")
    server.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
    return server


def variables(opensips, body, settings="", dialect="4.0"):
    return run(opensips, body, settings, dialect).variables


def text(json):
    """JSON as a text of a script."""
    return json.replace("\\", "\\\\").replace('"', '\\"')


DOCUMENT = text('{"n": 7, "s": "text", "t": true, "z": null, "f": 1.50, "o": {"k": [1, [2, 3]]}, "a b": "x"}')


@pytest.mark.parametrize(("path", "value"), [
    ("n", 7), ("s", "text"), ("t", "true"), ("z", None), ("f", "1.50"), ("o", '{ "k": [ 1, [ 2, 3 ] ] }'),
    ("o/k[0]", 1), ("o/k[-1][1]", 3), ("o/k[2]", None), ("o/k[-3]", None), ("none", None), ("n/deeper", None),
    ("o[0]", None), ("a b", "x"), ("a b ", None), ("o/k[]", None)])
def test_values_at_a_path(opensips, path, value):
    found = variables(opensips, f'$json(d) := "{DOCUMENT}"; $var(x) = $json(d/{path}); $var(rest) = $json(other);')
    assert found == {"x": value, "rest": None}


def test_building_a_document(opensips):
    found = variables(opensips, '''$json(d) := "{}"; $json(d/name) = "value"; $json(d/list) := "[]";
        $json(d/list[]) = 1; $json(d/list[]) = "1"; $json(d/list[]) := "null"; $json(d/list[]) := "true";
        $json(d/list[0]) = 5; $json(d/copy) := $json(d/list); $json(d/list[-1]) = NULL; $json(d/name) = NULL;
        $var(d) = $json(d); $json(d) = NULL; $var(gone) = $json(d);''')
    assert found == {"d": '{ "list": [ 5, "1", null ], "copy": [ 5, "1", null, true ] }', "gone": None}


def test_assigning_as_it_is_or_parsed(opensips):
    found = variables(opensips, '''$json(a) = "[1]"; $json(b) := "[1]"; $json(c) = 5; $json(d) := 5;
        $var(a) = $json(a[0]); $var(b) = $json(b[0]); $var(c) = $json(c) + 1; $var(d) = $json(d) + 1;''')
    assert found == {"a": None, "b": 1, "c": 6, "d": 6}


@pytest.mark.parametrize("wrong", ["no json", "[1", "[1] 2", "[" * 40 + "]" * 40, "[" * 5000 + "]" * 5000])
def test_what_is_not_json_leaves_nothing(opensips, wrong):
    server = run(opensips, f'$json(d) := "[1]"; $json(d) := "{wrong}"; $var(rc) = $rc; $var(d) = $json(d);')
    assert server.variables == {"rc": -1, "d": None} and server.log.matching("not JSON")


@pytest.mark.parametrize("body", [
    '$json(new/key) = 1', '$json(d/none/key) = 1', '$json(d[0]) = 1', '$json(d/list/key) = 1', '$json(d/list[1]) = 1',
    '$json(d/list[-2]) = 1', '$json(d/list[]) = NULL', '$json(d/list[1]) = NULL', '$json(d/list[$var(none)]) = 1',
    '$json(d/$var(none)) = 1', '$json(d/n/key) = NULL'])
def test_assigning_where_no_place_is_fails(opensips, body):
    document = text('{"list": [1], "n": 1}')
    server = run(opensips, f'$json(d) := "{document}"; {body}; $var(rc) = $rc; $var(d) = $json(d);')
    assert server.variables == {"rc": -1, "d": '{ "list": [ 1 ], "n": 1 }'}


def test_variables_as_keys_and_indexes(opensips):
    found = variables(opensips, f'''$json(d) := "{DOCUMENT}"; $var(i) = 1; $var(k) = "k"; $avp(o) = "n"; $avp(o) = "o";
        $var(a) = $json(d/$avp(o)/$var(k)[$var(i)][0]); $var(b) = $json(d/$(avp(o)[1])); $var(odd) = "a/b[0].c";
        $json(d/$var(odd)) = "whole"; $var(c) = $json(d/$var(odd)); $var(e) = $json(d/a); $var(n) = 5;
        $json(d/$var(n)) = "by number"; $var(f) = $json(d/5); $var(digits) = "1"; $var(g) = $json(d/o/k[$var(digits)]);
        $var(h) = $json(d/$rU); $json(d/$rU) = 1; $var(j) = $json(d/bob); $var(l) = $json(d/o/k[ $var(i) ][ 1 ]);''')
    wanted = {"a": 2, "b": 7, "c": "whole", "e": None, "f": "by number", "g": None, "h": None, "j": 1, "l": 3}
    assert {name: found[name] for name in wanted} == wanted


def test_the_loop_of_the_manual(opensips):
    found = variables(opensips, '''$json(a) := "[1,2,3]"; $var(i) = 0; while ($json(a[$var(i)])) {
        $json(a[$var(i)]) = $json(a[$var(i)]) + 1; $var(i) = $var(i) + 1; } $var(a) = $json(a);''')
    assert found == {"i": 3, "a": "[ 2, 3, 4 ]"}


@pytest.mark.parametrize(("source", "items"), [
    ("foo", "1,text,{ },"), ("foo.values", "1,text,{ },"), ("foo.keys", "a,b,c,"), ("foo/c", ""), ("foo/c.keys", ""),
    ("list", "1,null,[ ],"), ("list.keys", ""), ("foo/a", ""), ("none", "")])
def test_going_through(opensips, source, items):
    document = text('{"a": 1, "b": "text", "c": {}}')
    found = variables(opensips, f'''$json(foo) := "{document}";
        $json(list) := "[1,null,[]]"; $var(all) = "";
        for ($var(x) in $(json({source})[*])) $var(all) = $var(all) + $var(x) + ",";''')
    assert found["all"] == items


def test_listing_only_stands_in_for(opensips):
    server = run(opensips, '$json(a) := "[1]"; $var(x) = $(json(a)[*]); $var(y) = $json(a.values);')
    assert server.variables == {"x": None, "y": None} and server.log.matching("only stands in a for loop")


def test_four_ways_to_write(opensips):
    document = text('{"p": "/a", "l": [1, {}], "e": []}')
    found = variables(opensips, f'''$json(d) := "{document}"; $var(s) = $json(d);
        $var(c) = $json_compact(d); $var(n) = $json_compact_noescape(d); $var(p) = $json_pretty(d);''')
    assert found == {"s": '{ "p": "\\/a", "l": [ 1, { } ], "e": [ ] }', "c": '{"p":"\\/a","l":[1,{}],"e":[]}',
                     "n": '{"p":"/a","l":[1,{}],"e":[]}',
                     "p": '{\n  "p":"\\/a",\n  "l":[\n    1,\n    {}\n  ],\n  "e":[]\n}'}


def test_special_characters(opensips):
    document = text('["\\u0001\\n\\t\\"\\\\\\u00e9\\ud83d\\ude00"]')
    found = variables(opensips, f'$json(d) := "{document}"; $var(d) = $json(d); $var(x) = $json(d[0]);')
    assert found == {"d": '[ "\\u0001\\n\\t\\"\\\\é😀" ]', "x": '\x01\n\t"\\é😀'}


def test_all_four_can_be_assigned(opensips):
    found = variables(opensips, '''$json_compact(d) := "[]"; $json_pretty(d[]) = 1; $json_compact_noescape(d[]) = "2";
        $json_compact(d[]) := "true"; $var(d) = $json(d);''')
    assert found == {"d": '[ 1, "2", true ]'}


def test_documents_outlive_the_message(opensips):
    server = opensips(text=HEAD + 'route { if ($json(n)) $json(n) = $json(n) + 1; else $json(n) := "1"; '
                                  '$var(n) = $json(n); }')
    for number in (1, 2, 3):
        server.receive(request("OPTIONS", "sip:bob@192.0.2.9"), "192.0.2.1")
        assert server.variables == {"n": number}


@pytest.mark.parametrize(("setting", "large"), [("", 2147483648), ("1", "2147483648"), ("0", 2147483648)])
def test_large_numbers(opensips, setting, large):
    settings = f'modparam("json", "enable_long_quoting", {setting})' if setting else ""
    found = variables(opensips, '$json(d) := "[2147483648, -2147483649, 2147483647, -2147483648]"; '
                                '$var(a) = $json(d[0]); $var(b) = $json(d[1]); $var(c) = $json(d[2]); '
                                '$var(e) = $json(d[3]);', settings)
    assert found == {"a": large, "b": type(large)(-2147483649), "c": 2147483647, "e": -2147483648}


@pytest.mark.parametrize(("dialect", "quote"), [("4.0", ""), ("2.1", '"')])
def test_links(opensips, dialect, quote):
    found = variables(opensips, f'''$json(b) := "[{{}},{{}},{{}}]"; json_link({quote}$json(stub){quote},
        {quote}$json(b[0]){quote}); $var(rc) = $rc; $json(stub/ana) = "are"; $json(stub/ar) := "[]";
        $json(stub/ar[]) = 1; $json(stub/ar[]) = 2; $json(stub/ar[]) = 3; $json(b[0]/ar[0]) = NULL;
        $var(stub) = $json(stub); $var(b) = $json(b); $json(stub) = NULL; $var(gone) = $json(stub);
        $var(still) = $json(b[0]/ana);''', dialect=dialect)
    assert found == {"rc": 1, "stub": '{ "ana": "are", "ar": [ 2, 3 ] }',
                     "b": '[ { "ana": "are", "ar": [ 2, 3 ] }, { }, { } ]', "gone": None, "still": "are"}


def test_a_link_inside_a_document(opensips):
    found = variables(opensips, '''$json(b) := "[1]"; $json(d) := "{}"; $var(k) = "key";
        json_link($(json(d/$var(k))), $json_compact(b)); $json(b[]) = 2; $var(d) = $json(d);''')
    assert found["d"] == '{ "key": [ 1, 2 ] }'


@pytest.mark.parametrize("call", [
    "json_link($json(b[0]), $json(b))", "json_link($json(b[1][0]), $json(b))", "json_link($json(x), $json(none))",
    "json_link($json(x/y), $json(b))", "json_link($json(b[9]), $json(b[0]))"])
def test_links_that_cannot_be(opensips, call):
    server = run(opensips, f'$json(b) := "[1,[2]]"; {call}; $var(rc) = $rc; $var(b) = $json(b);')
    assert server.variables == {"rc": -1, "b": "[ 1, [ 2 ] ]"}


def test_merging_as_the_manual_does(opensips):
    found = variables(opensips, '''$json(val1) := "{}"; $json(val1/test1) = "a/b"; $json(val1/common) = "from1";
        $json(val2) := "{}"; $json(val2/test2) = "c"; $json(val2/common) = "from2";
        json_merge($json(val1), $json(val2), $var(out)); $var(rc) = $rc; $var(val1) = $json_compact_noescape(val1);''')
    assert found == {"out": '{"test1":"a/b","common":"from2","test2":"c"}', "rc": 1,
                     "val1": '{"test1":"a/b","common":"from1"}'}


@pytest.mark.parametrize(("target", "patch", "outcome"), [  # RFC 7396, appendix A
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'), ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'), ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'), ('{"a":"b"}', '["c"]', '["c"]'), ('{"e":null}', '{"a":1}',
                                                                              '{"e":null,"a":1}'),
    ('[1,2]', '{"a":"b","c":null}', '{"a":"b"}'), ('{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}')])
def test_merging(opensips, target, patch, outcome):
    found = variables(opensips, f'json_merge("{text(target)}", "{text(patch)}", $var(out));')
    assert found == {"out": outcome}


@pytest.mark.parametrize("arguments", ['"{", "{}"', '"{}", "}"', '$json(none), "{}"'])
def test_merging_what_is_not_json(opensips, arguments):
    assert variables(opensips, f'json_merge({arguments}, $var(out)); $var(rc) = $rc;') == {"rc": -1}


@pytest.mark.parametrize(("body", "message"), [
    ("$var(x) = $json(d[x]);", "no index"), ("$var(x) = $json(/k);", "name of a document"),
    ("$var(x) = $json(d[1);", "ends with ]"), ("$var(x) = $json(d[1]k);", "/ or ["), ("$var(x) = $json;", "name"),
    ("$var(x) = $json(d/$var(k)x);", "/ or ["), ("$var(x) = $json(d[$var(k)x]);", "ends with ]"),
    ("json_link($var(x), $json(d));", "$json(name) is needed"), ("$var(x) = $json(d/$nothing(k));", "nothing")])
def test_paths_that_are_none(opensips, body, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        run(opensips, body)


def test_a_dot_is_any_character_in_21(opensips):
    found = variables(opensips, '$json(d.keys) := "{}"; $json(d.keys/a.values) = 1; $var(x) = $json(d.keys);',
                      dialect="2.1")
    assert found == {"x": '{ "a.values": 1 }'}

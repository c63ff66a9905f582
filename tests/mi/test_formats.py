"""The formats of requests and answers: JSON-RPC, 2.1's lines, and how a stream is cut into either."""
import json

import pytest

from opensips_py.errors import MIError
from opensips_py.mi import jsonrpc, text
from opensips_py.mi.requests import JsonRequest, Reader, of_datagram
from opensips_py.mi.tree import Node, data_of, listed, tree_of


def call(name, params):
    if name == "fail":
        raise MIError(404, "not here")
    if name == "bad":
        raise MIError(-32602, "missing parameter x")
    if name == "none":
        raise MIError(-32601, "Method not found")
    return None if name == "quiet" else {"given": params}


@pytest.mark.parametrize("request_text, expected", [
    ('{"jsonrpc":"2.0","method":"m","params":["a"],"id":1}', {"jsonrpc": "2.0", "result": {"given": ["a"]}, "id": 1}),
    ('{"jsonrpc":"2.0","method":"quiet","id":"x"}', {"jsonrpc": "2.0", "result": "OK", "id": "x"}),
    ('{"jsonrpc":"2.0","method":"fail","id":2}',
     {"jsonrpc": "2.0", "error": {"code": 404, "message": "not here"}, "id": 2}),
    ('{"jsonrpc":"2.0","method":"bad","id":2}', {"jsonrpc": "2.0", "error": {
        "code": -32602, "message": "Invalid params", "data": "missing parameter x"}, "id": 2}),
    ('{"jsonrpc":"2.0","method":7,"id":2}',
     {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": 2}),
    ("{", {"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": None}),
    ("[" * 100_000, {"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": None}),
    ("[]", {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": None}),
])
def test_json_rpc(request_text, expected):
    assert json.loads(jsonrpc.answer(request_text, call)) == expected


def test_json_rpc_answers_no_notification_and_a_whole_batch():
    assert jsonrpc.answer('{"jsonrpc":"2.0","method":"m"}', call) is None
    assert jsonrpc.answer('[{"jsonrpc":"2.0","method":"m"}]', call) is None
    batch = '[{"jsonrpc":"2.0","method":"m","id":1},{"jsonrpc":"2.0","method":"fail","id":2}]'
    assert [each["id"] for each in json.loads(jsonrpc.answer(batch, call))] == [1, 2]


def test_json_rpc_is_one_line_unless_it_is_to_be_pretty():
    request = '{"jsonrpc":"2.0","method":"m","id":1}'
    assert "\n" not in jsonrpc.answer(request, call)
    assert "\n    " in jsonrpc.answer(request, call, pretty=True)


def test_bytes_of_sip_that_are_no_text_do_not_break_json():
    json.loads(jsonrpc.answer('{"jsonrpc":"2.0","method":"m","id":1}', lambda name, params: {"ua": "a\udcffb"}))


TREE = {"Domains": [{"name": "location", "records": 2, "AORs": [{"AOR": "bob", "Contacts": [
    {"Contact": "sip:bob@a", "Expires": 10, "Q": None}]}]}], "Total": 1}


def test_trees_repeat_the_singular_name_and_indent_what_belongs_to_it():
    assert text.answer(text.Request("m"), lambda *_: TREE, lambda name, data: tree_of(data)) == (
        "200 OK\nDomain:: location records=2\n\tAOR:: bob\n\t\tContact:: sip:bob@a Expires=10 Q=\nTotal:: 1\n\n"
        .replace("Domain:: location", "Domain::  name=location"))


def test_a_bare_ok_is_said_by_the_status_alone():
    assert text.answer(text.Request("m"), lambda *_: "OK", lambda name, data: tree_of(data)) == "200 OK\n\n"


def test_mi_json_of_21_prints_objects_and_what_is_listed_as_arrays():
    assert data_of(tree_of(TREE)) == {
        "Domain": [{"attributes": {"name": "location", "records": "2"}, "children": {"AOR": [
            {"value": "bob", "children": {"Contact": [
                {"value": "sip:bob@a", "attributes": {"Expires": "10", "Q": None}}]}}]}}], "Total": "1"}
    assert data_of(tree_of(["a", "b"])) == {"": [{"value": "a"}, {"value": "b"}]}
    assert data_of([Node("core:a", 0), Node("Empty", ""), Node("Nothing", None)]) == {
        "core:a": "0", "Empty": {}, "Nothing": {}}
    assert data_of(tree_of("TRUE")) == {"value": "TRUE"}
    assert data_of([Node("One", 1, {"of": True}), listed("Many"), listed("Many", None, {}, [Node("x", 1)])]) == {
        "One": {"value": "1", "attributes": {"of": "1"}}, "Many": [{}, {"children": {"x": "1"}}]}


@pytest.mark.parametrize("command, first", [
    ("fail", "404 not here"), ("none", "500 command 'none' not available"), ("bad", "400 missing parameter x")])
def test_errors_in_lines(command, first):
    assert text.answer(text.Request(command), call, lambda name, data: tree_of(data)) == f"{first}\n\n"


def test_arguments_in_lines():
    request = text.parse([":m:reply", '"quoted text"', "sip:a@[::1]", ""])
    assert (request.command, request.reply, request.given()) == ("m", "reply", ["quoted text", "sip:a@[::1]", ""])
    assert text.parse([":m:", "name::value", 'other::"a b"']).given() == {"name": "value", "other": "a b"}
    with pytest.raises(MIError):
        text.parse([":m:", "name::value", "lonely"]).given()
    with pytest.raises(ValueError):
        text.parse(["m"])


HEADERS = 'From: <sip:a@b>\r\nX: \\"x\\"\r\n\r\n'
PLAIN = HEADERS.replace("\\", "")


@pytest.mark.parametrize("data, given", [
    (f':m:r\nfirst\n"{HEADERS}"\n"one"\nlast\n\n', ["first", PLAIN, "one", "last"]),
    (f':m:r\nfirst::1\nheaders::"{HEADERS}"\n\n', {"first": "1", "headers": PLAIN}),
    (':m:r\n"\nx"\n\n', ["\nx"]), (':m:r\n"no end\nx\n\n', ['"no end\nx'])])
def test_a_quoted_value_may_take_several_lines(data, given):
    first, = Reader().feed(data.encode())
    assert first.given() == of_datagram(data.encode()).given() == given


STREAM = (b':ps:reply1\n\n:reply_2:{"jsonrpc":"2.0","method":"a:b","id":"}{"}'
          b":get_statistics:reply3\ncore:\ntm:\n\nrubbish\n:::\n"
          b'::{"method":"n","params":{"k":"\xc3\xa9"}}\n:x:\n\n')


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_stream_is_cut_into_requests_of_both_formats(size):
    reader = Reader()
    found = [each for start in range(0, len(STREAM), size) for each in reader.feed(STREAM[start:start + size])]
    assert found == [
        text.Request("ps", "reply1"), JsonRequest('{"jsonrpc":"2.0","method":"a:b","id":"}{"}', "reply_2"),
        text.Request("get_statistics", "reply3", ["core:", "tm:"]),
        JsonRequest('{"method":"n","params":{"k":"é"}}', ""), text.Request("x", "")]
    assert not reader.is_waiting


def test_broken_json_is_answered_and_does_not_stop_the_stream():
    found = Reader().feed(b':r:{"jsonrpc": nonsense}\n:ps:r\n\n')
    assert found == [JsonRequest('{"jsonrpc": nonsense}', "r"), text.Request("ps", "r")]


def test_what_nobody_ends_can_be_given_up():
    reader = Reader()
    assert reader.feed(b':r:{"jsonrpc":') == []
    assert reader.is_waiting
    reader.clear()
    assert reader.feed(b":ps:r\n\n") == [text.Request("ps", "r")]


def test_datagrams_hold_one_request():
    assert of_datagram(b':get_statistics:\ndialog:\ntm:\n') == text.Request("get_statistics", "", ["dialog:", "tm:"])
    assert of_datagram(b'{"jsonrpc":"2.0"}') == JsonRequest('{"jsonrpc":"2.0"}', "")
    with pytest.raises(ValueError):
        of_datagram(b"hello")

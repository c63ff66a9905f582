"""The message as Python code sees it: each name does what the script's own does."""
import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest

from opensips_py.module.run import Route, Run
from opensips_py.module.script_message import MOST_TEXTS, ScriptExit, ScriptMessage
from tests.script.conftest import INVITE, RINGING, World
from tests.script.script import right

SCRIPT = """
route { exit; }
route[gold] { $var(seen) = $param(1); return "gold"; }
route[zero] { return 0; }
route[ends] { exit; }
import_python "none.py"
"""


@pytest.fixture
def world():
    return World()


@pytest.fixture
def message(world):
    found = right(SCRIPT, {"none.py": "from opensips_py.module import route\n@route\ndef f() -> str:\n    return ''\n"})
    return ScriptMessage(Run(world.services, found, Route.REQUEST, world.message(INVITE, body="hello")))


def test_what_it_says(message):
    assert (message.is_request, message.method, message.status) == (True, "INVITE", None)
    assert (message.uri, message.user, message.domain) == (
        "sip:bob@biloxi.com:5070;transport=tcp", "bob", "biloxi.com")
    assert (message.from_uri, message.to_uri, message.call_id) == (
        "sip:alice@atlanta.com", "sip:bob@biloxi.com", "a84b@pc33")
    assert (message.source_host, message.source_port, message.body) == ("192.0.2.7", 5062, b"hello")


def test_a_response(world):
    found = ScriptMessage(Run(world.services, right(SCRIPT.partition("import")[0]), Route.ONREPLY,
                              world.message(RINGING)))
    assert (found.is_request, found.method, found.status) == (False, "INVITE", 180)


def test_without_a_message(world):
    found = ScriptMessage(Run(world.services, right(SCRIPT.partition("import")[0]), Route.TIMER, None))
    assert (found.is_request, found.method, found.status, found.source_host, found.source_port, found.body) == (
        False, None, None, None, None, b"")
    assert found.uri is None and found.headers.get("From") is None and found.headers.all("Via") == []
    found.headers.append("X", "y")
    assert found.headers.remove("X") == 0


def test_edits_of_the_request(message):
    message.uri = "sip:carol@chicago.com"
    assert (message.uri, message.user) == ("sip:carol@chicago.com", "carol")
    message.user = "dave"
    message.domain = "example.org"
    assert message["$ru"] == "sip:dave@example.org"
    message.destination = "sip:192.0.2.1"
    assert message["$du"] == "sip:192.0.2.1"
    message.destination = None
    assert message.destination is None


def test_headers(message):
    headers = message.headers
    assert headers["User-Agent"] == "Phone 1.0" and "X-None" not in headers and "user-agent" in headers
    assert len(headers.all("Via")) == 2 and headers.get("X-None", "d") == "d"
    with pytest.raises(KeyError):
        headers["X-None"]
    headers.append("X-Tier", "gold")
    assert headers.remove("User-Agent") == 1
    leaving = message.run.message.edited()
    assert b"X-Tier: gold\r\n" in leaving and b"User-Agent" not in leaving
    for wrong in (("X\r\nY", "z"), ("X", "a\r\nY: b"), ("", "x"), ("X:", "y")):
        with pytest.raises(ValueError, match="is no header"):
            headers.append(*wrong)


def test_variables(message):
    message.var["a"] = 5
    message.avp.push("list", "old")
    message.avp.push("list", "new")
    assert (message["$var(a)"], message["$avp(list)"], message["$(avp(list)[1])"]) == (5, "new", "old")
    message["$avp(list)"] = "newest"
    assert message.avp.all("list") == ["newest", "new", "old"] and message.avp["list"] == "newest"
    message.avp["list"] = 1
    assert message.avp.get("list") == 1 and message.avp.all("list") == [1] and "list" in message.avp
    del message.avp["list"]
    assert message.avp.get("list", "none") == "none" and message["$avp(list)"] is None
    assert message.var["none"] is None and dict(message.var) == {"a": 5} and len(message.var) == 1
    del message.var["a"]
    assert "a" not in message.run.variables


def test_any_variable_and_text(message):
    assert message["$(ru{uri.port})"] == 5070
    assert message.format("$fU calls $rU, $$") == "alice calls bob, $"
    with pytest.raises(ValueError, match="cannot be assigned"):
        message["$ci"] = "x"
    with pytest.raises(ValueError, match="is unknown"):
        message["$nothing"]


def test_texts_are_compiled_once_and_not_without_end(message):
    registry = message.run.generation.registry
    message.format("$rU")
    kept = registry.texts["text $rU"]
    message.format("$rU")
    assert registry.texts["text $rU"] is kept
    for number in range(MOST_TEXTS + 5):
        message.format(f"{number}")
    assert len(registry.texts) <= MOST_TEXTS


def test_functions(message, caplog):
    caplog.set_level(logging.INFO)
    assert message.call("pv_printf", "$var(x)", "5") == 1 and message.var["x"] == "5"
    assert message.call("xlog", "L_ERR", "$rU") == 1 and caplog.messages[-1] == "bob"
    assert message.call("setflag", "GOLD") == 1 and message.call("isflagset", "GOLD") == 1
    assert message.call("xlog", "$rd", None) == 1  # None leaves an argument out
    message.log("told", logging.ERROR)
    assert caplog.messages[-1] == "told"


def test_functions_that_are_called_wrongly(message):
    with pytest.raises(LookupError, match="function xlgo is unknown"):
        message.call("xlgo")
    with pytest.raises(TypeError, match="pv_printf takes 2 arguments, not 1"):
        message.call("pv_printf", "$var(x)")
    with pytest.raises(ValueError, match="setdebug, argument 'level': a number is needed"):
        message.call("setdebug", "x")
    with pytest.raises(ValueError, match="it cannot be left out"):
        message.call("setflag", None)
    message.run.kind = Route.TIMER
    functions = message.run.generation.registry.functions
    only = functions["setflag"]
    functions["setflag"] = replace(only, declaration=replace(only.declaration, routes=Route.REQUEST))
    with pytest.raises(RuntimeError, match="setflag cannot be called in a run that began as TIMER"):
        message.call("setflag", 1)


def test_routes(message):
    assert message.route("gold", "arg") == "gold" and message.var["seen"] == "arg"
    assert message.route("zero") == 0 and message.run.parameters == []
    with pytest.raises(LookupError):
        message.route("none")
    with pytest.raises(ScriptExit):
        message.route("ends")


def test_the_end_of_the_script(message):
    with pytest.raises(ScriptExit):
        message.exit()
    assert not message.run.dropped
    with pytest.raises(ScriptExit):
        message.drop()
    assert message.run.dropped
    assert not issubclass(ScriptExit, Exception)  # no `except Exception` of a user holds it up


def test_functions_that_end_the_script_and_those_that_wait(message):
    functions = message.run.generation.registry.functions
    plain = functions["setflag"]
    functions["ends"] = replace(plain, call=lambda *_: 0, declaration=replace(
        plain.declaration, name="ends", arguments=(), returns="int", may_stop=True))
    with pytest.raises(ScriptExit):
        message.call("ends")
    parked = []
    transactions = SimpleNamespace(prepare_wait=lambda run: parked.append(1))
    message.run.services = SimpleNamespace(transactions=transactions)
    functions["waits"] = replace(plain, call=lambda *_: 3, declaration=replace(
        plain.declaration, name="waits", arguments=(), returns="int", waits=True))
    assert message.call("waits") == 3 and parked == [1]


def test_a_reply_takes_the_function_that_is_loaded(message):
    functions = message.run.generation.registry.functions
    said = []
    plain = functions["setdebug"]
    functions["sl_send_reply"] = replace(plain, call=lambda *given: said.append(given) or True, declaration=replace(
        plain.declaration, name="sl_send_reply", arguments=plain.declaration.arguments * 2))
    assert message.reply(486, 1) and said == [(486, 1)]
    with pytest.raises(LookupError, match="t_relay"):
        message.relay()

"""python: what the methods of the user's object find in the message, and what they can do with it."""
import pytest

from opensips_py.testing import Phone, request

HEAD = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "sipmsgops.so" loadmodule "textops.so"
loadmodule "python.so"
modparam("python", "script_name", "@FILE@")
"""
FILE = """
from OpenSIPS import *

class Handler:
    def child_init(self, rank):
        return 0
{methods}

def mod_init():
    return Handler()
"""


@pytest.fixture(params=["2.1", "4.0"])
def run(request, opensips, tmp_path):
    """Start the script *body* with a handler that has *methods*; both dialects do the same."""
    def start(methods, body, routes="", send=True):
        file = tmp_path / "handler.py"
        indented = "\n".join(f"    {line}" for line in methods.strip("\n").splitlines())
        file.write_text(FILE.format(methods=indented))
        head = HEAD if request.param == "4.0" else HEAD.replace("socket=", "listen=")
        server = opensips(text=f"dialect={request.param}\n{head.replace('@FILE@', str(file))}\nroute {{ {body} }}\n"
                               f"{routes}")
        if send:
            server.receive(OPTIONS, "192.0.2.1", 5062)
        return server
    return start


OPTIONS = request("OPTIONS", "sip:bob@192.0.2.9", call_id="call-1", headers={"X-A": ["1", "2"], "Subject": "h\udce9"})


def test_what_a_request_says(run):
    server = run("""
def look(self, msg, args):
    LM_NOTICE(repr((msg.Type, msg.Method, msg.RURI, msg.src_address, msg.dst_address, args)) + "\\n")
    LM_NOTICE(repr((msg.getHeader("from"), msg.getHeader("x-a"), msg.getHeader("s"), msg.getHeader("Nothing"))))
    LM_NOTICE("received from %s:%d" % msg.src_address)
    LM_NOTICE(repr(msg))
    try:
        msg.Status
    except RuntimeError as error:
        LM_NOTICE(str(error))
    return 5
""", 'python_exec("look", "$rm/$si"); $var(rc) = $rc;')
    assert server.variables == {"rc": 5}
    assert server.log == [
        "NOTICE ('SIP_REQUEST', 'OPTIONS', 'sip:bob@192.0.2.9', ('192.0.2.1', 5062), ('192.0.2.9', 5060), "
        "'OPTIONS/192.0.2.1')",
        "NOTICE ('<sip:alice@example.com>;tag=a', '1', 'h\\udce9', None)",
        "NOTICE received from 192.0.2.1:5062", "NOTICE <OpenSIPS.Message OPTIONS of call-1>",
        "NOTICE a request has no Status"]


def test_what_a_reply_says(run):
    server = run("""
def look(self, msg):
    LM_NOTICE(repr((msg.Type, msg.Method, msg.Status, msg.src_address)))
    for what in (lambda: msg.RURI, lambda: msg.rewrite_ruri("sip:x@y"), lambda: msg.set_dst_uri("sip:y")):
        try:
            what()
        except RuntimeError as error:
            LM_NOTICE(str(error))
    return 1
""", 't_on_reply("back"); t_relay();', 'onreply_route[back] { python_exec("look"); }', send=False)
    alice, bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    alice.call("sip:bob@192.0.2.2")
    bob.answer(status=486)
    assert server.log == [
        "NOTICE ('SIP_REPLY', 'INVITE', '486', ('192.0.2.2', 5060))",
        "NOTICE RURI is for requests alone, and this is a reply",
        "NOTICE rewrite_ruri() is for requests alone, and this is a reply",
        "NOTICE set_dst_uri() is for requests alone, and this is a reply"]


def test_where_the_request_goes(run):
    server = run("""
def move(self, msg):
    msg.rewrite_ruri("sip:carol@192.0.2.3")
    msg.copy().set_dst_uri("sip:192.0.2.4:5070")
    return 1 if msg.RURI == "sip:carol@192.0.2.3" and msg.copy() is not msg else -1
""", 'if (python_exec("move")) t_relay();')
    [sent] = server.take()
    assert (sent.message.uri, sent.host, sent.port) == ("sip:carol@192.0.2.3", "192.0.2.4", 5070)


def test_functions_of_modules_and_of_the_core(run):
    server = run("""
def act(self, msg):
    found = [msg.call_function("append_hf", "X-By: python\\r\\n"), msg.call_function("has_body"),
             msg.call_function("xlog", "L_NOTICE", "$rm by $fU"), msg.call_function("is_method", "OPTIONS|INVITE"),
             msg.call_function("setflag", "3"), msg.call_function("isflagset", "3"), msg.call_function("t_relay")]
    LM_NOTICE(repr(found))
    return 1

def answer(self, msg):
    return msg.call_function("sl_send_reply", "202", "Accepted")
""", '$ru = "sip:192.0.2.7"; if ($rm == "OPTIONS") python_exec("act"); else python_exec("answer");')
    assert server.log == ["NOTICE OPTIONS by alice", "NOTICE [1, -1, 1, 1, 1, 1, 1]"]
    assert server.take_one().message.header("X-By") == "python"
    server.receive(request("INFO", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert (answer := server.take_one()).status == 202 and answer.message.reason == "Accepted"


def test_functions_that_are_wrongly_called(run):
    server = run("""
def act(self, msg):
    for call in (("no_such_function",), ("append_hf",), ("sl_send_reply", "many", "x"),
                 ("change_reply_status", "200", "x")):
        try:
            msg.call_function(*call)
        except Exception as error:
            LM_NOTICE("%s: %s" % (type(error).__name__, error))
    return 1
""", 'python_exec("act"); $var(rc) = $rc;')
    assert server.variables == {"rc": 1}
    assert server.log == [
        "NOTICE LookupError: function no_such_function is unknown",
        "NOTICE TypeError: append_hf takes 1 to 2 arguments, not 0",
        "NOTICE ValueError: sl_send_reply, argument 'code': a number is needed, not \"many\"",
        "NOTICE RuntimeError: change_reply_status cannot be called in a run that began as REQUEST"]


def test_a_function_that_gives_0_ends_nothing_by_itself(run):
    server = run("""
def again(self, msg):
    LM_NOTICE(repr(msg.call_function("python_exec", "zero")))
    return 1

def zero(self, msg):
    return 0
""", 'python_exec("again"); $var(a) = 1; python_exec("zero"); $var(b) = 1;')
    assert (server.variables, server.log) == ({"a": 1}, ["NOTICE 0"])


def test_variables(run):
    server = run("""
def act(self, msg):
    LM_NOTICE(repr([msg.get_pseudoVar("$ru"), msg.get_pseudoVar("rU"), msg.get_pseudoVar("$(hdr(X-A)[1])"),
                    msg.get_pseudoVar("$avp(none)"), msg.get_pseudoVar("$var(n)")]))
    msg.set_pseudoVar("$avp(a)", "one")
    msg.set_pseudoVar("var(b)", "two")
    msg.set_pseudoVar("$rU", "carol")
    msg.set_pseudoVar("$var(n)", None)
    return 1
""", '$var(n) = 7; python_exec("act"); $var(a) = $avp(a); $var(user) = $rU;')
    assert server.log == ["NOTICE ['sip:bob@192.0.2.9', 'bob', '2', None, '7']"]
    assert {name: server.variables[name] for name in ("a", "b", "user")} == {"a": "one", "b": "two", "user": "carol"}


def test_the_typed_message_is_the_same_object(run):
    server = run("""
def admit(self, message) -> bool:
    message.avp["caller"] = message["$fU"]
    message.headers.append("X-Caller", message.format("$fU of $fd"))
    return message.is_request and message.user == "bob"

def refuse(self, message) -> bool:
    return False

def note(self, message, text: str) -> None:
    message.var["text"] = text

def leave(self, message) -> None:
    message.reply(404, "Gone")
    message.exit()

def lie(self, message) -> int:
    return "x"
""", 'if (python_exec("admit")) $var(in) = $avp(caller); python_exec("refuse"); $var(refused) = $rc; '
       'python_exec("note", "hello"); $var(noted) = $rc; python_exec("lie"); $var(lie) = $rc; '
       'python_exec("leave"); $var(never) = 1;')
    assert server.variables == {"in": "alice", "refused": -1, "text": "hello", "noted": 1, "lie": -1}
    assert server.take_one().status == 404
    assert server.log == ["ERROR python_exec: lie() failed\nTypeError: lie returned 'x', which its annotation does not "
                          "name"]


@pytest.mark.parametrize(("result", "code"), [("3", 3), ("-7", -7), ("True", 1), ("None", -1), ("'1'", -1)])
def test_codes(run, result, code):
    server = run(f"def give(self, msg):\n    return {result}", 'python_exec("give"); $var(rc) = $rc;')
    assert server.variables == {"rc": code}
    assert bool(server.log) == (result == "'1'")


def test_false_is_0_and_ends_the_script_as_in_opensips(run):
    assert run("def give(self, msg):\n    return False", 'python_exec("give"); $var(never) = 1;').variables == {}


def test_in_branches_and_after_failures(run):
    server = run("""
def where(self, msg, name):
    msg.call_function("append_hf", "X-%s: %s\\r\\n" % (name, msg.Method))
    LM_NOTICE(name)
    return 1
""", 't_on_branch("out"); t_on_failure("failed"); t_relay();',
                 'branch_route[out] { python_exec("where", "Branch"); }\n'
                 'failure_route[failed] { python_exec("where", "Failure"); }', send=False)
    alice, bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    alice.call("sip:bob@192.0.2.2")
    invite = bob.last("INVITE")
    assert invite.message.header("X-Branch") == "INVITE"
    bob.answer(invite, 486)
    assert server.log == ["NOTICE Branch", "NOTICE Failure"]


@pytest.mark.parametrize("name", ["ALERT", "CRIT", "ERR", "WARN", "NOTICE", "INFO", "DBG"])
def test_the_log(run, name):
    server = run(f"""
def write(self, msg):
    LM_{name}("one\\n")
    LM_GEN1(L_{name}, "two")
    LM_GEN2(3, L_{name}, "three")
    return 1
""", 'setdebug(4); python_exec("write");')
    level = {"ALERT": "CRITICAL", "CRIT": "CRITICAL", "ERR": "ERROR", "WARN": "WARNING", "DBG": "DEBUG"}.get(name, name)
    assert [line for line in server.log if line.startswith(level)][-3:] == [
        f"{level} one", f"{level} two", f"{level} three"]

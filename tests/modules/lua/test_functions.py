"""lua: what functions of the user's file find in the message, and what they can do with it."""
import os
import socket

import pytest

from opensips_py.testing import Phone, request

HEAD = """
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "sipmsgops.so" loadmodule "lua.so"
modparam("lua", "luafilename", "@FILE@")
"""
SOCKET = {"2.1": "listen=udp:192.0.2.9:5060 alias=example.com", "4.0": "socket=udp:192.0.2.9:5060 alias=example.com"}
OPTIONS = request("OPTIONS", "sip:bob@192.0.2.9", to="sip:carol@example.com", call_id="call-1", headers={
    "X-A": ["1", "2"], "Subject": "h\udce9", "Expires": "60",
    "Route": "<sip:192.0.2.9;lr>, \"Next\" <sip:192.0.2.5;lr>",
    "Contact": "\"Al\" <sip:alice@192.0.2.1>;q=0.5;expires=30, <sip:alice@192.0.2.2>"})


@pytest.fixture(params=["2.1", "4.0"])
def run(request, opensips, tmp_path):
    """Start the script *body* with a Lua file; both dialects do the same."""
    def start(lua, body, routes="", send=True):
        file = tmp_path / "routing.lua"
        file.write_text(lua)
        head = f"dialect={request.param}\n{SOCKET[request.param]}\n{HEAD.replace('@FILE@', str(file))}"
        server = opensips(text=f"{head}\nroute {{ {body} }}\n{routes}")
        if send:
            server.receive(OPTIONS, "192.0.2.1", 5062)
        return server
    return start


def told(run, expression, call='lua_exec("look", "$rm/$si");'):
    """What Lua makes of an expression, as text."""
    server = run(f'function look(msg, param) xlog("NOTICE", tostring({expression})) return 1 end', call)
    assert len(server.log) == 1, server.log
    return server.log[0].removeprefix("NOTICE ")


@pytest.mark.parametrize(("expression", "expected"), [
    ("getType(msg)", "SIP_REQUEST"), ("msg:getType()", "SIP_REQUEST"), ("getMethod(msg)", "OPTIONS"),
    ("getStatus(msg)", "nil"), ("getSrcIp(msg)", "192.0.2.1"), ("getDstIp(msg)", "192.0.2.9"),
    ("getHeader(msg, 'x-a')", "1"), ("msg:getHeader('s')", "h\udce9"), ("getHeader(msg, 'Nothing')", "nil"),
    ("getURI_User(msg)", "carol"), ("getExpires(msg)", "60"), ("param", "OPTIONS/192.0.2.1"), ("msg", "message"),
    ("#getContact(msg)", "2"), ("getContact(msg)[1].uri", "sip:alice@192.0.2.1"), ("getContact(msg)[1].name", "Al"),
    ("getContact(msg)[1].q", "0.5"), ("getContact(msg)[1].expires", "30"), ("getContact(msg)[2].name", "nil"),
    ("getContact(msg)[2].uri", "sip:alice@192.0.2.2"), ("getRoute(msg)[2].uri", "sip:192.0.2.5;lr"),
    ("getRoute(msg)[2].name", "Next"), ("#getRoute(msg)", "2"),
    ("isMyself('192.0.2.9', 5060)", "true"), ("isMyself('192.0.2.9')", "true"), ("isMyself('example.com')", "true"),
    ("isMyself('192.0.2.9', 5061)", "false"), ("grepSockInfo('192.0.2.9', 5060)", "true"),
    ("grepSockInfo('192.0.2.9')", "true"), ("grepSockInfo('example.com')", "false"),
    ("grepSockInfo('192.0.2.9', 5061)", "false"), ("getpid()", "its own"),
    ("gethostname()", socket.gethostname()), ("getmem().alloc > 100000", "true"),
    ("getmem().fragmentation >= 0 and getmem().fragmentation < 100", "true"),
    ("getmeminfo().uordblks > 100000 and getmeminfo().arena > 0", "true"),
    ("pseudoVar(msg, '$ru')", "sip:bob@192.0.2.9"),
    ("pseudoVar(msg, 'rU')", "bob"), ("pseudoVar(msg, '$(hdr(X-A)[1])')", "2"), ("pseudoVar(msg, '$avp(no)')", "nil"),
    ("type(pseudoVar(msg, '$ml'))", "number"), ("moduleFunc(msg, 'is_method', 'OPTIONS|INVITE')", "1"),
    ("moduleFunc(msg, 'is_method', 'INVITE')", "-1"), ("msg:has_body()", "-1"), ("type(xlog)", "function"),
    ("select('#', getpid())", "1"), ("WarnMissingFreeFixup(0) .. WarnMissingFreeFixup()", "10"),
    ("python", "nil"), ("pcall(os.exit)", "false"), ("_VERSION", "Lua 5.1")])
def test_what_is_known(run, expression, expected):
    assert told(run, expression) == (str(os.getpid()) if expected == "its own" else expected)


def test_what_a_reply_says(run):
    server = run("""
function look(msg)
  xlog("NOTICE", getType(msg) .. " " .. getMethod(msg) .. " " .. getStatus(msg) .. " " .. getSrcIp(msg))
end""", 't_on_reply("back"); t_relay();', 'onreply_route[back] { lua_exec("look"); }', send=False)
    alice, bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    alice.call("sip:bob@192.0.2.2")
    bob.answer(status=486)
    assert server.log == ["NOTICE SIP_REPLY INVITE 486 192.0.2.2"]


def test_a_message_that_says_less(run):
    server = run("""
function look(msg)
  xlog("NOTICE", #getContact(msg) .. #getRoute(msg) .. tostring(getExpires(msg)) .. tostring(getURI_User(msg)))
end""", 'lua_exec("look");', send=False)
    for to, headers in (("sip:192.0.2.9", {}), ("tel:+49301", {"Expires": "soon"})):
        server.receive(request("OPTIONS", "sip:bob@192.0.2.9", to=to, headers=headers), "192.0.2.1")
    assert server.log == ["NOTICE 00nilnil", "NOTICE 003600+49301"]


def test_variables(run):
    server = run("""
function set(msg)
  pseudoVarSet(msg, "$rU", "dave")
  msg:pseudoVarSet("$avp(a)", 5)
  scriptVarSet("one", "first")
  scriptVarSet("$var(two)", 2.5)
  scriptVarSet("three", true)
  scriptVarSet("gone", nil)
  AVP_set("list", "old")
  AVP_set("$avp(list)", "new")
  xlog("NOTICE", AVP_get("list") .. scriptVarGet("given") .. scriptVarGet("$one"))
  xlog("NOTICE", tostring(AVP_destroy("gone")) .. tostring(AVP_destroy("gone")) .. tostring(AVP_get("gone")))
  xlog("NOTICE", tostring(pcall(AVP_set, "x", nil)) .. tostring(scriptVarGet("nothing")))
end""", '$avp(gone) = 1; $avp(gone) = 2; $var(given) = "+"; $var(gone) = 1; lua_exec("set"); $var(a) = $avp(a) + 1; '
        '$var(old) = $(avp(list)[1]); $var(u) = $rU; if ($avp(gone) == NULL) $var(no) = 1;')
    assert server.log == ["NOTICE new+first", "NOTICE truefalsenil", "NOTICE falsenil"]
    wanted = {"one": "first", "two": "2.5", "three": 1, "a": 6, "old": "old", "u": "dave", "no": 1}
    assert {name: server.variables.get(name) for name in wanted} == wanted and server.variables.get("gone") is None


def test_functions_of_the_script(run):
    server = run("""
function act(msg)
  msg:append_hf("X-By: lua\\r\\n")
  pseudoVarSet(msg, "$ru", "sip:192.0.2.7")
  return moduleFunc(msg, "t_relay")
end

function answer(msg)
  add_lump_rpl(msg, "X-Why: because\\r\\n")
  xlog("NOTICE", tostring(pcall(add_lump_rpl, msg, "no header")))
  return msg:sl_send_reply(403, "No")
end""", 'if ($rm == "OPTIONS") lua_exec("act"); else lua_exec("answer"); $var(rc) = $rc;')
    assert server.take_one().message.header("X-By") == "lua" and server.variables == {"rc": 1}
    server.receive(request("INFO", "sip:bob@192.0.2.9"), "192.0.2.1")
    answer = server.take_one()
    assert (answer.status, answer.message.reason, answer.message.header("X-Why")) == (403, "No", "because")
    assert server.log == ["NOTICE false"]


@pytest.mark.parametrize(("call", "error"), [
    ('moduleFunc(msg, "no_such_function")', "moduleFunc: function no_such_function is unknown"),
    ('msg:sl_send_reply("many", "x")',
     "moduleFunc: sl_send_reply, argument 'code': a number is needed, not \"many\""),
    ("msg:append_hf()", "moduleFunc: append_hf takes 1 to 2 arguments, not 0"),
    ('msg:change_reply_status(200, "x")',
     "moduleFunc: change_reply_status cannot be called in a run that began as REQUEST"),
    ('pseudoVarSet(msg, "$si", "x")', "pseudoVarSet: $si cannot be assigned"),
    ("AVP_set({}, 1)", "AVP_set: a table or a function is no value that scripts have"),
    ("msg.field = 1", "a message has no field field to assign: pseudoVarSet(msg, variable, value)"),
    ("error('own')", "own")])
def test_errors_name_the_line_of_the_user_and_can_be_caught(run, call, error):
    server = run(f"""function bad(msg)
  {call}
end
function caught(msg)
  local done, why = pcall(bad, msg)
  return done and 5 or 6
end""", 'lua_exec("bad"); $var(a) = $rc; lua_exec("caught"); $var(b) = $rc;')
    assert server.variables == {"a": -1, "b": 6}
    assert len(server.log) == 1
    first, *rest = server.log[0].split("\n")
    assert first == f"ERROR lua_exec: bad() failed: routing.lua:2: {error}"
    assert "<python>" not in "".join(rest)


def test_an_error_comes_with_its_traceback(run):
    server = run("function deep(msg)\n  local n = nil + 1\nend\nfunction outer(msg)\n  deep(msg)\n  return 1\nend",
                 'lua_exec("outer");')
    assert len(server.log) == 1 and server.log[0].startswith("ERROR lua_exec: outer() failed: ")
    assert "routing.lua:2: in function 'deep'" in server.log[0] and "routing.lua:5: in function" in server.log[0]


def test_there_is_no_such_function(run):
    server = run("x = 1", 'lua_exec("x"); $var(a) = $rc; lua_exec("nothing", "p"); $var(b) = $rc;')
    assert server.variables == {"a": -1, "b": -1}
    assert server.log == ["ERROR lua_exec: x() failed: there is no function x()",
                          "ERROR lua_exec: nothing() failed: there is no function nothing()"]


@pytest.mark.parametrize(("result", "code", "logged"), [
    ("3", 3, 0), ("-7", -7, 0), ("true", 1, 0), ("false", -1, 0), ("", 1, 0), ("nil", 1, 0), ("nil, 'why'", -1, 1),
    ("2, 'x'", 2, 0), ("'text'", -1, 1), ("{}", -1, 1), ("1.5", -1, 1)])
def test_codes(run, result, code, logged):
    server = run(f"function give(msg) return {result} end", 'lua_exec("give"); $var(rc) = $rc;')
    assert server.variables == {"rc": code} and len(server.log) == logged


def test_0_ends_the_script(run):
    assert run("function give(msg) return 0 end", 'lua_exec("give"); $var(never) = 1;').variables == {}


def test_a_function_that_gives_0_ends_nothing_by_itself(run):
    server = run("function zero(msg) return 0 end\nfunction again(msg) return 3 + msg:lua_exec('zero') end",
                 'lua_exec("again"); $var(rc) = $rc;')
    assert server.variables == {"rc": 3}


@pytest.mark.parametrize("level", ["ALERT", "CRIT", "ERR", "WARN", "NOTICE", "INFO", "DBG"])
def test_the_log(run, level, request):
    last = 'xdbg("two $rm")' if level == "DBG" else f'xlog("L_{level}", "two $rm\\n")'
    server = run(f'xlog("{level}", "loaded")\nfunction write(msg) xlog("{level}", "one\\n") {last} xlog("plain") end',
                 'setdebug(4); $xlog_level = 4; lua_exec("write");')
    names = {"ALERT": "CRITICAL", "CRIT": "CRITICAL", "ERR": "ERROR", "WARN": "WARNING", "DBG": "DEBUG"}
    name = names.get(level, level)
    written = [line for line in server.log if line.endswith(("one", "two $rm", "plain"))]
    plain = f"{'ERROR' if '2.1' in request.node.name else 'NOTICE'} plain"
    assert written == [f"{name} one", f"{name} two $rm", plain]


def test_in_branches_and_after_failures(run):
    server = run("""function where(msg, name)
  msg:append_hf("X-" .. name .. ": " .. getMethod(msg) .. "\\r\\n")
  xlog("NOTICE", name)
end""", 't_on_branch("out"); t_on_failure("failed"); t_relay();',
                 'branch_route[out] { lua_exec("where", "Branch"); }\n'
                 'failure_route[failed] { lua_exec("where", "Failure"); }', send=False)
    alice, bob = Phone(server, "alice", "192.0.2.1"), Phone(server, "bob", "192.0.2.2")
    alice.call("sip:bob@192.0.2.2")
    invite = bob.last("INVITE")
    assert invite.message.header("X-Branch") == "INVITE"
    bob.answer(invite, 486)
    assert server.log == ["NOTICE Branch", "NOTICE Failure"]

"""lua: the states that calls run in, and what ends those that would not end."""
import time

import gevent
import pytest

from opensips_py.modules.lua.state import LuaError, Program, State
from opensips_py.testing import Phone, request

SCRIPT = """socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "cfgutils.so" loadmodule "sipmsgops.so"
loadmodule "lua.so"
modparam("lua", "luafilename", "@FILE@")
@SETTINGS@
route { @BODY@ }
@ROUTES@
"""


@pytest.fixture
def start(opensips, tmp_path):
    """Start the script *body* with a Lua file."""
    def start(lua, body, settings="", routes=""):
        file = tmp_path / "routing.lua"
        file.write_text(lua)
        text = SCRIPT
        for name, value in {"FILE": file, "BODY": body, "SETTINGS": settings, "ROUTES": routes}.items():
            text = text.replace(f"@{name}@", str(value))
        return opensips(text=text)
    return start


def ask(server, method="OPTIONS", **how):
    return server.receive(request(method, "sip:bob@192.0.2.9", **how), "192.0.2.1")


WAITING = """
calls = 0
function wait(msg, seconds)
  calls = calls + 1
  local mine = getHeader(msg, "Call-ID")
  msg:sleep(seconds)
  xlog("NOTICE", mine .. " " .. getHeader(msg, "Call-ID") .. " " .. calls)
  return 7
end
"""


def test_a_call_that_waits_keeps_its_state_and_others_go_on(start):
    server = start(WAITING, 'lua_exec("wait", "$hdr(X-Seconds)"); t_reply($rc + 200, "Waited");')
    for name, seconds in (("a", 3), ("b", 1), ("c", 2)):
        assert ask(server, call_id=name, headers={"X-Seconds": str(seconds)}) == []
    assert [each.status for each in server.advance(5)] == [207] * 3
    assert server.log == ["NOTICE b b 1", "NOTICE c c 1", "NOTICE a a 1"]
    server.log.clear()
    ask(server, call_id="d", headers={"X-Seconds": "1"})
    server.advance(2)
    assert server.log == ["NOTICE d d 2"]  # a state that there was already


def test_a_request_that_waits_has_its_transaction_before(start):
    server = start(WAITING, 'lua_exec("wait", "3"); t_reply(200, "OK");')
    invite = request("INVITE", "sip:bob@192.0.2.9", branch="z9hG4bKsame", call_id="a")
    for _ in range(2):
        server.receive(invite, "192.0.2.1")
    server.advance(4)
    assert server.log == ["NOTICE a a 1"]


def test_more_calls_than_states(start, monkeypatch):
    monkeypatch.setattr("opensips_py.modules.lua.state.MOST", 2)
    monkeypatch.setattr("opensips_py.modules.lua.state.PATIENCE", 0.05)
    server = start(WAITING, 'lua_exec("wait", "3"); t_reply($rc + 300, "Waited");')
    for name in "abc":
        ask(server, call_id=name)
    gevent.sleep(0.06)
    server.settle()
    assert [each.status for each in server.take()] == [299]
    assert server.log == ["ERROR lua_exec: wait(): 2 calls wait inside Lua already"]
    assert [each.status for each in server.advance(4)] == [307, 307]
    ask(server, call_id="d")
    assert [each.status for each in server.advance(4)] == [307]


NESTED = """
said = "nothing"
function outer(msg)
  said = "hello"
  msg:t_relay()
  xlog("NOTICE", said)
end
function inner(msg)
  msg:append_hf("X-Said: " .. said .. "\\r\\n")
  said = said .. " and goodbye"
end
function apart(msg)
  coroutine.wrap(outer)(msg)
end
"""


@pytest.mark.parametrize(("function", "header", "said"), [
    ("outer", "hello", "hello and goodbye"), ("apart", "nothing", "hello")])
def test_a_call_inside_another(start, function, header, said):
    server = start(NESTED, f't_on_branch("out"); lua_exec("{function}");',
                   routes='branch_route[out] { lua_exec("inner"); }')
    bob = Phone(server, "bob", "192.0.2.2")
    server.receive(request("INVITE", "sip:bob@192.0.2.2"), "192.0.2.1")
    assert bob.last("INVITE").message.header("X-Said") == header
    assert server.log == [f"NOTICE {said}"]


ENDLESS = """
function plain(msg) while true do end end
function caught(msg) while true do pcall(function() while true do end end) end end
function apart(msg) return coroutine.wrap(function() while true do end end)() end
function aside(msg)
  while true do coroutine.resume(coroutine.create(function() while true do end end)) end
end
function recursive(msg) return 1 + recursive(msg) end
function fine(msg)
  local made = coroutine.create(function(a) local b = coroutine.yield(a + 1) error("over " .. b) end)
  local _, first = coroutine.resume(made, 1)
  local done, why = coroutine.resume(made, "x")
  local n = 0
  for each in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do n = n + each end
  xlog("NOTICE", first .. tostring(done) .. why:match("over x") .. n)
  local sum = 0
  for i = 1, 5000000 do sum = sum + i end
  return 9
end
"""


@pytest.mark.parametrize("function", ["plain", "caught", "apart", "aside", "recursive"])
def test_a_loop_without_end_is_ended(start, function):
    server = start(ENDLESS, f'lua_exec("{function}"); $var(a) = $rc; lua_exec("fine"); $var(b) = $rc;')
    began = time.perf_counter()
    ask(server)
    assert time.perf_counter() - began < 10 and server.variables == {"a": -1, "b": 9}
    error, fine = server.log
    assert error.startswith(f"ERROR lua_exec: {function}() failed: ") and fine == "NOTICE 2falseover x6"
    assert ("stack overflow" if function == "recursive" else "it has run for 20000000 instructions") in error


def test_a_loop_without_end_in_the_file_itself(start):
    with pytest.raises(Exception, match="it has run for 20000000 instructions"):
        start("while true do end", "exit;")


MEMORY = """
count = 0
function large(msg) count = count + 1 local text = ("x"):rep(33 * 1024 * 1024) return 3 end
function many(msg) kept = {} while true do kept[#kept + 1] = { #kept } end end
function counted(msg) count = count + 1 return count end
"""


@pytest.mark.parametrize(("allocator", "codes"), [("opensips", (-1, 1)), ("malloc", (3, 2))])
def test_memory_ends(start, allocator, codes):
    server = start(MEMORY, 'lua_exec("large"); $var(a) = $rc; lua_exec("counted"); $var(b) = $rc; lua_meminfo();',
                   f'modparam("lua", "lua_allocator", "{allocator}")')
    ask(server)
    assert (server.variables["a"], server.variables["b"]) == codes
    most = 32768 if allocator == "opensips" else 1048576
    assert len(server.log.matching(rf"^NOTICE Lua: 1 states, \d+ KiB of {most} KiB each$")) == 1
    assert bool(server.log.matching(r"^ERROR lua_exec: large\(\) failed: not enough memory")) == (codes[0] == -1)


def test_tables_without_end(start):
    server = start(MEMORY, 'lua_exec("many"); $var(a) = $rc; lua_exec("counted"); $var(b) = $rc;')
    ask(server)
    assert server.variables == {"a": -1, "b": 1}
    assert server.log == ["ERROR lua_exec: many() failed: not enough memory"]


def test_other_allocators_are_refused(start):
    with pytest.raises(Exception, match="one of opensips, malloc is needed"):
        start(MEMORY, "exit;", 'modparam("lua", "lua_allocator", "pool")')


def test_what_comes_from_outside_ends_a_call_whatever_lua_catches():
    def leave(_):
        raise gevent.GreenletExit
    state = State(Program("x.lua", "function f(msg) for i = 1, 3 do pcall(leave) end return 5 end "
                          "function g(msg) return 6 end", 0, {b"leave": leave}))
    with pytest.raises(gevent.GreenletExit):
        state.call("f", None, None)
    assert state.call("g", None, None) == 6


def test_numbers_that_lua_cannot_count_are_texts():
    state = State(Program("x.lua", "function f(msg, n) return big(), tonumber(n) + 1, -0.5, true end", 0,
                          {b"big": lambda _: (1 << 60) + 1}))
    assert state.call("f", "4", None) == (str((1 << 60) + 1), 5, "-0.5", True)
    with pytest.raises(LuaError):
        state.call("f", None, None)

"""lua: the file, what is wrong with it, how it is taken anew, and whose calls are logged."""
import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.testing import request

HEAD = """
loadmodule "proto_udp.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "lua.so"
modparam("lua", "luafilename", "@FILE@")
"""
SOCKET = {"2.1": "listen=udp:192.0.2.9:5060", "4.0": "socket=udp:192.0.2.9:5060"}
PLAIN = "function act(msg, text) calls = (calls or 0) + 1 return 10 * calls + VALUE end"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "routing.lua"


def script(file, settings="", dialect="4.0", body='lua_exec("act"); $var(rc) = $rc;'):
    return f"dialect={dialect}\n{SOCKET[dialect]}\n{HEAD.replace('@FILE@', str(file))}{settings}\nroute {{ {body} }}"


def code_of(server, **how):
    server.receive(request("OPTIONS", "sip:bob@192.0.2.9", **how), "192.0.2.1")
    return server.variables["rc"]


@pytest.mark.parametrize(("text", "told"), [
    ("function f(\n", "routing.lua:2: <name> or '...' expected near '<eof>'"),
    ("x = 1\nlocal y = nil + 1", "routing.lua:2: attempt to perform arithmetic on a nil value"),
    ("getHeader(nil, 'x')", "routing.lua:1: getHeader: too many positional arguments"),
    ("getHeader('x')", "routing.lua:1: getHeader: there is no message while the file is loaded"),
    ("require('nowhere')", "module 'nowhere' not found")])
def test_what_keeps_the_server_from_starting(opensips, file, text, told):
    file.write_text(text)
    with pytest.raises(ConfigError) as found:
        opensips(text=script(file))
    assert told in str(found.value) and "<python>" not in str(found.value)


def test_the_default_file_is_not_there(opensips):
    with pytest.raises(ConfigError, match=r"cannot read /etc/opensips/opensips\.lua: No such file or directory"):
        opensips(text=script("x").replace('modparam("lua", "luafilename", "x")', ""))


def test_beside_the_script_and_what_it_requires(opensips, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "numbers.lua").write_text("local M = {}\nfunction M.seven() return 7 end\nreturn M\n")
    (tmp_path / "besides.lua").write_text(
        "local numbers = require 'lib.numbers'\nfunction act() return numbers.seven() end")
    (tmp_path / "test.cfg").write_text(script("besides.lua"))
    assert code_of(opensips(tmp_path / "test.cfg")) == 7


def test_a_file_that_is_no_utf_8(opensips, file):
    file.write_bytes(b'-- \xe9\nfunction act() return #"\xe9" end')
    assert code_of(opensips(text=script(file))) == 1


def test_a_reload_takes_the_file_with_a_state_of_its_own(opensips, file):
    file.write_text(f"VALUE = 1\n{PLAIN}")
    server = opensips(text=script(file))
    assert [code_of(server) for _ in range(2)] == [11, 21]
    file.write_text(f"VALUE = 2\n{PLAIN}")
    assert code_of(server) == 31
    server.reload(script(file))
    assert [code_of(server) for _ in range(2)] == [12, 22]
    file.write_text("no Lua")
    with pytest.raises(ConfigError):
        server.reload(script(file))
    assert code_of(server) == 32


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_the_file_is_looked_at_every_few_seconds(opensips, file, dialect):
    file.write_text(f"VALUE = 1\n{PLAIN}")
    server = opensips(text=script(file, 'modparam("lua", "lua_auto_reload", 5)', dialect))
    assert code_of(server) == 11
    server.advance(6)
    assert code_of(server) == 21  # it is the same
    file.write_text(f"VALUE = 5\n{PLAIN}")
    assert code_of(server) == 31
    server.advance(6)
    assert code_of(server) == 15 and server.log == [f"NOTICE {file} has been taken anew"]
    file.write_text("no Lua at all")
    server.advance(6)
    assert code_of(server) == 25
    assert server.log[1].startswith(f"ERROR {file} stays as it was: routing.lua:1: '=' expected near 'Lua'")
    file.unlink()
    server.advance(11)
    assert code_of(server) == 35 and len(server.log) == 2


def test_the_file_is_not_looked_at_where_nobody_asks(opensips, file):
    file.write_text(f"VALUE = 1\n{PLAIN}")
    server = opensips(text=script(file))
    file.write_text(f"VALUE = 5\n{PLAIN}")
    server.advance(100)
    assert code_of(server) == 11


def test_lua_reload(opensips, file):
    file.write_text(f"VALUE = 1\n{PLAIN}")
    server = opensips(text=script(file, dialect="2.1"))
    assert code_of(server) == 11
    file.write_text(f"VALUE = 5\n{PLAIN}")
    assert server.mi("lua_reload") == "OK" and code_of(server) == 15
    file.write_text("no Lua at all")
    with pytest.raises(MIError, match="'=' expected near 'Lua'"):
        server.mi("lua_reload")
    file.unlink()
    with pytest.raises(MIError, match="cannot read"):
        server.mi("lua_reload")
    assert code_of(server) == 25


@pytest.mark.parametrize(("dialect", "command"), [("2.1", "watch"), ("4.0", "lua:watch")])
def test_watched_users_are_logged(opensips, file, dialect, command):
    file.write_text(f"VALUE = 1\n{PLAIN}")
    server = opensips(text=script(file, dialect=dialect, body='lua_exec("act", "x"); $var(rc) = $rc;'))
    code_of(server, sender="sip:dora@example.com")
    assert server.mi(command) == [] and server.log == []
    assert server.mi(command, "add", "dora") == ["dora"]
    assert server.mi(command, action="add", extension="4711") == server.mi(command) == ["dora", "4711"]
    assert server.mi(command, "add", "dora") == ["dora", "4711"]
    code_of(server, sender="sip:dora@example.com")
    code_of(server, to="sip:4711@example.com")
    code_of(server)
    assert len(server.log) == 2
    assert server.log[0].startswith('NOTICE lua_exec("act", "x") for dora: 21, in ') and server.log[0].endswith(" ms")
    assert server.log[1].startswith('NOTICE lua_exec("act", "x") for 4711: 31, in ')
    assert server.mi(command, "delete", "dora") == ["4711"]
    code_of(server, sender="sip:dora@example.com")
    assert len(server.log) == 2
    server.reload(script(file, dialect=dialect, body='lua_exec("act"); $var(rc) = $rc;'))
    code_of(server, sender="sip:4711@example.com")
    assert server.log[2].startswith('NOTICE lua_exec("act") for 4711: 11, in ')


def test_watched_users_without_lua_user_debug(opensips, file):
    file.write_text(f"VALUE = 1\n{PLAIN}")
    server = opensips(text=script(file, 'modparam("lua", "lua_user_debug", 0)', "2.1"))
    assert server.mi("watch", "add", "alice") == ["alice"]
    assert code_of(server) == 11 and server.log == []


@pytest.mark.parametrize(("given", "told"), [
    (("add",), "add whom"), (("delete",), "delete whom"), (("delete", "dora"), "dora is not watched"),
    (("add", "x" * 200), "an extension has 1 to 120 bytes"), (("show", "x"), "one of add, delete is needed")])
def test_what_watch_refuses(opensips, file, given, told):
    file.write_text(f"VALUE = 1\n{PLAIN}")
    server = opensips(text=script(file))
    with pytest.raises(MIError, match=told):
        server.mi("lua:watch", *given)
    assert server.mi("lua:watch") == []


def test_the_memory_of_the_states(opensips, file):
    file.write_text(f"VALUE = 1\n{PLAIN}")
    server = opensips(text=script(file, body="lua_meminfo(); $var(rc) = $rc;"))
    assert code_of(server) == 1
    assert len(server.log.matching(r"^NOTICE Lua: 1 states, [1-9]\d* KiB of 32768 KiB each$")) == 1

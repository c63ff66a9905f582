"""Call Lua functions from the script."""
from __future__ import annotations

import os
import time
from typing import Annotated, Any

from opensips_py.module import (
    Between,
    ConfigError,
    MIError,
    Module,
    OneOf,
    Route,
    Run,
    ScriptMessage,
    first,
    mi,
    param,
    run_blocking,
    script,
    timer,
)
from opensips_py.modules.lua.api import Api
from opensips_py.modules.lua.state import LuaError, Program, States, shown
from opensips_py.modules.lua.watching import Watched
from opensips_py.restraint import Restraint

ROUTES = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL
FILE = "/etc/opensips/opensips.lua"
MEMORY = {"opensips": 32 << 20, "malloc": 1 << 30}  # bytes of one state, by the allocator
NOTICE, ERROR = 25, 40
FALSE = -1
WRONG, NOT_FOUND, FAILED = 400, 404, 500


class Lua(Module, name="lua"):
    """Call the functions of a Lua file (Lua 5.1) from the script.

    A function is given the message, and a text if the script passes one. The number that it returns is the code, and 0
    ends the script; true, and nothing at all, is 1, false is -1, and so is nil with a text behind it, which is logged.

    In the file there are xlog([level,] text), xdbg(text), getType(msg), getMethod(msg), getStatus(msg),
    getHeader(msg, name), getContact(msg), getRoute(msg), getExpires(msg), getURI_User(msg), getSrcIp(msg),
    getDstIp(msg), pseudoVar(msg, variable), pseudoVarSet(msg, variable, value), scriptVarGet(name),
    scriptVarSet(name, value), AVP_get(name), AVP_set(name, value), AVP_destroy(name), add_lump_rpl(msg, header),
    isMyself(host, port), grepSockInfo(host, port), getpid(), gethostname(), getmem(), getmeminfo(),
    WarnMissingFreeFixup(value), and moduleFunc(msg, name, ...), which calls any function of the script. Each may be
    written as a method, msg:getHeader("Subject"), and so may the functions of the script: msg:t_relay().

    Where a function waits, by what it calls of the script, other calls go on in a Lua state of their own: what the file
    keeps in globals is not shared by all calls, nor by the workers. A call ends with an error after 20 million
    instructions, or when its state would take more memory than the allocator allows. What C code of Lua's own does,
    such as a pattern that explodes or os.execute(), holds up the worker: leave that to the script."""

    luafilename: str = param("", "The file; none is /etc/opensips/opensips.lua. Its folder is searched by require().")
    lua_auto_reload: Annotated[int, Between(0, 86400)] = param(
        0, "Seconds between two looks at whether the file has changed; it is taken then. 0: never.")
    warn_missing_free_fixup: bool = param(
        1, "Accepted without effect: nothing that moduleFunc() is given is left in memory.")
    lua_allocator: Annotated[str, OneOf(*MEMORY)] = param(
        "opensips", "How much memory a Lua state may take: opensips 32 MiB, malloc 1 GiB.")
    lua_user_debug: bool = param(1, "Whether calls for users that the command watch names are logged.")

    def load(self) -> None:
        """Run the file: with a mistake in it, the server does not start."""
        self.restraint = Restraint(self.log, level=ERROR)
        self.api = Api(self).table()
        self.seen: object = None
        name = self.luafilename or FILE
        try:
            self.path, text = self.registry.file(name)
        except (OSError, ValueError) as error:
            raise ConfigError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}", module=self.name,
                              parameter="luafilename") from None
        try:
            self.take(text)
        except LuaError as error:
            raise ConfigError(shown(error), module=self.name, parameter="luafilename") from None

    def start(self) -> None:
        """Find the users who are watched."""
        self.watched = Watched(self.services.shared_words("lua watched", Watched.size()))

    def take(self, text: str) -> None:
        """Work with *text* from now on; LuaError where it is wrong: then all stays as it is."""
        self.states = States(Program(self.path, text, MEMORY[self.lua_allocator], self.api))
        self.text = text

    @script(ROUTES)
    def lua_exec(self, run: Run, func: str, param: str | None = None) -> int:
        """Call the Lua function *func* with the message, and with *param* if it is given; its result is the code. One
        that fails is logged and counts as -1."""
        watched = self.watched.among(run) if self.lua_user_debug else None
        began = time.perf_counter()
        result = self.call(run, func, param)
        if watched is not None:
            given = "" if param is None else f', "{param}"'
            self.log.log(NOTICE, 'lua_exec("%s"%s) for %s: %d, in %.3f ms', func, given, watched, result,
                         (time.perf_counter() - began) * 1000)
        return result

    def call(self, run: Run, func: str, param: str | None) -> int:
        """The code of a Lua function."""
        try:
            result = self.states.call(func, param, ScriptMessage(run))
        except LuaError as error:
            self.restraint.say("lua_exec: %s() failed: %s", func, shown(error))
        except (TypeError, TimeoutError) as error:
            self.restraint.say("lua_exec: %s(): %s", func, error)
        else:
            return self.code(func, result)
        return FALSE

    def code(self, func: str, result: Any) -> int:
        """What the values of a function stand for."""
        value, *others = result if isinstance(result, tuple) else (result,)
        if value is None and others and isinstance(others[0], str):
            self.restraint.say("lua_exec: %s(): %s", func, others[0])
            return FALSE
        if value is None or value is True:
            return 1
        if isinstance(value, int):
            return value or (FALSE if value is False else 0)
        self.restraint.say("lua_exec: %s() returned %r, which is no number", func, value)
        return FALSE

    @script(ROUTES)
    def lua_meminfo(self) -> bool:
        """Log how much memory the Lua states of this worker have taken."""
        used, most = self.states.used, MEMORY[self.lua_allocator]
        self.log.log(NOTICE, "Lua: %d states, %s KiB of %d KiB each", len(used),
                     ", ".join(str(each >> 10) for each in used), most >> 10)
        return True

    @timer("lua_auto_reload")
    def look(self) -> None:
        """Take the file anew where it has changed."""
        text = run_blocking(self.changed)
        if text is not None and text != self.text:
            try:
                self.take(text)
                self.log.log(NOTICE, "%s has been taken anew", self.path)
            except LuaError as error:
                self.log.error("%s stays as it was: %s", self.path, shown(error))

    def changed(self) -> str | None:
        """The text of the file, if it is another one than last time."""
        try:
            found = os.stat(self.path)
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen == self.seen:
                return None
            with open(self.path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                text = file.read()
        except OSError:
            return None  # somebody is about to put another one there
        self.seen = seen
        return text

    @mi("lua_reload", scope="each", merge=first, dialect="2.1")
    def reload(self) -> str:
        """Read the file again in all workers; with a mistake in it, all stays as it is."""
        self.seen = None
        try:
            text = run_blocking(self.changed)
            if text is None:
                raise MIError(FAILED, f"cannot read {self.path}")
            self.take(text)
        except LuaError as error:
            raise MIError(FAILED, shown(error)) from None
        return "OK"

    @mi("watch", v40="lua:watch")
    def watch(self, action: Annotated[str, OneOf("add", "delete")] | None = None,
              extension: str | None = None) -> list[str]:
        """Log the calls of Lua functions for messages from and to the user *extension* (add), or no longer (delete);
        tells who is watched."""
        if action is not None:
            if not extension:
                raise MIError(WRONG, f"{action} whom? the parameter extension is missing")
            try:
                changed = self.watched.set(extension, action == "add")
            except (ValueError, MemoryError) as error:
                raise MIError(WRONG, str(error)) from None
            if not changed and action == "delete":
                raise MIError(NOT_FOUND, f"{extension} is not watched")
        return self.watched.names()

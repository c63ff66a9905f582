"""Lua states: what runs the functions of the user's file, and how values cross over."""
from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

from gevent import getcurrent
from gevent.lock import BoundedSemaphore

from opensips_py.module import Run, ScriptMessage
from opensips_py.modules.lua import prelude

try:
    from lupa.lua51 import LuaError, LuaMemoryError, LuaRuntime
except ImportError:
    raise ImportError('lupa is missing: pip install "opensips-py[lua]"') from None

MOST = 32  # states of one worker: as many calls as may wait inside Lua at a time
PATIENCE = 10.0  # seconds for one of them to be free
LONGEST = 58  # characters of a path that Lua shows whole in its errors
NOISE = ('[string "<python>"]', "(tail call)", "[C]: in function 'error'")  # lines that say nothing of the file
Function = Callable[..., Any]


class Program:
    """The file of the user, and what its functions may call; *memory* is in bytes, for each state."""

    def __init__(self, path: str, text: str, memory: int, api: Mapping[bytes, Function]) -> None:
        self.path, self.text, self.memory, self.api = path, text, memory, api


class State:
    """One Lua state, in which one call runs at a time, or one inside another in the same greenlet."""

    def __init__(self, program: Program) -> None:
        self.api = program.api
        self.messages: list[ScriptMessage] = []  # of the calls at hand, the innermost last
        self.depth = 0  # coroutines that the innermost call is in
        self.broken = False  # out of memory
        self.pending: BaseException | None = None  # ends the call that is at hand
        self.lua = LuaRuntime(encoding=None, source_encoding="utf-8", register_eval=False, register_builtins=False,
                              unpack_returned_tuples=True, attribute_handlers=(refused, refused),
                              max_memory=program.memory)
        names = b" ".join(self.api)
        load, self.first, self.nested, self.unhook = self.lua.execute(prelude.TEXT, self.answer, names)
        folder, name = os.path.split(os.path.abspath(program.path))
        try:
            load(encoded(program.path if len(program.path) < LONGEST else name), encoded(program.text), encoded(folder))
        finally:
            self.unhook()

    @property
    def used(self) -> int:
        """Bytes that it has taken."""
        return int(self.lua.get_memory_used())

    def call(self, name: str, argument: str | None, message: ScriptMessage) -> Any:
        """What the function *name* returns, in values of Python; LuaError where it fails."""
        given = (encoded(name),) if argument is None else (encoded(name), encoded(argument))
        outermost = not self.messages
        self.messages.append(message)
        try:
            found = (self.first if outermost else self.nested)(*given)
        except LuaMemoryError:
            self.broken = True
            raise
        finally:
            self.messages.pop()
            if outermost:
                self.unhook()  # an error has left it there
                self.raise_pending()
        return tuple(map(decoded, found)) if isinstance(found, tuple) else decoded(found)

    def raise_pending(self) -> None:
        """Go on with what came from outside while Lua ran."""
        pending, self.pending = self.pending, None
        if pending is not None:
            raise pending

    def answer(self, depth: int, name: bytes, *given: Any) -> tuple[bool, Any]:
        """Call a function of the API for Lua: whether it could, and its value or what to say."""
        self.depth = depth
        if self.pending is not None:
            return False, b"the call has been ended"
        try:
            function, values = self.api[name], [decoded(each) for each in given]
            return True, self.passed(function(self.message, *values))
        except Exception as error:
            wrong = isinstance(error, TypeError) and unfit(self.api[name], list(given))
            reason = wrong or (error.args[0] if error.args else type(error).__name__)
            return False, encoded(f"{name.decode()}: {reason}")
        except BaseException as error:  # the end of a wait: raised when Lua has come to an end, whatever it catches
            self.pending = error
            return False, b"the call has been ended"

    @property
    def message(self) -> ScriptMessage | None:
        """The message of the call at hand."""
        return self.messages[-1] if self.messages else None

    def passed(self, value: Any) -> Any:
        """A value as Lua has it: lists and dictionaries become tables."""
        if isinstance(value, str):
            return encoded(value)
        if isinstance(value, dict):
            return self.lua.table_from({encoded(name): self.passed(each) for name, each in value.items()})
        if isinstance(value, list):
            return self.lua.table_from([self.passed(each) for each in value])
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 53:
            return encoded(str(value))  # numbers of Lua are exact up to there
        return value


class States:
    """The states of one worker. A call that waits keeps its own, and the next call takes another one, as messages of
    OpenSIPS meet the states of its many processes: what a file keeps in globals belongs to one of them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.free = [State(program)]
        self.places = BoundedSemaphore(MOST)
        self.at_work: dict[Any, State] = {}  # by greenlet

    def call(self, name: str, argument: str | None, message: ScriptMessage) -> Any:
        """Call the function *name*, in the state that this greenlet is in already, or in one of its own."""
        here = getcurrent()
        outer = self.at_work.get(here)
        if outer is not None and not outer.depth:  # inside a coroutine a state takes no second call
            return outer.call(name, argument, message)
        self.enter(message.run)
        state = self.free.pop() if self.free else None
        try:
            state = self.at_work[here] = state or State(self.program)
            return state.call(name, argument, message)
        finally:
            if outer is None:
                self.at_work.pop(here, None)
            else:
                self.at_work[here] = outer
            if state is not None and not state.broken:
                self.free.append(state)
            self.places.release()

    def enter(self, run: Run) -> None:
        """Wait until there is a state; TimeoutError where there is none for long."""
        if self.places.acquire(blocking=False):
            return
        run.park()
        if not self.places.acquire(timeout=PATIENCE):
            raise TimeoutError(f"{MOST} calls wait inside Lua already")

    @property
    def used(self) -> list[int]:
        """The bytes that each state has taken."""
        return [each.used for each in [*self.free, *self.at_work.values()]]


def unfit(function: Function, values: list[Any]) -> str:
    """Why *function* cannot be called with *values*; empty where it can."""
    try:
        inspect.signature(function).bind(None, *values)
    except TypeError as error:
        return str(error)
    return ""


def refused(*_: Any) -> Any:
    """Keeps Lua out of the objects of Python."""
    raise AttributeError("this has no fields")


def encoded(text: str) -> bytes:
    """A text as Lua has it."""
    return text.encode("utf-8", "surrogateescape")


def decoded(value: Any) -> Any:
    """A value of Lua as scripts have them."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, float):
        return int(value) if value.is_integer() else str(value)
    if value is None or isinstance(value, int):
        return value
    raise TypeError("a table or a function is no value that scripts have")


def shown(error: LuaError) -> str:
    """An error of Lua with its traceback, without what stands for our own part of it."""
    first, *trace = str(error.args[0] if error.args else "").splitlines() or [""]
    lines = [each for each in trace if not any(mark in each for mark in NOISE)]
    return "\n".join([first or "not enough memory", *(lines if len(lines) > 1 else ())])


__all__ = ["LuaError", "LuaMemoryError", "Program", "State", "States", "shown"]

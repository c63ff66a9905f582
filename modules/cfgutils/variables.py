"""$shv and what sets it, $env, $RANDOM, $ctime, and initial values of $var."""
from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MIError
from opensips_py.mi.tree import Node, listed, rendered
from opensips_py.module import ConfigError, OneOf, Run, mi, param, param_setter, process_state, pvar
from opensips_py.module.declare import Dialect
from opensips_py.module.kinds import Between, Text
from opensips_py.modules.cfgutils.shared import SharedVariables, Value

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry
    from opensips_py.module.services import Services

NOT_FOUND = 404
PER_CHAIN = 16  # variables that there may be for each chain of the hash table
WORDS_OF_TIME: dict[str, Callable[[time.struct_time], int]] = {
    "sec": lambda now: now.tm_sec, "min": lambda now: now.tm_min, "hour": lambda now: now.tm_hour,
    "mday": lambda now: now.tm_mday, "mon": lambda now: now.tm_mon, "year": lambda now: now.tm_year,
    "wday": lambda now: (now.tm_wday + 1) % 7 + 1, "yday": lambda now: now.tm_yday, "isdst": lambda now: now.tm_isdst,
}


class SharedName(Text):
    """The name of a shared variable; one that the script mentions exists from the start."""

    script = True

    def compile(self, value: str, language: Any) -> str:
        """Note that the script mentions *value*."""
        language.registry.modules["cfgutils"].mentioned[value] = None
        return value


class Store:
    """The shared variables of a process; made where the module starts."""

    def __init__(self) -> None:
        self.variables: SharedVariables | None = None

    def open(self, services: Services, capacity: int) -> SharedVariables:
        """The variables, with room for *capacity* names unless other processes were given another number before."""
        if self.variables is None:
            chosen = services.shared_words("cfgutils capacity", 1)
            chosen.cas(0, 0, capacity)
            capacity = chosen.load(0)
            words = services.shared_words("cfgutils variables", SharedVariables.size(capacity))
            self.variables = SharedVariables(words, capacity)
        return self.variables


def initial(text: str) -> tuple[str, Value]:
    """The name and the value of ``name=i:1`` or ``name=s:text``."""
    name, equals, rest = text.partition("=")
    kind, colon, value = rest.partition(":")
    if not (name.strip() and equals and colon) or kind.strip() not in ("i", "s"):
        raise ConfigError(f'"{text}" is not of the form name=i:number or name=s:text')
    if kind.strip() == "s":
        return name.strip(), value
    try:
        return name.strip(), int(value, 0)
    except ValueError:
        raise ConfigError(f'"{value}" is no number, and {name.strip()} is to be one') from None


def rows(data: Any) -> list[Node]:
    """2.1's lines of shared variables."""
    return [listed("VAR", None, dict(each)) for each in data.get("VARS", [data.get("VAR")])]


class Variables:
    """The pseudo-variables of the module, with parameters and commands that set them."""

    dialect: Dialect
    registry: Registry
    services: Services
    mentioned: dict[str, None]
    initial_values: dict[str, Value]

    shv_hash_size: Annotated[int, Between(1, 4096)] = param(
        64, f"Chains of the table of shared variables: for each, {PER_CHAIN} variables may exist.",
        fixed="the memory for shared variables is laid out when the server starts")
    store: Store = process_state()

    @param_setter()
    def shvset(self, value: str) -> None:
        """A shared variable and its value at the start: name=i:number or name=s:text; may be given many times. A
        reload sets only those that nobody has set before."""
        name, first = initial(value)
        self.initial_values[name] = first

    @param_setter()
    def varset(self, value: str) -> None:
        """A $var and the value with which each run of a route begins: name=i:number or name=s:text; may be given
        many times."""
        language: Any = self.registry.script
        name, first = initial(value)
        language.initial_variables[name] = first

    def start_variables(self) -> None:
        """Find the shared variables and give those a value that have none yet."""
        self.shared = self.store.open(self.services, self.shv_hash_size * PER_CHAIN)
        for name in self.mentioned:
            self.shared.place(name)
        for name, value in self.initial_values.items():
            self.shared.begin(name, value)

    @pvar("shv")
    def shared_variable(self, run: Run, name: Annotated[str, SharedName()]) -> Value | None:
        """A variable that all processes share; 0 until somebody sets it."""
        return self.shared.get(name)

    @shared_variable.setter
    def set_shared_variable(self, run: Run, name: Annotated[str, SharedName()], value: int | str | None) -> None:
        self.shared.set(name, 0 if value is None else value)

    @pvar("env")
    def environment_variable(self, run: Run, name: str) -> str | None:
        """A variable of the environment that the server was started with; NULL where it has none."""
        return os.environ.get(name)

    @pvar("RANDOM")
    def random_number(self, run: Run) -> int | None:
        """A random number from 0 to 2^31 - 1."""
        return random.getrandbits(31)

    @pvar("ctime")
    def time_now(self, run: Run, name: Annotated[str, OneOf(*WORDS_OF_TIME)]) -> int | None:
        """A part of the local time: sec, min, hour, mday, mon (1 to 12), year, wday (1 is Sunday), yday (from 1),
        isdst."""
        return WORDS_OF_TIME[name](time.localtime())

    @mi("shv_get", v40="cfgutils:shv_get")
    @rendered(rows)
    def mi_shv_get(self, name: str = "") -> dict[str, Any] | list[Any]:
        """The shared variable *name*, or all of them."""
        known = self.shared.names()
        if not name:
            found = [self.row(each) for each in known]
            return {"VARS": found} if self.dialect == "2.1" else [found]
        if name not in known:
            raise MIError(NOT_FOUND, "Not found")
        row = self.row(name)
        return {"VAR": row if self.dialect == "2.1" else {each: row[each] for each in ("type", "value")}}

    @mi("shv_set", v40="cfgutils:shv_set")
    def mi_shv_set(self, name: str, type: Annotated[str, OneOf("int", "str")], value: str) -> str:
        """Set the shared variable *name* to *value*, a number or a text as *type* says."""
        if name not in self.shared.names():
            raise MIError(NOT_FOUND, "Not found")
        try:
            self.shared.set(name, int(value, 0) if type == "int" else value)
        except ValueError as error:
            raise MIError(400, str(error)) from None
        return "OK"

    def row(self, name: str) -> dict[str, Value]:
        """One variable as management sees it."""
        value = self.shared.get(name)
        return {"name": name, "type": "integer" if isinstance(value, int) else "string", "value": value}

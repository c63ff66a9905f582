"""All modules of one generation: what they declare by name, their parameters, and their life."""
from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from opensips_py.errors import ConfigError
from opensips_py.module import awaited, life, loader
from opensips_py.module.base import Module
from opensips_py.module.caches import Caches
from opensips_py.module.declare import (
    Dialect,
    EventDeclaration,
    MICommand,
    Parameter,
    PseudoVariable,
    ScriptFunction,
    Statistic,
    Transformation,
)
from opensips_py.module.hooks import Hooks
from opensips_py.module.kinds import Integer, Kind, NumberOrText, Truth, shown

if TYPE_CHECKING:
    from opensips_py.module.kinds import ScriptLanguage
    from opensips_py.module.services import Services


D = TypeVar("D", ScriptFunction, PseudoVariable)


@dataclass(frozen=True, slots=True)
class BoundFunction:
    """A script function with the bound method that a compiled route calls."""

    declaration: ScriptFunction
    call: Callable[..., Any]
    module: Module


@dataclass(frozen=True, slots=True)
class BoundVariable:
    """A pseudo-variable with its bound getter and setter."""

    declaration: PseudoVariable
    get: Callable[..., Any]
    set: Callable[..., None] | None
    module: Module


@dataclass(frozen=True, slots=True)
class BoundTransformation:
    """A transformation with its bound method."""

    declaration: Transformation
    call: Callable[..., Any]
    module: Module


@dataclass(frozen=True, slots=True)
class BoundCommand:
    """A management command with its bound method; *owner* gives the slot that the arguments belong to."""

    declaration: MICommand
    call: Callable[..., Any]
    owner: Callable[..., int] | None
    module: Module


class Registry:
    """The loaded modules; add() and set_parameter() while the script is read, then finish(), start(), stop()."""

    def __init__(self, dialect: Dialect = "4.0", mpath: Iterable[str] = ()) -> None:
        self.dialect: Dialect = dialect
        self.mpath: list[str] = list(mpath)
        self.modules: dict[str, Module] = {}
        self.functions: dict[str, BoundFunction] = {}
        self.variables: dict[str, BoundVariable] = {}
        self.transformations: dict[str, BoundTransformation] = {}
        self.commands: dict[str, BoundCommand] = {}
        self.events: dict[str, EventDeclaration] = {}
        self.parameters_set: dict[str, set[str]] = {}
        self.globals: Mapping[str, Any] = {}  # the core's parameters
        self.prepared = False  # life.prepare() has run
        self.script_events: dict[str, None] = {}  # those that the script names
        self.hooks = Hooks()
        self.script: ScriptLanguage | None = None  # set by the script compiler before finish()
        self.flag: Callable[[str, str], int] | None = None  # (scope, name) -> bit number: flags by name
        self.flag_text: Callable[[str, int], str] | None = None  # (scope, bits) -> their names
        self.flag_bits: Callable[[str, str], int] | None = None  # (scope, names) -> the bits of those that are known
        self.flag_outward: Callable[[str, int], int] | None = None  # (scope, bits) -> as a number that others see
        self.flag_inward: Callable[[str, int], int] | None = None  # (scope, such a number) -> bits
        self.read_text: Callable[[str], str] = read_text
        self.deferred: list[tuple[Module, Parameter, str]] = []
        self.checks: dict[str, Callable[[str], str]] = {}  # what a text may name -> why there is none of that name
        self.caches = Caches()
        self.status_groups: set[str] = set()  # of status reports, beside those that modules provide
        self.folder = ""  # of the configuration, where files are that modules name without one; ends with no slash
        self.timers: dict[tuple[str, str], life.ModuleTimer] = {}  # those that run, by module and method
        self.texts: dict[str, Any] = {}  # variables and texts that Python code has asked for, compiled

    @classmethod
    def load(cls, names: Iterable[str], dialect: Dialect = "4.0", mpath: Iterable[str] = ()) -> Registry:
        """A registry with the modules *names*; the first error raises."""
        registry = cls(dialect, mpath)
        for name in names:
            registry.add(name)
        return registry

    # --- while the script is read -----------------------------------------------------------------------------------

    def add(self, text: str) -> Module:
        """Load the module that loadmodule *text* names; ConfigError where there is none. Twice is once."""
        present = self.modules.get(loader.module_name(text))
        return present or self.add_class(loader.find(text, self.mpath))

    def add_class(self, cls: type[Module]) -> Module:
        """Make an instance of *cls* and bind what it declares."""
        instance = cls(self.dialect)
        instance.registry = self
        self.modules[instance.name] = instance
        self.bind(instance)
        self.prepared = False
        return instance

    def bind(self, module: Module) -> None:
        """Enter what *module* declares under its names; a name that another module has is an error."""
        declared = module.declarations
        for each in self.fitting(declared.functions):
            self.enter(self.functions, each.name, BoundFunction(each, getattr(module, each.method), module))
        for variable in self.fitting(declared.variables):
            setter = getattr(module, variable.set) if variable.set else None
            self.enter(self.variables, variable.name,
                       BoundVariable(variable, getattr(module, variable.get), setter, module))
        for change in declared.transformations:
            self.enter(self.transformations, change.name,
                       BoundTransformation(change, getattr(module, change.method), module))
        for command in declared.commands:
            if command.dialect not in (None, self.dialect):
                continue
            owner = getattr(module, command.owner) if command.owner else None
            bound = BoundCommand(command, getattr(module, command.method), owner, module)
            for name in command.names:
                self.commands.setdefault(name, bound)  # a short name belongs to the module loaded first
        self.events.update((event.name, event) for event in declared.events)

    def fitting(self, declared: Iterable[D]) -> list[D]:
        """What this dialect has; scripts of 2.1 may use newer names as well, as those of OpenSIPS 2.2 to 2.4 do."""
        found = [each for each in declared if not self.is_foreign(each)]
        names = {each.name for each in found}
        if self.dialect == "2.1":
            found += [each for each in declared if each.dialect == "4.0" and each.name not in names]
        return found

    def is_foreign(self, declared: ScriptFunction | PseudoVariable | Transformation) -> bool:
        """Whether only the other dialect has *declared*."""
        return getattr(declared, "dialect", None) not in (None, self.dialect)

    def enter(self, table: dict[str, Any], name: str, bound: Any) -> None:
        """Put *bound* under *name* in *table*; a name of this dialect comes before one of the other."""
        other = table.get(name)
        if other is not None and other.module is not bound.module:
            if self.is_foreign(bound.declaration):
                return
            if self.is_foreign(other.declaration):
                other = None
        if other is not None and other.module is not bound.module:
            raise ConfigError(f"{name} is declared by {other.module.name} and by {bound.module.name}",
                              module=bound.module.name)
        table[name] = bound

    def set_parameter(self, module: str, name: str, value: int | str) -> None:
        """modparam(module, name, value); *module* may be a regular expression over the loaded names, as in OpenSIPS."""
        targets = [self.modules[module]] if module in self.modules else [
            each for each_name, each in self.modules.items() if matches(module, each_name)]
        if not targets:
            why = f"module {module} is not loaded" if module in [*loader.available(self.mpath)] else \
                loader.unknown(module, self.mpath)
            raise ConfigError(f"{why}; loadmodule stands before modparam", module=module, parameter=name)
        for each in targets:
            self.set_one(each, name, value)

    def set_one(self, module: Module, name: str, value: int | str) -> None:
        """Set one parameter of one module."""
        parameter = self.parameter(module, name)
        self.parameters_set.setdefault(module.name, set()).add(parameter.name)
        if parameter.kind.script:
            self.deferred.append((module, parameter, str(value)))
            return
        try:
            self.assign(module, parameter, self.parameter_value(parameter.kind, value))
        except ValueError as error:
            raise ConfigError(f"parameter {name} of {module.name}: {error}", module.name, name) from None

    def parameter(self, module: Module, name: str) -> Parameter:
        """The parameter *name* of *module*; ConfigError with the nearest name where there is none."""
        known = module.declarations.parameter_names
        if name not in known:
            raise ConfigError(
                awaited.message("params", name, module.name) or
                f"module {module.name} has no parameter {name}" + nearest(name, known), module.name, name)
        return known[name]

    def parameter_value(self, kind: Kind, value: int | str) -> Any:
        """The value of a modparam; as in OpenSIPS, a quoted number is no number."""
        if type(kind).__name__ == "Flag" and isinstance(value, str) and self.flag is not None:
            return self.flag(getattr(kind, "scope", "message"), value)
        if isinstance(kind, (Integer, Truth)) and isinstance(value, str) and type(kind).__name__ != "Flag":
            hint = f": write {value} without the quotes" if value.lstrip("-").isdigit() else ""
            raise ValueError(f"a number is needed, not {shown(value)}{hint}")
        if kind.name == "string" and isinstance(value, int) and not isinstance(kind, NumberOrText):
            kind.constant(str(value))  # which says what is wrong with that
            raise ValueError(f'a text is needed: write "{value}" with quotes')
        return kind.constant(value)

    def assign(self, module: Module, parameter: Parameter, value: Any) -> None:
        """Give a module a converted value."""
        if parameter.setter is not None:
            getattr(module, parameter.setter)(value)
        else:
            setattr(module, parameter.attribute, value)

    def file(self, name: str) -> tuple[str, str]:
        """The path and the text of the file that a parameter names, beside the script or else in the working directory;
        OSError where it cannot be read. Every process of a generation is given the text that was checked."""
        for path in (os.path.join(self.folder, name), name):
            try:
                return path, self.read_text(path)
            except FileNotFoundError as error:
                missing = error
        raise missing

    # --- life -------------------------------------------------------------------------------------------------------

    def finish(self) -> list[ConfigError]:
        """Link the modules and let each check its parameters; every error, none raised."""
        return life.finish(self)

    def start(self, services: Services, previous: Registry | None = None) -> list[str]:
        """Let the modules work in this process, with the state that *previous* leaves to them; which could not."""
        return life.start(self, services, previous)

    def stop(self, following: Registry | None = None) -> None:
        """End the work of all modules in this process, last loaded first; *following* goes on where it has them."""
        life.stop(self, following)

    def dissolve(self) -> None:
        """Let go of all modules: nothing will ask for a name any more. What is still at work goes on with what it
        has."""
        for table in (self.modules, self.functions, self.variables, self.transformations, self.commands, self.checks,
                      self.texts):
            table.clear()
        self.hooks, self.caches = Hooks(), Caches()
        self.script = self.flag = self.flag_text = self.flag_bits = None
        self.flag_outward = self.flag_inward = None

    # --- questions --------------------------------------------------------------------------------------------------

    def providing(self, what: str) -> list[Module]:
        """The loaded modules called *what*, or that provide it ("class:sqldb")."""
        named = self.modules.get(what)
        kind = what.removeprefix("class:")
        return [named] if named else [each for each in self.modules.values() if kind in each.declarations.provides]

    def missing_function(self, name: str) -> str:
        """Why no loaded module has function *name*: what to load, what is awaited, or the nearest name."""
        return awaited.message("functions", name, loaded=self.modules) or \
            f"function {name} is unknown" + nearest(name, self.functions)

    def missing_variable(self, name: str) -> str:
        """Why no loaded module has pseudo-variable *name*."""
        if name.lower() == "null":
            return f"${name} is unknown: write NULL instead of ${name}"
        return awaited.message("pvars", name, loaded=self.modules) or \
            f"${name} is unknown" + nearest(name, self.variables).replace("mean ", "mean $")

    def statistics(self) -> list[tuple[Module, Statistic]]:
        """Every statistic that the modules declare."""
        return [(module, each) for module in self.modules.values() for each in module.declarations.statistics]

    def which(self) -> list[str]:
        """The management commands by their names in this dialect."""
        return sorted({bound.declaration.named(self.dialect) or bound.declaration.names[0]
                       for bound in self.commands.values()})


def read_text(path: str) -> str:
    """The text of a file; bytes that are no UTF-8 survive."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def matches(expression: str, name: str) -> bool:
    """Whether *name* is wholly described by *expression*."""
    try:
        return re.fullmatch(expression, name) is not None
    except re.error:
        return False


def nearest(name: str, known: Iterable[str]) -> str:
    """The clause that names the nearest known name."""
    found = get_close_matches(name, list(known), 1)
    return f": did you mean {found[0]}?" if found else ""

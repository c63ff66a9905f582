"""A whole configuration: read, checked and compiled, with everything that is wrong with it."""
from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from opensips_py.errors import ConfigError
from opensips_py.module import awaited, life, loader
from opensips_py.module.base import Module
from opensips_py.module.declare import Dialect
from opensips_py.module.kinds import RouteName
from opensips_py.module.registry import Registry, matches
from opensips_py.module.run import Route
from opensips_py.script import dialect, globals, importing, parser, renames, tree, unset, wanted
from opensips_py.script.absent import Absent
from opensips_py.script.checker import Checker
from opensips_py.script.compiler import READS_CODE, READS_PARAMETERS, Routes, compile_routes
from opensips_py.script.core import Core, registry_with_core
from opensips_py.script.diagnostics import ERROR, NOWHERE, Diagnostics, Place, did_you_mean
from opensips_py.script.preprocessor import Preprocessor, read_text
from opensips_py.script.ready import Codes
from opensips_py.script.routes import plain
from opensips_py.script.runtime import CompiledRoute
from opensips_py.script.values import Context

MAIN_NAMES = ("main", "request", "default", "MAIN")  # what a main route is called by who thinks that it needs a name
HINT = re.compile(r": (add loadmodule .*)|(?<=\"): (did you mean \w+\?)$")  # what to do, behind an error of a module
STATIC = ("proto_udp", "proto_tcp")  # built into OpenSIPS, which takes their lines as often as they come
BARE = ("user", "group", "chroot", "workdir", "mpath")  # texts that stand without quotes, too
# What only 2.1 takes for a number: "404", and "$var(x)"
QUOTED_NUMBER, QUOTED_VALUE = "W0205", "E0303"


@dataclass(slots=True)
class Configuration:
    """One configuration; where diagnostics has errors, it must not be started."""

    dialect: Dialect
    registry: Registry
    diagnostics: Diagnostics
    globals: dict[str, Any]
    given: set[str] = field(default_factory=set)  # the core parameters that the script sets
    sockets: list[tree.Socket] = field(default_factory=list)
    routes: Routes = field(default_factory=Routes)
    timers: list[tuple[str, int]] = field(default_factory=list)  # timer routes and their seconds
    event_modes: dict[str, str] = field(default_factory=dict)  # sync or async, by event
    script: tree.Script = field(default_factory=tree.Script)  # as it was read, for what else is to be said of it
    context: Context | None = None  # what the routes were compiled with, should they be compiled once more
    blame: Callable[[ConfigError], None] | None = None  # puts the error of a module where it belongs
    fits: bool = False  # nothing in the script decided the dialect but that it is right in this one

    def route(self, kind: Route, name: str = "") -> CompiledRoute | None:
        """The route *name* of *kind*, if there is one."""
        return self.routes.get(kind, name)

    def verify(self) -> None:
        """Let the modules look at what they depend on outside, such as tables; errors are added to the diagnostics."""
        if self.blame is not None:
            for error in life.verify(self.registry):
                self.blame(error)


def read(path: str, overrides: Mapping[str, Any] | None = None, read: Callable[[str], str] = read_text,
         built_in: Iterable[type[Module]] = (), protocol: str = "", codes: Codes | None = None) -> Configuration:
    """Read the configuration *path*; *overrides* are core parameters from the command line, *built_in* modules that
    need no loadmodule, *protocol* the module to load where the script has neither a socket nor a protocol, *codes*
    what has been compiled before."""
    def attempt(spoken: Dialect | None = None) -> Configuration:
        given = dict(overrides or {})
        diagnostics = Diagnostics()
        script = parser.parse(Preprocessor(diagnostics, read, given.get("preprocessor", "")).tokens(path), diagnostics)
        reader = Reader(script, diagnostics, given, built_in, read, codes, spoken)
        reader.registry.folder = os.path.dirname(os.path.abspath(path))
        return reader.configuration(protocol)

    first = attempt()
    if not (doubts := wrong_in(first)) or not dialect.is_guessed(first.script):
        return first
    if first.dialect == "4.0" and not is_perhaps_old(first):
        return first
    second = attempt(dialect.OTHER[first.dialect])
    left = wrong_in(second)
    second.fits = left < doubts if second.dialect == "2.1" else not left
    return second if second.fits else first


def wrong_in(configuration: Configuration) -> int:
    """How much in a script tells that it is not of the dialect that it was read in."""
    return sum("not available yet" not in each.message if each.severity == ERROR else each.code == QUOTED_NUMBER
               for each in configuration.diagnostics.found)


def is_perhaps_old(configuration: Configuration) -> bool:
    """Whether what is wrong with a script of 4.0 would be right in one of 2.1: numbers in quotes, functions that only
    2.1 has; or a parameter suggests it."""
    return any(each.dialect == "2.1" for each in dialect.marks(configuration.script)) or any(
        each.code in (QUOTED_NUMBER, QUOTED_VALUE) or "OpenSIPS 4.0 " in each.fix
        for each in configuration.diagnostics.found)


class Reader:
    """Makes a configuration of the tree of a script."""

    def __init__(self, script: tree.Script, diagnostics: Diagnostics, overrides: dict[str, Any],
                 built_in: Iterable[type[Module]], read: Callable[[str], str] = read_text,
                 codes: Codes | None = None, spoken: Dialect | None = None) -> None:
        self.codes = codes or Codes()
        self.script, self.diagnostics, self.overrides, self.read_text = script, diagnostics, overrides, read
        spoken = spoken or dialect.infer(script, diagnostics)
        for lax in script.lax if spoken == "4.0" else ():
            diagnostics.misread(lax.message, lax.place, fix=lax.fix)
        self.registry = registry_with_core(spoken)
        self.registry.read_text = read
        self.result = Configuration(spoken, self.registry, diagnostics, globals.defaults(spoken), script=script)
        self.registry.globals = self.result.globals
        self.places: dict[tuple[str, str], Place] = {}  # where each modparam was set
        self.unavailable: list[str] = []
        self.doubtful = set(script.lost_parameters)  # modules with a modparam that has been complained of
        diagnostics.doubted.update(f" of module {each} " for each in script.lost_parameters)
        self.lacks_python = False  # whether a Python file could not be imported
        for each in built_in:
            self.registry.add_class(each)

    def configuration(self, protocol: str) -> Configuration:
        """All of it."""
        for item in self.script.items:
            if isinstance(item, tree.Global):
                self.parameter(item)
            elif isinstance(item, tree.LoadModule):
                self.load(item)
            elif isinstance(item, tree.ModParam):
                self.modparam(item)
            elif isinstance(item, tree.ImportPython):
                known = importing.import_python(item, self.registry, self.diagnostics, self.read_text)
                self.lacks_python = self.lacks_python or not known
        if self.script.lost_modules:  # what seems to be missing may be in the one that cannot be read
            self.unavailable += [each for each in loader.available() if each not in self.registry.modules]
        if protocol:
            self.speak(protocol)
        self.override()
        self.disable()
        core = self.registry.modules["core"]
        assert isinstance(core, Core)
        core.configure(self.result.globals)
        core.options = self.overrides.get("argv", {})
        core.unavailable = self.unavailable
        core.sockets = self.result.sockets
        core.bond_members = {each.host: each.members for each in self.result.sockets if each.protocol == "bond"}
        self.compile()
        self.finish()
        return self.result

    # Core parameters

    def parameter(self, item: tree.Global) -> None:
        """One core parameter."""
        found = globals.find(item.name)
        if found is None:
            hint = globals.unknown(item.name)
            self.diagnostics.error(f"there is no core parameter {item.name}", item.place, fix=hint)
            if hint.startswith("did you mean "):  # who misses that need not be told again
                self.diagnostics.doubted.add(f"nor does {hint.removeprefix('did you mean ').rstrip('?')}")
            return
        if item.bare and found.type == "string" and isinstance(item.value, str) and found.name not in BARE:
            self.diagnostics.error(f"{item.name} is a text in quotes, not {item.value}", item.value_place,
                                   fix=f'put it in quotes if it is a text: "{item.value}"')
            self.diagnostics.doubted.add(f"nor does {item.name}")
            return
        try:
            value = found.convert(item.value)
        except ValueError as error:
            self.diagnostics.error(str(error), item.value_place)
            return
        self.set(found, value)
        if found.idle:
            self.diagnostics.note(f"{item.name} is {found.effect}", item.place)

    def set(self, parameter: globals.Parameter, value: Any) -> None:
        """Keep the value of a core parameter; sockets apart, mpath at once."""
        key = parameter.kept_as
        self.result.given.add(key)
        if key == "socket":
            self.result.sockets.append(value)
        elif parameter.many:
            self.result.globals[key].append(value)
        else:
            self.result.globals[key] = value
        if key == "memlog":  # as in OpenSIPS, the one level stands for both until the other is set
            self.result.globals["memdump"] = value
        if key == "mpath":
            self.registry.mpath[:] = self.result.globals["mpath"]

    def override(self) -> None:
        """What the command line says in place of the script, and the sockets that it adds."""
        values = self.result.globals
        for name, value in self.overrides.items():
            if name == "listen":
                # Besides those of the script, the last one first, as OpenSIPS has them.
                self.result.sockets += [self.listener(text) for text in reversed(value)]
            elif name in values:
                values[name] = value
                self.result.given.add(name)

    def listener(self, text: str) -> tree.Socket:
        """A socket from the command line, [proto:]address[:port]; UDP where it names no protocol."""
        diagnostics = Diagnostics()
        diagnostics.add_text("-l", f"alias={text}")
        tokens = Preprocessor(diagnostics).tokens("-l", f"alias={text}")
        found = parser.parse(tokens, diagnostics).of(tree.Global)
        for each in diagnostics.errors:
            self.diagnostics.error(f"-l {text}: {each.message}", NOWHERE, fix=each.fix)
        if not found or diagnostics.errors:
            return tree.Socket(NOWHERE, "udp", "127.0.0.1")
        socket: tree.Socket = found[0].value
        socket.protocol = socket.protocol or "udp"
        return socket

    # Modules

    def load(self, item: tree.LoadModule) -> None:
        """One loadmodule line; OpenSIPS looks for a file of that name, and takes no module twice."""
        name = loader.module_name(item.name)
        first = next(each for each in self.script.of(tree.LoadModule) if loader.module_name(each.name) == name)
        if first is not item:
            report = self.diagnostics.warning if name in STATIC else self.diagnostics.error
            report(f"module {name} is there twice", item.name_place, fix="remove one of the lines",
                   related=[("the first one", first.name_place)])
            return
        if not item.name.endswith(".so") and name in loader.available():
            self.diagnostics.error(f"module {item.name} is a file, {name}.so", item.name_place,
                                   fix=f'write "{item.name}.so" with quotes')
        try:
            self.registry.add(item.name)
        except ConfigError as error:
            message, _, hint = error.message.partition(": ")
            self.diagnostics.error(message, item.name_place,
                                   fix=hint or renames.advice("modules", loader.module_name(item.name)))
            meant = hint.removeprefix("did you mean ").removesuffix("?")  # what it has is missing for the same reason
            self.unavailable += [loader.module_name(item.name), meant]
        except Exception as error:  # whatever the code of a module from elsewhere does while it is imported
            self.diagnostics.error(f"module {item.name} cannot be loaded: {error}", item.name_place)
            self.unavailable.append(loader.module_name(item.name))

    def speak(self, protocol: str) -> None:
        """Load the protocols of a script of OpenSIPS 1.x, which had them built in: *protocol* where it has no socket,
        and listens everywhere; those of its sockets where it has parameters that only 1.x has."""
        if self.unavailable or any("transport" in each.declarations.provides
                                   for each in self.registry.modules.values()):
            return
        ancient = any(each.built_in for each in map(globals.find, self.result.given) if each is not None)
        if not self.result.sockets:
            why, wanted = "there is no socket: the server listens for UDP on all addresses", [protocol]
        elif ancient:
            spoken = dict.fromkeys(each.protocol or "udp" for each in self.result.sockets)
            why = "OpenSIPS 1.x needed none: those of the sockets are taken"
            wanted = [f"proto_{each}" for each in spoken if f"proto_{each}" in loader.available()]
        else:
            return
        for each in wanted:
            self.registry.add(f"{each}.so")
        self.diagnostics.warning(f"no protocol is loaded, and {why}", NOWHERE,
                                 fix=f'add loadmodule "{wanted[0]}.so"' if wanted else "")

    def disable(self) -> None:
        """Leave out the sockets that a script of OpenSIPS 1.x, or the command line, switches off."""
        off = {each.removeprefix("disable_") for each in ("disable_tcp", "disable_tls") if self.result.globals[each]}
        self.result.sockets = [each for each in self.result.sockets if each.protocol not in off]

    def modparam(self, item: tree.ModParam) -> None:
        """One modparam line."""
        module, name = item.module.value, item.parameter.value
        if any(matches(module, each) for each in self.unavailable) and \
                not any(matches(module, each) for each in self.registry.modules):
            return  # the loadmodule line has been complained of
        try:
            self.registry.set_parameter(module, name, item.value.value)
            self.places[module, name] = item.value.place
        except ConfigError as error:
            if awaited.is_default(module, name, item.value.value, self.result.dialect) \
                    and module in self.registry.modules:
                self.diagnostics.note(f"{name} of module {module} is {item.value.value} anyhow: no other value is "
                                      "available yet", item.parameter.place)
                return
            if self.is_forgotten(module, error.message):
                self.diagnostics.error(error.message, item.module.place, fix=f'add loadmodule "{module}.so" before it')
                self.unavailable.append(module)  # what else needs it is missing for the same reason
                return
            if (item.place.file, item.place.line) in self.diagnostics.misread_lines:
                self.blame_misread(item, error.message)
                return
            message, _, hint = error.message.partition(": ")
            if message.startswith("parameter "):  # what is wrong with the value stands behind the colon
                message, colon, hint = error.message.partition(": write ")
                hint = f"write {hint}" if colon else ""
            place = item.module.place if "loaded" in message or message.startswith("module " + module + " is") else \
                item.value.place if message.startswith("parameter ") else item.parameter.place
            self.diagnostics.error(message, place, fix=hint or renames.advice("params", f"{module}.{name}"))
            self.doubtful.add(module)
            for each in (name, hint.removeprefix("did you mean ").rstrip("?")):
                self.diagnostics.doubted.add(f"{each} of module {module}")

    def blame_misread(self, item: tree.ModParam, message: str) -> None:
        """A modparam whose value is a word without quotes, and could be none with them: say what it should be."""
        for each in self.diagnostics.errors:
            if (each.place.file, each.place.line) == (item.place.file, item.place.line) and \
                    each.message == "the value of a modparam is a number or a quoted text":
                each.message, each.fix, each.edits, each.is_sure = message, wanted.fix(message), [], False

    def is_forgotten(self, module: str, message: str) -> bool:
        """Whether a modparam is refused as no line of the script loads its module, which there is."""
        return message.startswith(f"module {module} is not loaded") and not any(
            loader.module_name(each.name) == module for each in self.script.of(tree.LoadModule))

    def finish(self) -> None:
        """Let the modules check themselves, unless one of them is missing anyhow."""
        if self.unavailable:
            return
        self.routes_of_parameters()
        blame = self.result.blame = partial(blamed, self.diagnostics, self.places, self.script)
        for error in self.registry.finish():
            if error.module not in self.doubtful or (error.module, error.parameter) in self.places:
                blame(error)

    def routes_of_parameters(self) -> None:
        """Parameters that name a route of the script: it has to be there."""
        for module in self.registry.modules.values():
            for each in module.declarations.parameters:
                if isinstance(each.kind, RouteName) and (name := getattr(module, each.attribute)) \
                        and self.result.route(each.kind.route, name) is None and self.script.whole:
                    place = self.places.get((module.name, each.name), NOWHERE)
                    known = self.result.routes.by_kind.get(each.kind.route, {})
                    self.diagnostics.error(f"parameter {each.name} of {module.name}: there is no route[{name}]", place,
                                           fix=did_you_mean(name, known))

    # Routes

    def compile(self) -> None:
        """Check and compile the routes."""
        routes = self.script.of(tree.Route)
        whole = self.script.whole and not any(each.broken for each in routes)  # one that has lost its name may be meant
        self.diagnostics.is_whole = whole
        absent = Absent(self.registry, self.unavailable, lacks_python=self.lacks_python)
        reached = Checker(self.registry, self.diagnostics, absent, whole=whole).check(routes)
        self.result.context = self.context(absent)
        self.result.routes = compile_routes(routes, self.result.context, reached)
        self.result.timers = [(plain(each), each.interval) for each in routes if each.kind == "timer_route"]
        self.result.event_modes = {each.name: each.mode for each in routes if each.kind == "event_route"}
        if self.result.dialect == "4.0":  # an event comes into being with its route
            for name in self.result.event_modes:
                self.registry.script_events.setdefault(name)
        if whole and not any(each.kind == "route" and (each.broken or not plain(each)) for each in routes):
            meant = next((each for each in routes if each.kind == "route" and each.name in MAIN_NAMES
                          and ("route", plain(each)) not in reached), None)
            self.diagnostics.error("there is no main route", meant.place if meant else NOWHERE,
                                   fix="write route without a name" if meant else "add route { ... }")
        unset.warn(self.script, self.registry, self.diagnostics)

    def context(self, absent: Absent) -> Context:
        """What the routes are compiled with."""
        values = self.result.globals
        texts = ["\n".join(lines) for lines in self.diagnostics.texts.values()]
        if self.overrides.get("preprocessor"):
            texts.append("$rc $param(1)")  # it may have put that into the script from anywhere
        return Context(
            self.registry.script, self.diagnostics, self.result.dialect,  # type: ignore[arg-type]
            reads_code=any(READS_CODE.search(text) for text in texts),
            reads_parameters=any(READS_PARAMETERS.search(text) for text in texts),
            is_guessed=dialect.is_guessed(self.script),
            max_loops=values["max_while_loops"], asserts=values["enable_asserts"],
            abort_on_assert=values["abort_on_assert"], absent=absent, codes=self.codes)


def blamed(diagnostics: Diagnostics, places: Mapping[tuple[str, str], Place], script: tree.Script,
           error: ConfigError) -> None:
    """Put the error of a module where the script sets its parameter, or what stands for it, or else loads it."""
    place = places.get((error.module, error.parameter))
    if place is None and error.parameter.endswith("db_url"):
        place = next((each.value_place for each in script.of(tree.Global) if each.name == "db_default_url"), None)
    found = HINT.search(error.message)
    diagnostics.error(error.message[:found.start()] if found else error.message,
                      place or loaded_at(script, error.module), fix=(found[1] or found[2]) if found else "")


def loaded_at(script: tree.Script, module: str) -> Place:
    """The loadmodule line of *module*."""
    for each in script.of(tree.LoadModule):
        if loader.module_name(each.name) == module:
            place: Place = each.name_place
            return place
    return NOWHERE

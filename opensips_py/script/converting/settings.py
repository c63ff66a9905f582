"""Core parameters, modules and their parameters: renamed, dropped, and defaults made plain that 4.0 has otherwise."""
from __future__ import annotations

from collections.abc import Collection
from typing import Any

from opensips_py.module import loader
from opensips_py.module.declare import ByDialect
from opensips_py.module.kinds import Flag
from opensips_py.script import globals, renames, tree
from opensips_py.script.configuration import Configuration
from opensips_py.script.converting.routes import DATABASE_OF_URI
from opensips_py.script.converting.source import Source
from opensips_py.script.levels import NOTICE
from opensips_py.script.walk import nodes

DROPPED = ("fork", "user", "uid", "group", "gid", "avp_aliases", "bin_listen", "bin_children", "disable_tcp",
           "disable_tls", "port")
PRESETS = {0: "single-instance-no-db", 1: "single-instance-sql-write-through", 2: "single-instance-sql-write-back",
           3: "sql-only"}
DEFAULT = "the default of OpenSIPS 2.1"
URI = frozenset(("has_totag", "is_uri_user_e164", "uri_param", "add_uri_param", "tel2sip"))  # now of sipmsgops


class Settings:
    """Changes what stands outside of routes."""

    def __init__(self, old: Configuration, sources: dict[str, Source], path: str, needed: Collection[str]) -> None:
        self.old, self.sources, self.path, self.needed = old, sources, path, needed
        self.items = old.script.items
        self.modules = [loader.module_name(each.name) for each in old.script.of(tree.LoadModule)]

    def convert(self) -> None:
        """All of them."""
        for item in self.items:
            source = self.sources.get(item.place.file)
            number = source.at(item.place) if source is not None else None
            if source is None or number is None:
                continue
            if isinstance(item, tree.Global):
                self.parameter(item, source, number)
            elif isinstance(item, tree.LoadModule):
                self.module(item, source, number)
            elif isinstance(item, tree.ModParam):
                self.modparam(item, source, number)
        self.defaults()

    # Core parameters

    def parameter(self, item: tree.Global, source: Source, number: int) -> None:
        """One core parameter."""
        found = renames.find("globals", item.name)
        last = self.last_of(source, number, item)
        if item.name == "dialect":
            source.comment_out(number, last, "the script is of 4.0 now")
        elif item.name in DROPPED and found is not None:
            source.comment_out(number, last, f"OpenSIPS 4.0 has {found.words} instead")
            if item.name == "fork" and item.value == 0:
                self.single(source, last)
        elif item.name == "children" and self.is_single():
            source.comment_out(number, last, "without fork there is one worker")
        elif found is not None and found.to:
            source.put(number, found.to)
            if isinstance(item.value, tree.Socket) and found.to == "socket" and not item.value.protocol:
                self.socket(source, number, last)
            if item.name == "log_stderror":
                opposite = "no" if item.value else "yes"
                source.replace(source.end(last), source.end(last), f"\nsyslog_enabled={opposite}")
            elif item.name == "debug" and item.value != NOTICE and self.logs():
                source.replace(source.end(last), source.end(last), f"\nxlog_level={item.value}")
            elif item.name == "children" and item.value == 0:
                source.put(last, "1")

    def socket(self, source: Source, number: int, last: int) -> None:
        """A socket without a protocol: 2.1 listens there for each that is loaded."""
        address = source.text[source.begin(number + 2):source.end(last)]
        spoken = [name.removeprefix("proto_") for name in self.modules if name.startswith("proto_")] or ["udp"]
        source.replace(source.begin(number + 2), source.end(last),
                       "\nsocket=".join(f"{each}:{address}" for each in spoken))

    def logs(self) -> bool:
        """Whether the script writes lines of its own, whose level is one of their own in 4.0."""
        return any(isinstance(node, tree.Call) and node.name == "xlog"
                   for route in self.old.script.of(tree.Route) for node in nodes(route))

    def is_single(self) -> bool:
        """Whether the script says fork=no."""
        return any(each.name == "fork" and each.value == 0 for each in self.old.script.of(tree.Global))

    def single(self, source: Source, last: int) -> None:
        """One worker, as without fork."""
        end = source.line_end(source.end(last))
        source.replace(end, end, "\nudp_workers=1")

    def last_of(self, source: Source, number: int, item: tree.Global) -> int:
        """The last token of a core parameter: of its line, or in front of its semicolon."""
        last, line = number, source.tokens[number].place.line
        for each in range(number + 1, len(source.tokens)):
            token = source.tokens[each]
            if token.place.line != line or token.text == ";" or \
                    (source.shows(each + 1, "=") and each > number + 1):
                break
            last = each
        return last

    # Modules

    def module(self, item: tree.LoadModule, source: Source, number: int) -> None:
        """One loadmodule line, with the parameters whose defaults differ behind it."""
        name = loader.module_name(item.name)
        found = renames.find("modules", name)
        last = number + 1
        if name == "uri" and self.is_replaced():
            if "sipmsgops" in self.modules:
                source.comment_out(number, last, "module sipmsgops has its functions in OpenSIPS 4.0")
            else:
                source.put(last, source.tokens[last].text.replace("uri", "sipmsgops"))
        elif name == "event_route":
            source.comment_out(number, last, "the core of OpenSIPS 4.0 runs event routes")
        elif name == "mi_http":
            source.put(last, source.tokens[last].text.replace("mi_http", "mi_html"))
        elif found is not None and found.to:
            source.put(last, source.tokens[last].text.replace(name, found.to))
        elif found is not None and self.is_idle(name):
            source.comment_out(number, last, f"no function of it is left; OpenSIPS 4.0 has {found.words} instead")
        elif found is not None:
            source.note(source.end(last), f"OpenSIPS 4.0 has {found.words} instead")
        for parameter, value in self.differing(name):
            shown = f'"{value}"' if isinstance(value, str) else str(int(value))
            end = source.line_end(source.end(last))
            source.replace(end, end, f'\nmodparam("{self.now(name)}", "{parameter}", {shown})  # {DEFAULT}')
        if name == "mi_json" and not self.is_set("mi_json", "mi_json_root"):
            end = source.line_end(source.end(last))
            source.replace(end, end, f'\nmodparam("mi_http", "root", "json")  # {DEFAULT}')

    def is_idle(self, module: str) -> bool:
        """Whether nothing of a module is called or set any more."""
        return module not in self.needed and not any(module in each.module.value.split("|")
                                                     for each in self.old.script.of(tree.ModParam))

    def now(self, module: str) -> str:
        """What a module is called in 4.0."""
        found = renames.find("modules", module)
        return "mi_html" if module == "mi_http" else found.to if found is not None and found.to else module

    def uses_of_uri(self) -> set[str]:
        """The functions of module uri that the routes call."""
        registry = self.old.registry
        return {node.name for route in self.old.script.of(tree.Route) for node in nodes(route)
                if isinstance(node, tree.Call) and node.name in registry.functions
                and registry.functions[node.name].module.name == "uri"}

    def is_replaced(self) -> bool:
        """Whether other modules have all that the routes call of module uri."""
        there = URI | {*DATABASE_OF_URI} if "auth_db" in self.old.registry.modules else URI
        return self.uses_of_uri() <= there

    def is_set(self, module: str, name: str) -> bool:
        """Whether the script sets a parameter of a module."""
        return any((each.module.value, each.parameter.value) == (module, name)
                   for each in self.old.script.of(tree.ModParam))

    def differing(self, name: str) -> list[tuple[str, Any]]:
        """The parameters of a module that the script leaves to a default which 4.0 has otherwise."""
        module = self.old.registry.modules.get(name)
        if module is None:
            return []
        given = {*self.old.registry.parameters_set.get(name, ())}
        if self.now(name) in loader.available():
            kept = loader.find(self.now(name)).declarations.parameter_names
            given.update(each.name for each in module.declarations.parameters if each.name not in kept)
        return [(each.name, each.default.v21) for each in module.declarations.parameters
                if isinstance(each.default, ByDialect) and each.name not in given
                and (name, each.name) != ("mi_fifo", "fifo_name")]

    def modparam(self, item: tree.ModParam, source: Source, number: int) -> None:
        """One modparam line."""
        module, name = item.module.value, item.parameter.value
        found = source.arguments(number)
        if found is None or len(found[0]) != 3:
            return
        (first, _), (second, _), (third, _) = found[0]
        new = renames.find("params", f"{module}.{name}")
        left = [each for each in module.split("|") if each != "uri" or not self.is_replaced()]
        if "uri" in module.split("|") and not any(each in self.modules for each in left):
            source.comment_out(number, found[1], "no module has such a parameter")
            return
        if module == "usrloc" and name == "db_mode" and item.value.value in PRESETS:
            source.put(second, '"working_mode_preset"')
            source.put(third, f'"{PRESETS[int(item.value.value)]}"')
            return
        if module == "mi_json" and name == "mi_json_root":
            source.put(second, '"root"')
        elif new is not None and new.to:
            source.put(second, f'"{new.to}"')
        elif new is not None and not (module == "acc" and name.endswith("_flag")):
            source.note(source.end(found[1]), f"OpenSIPS 4.0 itself has {new.words}")
        if isinstance(item.value.value, int) and self.is_flag(module, name):
            source.put(third, f'"{item.value.value}"')
        now = "|".join(self.now(each) for each in left)
        if now != module:
            source.put(first, f'"{now}"')

    def is_flag(self, module: str, name: str) -> bool:
        """Whether a parameter is a flag, which has a name in quotes in 4.0."""
        found = self.old.registry.modules.get(module)
        parameter = found.declarations.parameter_names.get(name) if found is not None else None
        return parameter is not None and isinstance(parameter.kind.bare, Flag)

    # Defaults of the core

    def defaults(self) -> None:
        """Core parameters that the script leaves to a default which 4.0 has otherwise, where it relies on them."""
        lines = [f"{each.name}={int(each.v21)}  # {DEFAULT}" for each in globals.TABLE
                 if not each.idle and each.kept_as not in self.old.given and globals.ABSENT not in (each.v21, each.v40)
                 and each.v21 != each.v40 and self.matters(each.name)]
        lines += self.sockets()
        others = [each for each in self.items if not isinstance(each, tree.Global) and each.place.file in self.sources]
        lines += [f'loadmodule "{name}.so"' for name in self.built_in()]
        first = next((each for each in others if each.place.file == self.path), next(iter(others), None))
        if first is None or not lines:
            return
        source = self.sources[first.place.file]
        number = source.at(first.place)
        if number is not None:
            start = source.line_start(source.begin(number))
            source.replace(start, start, "\n".join(lines) + "\n\n")

    def sockets(self) -> list[str]:
        """The sockets of a script that has none: 2.1 listens on all addresses, 4.0 does not start."""
        if "socket" in self.old.given:
            return []
        spoken = [name.removeprefix("proto_") for name, module in self.old.registry.modules.items()
                  if "transport" in module.declarations.provides]
        port = self.old.globals["port"] or 5060
        return [f"socket={each}:*:{port + (each == 'tls')}  # {DEFAULT}: all addresses" for each in spoken]

    def built_in(self) -> list[str]:
        """The protocols that OpenSIPS 1.x needed no line for, and that the script was read with."""
        return [name for name, module in self.old.registry.modules.items()
                if "transport" in module.declarations.provides and name not in self.modules]

    def matters(self, name: str) -> bool:
        """Whether the script relies on a core parameter."""
        if name == "memlog":
            return False  # 14 and 15 log nothing, both
        return name != "max_while_loops" or any(
            isinstance(node, tree.While) for route in self.old.script.of(tree.Route) for node in nodes(route))

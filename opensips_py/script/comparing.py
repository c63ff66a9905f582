"""What is different between two configurations, in words."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opensips_py.module.declare import Parameter
from opensips_py.script import tree
from opensips_py.script.configuration import Configuration
from opensips_py.script.diagnostics import Place
from opensips_py.script.routes import title
from opensips_py.script.walk import nodes, parts

SHOWN = 60  # characters of a value


@dataclass(slots=True)
class Differences:
    """What a reload would change: *routes* is what scripts do, *others* all else; *fixed* cannot be changed so."""

    routes: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)  # each with the reason
    parameters: set[str] = field(default_factory=set)  # the core parameters among them, by name


def differences(old: Configuration, new: Configuration) -> Differences:
    """What is different in *new*; listeners are compared where they are known."""
    found = Differences()
    routes(found, old, new)
    modules(found, old, new)
    core_parameters(found, old, new)
    module_parameters(found, old, new)
    return found


def routes(found: Differences, old: Configuration, new: Configuration) -> None:
    """Routes by kind and name."""
    before = {title(each): each for each in old.script.of(tree.Route)}
    after = {title(each): each for each in new.script.of(tree.Route)}
    found.routes += [f"{name} is added" for name in after if name not in before]
    found.routes += [f"{name} is removed" for name in before if name not in after]
    found.routes += [f"{name} is changed" for name, route in after.items()
                     if name in before and shape(route) != shape(before[name])]
    old_python, new_python = imported(old), imported(new)
    for path in sorted(old_python.keys() | new_python.keys()):
        if old_python.get(path) != new_python.get(path):
            found.routes.append(f"the Python routes of {path} are changed")


def imported(configuration: Configuration) -> dict[str, Any]:
    """The files of routes in Python, with what they hold."""
    return {path: "\n".join(lines) for path, lines in configuration.diagnostics.texts.items() if path.endswith(".py")}


def shape(node: tree.Node) -> list[Any]:
    """A tree without the places where it stands: its nodes in the order of the text, each with what it holds."""
    found: list[Any] = []
    for each in nodes(node):
        kind: Any = type(each)
        inner = parts(kind)
        found.append(kind.__name__)
        for name in kind.__dataclass_fields__:
            value = getattr(each, name)
            if name in inner:
                found.append(tuple(type(one) is not type(None) for one in value) if isinstance(value, list)
                             else value if isinstance(value, (str, int)) else type(value).__name__)
            elif not isinstance(value, Place):
                found.append(tuple(value) if isinstance(value, (list, set)) else value)
    return found


def modules(found: Differences, old: Configuration, new: Configuration) -> None:
    """Modules that come or go."""
    before, after = old.registry.modules, new.registry.modules
    found.others += [f"module {name} is added" for name in after if name not in before]
    found.others += [f"module {name} is removed" for name in before if name not in after]


def core_parameters(found: Differences, old: Configuration, new: Configuration) -> None:
    """Core parameters by their values, given or not."""
    if old.dialect != new.dialect:
        found.others.append(f"the dialect is {new.dialect}, was {old.dialect}")
    for name, value in new.globals.items():
        before = old.globals.get(name)
        if plain(value) != plain(before) and name != "socket":
            found.parameters.add(name)
            told = f"is {shown(value)}, was {shown(before)}" if shown(value) != shown(before) else "is changed"
            found.others.append(f"{name} {told}")


def module_parameters(found: Differences, old: Configuration, new: Configuration) -> None:
    """Parameters of modules that are there before and after."""
    before, after = given(old), given(new)
    for module, name in dict.fromkeys([*after, *before]):
        if before.get((module, name)) == after.get((module, name)):
            continue
        loaded = module in old.registry.modules and module in new.registry.modules
        if module in new.registry.modules and not loaded:
            continue  # it comes with that value
        if module in old.registry.modules and not loaded:
            continue
        if loaded and same(old, new, module, name):
            continue  # the default, written down
        told = f"{name} of module {module} is {values(after.get((module, name)))}, " \
               f"was {values(before.get((module, name)))}"
        found.others.append(told)
        parameter = declared(new, module, name)
        if parameter is not None and parameter.fixed:  # why it cannot change while the server runs
            found.fixed.append(f"{told}: {parameter.fixed}")


def same(old: Configuration, new: Configuration, module: str, name: str) -> bool:
    """Whether a parameter has one and the same value, however it is written."""
    parameter = declared(new, module, name)
    if parameter is None or parameter.setter is not None:
        return False
    before, after = (getattr(each.registry.modules[module], parameter.attribute) for each in (old, new))
    return type(before) is type(after) and bool(before == after)


def given(configuration: Configuration) -> dict[tuple[str, str], tuple[Any, ...]]:
    """The modparam lines, by module and parameter."""
    found: dict[tuple[str, str], tuple[Any, ...]] = {}
    for each in configuration.script.of(tree.ModParam):
        key = each.module.value, each.parameter.value
        found[key] = (*found.get(key, ()), each.value.value)
    return found


def declared(configuration: Configuration, module: str, name: str) -> Parameter | None:
    """The parameter *name* as *module* declares it."""
    loaded = configuration.registry.modules.get(module)
    return loaded.declarations.parameter(name) if loaded is not None else None


def plain(value: Any) -> Any:
    """A value of a parameter, so that it can be compared."""
    if isinstance(value, tree.Node):
        return shape(value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def shown(value: Any) -> str:
    """A value in a sentence."""
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "not set"
    if isinstance(value, (tree.Blacklist, tree.ScalingProfile)):
        return value.name
    text = f'"{value}"' if isinstance(value, str) else "not set" if value is None else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def values(found: tuple[Any, ...] | None) -> str:
    """What the modparam lines of one parameter give it."""
    return "as by default" if found is None else ", ".join(map(shown, found))

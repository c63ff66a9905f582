"""Files with routes written in Python that a script imports."""
from __future__ import annotations

import os
from collections.abc import Callable

from opensips_py.errors import ConfigError
from opensips_py.module import python_routes
from opensips_py.module.python_routes import ImportFault, PythonFile
from opensips_py.module.registry import Registry
from opensips_py.script import tree
from opensips_py.script.diagnostics import Diagnostics, Place


def import_python(item: tree.ImportPython, registry: Registry, diagnostics: Diagnostics,
                  read: Callable[[str], str]) -> bool:
    """Import one file: what is wrong with it is reported in its own lines. Whether its routes are known now."""
    found = find(item.path, diagnostics, read)
    if found is None:
        return False
    path, text = found
    diagnostics.add_text(path, text)
    try:
        file = python_routes.load(path, text)
    except ImportFault as fault:
        diagnostics.error(f"cannot import this: {fault.message}", Place(path, fault.line, fault.column),
                          related=[("imported here", item.place)])
        return False
    if not file.functions:
        diagnostics.warning(f"{path} has no routes", item.path.place, fix="mark functions with @route")
    enter(file, registry, diagnostics, item.place)
    return True


def find(name: tree.String, diagnostics: Diagnostics, read: Callable[[str], str]) -> tuple[str, str] | None:
    """The path and the text of a file: beside the one that imports it, else from the working directory."""
    for path in (os.path.join(os.path.dirname(name.place.file), name.value), name.value):
        try:
            return path, read(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            diagnostics.error(f"cannot read {path}: {getattr(error, 'strerror', None) or error}", name.place)
            return None
    diagnostics.error(f"cannot find the file {name.value}", name.place,
                      fix="relative names start from the folder of the file that imports")
    return None


def enter(file: PythonFile, registry: Registry, diagnostics: Diagnostics, place: Place) -> None:
    """Make the routes of a file known to the script."""
    file.registry = registry
    for each in file.functions:
        name = each.declaration.name
        try:
            registry.enter(registry.functions, name, each)
        except ConfigError as error:
            diagnostics.error(error.message, Place(file.path, file.lines[name], 1), fix='give it another name: '
                              '@route(name="...")', related=[("imported here", place)])

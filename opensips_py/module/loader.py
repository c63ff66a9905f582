"""Finding the class behind a loadmodule line."""
from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType

from opensips_py.errors import ConfigError
from opensips_py.module.base import Module

GROUP = "opensips_py.modules"
PACKAGE = "opensips_py.modules"
SURFACE = Path(__file__).parent.parent / "surface"


def module_name(text: str) -> str:
    """The module that loadmodule *text* names: without folders, without .so."""
    return text.replace("\\", "/").rpartition("/")[2].removesuffix(".so")


def python_name(name: str) -> str:
    """The Python file of a module: cpl-c is cpl_c.py, rtp.io is rtp_io.py."""
    return re.sub(r"\W", "_", name)


def find(text: str, mpath: Iterable[str] = ()) -> type[Module]:
    """The class of module *text*: ours, else from a folder of *mpath*, else of an installed plug-in."""
    name = module_name(text)
    found = ours(name) or in_folders(name, mpath) or plugin(name)
    if found is None:
        raise ConfigError(unknown(name, mpath), module=name)
    return class_in(found, name) if isinstance(found, ModuleType) else found


def ours(name: str) -> ModuleType | None:
    """The module as it comes with the program."""
    path = f"{PACKAGE}.{python_name(name)}"
    return importlib.import_module(path) if importlib.util.find_spec(path) else None


def in_folders(name: str, mpath: Iterable[str]) -> ModuleType | None:
    """A module that lies as NAME.py or NAME/__init__.py in one of the folders."""
    file = python_name(name)
    for folder in mpath:
        for path in (Path(folder, f"{file}.py"), Path(folder, file, "__init__.py")):
            if path.is_file():
                return from_file(f"opensips_py_mpath.{file}", path)
    return None


def from_file(qualified: str, path: Path) -> ModuleType:
    """Import one file under *qualified*; a second time, the module that is there already."""
    present = sys.modules.get(qualified)
    if present is not None and present.__file__ == os.path.abspath(path):
        return present
    folders = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(qualified, path, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[qualified]
        raise
    return module


def plugin(name: str) -> type[Module] | ModuleType | None:
    """A module of an installed package that has the entry point *name* in group opensips_py.modules."""
    for point in metadata.entry_points(group=GROUP):
        if point.name == name:
            found = point.load()
            if isinstance(found, ModuleType) or (isinstance(found, type) and issubclass(found, Module)):
                return found
            raise ConfigError(f"plug-in {point.value} is no Module class", module=name)
    return None


def class_in(module: ModuleType, name: str) -> type[Module]:
    """The Module class called *name* that a Python module holds."""
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, Module) and each is not Module \
                and each.declarations.name == name:
            return each
    raise ConfigError(f"{module.__file__} has no Module class with name={name!r}", module=name)


def unknown(name: str, mpath: Iterable[str] = ()) -> str:
    """Why there is no module *name*, with the nearest that is."""
    if name in upstream_modules():
        return f"module {name} is not available yet"
    nearest = get_close_matches(name, [*available(mpath), *upstream_modules()], 1)
    return f"module {name} is unknown" + (f": did you mean {nearest[0]}?" if nearest else "")


def available(mpath: Iterable[str] = ()) -> list[str]:
    """The names that loadmodule finds."""
    package = importlib.import_module(PACKAGE)
    folders = [Path(each) for each in [*package.__path__, *mpath]]
    files = {path.stem if path.suffix == ".py" else path.name for folder in folders if folder.is_dir()
             for path in folder.iterdir() if is_module(path)}
    dashed = {"cpl_c": "cpl-c", "rtp_io": "rtp.io"}
    return sorted({dashed.get(each, each) for each in files} | plugin_names(tuple(sys.path)))


@cache
def plugin_names(path: tuple[str, ...]) -> frozenset[str]:
    """The names of the plug-ins installed on *path*; looking through all packages takes longer than a short script."""
    return frozenset(each.name for each in metadata.entry_points(group=GROUP))


def is_module(path: Path) -> bool:
    """Whether a file or folder holds a module."""
    return not path.name.startswith(("_", ".")) and (path.suffix == ".py" or (path / "__init__.py").is_file())


@cache
def upstream_modules() -> frozenset[str]:
    """The modules that OpenSIPS 2.1 and 4.0 have."""
    return frozenset(json.loads((SURFACE / "names.json").read_text())["modules"])

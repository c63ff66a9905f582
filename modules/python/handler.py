"""The object whose methods scripts call, and the file that it comes from."""
from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from opensips_py.module.marks import evaluated
from opensips_py.module.python_routes import ImportFault, PythonFile, PythonRoute, execute, registered
from opensips_py.modules.python import two
from opensips_py.modules.python.faults import OURS

Method = Callable[..., int]


class Refused(Exception):
    """What a file or its object lacks, in words for the log."""


def imported(path: str, text: str) -> ModuleType:
    """Run the file *path*, which holds *text*; ImportFault says what is wrong, and in which line."""
    with fresh(os.path.dirname(os.path.abspath(path))), registered(path) as module:
        try:
            execute(module, path, text)
        except ImportFault as fault:
            lines = ["", *text.splitlines(), ""]
            advice = two.advice(fault.message, lines[min(fault.line, len(lines) - 1)], fault.__cause__)
            raise ImportFault(fault.message.rstrip(".?") + advice, fault.line, fault.column) from fault.__cause__
    return module


@contextmanager
def fresh(folder: str) -> Iterator[None]:
    """Have imports find the modules of *folder*, and import them once more, so that no two generations share what they
    keep; where the block raises, those from before take their places again."""
    path, folders = list(sys.path), {folder, *(each for each in sys.path if isinstance(each, Folder))}
    before = {name: module for name, module in list(sys.modules.items()) if any(lies_in(module, each)
                                                                                for each in folders)}
    sys.path[:] = [each for each in path if not isinstance(each, Folder)]
    if folder not in sys.path:
        sys.path.append(Folder(folder))  # the last place: a file there hides nothing
    for name in before:
        del sys.modules[name]
    importlib.invalidate_caches()
    try:
        yield
    except BaseException:
        sys.path[:] = path
        sys.modules.update(before)
        raise


class Folder(str):
    """A place to import from that a handler brought along; the next generation's takes its place."""


def lies_in(module: object, folder: str) -> bool:
    """Whether *module* is a Python file that `import` has found in *folder*."""
    path, name = getattr(module, "__file__", None) or "", getattr(module, "__name__", "")
    stem = os.path.join(folder, *name.split("."))
    return path in (f"{stem}.py", os.path.join(stem, "__init__.py")) and not path.startswith(OURS)


class Handler:
    """The object that a file has made, as its methods are called."""

    def __init__(self, target: Any, file: str) -> None:
        self.target, self.file = target, file
        self.methods: dict[str, Method] = {}

    @classmethod
    def made(cls, module: ModuleType, function: str) -> Handler:
        """Call *function* of *module* for the object; Refused where there is none."""
        path = str(module.__file__)
        make = getattr(module, function, None)
        if not callable(make):
            raise Refused(f"{path} has no function {function}()" + nearest(function, callables(module)))
        target = make()
        if target is None:
            raise Refused(f"{function}() of {path} returned no object")
        return cls(target, path)

    def begin(self, method: str, rank: int) -> None:
        """Call *method* with the rank of this worker; Refused where it says no."""
        begin = getattr(self.target, method, None)
        if not callable(begin):
            raise Refused(self.missing(method))
        answer = begin(rank)
        if isinstance(answer, int) and answer < 0:
            raise Refused(f"{method}({rank}) returned {answer}")

    def call(self, name: str, given: tuple[Any, ...]) -> int:
        """Call the method *name*; Refused where there is none."""
        method = self.methods.get(name)
        if method is None:
            method = self.methods[name] = self.bound(name)
        return method(*given)

    def bound(self, name: str) -> Method:
        """The method *name*, with the code that its result stands for."""
        found = getattr(self.target, name, None)
        if not callable(found):
            raise Refused(self.missing(name))
        plain = inspect.unwrap(getattr(found, "__func__", found))
        annotation = getattr(plain, "__annotations__", {}).get("return", inspect.Signature.empty)
        if annotation is inspect.Signature.empty:
            return lambda *given: code(name, found(*given))
        route = PythonRoute(PythonFile(self.file), found, False, evaluated(annotation, plain.__globals__))
        return lambda *given: route.meaning(found(*given))

    def missing(self, name: str) -> str:
        """What to say where there is no method *name*."""
        return f"{type(self.target).__name__} of {self.file} has no method {name}()" + nearest(
            name, callables(self.target))


def code(name: str, result: Any) -> int:
    """The code of a method that does not say what it returns: an int as it is, None is false."""
    if result is None:
        return -1
    if isinstance(result, int):
        return int(result)
    raise TypeError(f"{name}() returned {result!r}, which is no number")


def callables(holder: object) -> list[str]:
    """The names of what can be called there."""
    return [name for name in dir(holder) if not name.startswith("_") and callable(getattr(holder, name, None))]


def nearest(name: str, known: list[str]) -> str:
    """The clause that names the nearest known name."""
    found = get_close_matches(name, known, 1)
    return f": did you mean {found[0]}()?" if found else ""

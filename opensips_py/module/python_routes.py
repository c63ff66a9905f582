"""Routes written in Python: functions marked with @route in a file that the script imports."""
from __future__ import annotations

import ast
import inspect
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType, NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, overload

from opensips_py.module.base import Module
from opensips_py.module.convert import converted
from opensips_py.module.declare import Argument, ScriptFunction
from opensips_py.module.marks import argument, evaluated, text_of
from opensips_py.module.registry import BoundFunction
from opensips_py.module.returned import ZERO, Returned, Values
from opensips_py.module.run import Route, Run
from opensips_py.module.script_message import ScriptExit, ScriptMessage

F = TypeVar("F", bound=Callable[..., Any])
PACKAGE = "opensips_py_imported"  # where the files of a script are found in sys.modules
TYPES = {int: "int", bool: "int", str: "str", list: "list", tuple: "list"}
log = logging.getLogger("opensips_py.script")


@dataclass(frozen=True)
class RouteMark:
    """What @route says of a function."""

    name: str
    routes: Route
    waits: bool


@overload
def route(function: F, /) -> F: ...
@overload
def route(*, name: str = "", routes: Route = Route.ANY, waits: bool = False) -> Callable[[F], F]: ...
def route(function: F | None = None, /, *, name: str = "", routes: Route = Route.ANY,
          waits: bool = False) -> F | Callable[[F], F]:
    """Make a Python function a route of the script that imports its file.

    It is called as route(name, ...), route[name](...) or name(...). *routes* says in which kinds of route it may be
    called, *waits* that it may wait by itself: a request has its transaction before.
    """
    def mark(marked: F) -> F:
        marked.__route__ = RouteMark(name or marked.__name__, routes, waits)  # type: ignore[attr-defined]
        return marked
    return mark if function is None else mark(function)


class ImportFault(Exception):
    """A file that cannot be imported; *line* and *column* say where it is wrong."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


class PythonFault(ValueError):
    """An error of a Python route, with the line that it came from."""


class PythonFile(Module, name="import_python"):
    """The routes of one imported file."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.results: dict[str, str] = {}  # what each route returns: int, str, list or any
        self.functions: list[BoundFunction] = []
        self.lines: dict[str, int] = {}
        self.words: set[str] = set()  # its texts, which may name routes of the script

    @property
    def name(self) -> str:
        """The file, as errors name it."""
        return self.path

    def add(self, function: Callable[..., Any], mark: RouteMark) -> None:
        """Make one function a route."""
        line = function.__code__.co_firstlineno
        try:
            takes_message, arguments = signature(function)
            result = evaluated(annotation_of(function), function.__globals__)
        except TypeError as error:
            raise ImportFault(str(error), line) from None
        declared = ScriptFunction(mark.name, function.__name__, arguments, ("run",), mark.routes, mark.waits, "value",
                                  (), True, text_of(function))
        self.results[mark.name] = result_type(result)
        self.lines[mark.name] = line
        self.functions.append(BoundFunction(declared, PythonRoute(self, function, takes_message, result), self))


class PythonRoute:
    """What a compiled route calls: the function, with the message before its arguments if it wants that."""

    def __init__(self, file: PythonFile, function: Callable[..., Any], takes_message: bool, result: Any) -> None:
        self.file, self.function, self.takes_message = file, function, takes_message
        self.__name__ = function.__name__
        self.returns_nothing = result is None or result is NoneType
        self.wanted = classes_of(result)

    def __call__(self, run: Run, *arguments: Any) -> Any:
        """The code that the function stands for, with its value; a plain 0 ends the script."""
        try:
            given = (ScriptMessage(run), *arguments) if self.takes_message else arguments
            return self.meaning(self.function(*given))
        except ScriptExit:
            return 0
        except Exception as error:
            log.debug("%s failed", self.__name__, exc_info=True)
            raise PythonFault(described(error, self.file.path)) from error

    def meaning(self, value: Any) -> Any:
        """The code of a value: whether it is true; of a number, the number."""
        if self.wanted and not isinstance(value, self.wanted):
            raise TypeError(f"{self.__name__} returned {value!r}, which its annotation does not name")
        if value is None:
            return 1 if self.returns_nothing else Returned(-1, None)
        if isinstance(value, bool):
            return 1 if value else -1
        if isinstance(value, int):
            return int(value) or ZERO
        if isinstance(value, (list, tuple)):
            return Returned(1 if value else -1, Values(value))
        return Returned(1 if value else -1, str(value))


def as_route(found: BoundFunction) -> Callable[[Run], int]:
    """A Python route for callers that know routes of the script alone: its arguments are the run's parameters."""
    def called(run: Run) -> int:
        given = run.parameters[-1] if run.parameters else ()
        declared = found.declaration.arguments
        least, most = found.declaration.arity
        if not least <= len(given) <= (most if most is not None else len(given)):
            raise PythonFault(f"{found.declaration.name} takes other arguments than the {len(given)} given")
        arguments = [converted(declared[min(index, len(declared) - 1)], value, run)
                     for index, value in enumerate(given)]
        return found.call(run, *arguments)  # type: ignore[no-any-return]
    called.__name__ = found.declaration.name
    return called


def load(path: str, text: str) -> PythonFile:
    """Run the file *path*, which holds *text*, and collect its routes; ImportFault says what is wrong."""
    with registered(path) as module:
        execute(module, path, text)
        found = PythonFile(path)
        found.words = {each.value for each in ast.walk(ast.parse(text))
                       if isinstance(each, ast.Constant) and isinstance(each.value, str)}
        for each in list(vars(module).values()):
            mark = getattr(each, "__route__", None)
            if inspect.isfunction(each) and isinstance(mark, RouteMark):
                found.add(each, mark)
    return found


@contextmanager
def registered(path: str) -> Iterator[ModuleType]:
    """An empty module for the file *path*, found in sys.modules; where the block raises, the one of the generation
    before takes its place again."""
    module = ModuleType(f"{PACKAGE}.{path.rpartition('/')[2].removesuffix('.py')}")
    module.__file__ = path
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module  # dataclasses and pickle look there; the next generation takes the place
    try:
        yield module
    except ImportFault:
        del sys.modules[module.__name__]
        if before is not None:
            sys.modules[module.__name__] = before
        raise


def execute(module: ModuleType, path: str, text: str) -> None:
    """Run the code of a file."""
    try:
        exec(compile(text, path, "exec"), module.__dict__)
    except SyntaxError as error:
        if error.filename == path:
            raise ImportFault(error.msg, error.lineno or 1, error.offset or 1) from None
        raise ImportFault(described(error, path), line_in(error, path) or 1) from error
    except Exception as error:
        raise ImportFault(f"{type(error).__name__}: {error}", line_in(error, path) or 1) from error


def signature(function: Callable[..., Any]) -> tuple[bool, tuple[Argument, ...]]:
    """Whether *function* takes the message first, and its arguments."""
    parameters = list(inspect.signature(function).parameters.values())
    annotations = []
    for each in parameters:
        if each.annotation is inspect.Parameter.empty:
            raise TypeError(f"parameter {each.name} of {function.__name__} has no annotation")
        if each.kind in (each.KEYWORD_ONLY, each.VAR_KEYWORD):
            raise TypeError(f"{function.__name__} is called by position, so {each.name} cannot be given")
        annotations.append(evaluated(each.annotation, function.__globals__))
    takes_message = bool(annotations) and annotations[0] is ScriptMessage
    rest = list(zip(parameters, annotations, strict=True))[takes_message:]
    return takes_message, tuple(argument(each, annotation) for each, annotation in rest)


def annotation_of(function: Callable[..., Any]) -> Any:
    """The annotation of what a function returns; none is missing."""
    found = inspect.signature(function).return_annotation
    if found is inspect.Signature.empty:
        raise TypeError(f"what {function.__name__} returns has no annotation: write -> int, -> str or -> None")
    return found


def members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of an annotation."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def classes_of(annotation: Any) -> tuple[type, ...]:
    """The classes that a value may be of; none where the annotation allows all."""
    found = tuple(NoneType if each is None else get_origin(each) or each for each in members(annotation))
    return found if all(isinstance(each, type) for each in found) and object not in found else ()


def result_type(annotation: Any) -> str:
    """What a route returns, as the checker knows it."""
    if annotation is None:
        return "int"
    found = {TYPES.get(get_origin(each) or each, "any") for each in members(annotation) if each is not NoneType}
    return found.pop() if len(found) == 1 else "any"


def line_in(error: BaseException, path: str) -> int:
    """The last line of *path* that an error went through; 0 if none."""
    lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == path]
    return (lines[-1] or 0) if lines else 0


def described(error: BaseException, path: str) -> str:
    """An error with its place in *path*."""
    line = line_in(error, path)
    return f"{path}{f':{line}' if line else ''}: {type(error).__name__}: {error}"

"""The routes once more, with every step reported to the account of the call: compiled only when a call is traced."""
from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opensips_py.module.kinds import Variable, VariableSpec
from opensips_py.module.masking import HIDDEN, is_secret, shown
from opensips_py.module.trace import note
from opensips_py.script import formatting, runtime, tree
from opensips_py.script.binding import Scope
from opensips_py.script.compiler import RouteCompiler, Routes, compile_routes
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.generate import Namespace, at, call, constant, name
from opensips_py.script.locals import KEPT
from opensips_py.script.routes import reached, title
from opensips_py.script.variables import Parts, Reference

if TYPE_CHECKING:
    from opensips_py.module.declare import Argument
    from opensips_py.module.registry import BoundFunction
    from opensips_py.module.run import Run
    from opensips_py.script.binding import Bound
    from opensips_py.script.configuration import Configuration
    from opensips_py.script.locals import Local
    from opensips_py.script.runtime import CompiledRoute

PLAIN = (str, bytes, int, float, type(None))  # values that tell something as they are
ASSIGNMENT = "the assignment to "
LOCAL_PREFIX = "my_"


def compile_traced(configuration: Configuration) -> Routes:
    """The routes of *configuration* as they run for calls that are traced."""
    assert configuration.context is not None  # one without routes has an error
    namespace = Namespace()
    scope = copy.copy(configuration.context.scope)
    scope.__class__ = TracedScope  # the same names; what it compiles reports
    context = replace(configuration.context, scope=scope, diagnostics=Diagnostics(), namespace=namespace, routes={},
                      route_names={}, kinds={}, error_route="", references={})
    context.diagnostics.texts = configuration.diagnostics.texts
    namespace.names[id(runtime.incomputable)] = "incomputable"
    namespace["incomputable"] = incomputable
    routes = configuration.script.of(tree.Route)
    return compile_routes(routes, context, reached(routes), TracedCompiler, watched)


def watched(route: tree.Route, function: CompiledRoute) -> CompiledRoute:
    """*function* with its beginning and its end reported."""
    shown_as, place = title(route), route.place

    def entered(run: Run) -> int:
        account = run.trace
        if account is None:  # a run that somebody made for another purpose
            return function(run)
        account.enter(run, shown_as, place.file, place.line)
        try:
            code = function(run)
        except BaseException as error:
            account.leave(run, error=told(error))
            raise
        account.leave(run, getattr(code, "value", code))  # of a route that returned something else than a code
        return code
    entered.__qualname__ = shown_as
    return entered


def told(error: BaseException | None) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


# What traced routes call; each gives on what it is given


def line(run: Run, file: str, number: int) -> None:
    """A line of the script begins."""
    if (account := run.trace) is not None:
        account.of_run(run, "line", file=file, line=number)


def reading(run: Run, text: str, value: Any) -> Any:
    """A variable was read."""
    if (account := run.trace) is not None:
        account.of_run(run, "read", name=text, value=shown(value, text))
    return value


def writing(run: Run, text: str, value: Any) -> Any:
    """A variable is assigned."""
    if (account := run.trace) is not None:
        account.of_run(run, "write", name=text, value=shown(value, text))
    return value


def testing(run: Run, value: Any) -> Any:
    """A condition was decided."""
    if (account := run.trace) is not None:
        account.of_run(run, "test", result=bool(value))
    return value


def failing(run: Run, what: str) -> None:
    """The exception at hand left *what*."""
    if (account := run.trace) is not None:
        account.of_run(run, "error", text=shown(f"{what}: {told(sys.exception())}"))


def incomputable(target: str, place: str) -> None:
    """An assignment did not take place."""
    note("script", f"{target} keeps its value: what is assigned cannot be computed")
    runtime.incomputable(target, place)


@dataclass(frozen=True, slots=True)
class Called:
    """A call as the script has it: *constants* holds what stands there, None where the run decides; *sources* too what
    the function reads in a way of its own."""

    function: str
    names: tuple[str, ...]
    constants: tuple[str | int | None, ...]
    sources: tuple[str, ...]
    injected: int
    waits: bool

    def arguments(self, run: Run, given: tuple[Any, ...]) -> list[Any]:
        """The arguments as they are shown."""
        found = []
        for index, value in enumerate(given[self.injected:]):
            fixed = self.constants[index] if index < len(self.constants) else None
            label = self.names[index] if index < len(self.names) else ""
            found.append(HIDDEN if is_secret(label) else fixed if fixed is not None
                         else argument_value(run, value, self.sources[index] if index < len(self.sources) else ""))
        return found


def argument_value(run: Run, value: Any, source: str = "") -> Any:
    """An argument that the run decides; what only its function can read, as the script has it."""
    if isinstance(value, Variable):
        return f"{value.spec.text}"
    if isinstance(value, Text):
        account = run.trace
        return shown(account.position(run).texts.pop(id(value), value.text)) if account is not None else value.text
    return shown(source if source and not isinstance(value, PLAIN) else value)


class Text:
    """A text that the function itself puts together; what it came to is kept for the account."""

    __slots__ = ("inner", "text")

    def __init__(self, inner: Callable[[Run], Any], text: str) -> None:
        self.inner, self.text = inner, text

    def __call__(self, run: Run) -> Any:
        value = self.inner(run)
        if (account := run.trace) is not None:
            account.position(run).texts[id(self)] = value
        return value


def calling(run: Run, what: Called, function: Callable[..., Any], *given: Any) -> Any:
    """Call *function*, and report arguments, result and the time it took."""
    account = run.trace
    if account is None:
        return function(*given)
    began = account.now()
    outcome: dict[str, Any] = {}
    try:
        result = function(*given)
        outcome["result"] = code_of(result)
        if getattr(result, "name", None) is not None:
            outcome["meaning"] = str(result.name)
        return result
    except BaseException as error:
        outcome["error"] = shown(told(error))
        raise
    finally:
        if what.waits:
            outcome["waits"] = True
        account.of_run(run, "call", function=what.function, arguments=what.arguments(run, given), began=began,
                       took=account.now() - began, **outcome)


def code_of(result: Any) -> Any:
    """The return code that a result stands for; what a function written in Python returned, as it is."""
    if result is None or isinstance(result, bool):
        return -1 if result is False else 1
    return shown(getattr(result, "value", result))


def observed(spec: VariableSpec) -> VariableSpec:
    """A variable that is passed to a function; what the function does with it is reported."""
    write = spec.write

    def read(run: Run) -> Any:
        return reading(run, spec.text, spec.read(run))

    def assign(run: Run, value: Any) -> None:
        assert write is not None
        write(run, writing(run, spec.text, value))
    return replace(spec, read=read, write=assign if write is not None else None)


class TracedScope(Scope):
    """The names of the configuration; texts tell of the variables in them."""

    def bind_text(self, parts: Parts) -> Callable[[Run], str | None]:
        return formatting.compiled([each if isinstance(each, str) else self.told(each) for each in parts])

    def told(self, reference: Reference) -> Callable[[Run], Any]:
        """The reader of a variable, which reports the value."""
        read, text = self.bind(reference).read, reference.text
        if reference.variable == KEPT:  # a local, by the name that the compiled route has for it
            text = f"${str(reference.name).removeprefix(LOCAL_PREFIX)}"
        return lambda run: reading(run, text, read(run))


class TracedCompiler(RouteCompiler):
    """Compiles a route whose steps are reported."""

    def told(self, function: Callable[..., Any], *values: ast.expr) -> ast.expr:
        """A call of one of the functions above."""
        return call(self.namespace.bind(function, f"trace_{function.__name__}"), name("run"), *values)

    def statement(self, node: tree.Statement) -> None:
        """One statement, its line reported before."""
        place = node.place
        self.body.emit(ast.Expr(self.told(line, constant(place.file), constant(place.line))), place)
        super().statement(node)

    def read(self, bound: Bound) -> ast.expr:
        value = super().read(bound)
        return value if isinstance(value, ast.Constant) else self.told(reading, constant(bound.reference.text), value)

    def operand(self, node: tree.Operand) -> ast.expr:
        value = super().operand(node)
        return self.told(reading, constant(node.name), value) if node.name in ("af", "method") else value

    def write(self, bound: Bound, value: ast.expr, place: Place, *, replace: bool = False) -> None:
        super().write(bound, self.told(writing, constant(bound.reference.text), value), place, replace=replace)

    # Locals, which are those of the Python function

    def variable(self, node: tree.Variable) -> ast.expr:
        value = super().variable(node)
        return self.told(reading, constant(node.text), value) if isinstance(value, ast.Name) else value

    def piece(self, part: Reference, place: Place) -> Bound | ast.expr:
        found = super().piece(part, place)
        return self.told(reading, constant(part.text), found) if isinstance(found, ast.Name) else found

    def put(self, local: Local, value: ast.expr, node: tree.Expression, place: Place) -> None:
        super().put(local, self.told(writing, constant(f"${local.name}"), value), node, place)

    def assign_local(self, local: Local, node: tree.Assign) -> None:
        if node.operator not in ("=", ":="):
            self.body.emit(ast.Expr(self.told(reading, constant(f"${local.name}"), name(local.python))), node.place)
        super().assign_local(local, node)

    def loop_local(self, node: tree.ForEach, item: str) -> Local | None:
        local = super().loop_local(node, item)
        if local is not None:
            self.body.emit(ast.Expr(self.told(writing, constant(f"${local.name}"), name(local.python))), node.place)
        return local

    # Conditions and calls

    def attempt(self, node: tree.Expression) -> ast.expr:
        return self.told(testing, super().attempt(node))

    def guarded(self, statement: ast.stmt, what: str, place: Place, result: str = "") -> None:
        super().guarded(statement, what, place, result)
        tried = self.body.statements[-1]
        if what.startswith(ASSIGNMENT) and isinstance(tried, ast.Try):  # calls report their own failures
            tried.handlers[0].body.insert(0, at(ast.Expr(self.told(failing, constant(what))), place))

    def invocation(self, node: tree.Call) -> tuple[BoundFunction, ast.expr]:
        found, plain = super().invocation(node)
        assert isinstance(plain, ast.Call)
        declared = found.declaration
        what = Called(node.name, tuple(each.name for each in declared.arguments),
                      tuple(map(written, node.arguments)), tuple(map(source_of, node.arguments)), len(declared.inject),
                      declared.waits)
        return found, at(self.told(calling, self.namespace.bind(what, f"call_{node.name}"), plain.func, *plain.args),
                         node.place)

    def format(self, node: tree.String, argument: Argument) -> ast.expr:
        """A text that the function puts together, which tells what it came to."""
        inner = super().format(node, argument)
        if "$" not in node.value or not isinstance(inner, ast.Name):
            return inner
        return self.namespace.bind(Text(self.namespace[inner.id], node.value), argument.name)

    def variable_argument(self, node: tree.Expression, kind: Any, argument: Argument, function: tree.Call) -> ast.expr:
        passed = super().variable_argument(node, kind, argument, function)
        spec = passed.args[1] if isinstance(passed, ast.Call) else None
        if isinstance(passed, ast.Call) and isinstance(spec, ast.Name):
            passed.args[1] = self.namespace.bind(observed(self.namespace[spec.id]), spec.id)
        return passed


def source_of(node: tree.Expression | None) -> str:
    """A text or variable as the script has it."""
    return node.value if isinstance(node, tree.String) else node.text if isinstance(node, tree.Variable) else ""


def written(node: tree.Expression | None) -> str | int | None:
    """An argument as it stands in the script, where no run changes it."""
    match node:
        case tree.String(value=text) if "$" not in text:
            return str(shown(text))
        case tree.Number(value=number):
            return number
        case tree.Name(name=word) | tree.Operand(name=word):
            return word
        case tree.Address(text=text):
            return text
    return None

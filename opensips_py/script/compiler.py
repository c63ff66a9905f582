"""The tree of the routes to Python functions that carry the lines of the configuration."""
from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import cast

from opensips_py.module.python_routes import as_route
from opensips_py.module.registry import BoundFunction
from opensips_py.module.run import Route
from opensips_py.script import tree
from opensips_py.script.flow import StatementCompiler
from opensips_py.script.generate import Namespace, at, constant, located
from opensips_py.script.leaving import RUN_ARGUMENT
from opensips_py.script.routes import KINDS, Key, plain, title
from opensips_py.script.runtime import CompiledRoute
from opensips_py.script.values import Context
from opensips_py.script.walk import nodes

READS_CODE = re.compile(r"\$\(?\s*(?:<\w+>\s*)?(?:rc|retcode|\?)(?![\w.])|\{s\.eval\b")
READS_PARAMETERS = re.compile(r"\$\(?\s*(?:<\w+>\s*)?param\b|\{s\.eval\b")
Wrap = Callable[[tree.Route, CompiledRoute], CompiledRoute]


@dataclass(slots=True)
class Routes:
    """The compiled routes of one configuration: by kind, then by name; "" is the unnamed one."""

    by_kind: dict[Route, dict[str, CompiledRoute]] = field(default_factory=dict)
    namespace: Namespace = field(default_factory=Namespace)
    modules: list[ast.Module] = field(default_factory=list)

    def get(self, kind: Route, route_name: str = "") -> CompiledRoute | None:
        """The route *route_name* of *kind*, if there is one."""
        return self.by_kind.get(kind, {}).get(route_name)

    @property
    def main(self) -> CompiledRoute | None:
        """The route that requests enter."""
        return self.get(Route.REQUEST)

    def dump(self) -> str:
        """The Python source that the routes became, for `check --dump`."""
        return "\n\n\n".join(ast.unparse(each) for each in self.modules)


def compile_routes(routes: list[tree.Route], context: Context, reached: dict[Key, Route],
                   compiler: type[RouteCompiler] | None = None, wrap: Wrap | None = None) -> Routes:
    """Compile all routes; *reached* says from which kinds of route each may be run.

    *compiler* compiles a route in another way, *wrap* gives what runs in place of the function that it became.
    """
    compiled = Routes(namespace=context.namespace)
    context.signatures.update((plain(each), each) for each in routes if each.kind == "route")
    for written in context.scope.registry.functions.values():
        if written.declaration.returns == "value" and written.declaration.name not in context.signatures:
            python_route(written, context)
            context.uses_values = True
    context.uses_values |= any(uses_value(node) for each in routes for node in nodes(each))
    names = {id(route): named(route, context) for route in routes}
    for route in routes:
        global_name = names[id(route)]
        try:
            module = compile_route(route, global_name, context, reached.get((route.kind, plain(route)), Route.ANY),
                                   compiler or RouteCompiler)
            function = define(module, global_name, route, context)
            if wrap is not None:
                function = context.namespace[global_name] = wrap(route, function)
        except (RecursionError, MemoryError, SyntaxError):  # Python has bounds of its own: 20 loops within each other
            context.diagnostics.error(f"{title(route)} is nested too deeply", route.place,
                                      fix="move inner blocks to routes of their own")
            continue
        compiled.modules.append(module)
        compiled.by_kind.setdefault(KINDS[route.kind], {})[plain(route)] = function
    context.routes.update(compiled.by_kind.get(Route.REQUEST, {}))
    if not context.diagnostics.errors:  # else what could not be compiled may read them
        for each in context.unread:
            context.diagnostics.warning(f"nothing reads ${each.name}", each.place)
    context.unread.clear()
    return compiled


def python_route(found: BoundFunction, context: Context) -> None:
    """Let a function written in Python be called by name, resume and report as a route of the script does."""
    wanted, function = found.declaration.name, as_route(found)
    context.route_names[wanted] = context.namespace.unused(f"route_{wanted}")
    context.namespace[context.route_names[wanted]] = context.routes[wanted] = function


def uses_value(node: tree.Node) -> bool:
    """Whether *node* looks at what a route returns, beyond its code being positive."""
    match node:
        case tree.RouteCall(arguments=inside) | tree.Call(arguments=inside) | tree.Return(values=inside):
            return any(isinstance(each, tree.RouteCall) for each in inside)
        case tree.Comparison() | tree.Binary():
            return isinstance(node.left, tree.RouteCall) or isinstance(node.right, tree.RouteCall)
        case tree.Assign(value=value) | tree.Local(value=value) | tree.Switch(subject=value):
            return isinstance(value, tree.RouteCall)
        case tree.Unary(operand=operand):
            return isinstance(operand, tree.RouteCall)
    return False


def named(route: tree.Route, context: Context) -> str:
    """The global name of a route, by which others find it from now on."""
    context.kinds.setdefault(route.kind, set()).add(plain(route))
    context.reads_parameters |= bool(route.parameters)
    found = context.namespace.unused(f"{route.kind}_{plain(route)}")
    context.namespace[found] = None  # taken
    if route.kind == "error_route":
        context.error_route = found
    if route.kind == "route":
        context.route_names[plain(route)] = found
        context.route_names.setdefault(plain(route) or "0", found)
    return found


def compile_route(route: tree.Route, global_name: str, context: Context, reached: Route,
                  compiler: type[RouteCompiler]) -> ast.Module:
    """One route as a module that defines one function."""
    body = compiler(context, reached).route(route)
    function = ast.FunctionDef(global_name, RUN_ARGUMENT, body, [], None)
    return located(ast.Module([at(function, route.place)], []))


def define(module: ast.Module, global_name: str, route: tree.Route, context: Context) -> CompiledRoute:
    """Run the definition of a route, so that its function exists among the global names."""
    code: CodeType = compile(module, route.place.file or "<script>", "exec")
    exec(code, context.namespace)
    function = context.namespace[global_name]
    function.__qualname__ = title(route)
    return cast(CompiledRoute, function)


class RouteCompiler(StatementCompiler):
    """One route."""

    def route(self, route: tree.Route) -> list[ast.stmt]:
        """The statements of the function.

        As in OpenSIPS, a route that reaches its end returns the code of the statement that it ended with: of the
        function or route called last; of an if or switch, that of the branch it took; 1 for anything else.
        """
        with self.locals.block(ends=True):
            self.parameters(route)
            self.statements(route.body, final=route.kind == "route")
        if not (self.body.statements and isinstance(self.body.statements[-1], ast.Return)):
            self.body.emit(ast.Return(constant(1)), route.body[-1].place if route.body else route.place)
        return self.body.statements

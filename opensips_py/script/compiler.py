"""The tree of the routes to Python functions that carry the lines of the configuration."""
from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from types import CodeType
from typing import cast

from opensips_py.module.run import Route
from opensips_py.script import tree
from opensips_py.script.diagnostics import Place
from opensips_py.script.flow import RUN_ARGUMENT, StatementCompiler
from opensips_py.script.generate import Namespace, assign, at, constant, name
from opensips_py.script.runtime import CompiledRoute
from opensips_py.script.values import Context

KINDS = {"route": Route.REQUEST, "branch_route": Route.BRANCH, "failure_route": Route.FAILURE,
         "onreply_route": Route.ONREPLY, "error_route": Route.ERROR, "local_route": Route.LOCAL,
         "startup_route": Route.STARTUP, "timer_route": Route.TIMER, "event_route": Route.EVENT}


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


def plain(route: tree.Route) -> str:
    """The name a route goes by: route[0] is the unnamed one."""
    return "" if route.name == "0" else route.name


def compile_routes(routes: list[tree.Route], context: Context, reached: dict[tuple[str, str], Route]) -> Routes:
    """Compile all routes; *reached* says from which kinds of route each may be run."""
    compiled = Routes(namespace=context.namespace)
    names: dict[tuple[str, str], str] = {}
    for route in routes:
        context.kinds.setdefault(route.kind, set()).add(plain(route))
        names[route.kind, plain(route)] = context.namespace.unused(f"{route.kind}_{plain(route)}")
        context.namespace[names[route.kind, plain(route)]] = None  # taken
        if route.kind == "route":
            context.route_names[plain(route)] = names["route", plain(route)]
            context.route_names.setdefault(plain(route) or "0", names["route", plain(route)])
    for route in routes:
        global_name = names[route.kind, plain(route)]
        function = compile_route(route, global_name, context, reached.get((route.kind, plain(route)), Route.ANY))
        compiled.modules.append(function)
        compiled.by_kind.setdefault(KINDS[route.kind], {})[plain(route)] = define(function, global_name, route, context)
    context.routes.update(compiled.by_kind.get(Route.REQUEST, {}))
    return compiled


def compile_route(route: tree.Route, global_name: str, context: Context, reached: Route) -> ast.Module:
    """One route as a module that defines one function."""
    compiler = RouteCompiler(context, reached)
    body = compiler.route(route)
    function = ast.FunctionDef(global_name, RUN_ARGUMENT, body, [], None)
    module = ast.Module([at(function, route.place)], [])
    return ast.fix_missing_locations(module)


def define(module: ast.Module, global_name: str, route: tree.Route, context: Context) -> CompiledRoute:
    """Run the definition of a route, so that its function exists among the global names."""
    code: CodeType = compile(module, route.place.file or "<script>", "exec")
    exec(code, context.namespace)
    function = context.namespace[global_name]
    function.__qualname__ = f"{route.kind}[{route.name}]" if route.name else route.kind
    return cast(CompiledRoute, function)


class RouteCompiler(StatementCompiler):
    """One route."""

    def route(self, route: tree.Route) -> list[ast.stmt]:
        """The statements of the function: a route that reaches its end returns the code of what it did last."""
        self.named_parameters(route)
        statements = route.body
        last = statements[-1] if statements else None
        if route.kind == "route" and isinstance(last, tree.Do) and not self.context.reads_code:
            self.statements(statements[:-1])
            self.last_call(last)
        else:
            self.statements(statements)
            end = name("run.rc") if False else constant(1)
            self.body.emit(ast.Return(end), self.end_of(route))
        return self.body.statements or [ast.Pass()]

    def last_call(self, last: tree.Do) -> None:
        """Return what the last call of a route gave."""
        before = len(self.body.statements)
        self.statements([last])
        if len(self.body.statements) == before:
            self.body.emit(ast.Return(constant(1)), last.place)

    def named_parameters(self, route: tree.Route) -> None:
        """Parameters with names are ordinary $var of the route."""
        for index, each in enumerate(route.parameters):
            taken = f"(run.parameters[-1] if run.parameters else ())[{index}:{index + 1}]"
            value = ast.parse(f"({taken} or (None,))[0]", mode="eval").body
            self.body.emit(ast.Assign([ast.Subscript(name("run.variables"), constant(each.name), ast.Store())], value),
                           each.place)

    def end_of(self, route: tree.Route) -> Place:
        """A place for what follows the last statement."""
        return route.body[-1].place if route.body else route.place


READS_CODE = re.compile(r"\$\(?(?:rc|retcode|\?)(?![\w.])")
READS_PARAMETERS = re.compile(r"\$\(?param\b")
__all__ = ["READS_CODE", "READS_PARAMETERS", "Context", "Routes", "assign", "compile_routes"]

"""Compiling calls of routes: for their code, or for the value that they return."""
from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from opensips_py.module import returned
from opensips_py.script import runtime, tree
from opensips_py.script.calls import CallCompiler
from opensips_py.script.generate import assign, at, call, compared, constant, name, parsed
from opensips_py.script.routes import called
from opensips_py.script.values import Reported


class RouteCallCompiler(CallCompiler):
    """Calls of routes, and of functions written in Python that are called as if they were some."""

    def other(self, node: tree.Expression) -> ast.expr:
        """A call as a value is its return code, or the text that a route returns."""
        if isinstance(node, tree.Call):
            return self.outcome_of(node, returned.plain)
        if isinstance(node, tree.RouteCall):
            return self.route_value(node, returned.plain)
        return super().other(node)

    def exact(self, node: tree.Expression) -> ast.expr:
        """A value as it is: of a route what it returned, a NULL and a 0 as well; variables in a text are replaced."""
        if isinstance(node, tree.RouteCall):
            return self.route_value(node, returned.exact)
        if isinstance(node, tree.Call):
            return self.outcome_of(node, returned.exact)
        return super().exact(node)

    def route_value(self, node: tree.RouteCall, meaning: Callable[[Any], Any]) -> ast.expr:
        """A call of a route for what it returns."""
        written = self.written_in_python(node)
        if written is not None:
            return self.outcome_of(written, meaning)
        result = self.run_route(node, is_exact=meaning is returned.exact)
        if not self.context.uses_values:
            return name(result)
        return call(self.namespace.bind(meaning, meaning.__name__), name(result))

    def route_call(self, node: tree.RouteCall) -> ast.expr:
        """A call of a route: its code, in a local; 0 ends this route, too."""
        written = self.written_in_python(node)
        if written is not None:
            found, result = self.call_result(written)
            self.keep_code(self.as_code(found, result), node.place)
            return self.as_code(found, result)
        return name(self.run_route(node))

    def written_in_python(self, node: tree.RouteCall) -> tree.Call | None:
        """The call of a Python function that *node* is; None where it calls a route of the script."""
        wanted = called(node.route)
        if wanted is None or wanted in self.context.signatures:
            return None
        found = self.scope.registry.functions.get(wanted)
        if found is None or found.declaration.returns != "value":
            return None
        return tree.Call(node.place, wanted, list(node.arguments), node.place)

    def run_route(self, node: tree.RouteCall, *, is_exact: bool = False) -> str:
        """Run a route; what it returned is in the local that is named.

        Where the exact value counts, a returned 0 is a number, and only exit or drop ends the script.
        """
        arguments = self.route_arguments(node)
        invocation = self.route_invocation(node.route)
        passes = bool(arguments) or self.context.reads_parameters
        if passes:
            values = ast.Tuple(arguments, ast.Load())
            self.body.emit(ast.Expr(call(parsed("run.parameters.append"), values)), node.place)
        result = self.body.temporary()
        self.body.emit(assign(result, invocation), node.place)
        if is_exact:
            self.stop(call(self.namespace.bind(returned.is_stop, "is_stop"), name(result)), node.place)
        else:
            self.stop(compared(name(result), ast.Eq(), constant(0)), node.place)
        if passes:
            self.body.emit(ast.Expr(call(parsed("run.parameters.pop"))), node.place)
        self.keep_code(ast.UnaryOp(ast.UAdd(), name(result)) if self.context.uses_values else name(result), node.place)
        return result

    # Arguments

    def route_arguments(self, node: tree.RouteCall) -> list[ast.expr]:
        """The arguments; those of route(...) as they stand, no variable in a text is read, as in OpenSIPS."""
        target = self.context.signatures.get(called(node.route) or "")
        named = target is not None and any(each.is_local for each in target.parameters)
        if target is not None and named:
            self.check_count(node, target)
            self.check_types(node, target)
        if named or node.bracketed:
            return [self.exact(each) for each in node.arguments]
        return [self.value(each) for each in node.arguments]

    def check_count(self, node: tree.RouteCall, target: tree.Route) -> None:
        """As many arguments as the route has parameters, those with a default aside."""
        least = sum(each.default is None for each in target.parameters)
        most, given = len(target.parameters), len(node.arguments)
        if least <= given <= most:
            return
        takes = str(most) if least == most else f"{least} to {most}"
        self.diagnostics.error(f"route[{target.name}] takes {takes} argument{'' if takes == '1' else 's'}, not {given}",
                               node.place, fix=written(target), related=[("declared here", target.place)])
        raise Reported

    def check_types(self, node: tree.RouteCall, target: tree.Route) -> None:
        """Refuse an argument that is of another type than its parameter."""
        for given, parameter in zip(node.arguments, target.parameters, strict=False):
            if reason := self.misfit(parameter.type, given):
                self.diagnostics.error(f"route[{target.name}], argument '{parameter.name}': {reason[0]}", given.place,
                                       fix=reason[1], related=[("declared here", parameter.place)])

    def route_invocation(self, route: tree.Expression) -> ast.expr:
        """The call of the route that *route* names."""
        wanted = called(route)
        if wanted is not None:
            if wanted not in self.context.route_names:
                raise Reported
            return at(call(name(self.context.route_names[wanted]), name("run")), route.place)
        value = self.text(route) if isinstance(route, tree.String) else self.value(route)
        return call(self.namespace.bind(runtime.call_route, "call_route"), name("run"),
                    self.namespace.bind(self.context.routes, "routes"), value,
                    constant(f"{route.place.file}:{route.place.line}"))

    def argument_value(self, node: tree.Expression) -> ast.expr:
        """A value that is returned: texts may have variables in them."""
        return self.text(node) if isinstance(node, tree.String) else self.value(node)


def written(route: tree.Route) -> str:
    """The head of a route, as its callers need to know it."""
    shown = []
    for each in route.parameters:
        text = f"{each.type} ${each.name}".strip() if each.is_local else each.name
        shown.append(f"[{text}]" if each.default is not None else text)
    return f"route[{route.name}]({', '.join(shown)})"

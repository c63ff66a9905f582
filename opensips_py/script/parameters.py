"""Parsing the parameters of a route: route[name](a, int $b, str $c = "x")."""
from __future__ import annotations

from opensips_py.script import tree
from opensips_py.script.sockets import SocketParser


class ParameterParser(SocketParser):
    """What stands in the parentheses of a route's head."""

    def route_parameters(self, route: tree.Route) -> None:
        """Bare names, which are $var, and locals with or without a type and a default."""
        while self.token.kind in ("word", "variable"):
            route.parameters.append(self.route_parameter(route))
            if not self.accept(","):
                break
        self.expect(")", "behind the parameters of the route", lenient=("{",))

    def route_parameter(self, route: tree.Route) -> tree.Parameter:
        """One parameter."""
        if self.token.kind == "word" and self.ahead().kind not in ("variable", "word"):
            token = self.take()
            return tree.Parameter(token.place, token.text)
        if route.kind != "route":
            self.fail(f"a {route.kind} is called by nobody who could give it a parameter", fix="use $param(name)")
        type_ = self.local_type()
        target = self.local_name()
        default = self.constant(target) if self.accept("=") else None
        if default is None and route.parameters and route.parameters[-1].default is not None:
            self.fail(f"{target.text} needs a default, as the parameter before it has one", target.place)
        return tree.Parameter(target.place, target.text[1:], type_, default, is_local=True)

    def constant(self, target: tree.Variable) -> tree.Expression:
        """The default of a parameter."""
        found = self.signed()
        if not isinstance(found, (tree.Number, tree.String, tree.Null)):
            self.fail(f"the default of {target.text} is a number, a quoted text or NULL", found.place)
        return found

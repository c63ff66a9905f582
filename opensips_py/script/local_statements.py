"""Compiling locals: declared, assigned, gone through."""
from __future__ import annotations

import ast

from opensips_py.module import returned
from opensips_py.script import kept, operators, runtime, tree
from opensips_py.script.binding import SPECIAL
from opensips_py.script.conditions import ConditionCompiler
from opensips_py.script.diagnostics import Place
from opensips_py.script.generate import assign, call, compared, constant, name, parsed
from opensips_py.script.locals import Local
from opensips_py.script.routes import called
from opensips_py.script.statements import LOCAL_NAME
from opensips_py.script.typed import LIST, STR, TITLES, always_returns
from opensips_py.script.values import Reported


class LocalCompiler(ConditionCompiler):
    """Locals as locals of the Python function that a route becomes."""

    def declared(self, variable: tree.Variable, type_: str, *, is_parameter: bool = False) -> Local:
        """A new local of the block at hand; it may not hide a pseudo-variable."""
        wanted = variable.text[1:]
        if wanted in self.scope.registry.variables or wanted in SPECIAL:
            self.diagnostics.error(f"${wanted} is a pseudo-variable: a local cannot have its name", variable.place,
                                   fix=f"write ${wanted}_ or any other name")
            is_parameter = True  # said enough of it
        return self.locals.declare(wanted, type_, variable.place, is_parameter=is_parameter)

    def local_statement(self, node: tree.Local) -> None:
        """local type $name = value: the value is computed before the name is known."""
        if node.value is None:
            found = self.declared(node.target, node.type)
            self.body.emit(assign(found.python, constant(None)), node.place)
            return
        try:
            value = self.new_local_value(node.value, node.type, node.target)
        except Reported:
            self.locals.assign(self.declared(node.target, node.type))
            raise
        found = self.declared(node.target, node.type)
        if isinstance(node.value, (tree.Binary, tree.Unary)):
            self.body.emit(assign(found.python, constant(None)), node.place)  # where the value cannot be computed
        self.put(found, value, node.value, node.place)
        self.keep_code(constant(1), node.place)

    def new_local_value(self, node: tree.Expression, wanted: str, target: tree.Variable) -> ast.expr:
        """The value for a local of the type *wanted*."""
        if reason := self.misfit(wanted, node):
            self.diagnostics.error(f"{target.text}: {reason[0]}", node.place, fix=reason[1])
            raise Reported
        self.check_result(node)
        if isinstance(node, tree.Variable) and self.local(node) is None and wanted == LIST:
            values = ast.Starred(self.values_of(node), ast.Load())
            return call(self.namespace.bind(returned.Values, "Values"), ast.List([values], ast.Load()))
        value = self.taken(node) if isinstance(node, tree.Variable) else self.exact(node)
        if wanted in ("", self.type_of(node)):
            return value
        return self.fitted(wanted, value, target.text, node.place)

    def check_result(self, node: tree.Expression) -> None:
        """Warn of a route that is called for its value and may end without one."""
        wanted = called(node.route) if isinstance(node, tree.RouteCall) else None
        from_script = self.context.signatures.get(wanted) if wanted is not None else None
        if from_script is not None and not always_returns(from_script.body):
            self.diagnostics.warning(f"route[{from_script.name}] is called for its value here, and may end without "
                                     "return", node.place, fix="end it with return value",
                                     related=[("this route", from_script.place)])

    def put(self, local: Local, value: ast.expr, node: tree.Expression, place: Place) -> None:
        """Assign; what cannot be computed leaves the local as it is."""
        self.locals.assign(local)
        if not isinstance(node, (tree.Binary, tree.Unary)):
            self.body.emit(assign(local.python, value), place)
            return
        result = self.body.temporary()
        self.body.emit(assign(result, value), place)
        failed = call(self.namespace.bind(runtime.incomputable, "incomputable"), constant(f"${local.name}"),
                      constant(f"{place.file}:{place.line}"))
        self.body.emit(ast.If(compared(name(result), ast.Is(), constant(None)), [ast.Expr(failed)],
                              [assign(local.python, name(result))]), place)

    def assign_local(self, local: Local, node: tree.Assign) -> None:
        """$name = value, $name += value ..., which computes in both dialects."""
        if node.operator in ("=", ":="):
            value = self.new_local_value(node.value, local.type, node.target)
            self.put(local, value, node.value, node.place)
            return
        self.locals.read(local, node.target.place)
        if local.type == LIST and node.operator == "+=":
            self.put(local, call(self.namespace.bind(kept.added, "added"), name(local.python), self.exact(node.value)),
                     node.target, node.place)
            return
        self.check_operation(local, node)
        joins = node.operator == "+=" and isinstance(node.value, tree.Variable)
        operation = operators.add_variable if joins else operators.ARITHMETIC[node.operator[:-1]]
        value = call(self.namespace.bind(operators.changed, "changed"),
                     self.namespace.bind(operation, operation.__name__), name(local.python), self.exact(node.value))
        self.put(local, value, tree.Binary(node.place, node.operator[:-1], node.target, node.value), node.place)

    def check_operation(self, local: Local, node: tree.Assign) -> None:
        """Refuse an operation that the type of a local does not have."""
        wrong = local.type == LIST or (local.type == STR and node.operator not in ("+=", "&=", "|=", "^="))
        joins = local.type == STR and isinstance(node.value, tree.Variable)  # a number, by its digits
        if wrong or (self.misfit(local.type, node.value) and not joins):
            given = TITLES.get(self.type_of(node.value), "this")
            self.diagnostics.error(f"'{node.operator}' does not go with {node.target.text}, which is "
                                   f"{TITLES[local.type]}, and {given}", node.place)
            raise Reported

    # Loops

    def values_of(self, source: tree.Variable) -> ast.expr:
        """What `for` goes through."""
        local = self.local(source)
        if local is not None:
            self.locals.read(local, source.place)
            return call(self.namespace.bind(returned.items, "items"), name(local.python))
        bound = self.bound(source)
        return call(self.namespace.bind(bound.values, f"values_of_{bound.reference.variable}"), name("run"))

    def loop_local(self, node: tree.ForEach, item: str) -> Local | None:
        """The local that a loop assigns *item* to; None where it assigns another variable."""
        declares = node.declares or self.lacks_local(node.target)
        local = self.declared(node.target, "") if declares else self.local(node.target)
        if local is not None:
            self.locals.assign(local)
            value = self.fitted(local.type, name(item), node.target.text, node.place)
            self.body.emit(assign(local.python, value), node.place)
        return local

    def lacks_local(self, target: tree.Variable) -> bool:
        """Whether a loop assigns a name that nobody knows, which is a local not declared; that is reported."""
        name = target.text[1:]
        if not LOCAL_NAME.fullmatch(target.text) or self.locals.find(name) is not None \
                or name in self.scope.registry.variables or name in SPECIAL \
                or (self.context.absent is not None and self.context.absent.explained("pvars", name)):
            return False
        self.diagnostics.error(f"{target.text} is unknown", target.place, fix=f"declare it: local {target.text}")
        return True

    # Calls

    def refuse_written(self, statement: str, place: Place) -> None:
        """Refuse locals that a function would assign when the route that has them is over."""
        for each in self.written:
            self.diagnostics.error(f"${each.name} is gone when the function of {statement} assigns it", place,
                                   fix="use a $var or an $avp")
        self.written.clear()

    # Parameters

    def parameters(self, route: tree.Route) -> None:
        """Parameters with names: locals, and ordinary $var of the route."""
        if not any(each.is_local for each in route.parameters):
            self.plain_parameters(route)
            return
        targets: list[ast.expr] = []
        for each in route.parameters:
            if each.is_local:
                local = self.declared(tree.Variable(each.place, f"${each.name}"), each.type, is_parameter=True)
                self.locals.assign(local)
                targets.append(ast.Name(local.python, ast.Store()))
                self.check_default(each)
            else:
                targets.append(ast.Subscript(parsed("run.variables"), constant(each.name), ast.Store()))
        taken = call(self.namespace.bind(kept.taken, "taken"), name("run"), self.namespace.bind(
            tuple(declaration(each) for each in route.parameters), "parameters"), constant(f"route[{route.name}]"),
            constant(f"{route.place.file}:{route.place.line}"))
        self.body.emit(ast.Assign([ast.Tuple(targets, ast.Store())], taken), route.place)

    def check_default(self, parameter: tree.Parameter) -> None:
        """Refuse a default of another type."""
        if parameter.default is not None and (reason := self.misfit(parameter.type, parameter.default)):
            self.diagnostics.error(f"${parameter.name}: {reason[0]}", parameter.default.place, fix=reason[1])

    def plain_parameters(self, route: tree.Route) -> None:
        """Bare names alone."""
        for index, each in enumerate(route.parameters):
            taken = f"(run.parameters[-1] if run.parameters else ())[{index}:{index + 1}]"
            value = ast.parse(f"({taken} or (None,))[0]", mode="eval").body
            target = ast.Subscript(parsed("run.variables"), constant(each.name), ast.Store())
            self.body.emit(ast.Assign([target], value), each.place)


def declaration(parameter: tree.Parameter) -> kept.Declared:
    """A parameter as the running route takes it."""
    default = parameter.default
    value = default.value if isinstance(default, (tree.Number, tree.String)) else None
    return kept.Declared(parameter.name, parameter.type, value, required=default is None)

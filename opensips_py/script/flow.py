"""Compiling statements: assignments, branches, loops, and the ways out of a route."""
from __future__ import annotations

import ast

from opensips_py.script import operators, runtime, tree
from opensips_py.script.binding import Bound
from opensips_py.script.conditions import ConditionCompiler
from opensips_py.script.diagnostics import Place
from opensips_py.script.generate import assign, call, compared, constant, name, negated, parsed
from opensips_py.script.values import Reported

RUN_ARGUMENT = ast.arguments([], [ast.arg("run")], None, [], [], None, [])
WAYS_OUT = (tree.Return, tree.Exit, tree.Drop, tree.Break)


def ends(body: list[tree.Statement]) -> bool:
    """Whether *body* never reaches its end."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, tree.If):
        return ends(last.body) and ends(last.otherwise)
    return isinstance(last, (*WAYS_OUT, tree.Async))


def breaks_inside(body: list[tree.Statement]) -> bool:
    """Whether a `break` in *body*, other than at its end, leaves what surrounds it."""
    for index, each in enumerate(body):
        if isinstance(each, tree.Break) and index < len(body) - 1:
            return True
        if isinstance(each, tree.If) and (holds_break(each.body) or holds_break(each.otherwise)):
            return True
    return False


def holds_break(body: list[tree.Statement]) -> bool:
    """Whether a `break` anywhere in *body* leaves what surrounds it."""
    return any(isinstance(each, tree.Break)
               or (isinstance(each, tree.If) and (holds_break(each.body) or holds_break(each.otherwise)))
               for each in body)


class StatementCompiler(ConditionCompiler):
    """Statements as Python statements."""

    def block(self, statements: list[tree.Statement]) -> list[ast.stmt]:
        """Statements as a block of their own."""
        with self.body.nested() as inner:
            self.statements(statements)
        return inner or [ast.Pass()]

    def statements(self, statements: list[tree.Statement]) -> None:
        """Statements one after the other; one that cannot be compiled is left out, its error is known."""
        for each in statements:
            try:
                self.statement(each)
            except Reported:
                continue

    def statement(self, node: tree.Statement) -> None:
        match node:
            case tree.Assign():
                self.assignment(node)
            case tree.Do(call=tree.Call() as inner):
                self.call_statement(inner)
            case tree.Do(call=tree.RouteCall() as inner):
                self.route_call(inner)
            case tree.If():
                self.if_statement(node)
            case tree.While():
                self.while_statement(node)
            case tree.ForEach():
                self.for_statement(node)
            case tree.Switch():
                self.switch_statement(node)
            case tree.Return():
                self.return_statement(node)
            case tree.Exit():
                self.body.emit(ast.Return(constant(0)), node.place)
            case tree.Drop():
                self.body.emit(assign("run.dropped", constant(True)), node.place)
                self.body.emit(ast.Return(constant(0)), node.place)
            case tree.Break():
                self.body.emit(ast.Break(), node.place)
            case tree.Assert():
                self.assert_statement(node)
            case tree.Async():
                self.async_statement(node)
            case tree.Launch():
                self.launch_statement(node)

    # Assignments

    def assignment(self, node: tree.Assign) -> None:
        bound = self.bound(node.target)
        if bound.write is None:
            self.diagnostics.error(f"{node.target.text} cannot be assigned", node.target.place, "read-only")
            raise Reported
        value = self.value(node.value)
        if node.operator not in ("=", ":="):
            operation = operators.ARITHMETIC[node.operator[:-1]]
            value = call(self.namespace.bind(operation, operation.__name__), self.read(bound), value)
        self.write(bound, value, node.place, replace=node.operator == ":=")
        self.keep_code(constant(1), node.place)

    def write(self, bound: Bound, value: ast.expr, place: Place, *, replace: bool = False) -> None:
        """Assign a value to a variable."""
        reference = bound.reference
        if reference.variable == "var" and isinstance(reference.name, str):
            target = ast.Subscript(parsed("run.variables"), constant(reference.name), ast.Store())
            self.body.emit(ast.Assign([target], value), place)
            return
        writer = bound.replace if replace and bound.replace is not None else bound.write
        function = self.namespace.bind(writer, f"write_{reference.variable}")
        self.guarded(ast.Expr(call(function, name("run"), value)), f"the assignment to {reference.text}", place)

    # Branches and loops

    def if_statement(self, node: tree.If) -> None:
        try:
            test = self.condition(node.condition)
        except Reported:
            test = constant(True)  # go on, to find what is wrong inside
        body, otherwise = self.block(node.body), self.block(node.otherwise) if node.otherwise else []
        self.body.emit(ast.If(test, body, otherwise), node.place)

    def while_statement(self, node: tree.While) -> None:
        """A loop with the bound of max_while_loops."""
        with self.body.nested() as inner:
            try:
                test = self.condition(node.condition)
                self.body.emit(ast.If(negated(test), [ast.Break()], []), node.place)
            finally:
                self.statements(node.body)
        rounds = call(name("range"), constant(self.context.max_loops))
        complaint = call(self.namespace.bind(runtime.too_many_loops, "too_many_loops"),
                         constant(self.context.max_loops), constant(f"{node.place.file}:{node.place.line}"))
        self.body.emit(ast.For(ast.Name("_", ast.Store()), rounds, inner, [ast.Expr(complaint)]), node.place)

    def for_statement(self, node: tree.ForEach) -> None:
        """for each: over what the variable has at 0, 1, 2 ..."""
        target, source = self.bound(node.target), self.bound(node.source)
        if target.write is None:
            self.diagnostics.error(f"{node.target.text} cannot be assigned", node.target.place, "read-only")
            raise Reported
        item = self.body.temporary()
        values = call(self.namespace.bind(source.values, f"values_of_{source.reference.variable}"), name("run"))
        with self.body.nested() as inner:
            self.write(target, name(item), node.place, replace=True)
            self.statements(node.body)
        self.body.emit(ast.For(ast.Name(item, ast.Store()), values, inner, []), node.place)

    # switch

    def switch_statement(self, node: tree.Switch) -> None:
        """A chain of tests; where a case falls through into the next, a row of steps entered at the one that fits."""
        subject = self.body.temporary()
        self.body.emit(assign(subject, self.value(node.subject)), node.place)
        groups = self.groups(node.cases)
        through = any(body and not ends(body) for _, body in groups[:-1])
        if through or any(breaks_inside(body) for _, body in groups):
            self.stepped(groups, subject, node.place)
        else:
            self.chained_tests(groups, subject, node.place)

    def groups(self, cases: list[tree.Case]) -> list[tuple[list[tree.Case], list[tree.Statement]]]:
        """Cases without statements joined with the one they fall into."""
        found: list[tuple[list[tree.Case], list[tree.Statement]]] = []
        waiting: list[tree.Case] = []
        for case in cases:
            waiting.append(case)
            if case.body:
                found.append((waiting, case.body))
                waiting = []
        return [*found, (waiting, [])] if waiting else found

    def test(self, cases: list[tree.Case], subject: str) -> ast.expr | None:
        """Whether one of *cases* fits; None for default."""
        tests: list[ast.expr] = []
        for case in cases:
            if case.value is None:
                return None
            tests.append(self.fits(case.value, subject))
        return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)

    def fits(self, value: tree.Expression, subject: str) -> ast.expr:
        """subject == value."""
        if isinstance(value, tree.Number):
            return compared(name(subject), ast.Eq(), constant(value.value))
        if isinstance(value, tree.String):
            function, given = operators.equals_text, constant(value.value.lower())
            return call(self.namespace.bind(function, "equals_text"), name(subject), given)
        return call(self.namespace.bind(operators.equal, "equal"), name(subject), self.value(value))

    def chained_tests(self, groups: list[tuple[list[tree.Case], list[tree.Statement]]], subject: str,
                      place: Place) -> None:
        """if, elif ..., else for default wherever it stands."""
        otherwise: list[ast.stmt] = []
        tested: list[tuple[ast.expr, list[ast.stmt], Place]] = []
        for cases, body in groups:
            kept = body[:-1] if body and isinstance(body[-1], tree.Break) else body
            test, block = self.test(cases, subject), self.block(kept)
            if test is None:
                otherwise = block
            else:
                tested.append((test, block, cases[0].place))
        for test, block, _ in reversed(tested):
            otherwise = [ast.If(test, block, otherwise)]
        for each in otherwise:
            self.body.emit(each, place)

    def stepped(self, groups: list[tuple[list[tree.Case], list[tree.Statement]]], subject: str, place: Place) -> None:
        """One round of a loop, so that `break` leaves it; every step from the one that fits on runs."""
        entry = self.body.temporary()
        default = next((index for index, (cases, _) in enumerate(groups)
                        if any(case.value is None for case in cases)), len(groups))
        choice: ast.expr = constant(default)
        for index in reversed(range(len(groups))):
            if index != default:
                choice = ast.IfExp(self.test(groups[index][0], subject) or constant(True), constant(index), choice)
        with self.body.nested() as inner:
            self.body.emit(assign(entry, choice), place)
            for index, (_, body) in enumerate(groups):
                reached = compared(name(entry), ast.LtE(), constant(index))
                self.body.emit(ast.If(reached, self.block(body), []), place)
        once = ast.Tuple([constant(0)], ast.Load())
        self.body.emit(ast.For(ast.Name("_", ast.Store()), once, inner, []), place)

    # Ways out, and calls that wait

    def return_statement(self, node: tree.Return) -> None:
        """return: the code, and values for $return."""
        if not node.values:
            self.body.emit(ast.Return(constant(1)), node.place)
            return
        code, *values = node.values
        if values:
            given = ast.Tuple([self.argument_value(each) for each in values], ast.Load())
            self.body.emit(ast.Expr(call(self.namespace.bind(runtime.set_returned, "set_returned"), name("run"),
                                         given)), node.place)
        if isinstance(code, tree.Number):
            self.body.emit(ast.Return(constant(code.value)), node.place)
            return
        found = call(self.namespace.bind(runtime.code_of, "code_of"), self.value(code))
        self.body.emit(ast.Return(found), node.place)

    def assert_statement(self, node: tree.Assert) -> None:
        """assert(), where enable_asserts is set."""
        test = self.condition(node.condition)
        if not self.context.asserts:
            return
        text = node.message.value if node.message else "the condition does not hold"
        error_route = name("error_route") if "error_route" in self.context.kinds else constant(None)
        failed = call(self.namespace.bind(runtime.assertion_failed, "assertion_failed"), name("run"), constant(text),
                      constant(f"{node.place.file}:{node.place.line}"), error_route,
                      constant(self.context.abort_on_assert))
        self.body.emit(ast.If(negated(test), [ast.Return(failed)], []), node.place)

    def async_statement(self, node: tree.Async) -> None:
        """async(): the script goes on in the other route, and ends here."""
        found, invocation = self.invocation(node.call)
        self.park(node.place)
        result = self.body.temporary()
        if node.timeout is not None and isinstance(invocation, ast.Call):
            given = ast.Tuple(invocation.args, ast.Load())
            invocation = call(self.namespace.bind(runtime.within, "within"), self.value(node.timeout),
                              invocation.func, given)
        self.guarded(assign(result, invocation), node.call.name, node.place, result)
        self.body.emit(assign("run.rc", self.as_code(found, result)), node.place)
        self.body.emit(assign("run.parameters", ast.List([], ast.Load())), node.place)
        self.body.emit(ast.Expr(self.route_invocation(node.route)), node.place)
        self.body.emit(ast.Return(constant(0)), node.place)

    def launch_statement(self, node: tree.Launch) -> None:
        """launch(): beside the run, with an optional route for the result."""
        _, invocation = self.invocation(node.call)
        assert isinstance(invocation, ast.Call)
        report: ast.expr = constant(None)
        if node.route is not None:
            reported = self.route_invocation(node.route)
            report = reported.func if isinstance(reported, ast.Call) else report
        parameter = constant(None) if node.parameter is None else self.argument_value(node.parameter)
        prepared = ast.Lambda(RUN_ARGUMENT, ast.Tuple([invocation.func, *invocation.args], ast.Load()))
        self.body.emit(ast.Expr(call(self.namespace.bind(runtime.launch, "launch"), name("run"), prepared, report,
                                     parameter)), node.place)

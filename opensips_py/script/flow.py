"""Compiling statements: assignments, branches, loops, and the ways out of a route."""
from __future__ import annotations

import ast

from opensips_py.script import operators, runtime, tree
from opensips_py.script.binding import Bound
from opensips_py.script.diagnostics import Place
from opensips_py.script.generate import assign, at, call, compared, constant, name, negated, parsed
from opensips_py.script.leaving import LeavingCompiler
from opensips_py.script.typed import LIST
from opensips_py.script.values import Reported

WAYS_OUT = (tree.Return, tree.Exit, tree.Drop, tree.Break)
Group = tuple[list[tree.Case], list[tree.Statement]]


def ends(body: list[tree.Statement]) -> bool:
    """Whether *body* never reaches its end."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, tree.If):
        return ends(last.body) and ends(last.otherwise)
    return ends(last.body) if isinstance(last, tree.Block) else isinstance(last, (*WAYS_OUT, tree.Async))


def breaks_inside(body: list[tree.Statement]) -> bool:
    """Whether a `break` in *body*, other than at its end, leaves what surrounds it."""
    return any(isinstance(each, tree.Break) for each in body[:-1]) or any(
        (isinstance(each, tree.If) and (holds_break(each.body) or holds_break(each.otherwise)))
        or (isinstance(each, tree.Block) and holds_break(each.body)) for each in body)


def holds_break(body: list[tree.Statement]) -> bool:
    """Whether a `break` anywhere in *body* leaves what surrounds it."""
    return any(isinstance(each, tree.Break) for each in body) or breaks_inside(body)


class StatementCompiler(LeavingCompiler):
    """Statements as Python statements."""

    final = False  # whether the statement to be compiled is the last one of its route
    last = False  # ... of a branch of an if
    breakable = 0  # loops and cases around it

    def block(self, statements: list[tree.Statement], *, final: bool = False, branch: bool = False) -> list[ast.stmt]:
        """Statements as a block of their own; *final*: the route ends with it."""
        with self.body.nested() as inner, self.locals.block(ends=ends(statements)):
            self.statements(statements, final=final, branch=branch)
        return inner or [ast.Pass()]

    def statements(self, statements: list[tree.Statement], *, final: bool = False, branch: bool = False) -> None:
        """Statements one after the other; one that cannot be compiled is left out, its error is known."""
        for index, each in enumerate(statements):
            self.final = final and index == len(statements) - 1
            self.last = branch and index == len(statements) - 1
            try:
                self.statement(each)
            except Reported:
                continue

    def statement(self, node: tree.Statement) -> None:
        final, self.final = self.final, False
        last, self.last = self.last, False
        match node:
            case tree.Local():
                self.local_statement(node)
            case tree.Block(body=inside):
                self.inner_block(inside, final, branch=last)
            case tree.Assign():
                self.assignment(node, final)
            case tree.Do(call=inner):
                self.do(inner, final)
            case tree.If():
                self.if_statement(node, final, last=last)
            case tree.While():
                self.while_statement(node)
            case tree.ForEach():
                self.for_statement(node)
            case tree.Switch():
                self.switch_statement(node, final)
            case tree.Return():
                self.return_statement(node)
            case tree.Exit():
                self.body.emit(ast.Return(constant(0)), node.place)
            case tree.Drop():
                self.body.emit(assign("run.dropped", constant(True)), node.place)
                self.body.emit(ast.Return(constant(0)), node.place)
            case tree.Break():
                self.break_statement(node)
            case tree.Assert():
                self.assert_statement(node)
            case tree.Async():
                self.async_statement(node)
            case tree.Launch():
                self.launch_statement(node)

    def do(self, node: tree.Call | tree.RouteCall, final: bool) -> None:
        """A call as a statement; a route that ends with one returns its code."""
        if final:
            code = self.code(node) if isinstance(node, tree.Call) else self.route_call(node)
            self.body.emit(ast.Return(code), node.place)
        elif isinstance(node, tree.Call):
            self.call_statement(node)
        else:
            self.route_call(node)

    def inner_block(self, statements: list[tree.Statement], final: bool, *, branch: bool) -> None:
        """A block by itself."""
        with self.locals.block(ends=ends(statements)):
            self.statements(statements, final=final, branch=branch)
        self.locals.join(self.locals.after)

    def attempt(self, node: tree.Expression) -> ast.expr:
        """A condition; one that is wrong counts as true, so that what depends on it is looked at, too."""
        try:
            return self.condition(node)
        except Reported:
            return constant(True)

    # Assignments

    def assignment(self, node: tree.Assign, final: bool) -> None:
        local = self.local(node.target)
        if local is not None:
            self.assign_local(local, node)
            self.body.emit(ast.Return(constant(1)), node.place) if final else self.keep_code(constant(1), node.place)
            return
        bound = self.bound(node.target)
        if bound.write is None:
            self.diagnostics.error(f"{node.target.text} cannot be assigned", node.target.place, "read-only")
            raise Reported
        if self.type_of(node.value) == LIST:
            self.diagnostics.error(f"{node.target.text}: one value is needed, and this is a list", node.value.place,
                                   fix="put it into a local list, or assign one value of it")
            raise Reported
        value, can_fail = self.new_value(node, bound)
        if not can_fail:
            self.store(bound, value, node, final)
            return
        result = self.body.temporary()
        self.body.emit(assign(result, value), node.place)
        with self.body.nested() as stored:
            self.store(bound, name(result), node, final)
        failed: list[ast.stmt] = [ast.Expr(call(self.namespace.bind(runtime.incomputable, "incomputable"),
                                                constant(node.target.text),
                                                constant(f"{node.place.file}:{node.place.line}")))]
        if final or self.context.reads_code:
            failed.append(at(ast.Return(constant(-1)) if final else assign("run.rc", constant(-1)), node.place))
        self.body.emit(ast.If(compared(name(result), ast.Is(), constant(None)), failed, stored), node.place)

    def new_value(self, node: tree.Assign, bound: Bound) -> tuple[ast.expr, bool]:
        """The value to assign, and whether it may turn out that it cannot be computed."""
        value = self.taken(node.value)
        if node.operator not in ("=", ":=") and self.context.dialect == "2.1":
            self.diagnostics.warning(f"in OpenSIPS 2.1, '{node.operator}' only assigns what stands on its right",
                                     node.place,
                                     fix=f"write {node.target.text} = {node.target.text} {node.operator[:-1]} ...")
        if node.operator in ("=", ":=") or self.context.dialect == "2.1":
            return value, isinstance(node.value, (tree.Binary, tree.Unary))
        operation = operators.ARITHMETIC[node.operator[:-1]]
        return call(self.namespace.bind(operators.changed, "changed"),
                    self.namespace.bind(operation, operation.__name__), self.read(bound), self.value(node.value)), True

    def store(self, bound: Bound, value: ast.expr, node: tree.Assign, final: bool) -> None:
        """Write the value, and keep the code of the assignment."""
        self.write(bound, value, node.place, replace=node.operator == ":=")
        if final or self.context.reads_code:
            self.outcome(self.body.statements[-1], final, node.place)

    def outcome(self, written: ast.stmt, final: bool, place: Place) -> None:
        """The code of an assignment: 1, or -1 where the variable refused the value."""
        good, bad = (at(ast.Return(constant(code)) if final else assign("run.rc", constant(code)), place)
                     for code in (1, -1))
        if isinstance(written, ast.Try):
            written.orelse.append(good)
            written.handlers[0].body.append(bad)
        else:
            self.body.emit(good, place)

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

    def if_statement(self, node: tree.If, final: bool, *, last: bool) -> None:
        """The code is that of the branch taken; where there is none to take it is 0, or 1 as the end of a branch."""
        test = self.attempt(node.condition)
        body = self.block(node.body, final=final, branch=True) if node.body else self.code_only(1, node.place)
        after = self.locals.after if node.body else self.locals.assigned
        otherwise = self.block(node.otherwise, final=final, branch=True) if node.otherwise else \
            self.code_only(1 if last else 0, node.place)
        self.locals.join(after, self.locals.after if node.otherwise else self.locals.assigned)
        self.body.emit(ast.If(test, body or [ast.Pass()], otherwise), node.place)

    def code_only(self, code: int, place: Place) -> list[ast.stmt]:
        """A block that does nothing but leave its code in $rc."""
        with self.body.nested() as inner:
            self.keep_code(constant(code), place)
        return inner

    def while_statement(self, node: tree.While) -> None:
        """A loop with the bound of max_while_loops."""
        with self.body.nested() as inner:
            test = self.attempt(node.condition)
            self.body.emit(ast.If(negated(test), [ast.Break()], []), node.place)
            self.loop_body(node.body)
        rounds = call(name("range"), constant(self.context.max_loops))
        complaint = call(self.namespace.bind(runtime.too_many_loops, "too_many_loops"),
                         constant(self.context.max_loops), constant(f"{node.place.file}:{node.place.line}"))
        self.body.emit(ast.For(ast.Name("_", ast.Store()), rounds, inner, [ast.Expr(complaint)]), node.place)
        self.keep_code(constant(1), node.place)

    def loop_body(self, statements: list[tree.Statement]) -> None:
        """Statements that a `break` leaves."""
        self.breakable += 1
        with self.locals.block(ends=True):
            self.statements(statements)
        self.breakable -= 1

    def for_statement(self, node: tree.ForEach) -> None:
        """for each: over what the variable has at 0, 1, 2 ..."""
        values = self.values_of(node.source)
        item = self.body.temporary()
        with self.body.nested() as inner, self.locals.block(ends=True):
            local = self.loop_local(node, item)
            if local is None:
                target = self.bound(node.target)
                if target.write is None:
                    self.diagnostics.error(f"{node.target.text} cannot be assigned", node.target.place, "read-only")
                    raise Reported
                self.write(target, name(item), node.place)
            self.loop_body(node.body)
        self.keep_code(constant(1), node.place)
        self.body.emit(ast.For(ast.Name(item, ast.Store()), values, inner, []), node.place)

    def break_statement(self, node: tree.Break) -> None:
        if not self.breakable:
            self.diagnostics.error("'break' stands outside of a switch or a loop", node.place,
                                   fix="write return to leave a route")
            raise Reported
        self.body.emit(ast.Break(), node.place)

    # switch

    def switch_statement(self, node: tree.Switch, final: bool) -> None:
        """A chain of tests; where a case falls through into the next, a row of steps entered at the one that fits."""
        subject = self.body.temporary()
        self.body.emit(assign(subject, self.value(node.subject)), node.place)
        self.keep_code(constant(1), node.place)
        groups = self.groups(node.cases)
        through = any(body and not ends(body) for _, body in groups[:-1])
        self.breakable += 1
        if through or any(breaks_inside(body) for _, body in groups):
            self.stepped(groups, subject, node.place, final)
        else:
            self.chained_tests(groups, subject, node.place, final)
        self.breakable -= 1

    def groups(self, cases: list[tree.Case]) -> list[Group]:
        """Cases without statements joined with the one they fall into."""
        found: list[Group] = []
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
        try:
            return call(self.namespace.bind(operators.equal, "equal"), name(subject), self.value(value))
        except Reported:
            return constant(False)  # go on, to find what is wrong in the other cases

    def chained_tests(self, groups: list[Group], subject: str, place: Place, final: bool) -> None:
        """if, elif ..., else for default wherever it stands."""
        otherwise: list[ast.stmt] = []
        tested: list[tuple[ast.expr, list[ast.stmt]]] = []
        ways: list[set[str] | None] = []
        for cases, body in groups:
            kept = body[:-1] if body and isinstance(body[-1], tree.Break) else body
            test, block = self.test(cases, subject), self.block(kept, final=final)
            ways.append(self.locals.after)
            if test is None:
                otherwise = block
            else:
                tested.append((test, block))
        for test, block in reversed(tested):
            otherwise = [ast.If(test, block, otherwise)]
        if any(case.value is None for cases, _ in groups for case in cases):
            self.locals.join(*ways)
        for each in otherwise:
            self.body.emit(each, place)

    def stepped(self, groups: list[Group], subject: str, place: Place, final: bool) -> None:
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
                alone = index == default and self.context.dialect == "2.1"  # there, no case falls through into default
                reached = compared(name(entry), ast.Eq() if alone else ast.LtE(), constant(index))
                self.body.emit(ast.If(reached, self.step(body, final, last=index == len(groups) - 1), []), place)
        once = ast.Tuple([constant(0)], ast.Load())
        self.body.emit(ast.For(ast.Name("_", ast.Store()), once, inner, []), place)

    def step(self, body: list[tree.Statement], final: bool, *, last: bool) -> list[ast.stmt]:
        """The statements of one case; a route may end with them where they do not fall through."""
        if not (body and isinstance(body[-1], tree.Break)):
            return self.block(body, final=final and last)
        with self.body.nested() as inner, self.locals.block(ends=True):
            self.statements(body[:-1], final=final)
            self.statements(body[-1:])
        return inner

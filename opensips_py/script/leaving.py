"""Compiling the ways out of a route, and calls that go on elsewhere: return, assert, async, launch."""
from __future__ import annotations

import ast

from opensips_py.module import returned
from opensips_py.script import runtime, tree
from opensips_py.script.generate import assign, call, constant, name, negated
from opensips_py.script.local_statements import LocalCompiler
from opensips_py.script.typed import INT

RUN_ARGUMENT = ast.arguments([], [ast.arg("run")], None, [], [], None, [])


class LeavingCompiler(LocalCompiler):
    """Statements behind which a route does not go on, or something else does."""

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
        if isinstance(code, tree.Number) and (code.value or not self.context.uses_values):
            self.body.emit(ast.Return(constant(code.value)), node.place)
        elif self.context.uses_values:
            found = call(self.namespace.bind(returned.returned, "returned"), self.exact(code))
            self.body.emit(ast.Return(found), node.place)
        else:
            self.body.emit(ast.Return(call(self.namespace.bind(returned.code_of, "code_of"), self.value(code))),
                           node.place)

    def assert_statement(self, node: tree.Assert) -> None:
        """assert(), where enable_asserts is set."""
        with self.body.nested():
            test = self.condition(node.condition)  # what is wrong with it is wrong in either case
        if not self.context.asserts:
            return
        test = self.condition(node.condition)
        text = node.message.value if node.message else "the condition does not hold"
        error_route = name(self.context.error_route) if self.context.error_route else constant(None)
        failed = call(self.namespace.bind(runtime.assertion_failed, "assertion_failed"), name("run"), constant(text),
                      constant(f"{node.place.file}:{node.place.line}"), error_route,
                      constant(self.context.abort_on_assert))
        self.body.emit(ast.If(negated(test), [ast.Return(failed)], []), node.place)

    def async_statement(self, node: tree.Async) -> None:
        """async(): the script goes on in the other route, and ends here."""
        found, invocation = self.invocation(node.call)
        self.refuse_written("async", node.place)
        self.park(node.place)
        result = self.body.temporary()
        if node.timeout is not None and isinstance(invocation, ast.Call):
            given = ast.Tuple(invocation.args, ast.Load())
            late = dict(found.declaration.codes).get("TIMEOUT", False)
            invocation = call(self.namespace.bind(runtime.within, "within"), self.timeout(node.timeout),
                              invocation.func, given, constant(late))
        self.body.emit(assign("run.beside", constant(True)), node.place)
        self.guarded(assign(result, invocation), node.call.name, node.place, result)
        self.body.emit(assign("run.beside", constant(False)), node.place)
        self.body.emit(assign("run.rc", self.as_code(found, result)), node.place)
        self.body.emit(assign("run.parameters", ast.List([], ast.Load())), node.place)
        self.body.emit(ast.Expr(self.route_invocation(node.route)), node.place)
        self.body.emit(ast.Return(constant(0)), node.place)

    def timeout(self, node: tree.Expression) -> ast.expr:
        """The seconds that an async() may take."""
        wrong = self.misfit(INT, node)
        if wrong is not None or (isinstance(node, tree.Number) and node.value <= 0):
            self.diagnostics.error("the timeout of async is a number of seconds from 1", node.place)
        return self.exact(node)

    def launch_statement(self, node: tree.Launch) -> None:
        """launch(): beside the run, with an optional route for the result."""
        _, invocation = self.invocation(node.call)
        self.refuse_written("launch", node.place)
        assert isinstance(invocation, ast.Call)
        report: ast.expr = constant(None)
        if node.route is not None:
            reported = self.route_invocation(node.route)
            report = reported.func if isinstance(reported, ast.Call) else report
        parameter = constant(None) if node.parameter is None else self.argument_value(node.parameter)
        prepared = ast.Lambda(RUN_ARGUMENT, ast.Tuple([invocation.func, *invocation.args], ast.Load()))
        self.body.emit(ast.Expr(call(self.namespace.bind(runtime.launch, "launch"), name("run"), prepared, report,
                                     parameter)), node.place)

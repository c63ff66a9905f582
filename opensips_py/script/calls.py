"""Compiling calls: arguments converted by their declared kinds, results to codes."""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from opensips_py.errors import ScriptError
from opensips_py.module import returned
from opensips_py.module.declare import MISSING, Argument
from opensips_py.module.kinds import (
    Bits,
    Flag,
    FormatKind,
    Integer,
    Kind,
    Regex,
    RouteName,
    Text,
    Unfit,
    Variable,
    VariableKind,
    Writable,
    shown,
)
from opensips_py.script import kept, runtime, tree
from opensips_py.script.binding import Bound
from opensips_py.script.diagnostics import Place, did_you_mean
from opensips_py.script.generate import assign, at, call, compared, constant, name, parsed
from opensips_py.script.locals import Local
from opensips_py.script.routes import TITLES
from opensips_py.script.typed import TypeCompiler, whole
from opensips_py.script.values import Context, Reported
from opensips_py.script.variables import fail, lone_dollar

if TYPE_CHECKING:
    from opensips_py.module.registry import BoundFunction
    from opensips_py.module.run import Route


# functions that take a word without quotes in 2.1
BARE_WORDS = ("set_advertised_address", "set_advertised_port", "force_send_socket")
STRICT = ("strip", "strip_tail")  # functions that take no number in quotes, not even in 2.1


class CallCompiler(TypeCompiler):
    """Calls of functions; each is a statement of its own, so that one that fails counts as false."""

    def __init__(self, context: Context, reached_from: Route) -> None:
        super().__init__(context, reached_from)
        self.written: list[Local] = []  # locals that the call at hand may assign

    def function(self, node: tree.Call) -> BoundFunction:
        """The function that is called; the checker has reported an unknown one."""
        found = self.scope.registry.functions.get(node.name)
        if found is None:
            raise Reported
        return found

    def invocation(self, node: tree.Call) -> tuple[BoundFunction, ast.expr]:
        """The plain call, without what surrounds it."""
        found = self.function(node)
        given = [name("run") if each == "run" else parsed("run.message") for each in found.declaration.inject]
        return found, at(call(self.namespace.bind(found.call, node.name), *given, *self.arguments(node, found)),
                         node.place)

    def call_result(self, node: tree.Call) -> tuple[BoundFunction, str]:
        """Call the function; its result is in the local that is named."""
        found, invocation = self.invocation(node)
        if found.declaration.waits:
            self.park(node.place)
        result = self.body.temporary()
        self.guarded(assign(result, invocation), node.name, node.place, result)
        self.take_back(node.place)
        if found.declaration.returns == "value":
            self.stop(call(self.namespace.bind(returned.is_stop, "is_stop"), name(result)), node.place)
        elif found.declaration.may_stop:
            self.stop_at_zero(result, node.place)
        return found, result

    def take_back(self, place: Place) -> None:
        """Read the locals that the function called last may have assigned."""
        for each in self.written:
            value = call(self.namespace.bind(kept.kept, "kept"), name("run"), constant(each.python))
            self.body.emit(assign(each.python, self.fitted(each.type, value, f"${each.name}", place)), place)
        self.written.clear()

    def guarded(self, statement: ast.stmt, what: str, place: Place, result: str = "") -> None:
        """*statement*, an exception of which is logged and makes *result* false."""
        complaint = call(self.namespace.bind(runtime.failed, "failed"), constant(what),
                         constant(f"{place.file}:{place.line}"))
        handler = ast.ExceptHandler(name("Exception"), None, [
            assign(result, complaint) if result else ast.Expr(complaint)])
        self.body.emit(ast.Try([at(statement, place)], [handler], [], []), place)

    def stop_at_zero(self, result: str, place: Place) -> None:
        """A result of 0 ends the script; False, which means -1, does not."""
        zero = ast.BoolOp(ast.And(), [compared(name(result), ast.Eq(), constant(0)),
                                      compared(name(result), ast.IsNot(), constant(False))])
        self.stop(zero, place)

    def stop(self, test: ast.expr, place: Place) -> None:
        """End the script where *test* holds."""
        self.body.emit(ast.If(test, [ast.Return(constant(0))], []), place)

    def keep_code(self, code: ast.expr, place: Place) -> None:
        """Store a return code where $rc finds it, if the script reads that."""
        if self.context.reads_code:
            self.body.emit(assign("run.rc", code), place)

    def as_code(self, found: BoundFunction, result: str) -> ast.expr:
        """The return code that a result stands for."""
        returns = found.declaration.returns
        if returns == "value":
            return call(self.namespace.bind(returned.code_alone, "code_alone"), name(result))
        if returns == "bool":
            return ast.IfExp(name(result), constant(1), constant(-1))
        failed = compared(name(result), ast.Is(), constant(False))
        number = ast.UnaryOp(ast.UAdd(), name(result))  # a member of an enumeration as what operators know, an integer
        return ast.IfExp(failed, constant(-1), constant(1) if returns == "none" else number)

    def call_condition(self, node: tree.Call) -> ast.expr:
        """A call as a condition: its code is positive."""
        found, result = self.call_result(node)
        self.keep_code(self.as_code(found, result), node.place)
        returns = found.declaration.returns
        if returns == "none":
            return compared(name(result), ast.Is(), constant(None))
        return name(result) if returns == "bool" else compared(name(result), ast.Gt(), constant(0))

    def code(self, node: tree.Call) -> ast.expr:
        """A call as a value: its return code."""
        found, result = self.call_result(node)
        self.keep_code(self.as_code(found, result), node.place)
        return self.as_code(found, result)

    def outcome_of(self, node: tree.Call, meaning: Callable[[Any], Any]) -> ast.expr:
        """A call as a value: its return code, or of a function written in Python what it returned, by *meaning*."""
        found, result = self.call_result(node)
        self.keep_code(self.as_code(found, result), node.place)
        if found.declaration.returns != "value":
            return self.as_code(found, result)
        return call(self.namespace.bind(meaning, meaning.__name__), name(result))

    def call_statement(self, node: tree.Call) -> None:
        """A call for its effect."""
        if self.context.reads_code or self.function(node).declaration.may_stop:
            found, result = self.call_result(node)
            self.keep_code(self.as_code(found, result), node.place)
            return
        found, invocation = self.invocation(node)
        if found.declaration.waits:
            self.park(node.place)
        self.guarded(ast.Expr(invocation), node.name, node.place)
        self.take_back(node.place)

    # Arguments

    def arguments(self, node: tree.Call, found: BoundFunction) -> Iterator[ast.expr]:
        """The arguments as the function wants them; the checker has counted them."""
        declared = found.declaration.arguments
        positional = [each for each in declared if not each.rest]
        rest = next((each for each in declared if each.rest), None)
        given = list(node.arguments)
        while given and given[-1] is None:
            given.pop()  # left out at the end: the function's own default
        least = sum(not each.optional for each in positional)
        if len(given) < least and all(isinstance(each, (tree.String, tree.Number)) for each in given):
            raise Reported  # the quote or comma that is missing may be why one of them is wrong
        if rest is None and len(given) > len(positional):
            raise Reported
        self.check_order(given, positional, node)
        wrong = False
        for index, each in enumerate(given):
            argument = positional[index] if index < len(positional) else rest
            if argument is None:
                raise Reported
            try:
                yield self.skipped(argument, node) if each is None else self.argument(each, argument, node)
            except Reported:
                wrong = True
        if wrong or len(given) < least:
            raise Reported

    def check_order(self, given: list[tree.Expression | None], declared: list[Argument], node: tree.Call) -> None:
        """Refuse a text for a number and a number for a text: two arguments that have changed places."""
        texts = [each for each, argument in zip(given, declared, strict=False) if isinstance(each, tree.String)
                 and isinstance(argument.kind.bare, Integer) and not each.value.isdigit() and "$" not in each.value]
        numbers = [each for each, argument in zip(given, declared, strict=False) if isinstance(each, tree.Number)
                   and type(argument.kind.bare) is Text]
        if len(texts) == len(numbers) == 1:
            self.diagnostics.error(f"{node.name}, arguments: the number and the text have changed places",
                                   texts[0].place, fix=f'{node.name}({", ".join(each.name for each in declared)})')
            raise Reported

    def skipped(self, argument: Argument, node: tree.Call) -> ast.expr:
        """What stands for an argument that was left out: its default, or NULL where it may be NULL."""
        if argument.default is MISSING and argument.kind.nullable:
            return constant(None)
        if argument.default is MISSING:
            self.diagnostics.error(f"{node.name} cannot do without its argument '{argument.name}'", node.place)
            raise Reported
        return self.namespace.bind(argument.default, "default")

    def argument(self, node: tree.Expression, argument: Argument, function: tree.Call) -> ast.expr:
        """One argument, converted now if it is constant, else when the route runs."""
        kind = argument.kind
        if isinstance(node, tree.Broken):
            raise Reported
        if isinstance(kind.bare, Flag) and isinstance(node, tree.Variable):
            self.wrong_argument(f"the name of a flag is a word or a number, not {node.text}", node.place, argument,
                                function)
        if kind.variable:
            return self.variable_argument(node, kind, argument, function)
        takes_words = function.name in BARE_WORDS and (self.context.dialect == "2.1" or self.context.is_guessed)
        if isinstance(node, tree.Name) and not takes_words:
            self.check_bare(node, kind)
        if isinstance(node, tree.Address) and not takes_words:
            self.check_bare(tree.Name(node.place, node.text), kind)
        if isinstance(node, (tree.Name, tree.Operand)):
            node = tree.String(node.place, node.name)
        if isinstance(node, tree.Address):
            node = tree.String(node.place, node.text)
        if isinstance(node, tree.Number):
            self.check_number(node, kind, argument, function)
        if isinstance(node, tree.String):
            self.check_quoted(node, kind, argument, function)
            if has_variables(kind.bare):
                self.check_dollars(node)
            if isinstance(kind.bare, FormatKind):
                return self.format(node, argument)
        if (wrong := self.unfit(node, kind)) is not None:
            self.wrong_argument(wrong[0], whole(node), argument, function, wrong[1])
        try:
            if kind.script and isinstance(node, (tree.String, tree.Variable, tree.Number)):
                text = node.text if isinstance(node, tree.Variable) else str(node.value)
                text = text if isinstance(node, tree.Number) else self.kept(text, node.place)
                return self.namespace.bind(kind.compile(text, self.scope), argument.name)
            if isinstance(node, tree.Number):
                return self.namespace.bind(self.constant(kind, node.value), argument.name)
            if isinstance(node, tree.String) and (kind.literal or "$" not in node.value):
                return self.namespace.bind(self.constant(kind, node.value), argument.name)
            return self.converted(node, kind, argument)
        except ValueError as error:
            message = error.v40 if isinstance(error, Unfit) and self.context.dialect == "4.0" else str(error)
            self.wrong_argument(message, node.place, argument, function)
            raise Reported from None

    def check_bare(self, node: tree.Name, kind: Kind) -> None:
        """Refuse a text without quotes; flags stand without them in 2.1, and the script may be of 2.1."""
        fix = self.diagnostics.meant(node.name) or f'put it in quotes if it is a text: "{node.name}"'
        if isinstance(kind.bare, Flag):
            if self.context.dialect == "2.1":
                return
            fix = f'write "{node.name}" with quotes'
            if self.context.is_guessed:
                self.diagnostics.warning(f"{node.name}: OpenSIPS 4.0 wants the name of a flag in quotes", node.place,
                                         fix=fix)
                return
        elif isinstance(kind.bare, Integer):
            return
        elif isinstance(kind.bare, RouteName) and node.name not in self.context.kinds.get(TITLES[kind.bare.route], ()):
            raise Reported  # the checker has complained of a route that is not there
        self.diagnostics.misread(f"'{node.name}' is no value", node.place, fix=fix)
        raise Reported

    def check_quoted(self, node: tree.String, kind: Kind, argument: Argument, function: tree.Call) -> None:
        """Refuse a number in quotes where 4.0 wants a number; 2.1 has no others, and the script may be of 2.1."""
        inner = kind.bare
        if function.name in STRICT and node.value.isdigit() and self.context.dialect == "2.1":
            self.diagnostics.error(f"{function.name}, argument '{argument.name}': a number is needed, not the text "
                                   f"{shown(node.value)}", node.place, fix=f"write {unquoted(node.value)}")
            raise Reported
        if self.context.dialect == "4.0" and isinstance(inner, Integer) and not isinstance(inner, Flag):
            if self.context.is_guessed and node.value.lstrip("-").isdigit():
                self.diagnostics.warning(f"{function.name}, argument '{argument.name}': OpenSIPS 4.0 wants a number, "
                                         f"not the text {shown(node.value)}", node.place,
                                         fix=f"write {unquoted(node.value)}")
                return
            or_else = "; or dialect=2.1 at the top, if it is a script of OpenSIPS 2.1" * self.context.is_guessed
            self.diagnostics.error(f"{function.name}, argument '{argument.name}': a number is needed, not the text "
                                   f"{shown(node.value)}", node.place, fix=f"write {unquoted(node.value)}{or_else}")
            raise Reported

    def check_number(self, node: tree.Number, kind: Kind, argument: Argument, function: tree.Call) -> None:
        """Refuse a number where a text is needed; 2.1 wants one in all arguments of the functions of modules, and what
        was written for it with numbers is taken."""
        if self.context.dialect == "4.0" and isinstance(kind.bare, Flag) and node.value >= 0:
            self.diagnostics.warning(f"{node.value}: OpenSIPS 4.0 wants the name of a flag in quotes", node.place,
                                     fix=f'write "{node.value}" with quotes')
        if self.context.dialect == "2.1" and function.name in BARE_WORDS:
            return
        is_text = kind.bare.name == "string" and not isinstance(kind.bare, (FormatKind, Flag, RouteName))
        if not is_text and (self.context.dialect == "4.0" or self.function(function).module.name == "core"):
            return
        message = f"{function.name}, argument '{argument.name}': a text is needed, not the number {node.value}"
        is_lax = self.context.is_guessed or (self.context.dialect == "2.1" and (
            not is_text or isinstance(kind.bare, Bits)))
        report = self.diagnostics.warning if is_lax else self.diagnostics.error
        report(message, node.place, fix=f'write "{node.value}" with quotes')

    def check_dollars(self, node: tree.String) -> None:
        """Refuse a dollar sign in a text with variables that begins none: OpenSIPS looks for one."""
        alone = lone_dollar(node.value)
        try:
            if alone >= 0:
                fail("the name of a variable is missing behind $", node.place.inside(1), alone,
                     "write $$ for a dollar sign")
        except ScriptError as error:
            self.report(error, node.place, quoted=True)

    def format(self, node: tree.String, argument: Argument) -> ast.expr:
        """A text that the function itself puts together, when it needs it."""
        try:
            text = tree.String(node.place, self.kept(node.value, node.place))
            return self.namespace.bind(self.scope.bind_text(self.parts(text)), argument.name)
        except ScriptError as error:
            self.report_all(error, node)

    def constant(self, kind: Kind, value: int | str) -> Any:
        """A constant as *kind* means it."""
        inner = kind.bare
        if isinstance(inner, Flag) and self.scope.registry.flag is not None:
            return self.scope.registry.flag(inner.scope, str(value))
        if isinstance(inner, RouteName):
            self.check_route(inner, str(value))
        return kind.constant(value)

    def check_route(self, kind: RouteName, wanted: str) -> None:
        """Refuse the name of a route that the script does not have."""
        names = self.context.kinds.get(TITLES[kind.route], set())
        if not self.diagnostics.is_whole:
            return
        if wanted not in names and wanted != "0":
            hint = did_you_mean(wanted, names)
            raise ValueError(f"there is no {TITLES[kind.route]}[{wanted}]" + (f", {hint}" if hint else ""))

    def wrong_argument(self, message: str, place: Place, argument: Argument, function: tree.Call,
                       fix: str = "") -> None:
        """Report an argument that its kind refuses."""
        for begins, words in ((", did you mean", "did you mean"), (": add loadmodule", "add loadmodule"),
                              (": write ", "write ")):
            message, _, hint = message.partition(begins)
            if hint:
                fix = words + hint
        self.diagnostics.error(f"{function.name}, argument '{argument.name}': {message}", place, fix=fix)
        raise Reported

    def converted(self, node: tree.Expression, kind: Kind, argument: Argument) -> ast.expr:
        """A run-time value, converted by *kind* where that changes anything."""
        value = self.text(node) if isinstance(node, tree.String) else self.exact(node)
        if isinstance(value, ast.Constant) and isinstance(value.value, (int, str)):
            return self.namespace.bind(self.constant(kind, value.value), argument.name)
        if type(kind) is Kind or (type(kind) is Text and isinstance(value, ast.JoinedStr)):
            return value
        return call(self.namespace.bind(kind.convert, f"as_{kind.name}"), value)

    def variable_argument(self, node: tree.Expression, kind: Kind, argument: Argument,
                          function: tree.Call) -> ast.expr:
        """A variable passed as such; old scripts quote it."""
        if isinstance(node, tree.String) and node.value.startswith("$"):
            node = tree.Variable(node.place.inside(1, node.place.length - 2), node.value)
        if not isinstance(node, tree.Variable):
            self.wrong_argument("a variable is needed", node.place, argument, function)
            raise Reported
        local = self.local(node)
        if local is not None and kind.writable:
            self.locals.assign(local)  # by the function, which may also leave it alone: then it is NULL
            self.written.append(local)
        bound = self.bound(node)
        self.check_variable(bound, node, kind, argument, function)
        passed = Writable if kind.writable else Variable
        return call(self.namespace.bind(passed, passed.__name__), name("run"),
                    self.namespace.bind(bound.spec, f"variable_{bound.reference.variable}"))

    def check_variable(self, bound: Bound, node: tree.Variable, kind: Kind, argument: Argument,
                       function: tree.Call) -> None:
        """Refuse a variable of the wrong class, or one that cannot be assigned."""
        inner = kind.bare
        types = inner.types if isinstance(inner, VariableKind) else ()
        if types and bound.reference.variable not in types:
            wanted = " or ".join(f"${each}(name)" for each in types)
            self.wrong_argument(f"{wanted} is needed, not {node.text}", node.place, argument, function)
        if kind.writable and bound.write is None:
            self.wrong_argument(f"{node.text} cannot be assigned", node.place, argument, function)


def has_variables(kind: Kind) -> bool:
    """Whether OpenSIPS looks for variables in a constant text of *kind*: not in patterns, nor in names."""
    return isinstance(kind, FormatKind) or (
        kind.name == "string" and not kind.script and not kind.literal and not isinstance(kind, Regex))


def unquoted(text: str) -> str:
    """What to write instead of a quoted number."""
    return f"{text} without the quotes" if text.startswith("$") or text.lstrip("-").isdigit() else "a number"

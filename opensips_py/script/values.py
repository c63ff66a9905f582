"""Compiling values: constants, variables, texts with variables, arithmetic."""
from __future__ import annotations

import ast
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NoReturn

from opensips_py.errors import ScriptError
from opensips_py.module.run import Route
from opensips_py.script import formatting, kept, operators, runtime, tree, variables
from opensips_py.script.absent import Absent
from opensips_py.script.binding import SPECIAL, Bound, Scope, chained
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.foreign import NOTHING
from opensips_py.script.generate import Body, Namespace, call, constant, name, parsed
from opensips_py.script.lexer import written_at
from opensips_py.script.locals import Local, Locals
from opensips_py.script.ready import Codes
from opensips_py.script.steps import changes

if TYPE_CHECKING:
    from opensips_py.module.declare import Dialect

OPERANDS = {"method": "$rm", "uri": "$ru", "status": "$rs", "from_uri": "$fu", "to_uri": "$tu", "src_ip": "$si",
            "src_port": "$sp", "dst_ip": "$Ri", "dst_port": "$Rp", "proto": "$proto", "msg:len": "$ml"}
METHOD = "(m.method if (m := run.message) is not None and m.is_request else None)"
INNER = (tree.Binary, tree.Unary)  # of an expression: one that is NULL has failed
PORTS = frozenset(("rp", "op", "dp"))
UNKNOWN = re.compile(r"\$(\w+) is unknown")
BARE = Route.STARTUP | Route.TIMER | Route.EVENT  # routes that run without a message


@dataclass(slots=True)
class Context:
    """What all routes of one configuration are compiled with."""

    scope: Scope
    diagnostics: Diagnostics
    dialect: Dialect
    is_guessed: bool = False  # nothing in the script says that dialect
    namespace: Namespace = field(default_factory=Namespace)
    codes: Codes = field(default_factory=Codes)
    routes: dict[str, runtime.CompiledRoute] = field(default_factory=dict)  # route[name], for calls by variable
    route_names: dict[str, str] = field(default_factory=dict)  # name of a route -> its global name
    kinds: dict[str, set[str]] = field(default_factory=dict)  # kind of route -> names there are
    error_route: str = ""  # global name of the error_route, if there is one
    reads_code: bool = True  # whether the script looks at $rc
    reads_parameters: bool = True  # ... at $param
    max_loops: int = 10000
    asserts: bool = False
    abort_on_assert: bool = False
    absent: Absent | None = None
    references: dict[str, Bound] = field(default_factory=dict)
    signatures: dict[str, tree.Route] = field(default_factory=dict)  # route[name], with its parameters
    results: dict[str, str] = field(default_factory=dict)  # types of what they return, as far as they are known
    unread: list[Local] = field(default_factory=list)  # locals that nothing reads
    uses_values: bool = False  # whether what routes return is used as a value, not only as a code


class Reported(Exception):
    """What stands here cannot be compiled; the reason is in the diagnostics."""


class ValueCompiler:
    """Values of expressions as Python expressions over `run`."""

    def __init__(self, context: Context, reached_from: Route) -> None:
        self.context, self.scope, self.namespace = context, context.scope, context.namespace
        self.diagnostics = context.diagnostics
        self.with_message = not reached_from & BARE
        self.reached_from = reached_from
        self.body = Body()
        self.locals = Locals(context.diagnostics, context.namespace, context.unread)

    def bound(self, variable: tree.Variable) -> Bound:
        """The meaning of a variable; what is wrong with it is reported."""
        text = self.kept(variable.text, variable.place)
        known = self.context.references.get(text)
        if known is not None and "cfg_" not in text:
            return known
        try:
            reference = variables.parse(text, variable.place)
            self.explained((reference,))
            bound = self.scope.bind(reference)
        except ScriptError as error:
            self.report(error, variable.place)
        if text != variable.text:
            bound = replace(bound, reference=replace(bound.reference, text=variable.text))  # as errors name it
        self.context.references[text] = bound
        return bound

    def local(self, node: tree.Expression) -> Local | None:
        """The local that *node* is; None for anything else."""
        return self.locals.plain(node.text) if isinstance(node, tree.Variable) and self.locals.any else None

    def kept(self, text: str, place: Place) -> str:
        """*text* as it can be compiled to a function of the run: locals in it are put where that finds them."""
        return self.locals.replaced(text, lambda local: self.keep(local, place)) if self.locals.any else text

    def keep(self, local: Local, place: Place) -> None:
        """Put the value of a local where functions of the run find it."""
        self.locals.read(local, place)
        keep = self.namespace.bind(kept.keep, "keep")
        wanted = ast.Expr(call(keep, name("run"), constant(local.python), name(local.python)))
        for each in reversed(self.body.statements):
            if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Call) and ast.dump(each.value.func)
                    == ast.dump(keep)):
                break
            if ast.dump(each) == ast.dump(wanted):
                return
        self.body.emit(wanted, place)

    def explained(self, parts: variables.Parts) -> None:
        """Give up where a variable is unknown for a reason that the user has been told."""
        absent, known = self.context.absent, self.scope.registry.variables
        for each in parts:
            if isinstance(each, variables.Reference) and absent is not None:
                if each.variable not in known and each.variable not in SPECIAL \
                        and self.locals.find(each.variable) is None and absent.explained("pvars", each.variable):
                    raise Reported
                self.explained((*(each.name if isinstance(each.name, tuple) else ()),
                                *((each.index,) if isinstance(each.index, variables.Reference) else ())))

    def report(self, error: ScriptError, place: Place, *, quoted: bool = False) -> NoReturn:
        """Turn the complaint about what stands at *place* into a finding; in a *quoted* text, escapes take room."""
        column = max(error.column, place.column) if error.line == place.line else place.column
        line = self.diagnostics.line(place) or ""
        if quoted:
            column = place.column + written_at(line[place.column - 1:], column - place.column - 1)
        column = min(column, max(len(line), place.column))
        length = max(1, min(place.column + place.length - column, place.length))
        fix, related = self.locals.advice(unknown.group(1)) if (unknown := UNKNOWN.match(error.message)) else ("", [])
        self.diagnostics.error(error.message, Place(place.file, place.line, column, length), fix=fix or error.hint,
                               related=related)
        raise Reported

    def read(self, bound: Bound) -> ast.expr:
        """The expression that reads a variable."""
        if bound.inline is not None and (self.with_message or ".message" not in bound.inline):
            return parsed(bound.inline)
        return call(self.namespace.bind(bound.read, f"read_{bound.reference.variable}"), name("run"))

    def value(self, node: tree.Expression) -> ast.expr:
        """Any expression as a value."""
        match node:
            case tree.Broken():
                raise Reported
            case tree.Number(value=number):
                return constant(number)
            case tree.String(value=text):
                self.locals.unreplaced(text, node.place)
                return constant(text)
            case tree.Null():
                return constant(None)
            case tree.Address(text=text):
                return constant(text)
            case tree.Variable():
                return self.variable(node)
            case tree.Operand():
                return self.operand(node)
            case tree.Transformed():
                return self.transformed(node)
            case tree.Unary():
                function = self.namespace.bind(operators.UNARY[node.operator], operators.UNARY[node.operator].__name__)
                return call(function, self.value(node.operand))
            case tree.Binary():
                return self.arithmetic(node)
            case tree.Name():
                meant = "NULL" if node.name in NOTHING else f"${node.name}"
                known = node.name in NOTHING or node.name in self.scope.registry.variables
                self.diagnostics.error(f"'{node.name}' is no value", node.place,
                                       fix=f"write {meant} instead of {node.name}" if known else
                                       self.diagnostics.meant(node.name) or
                                       f'put it in quotes if it is a text: "{node.name}"')
                raise Reported
        return self.other(node)

    def arithmetic(self, node: tree.Binary) -> ast.expr:
        """left + right and so on; of a variable that is joined to a text, a number counts as its digits."""
        for each in (node.left, node.right):
            if isinstance(each, tree.Address):
                self.diagnostics.error(f"'{node.operator}' does not go with an address", each.place,
                                       fix="addresses are compared with == and !=")
                raise Reported
        operation = operators.ARITHMETIC[node.operator]
        if node.operator == "+" and isinstance(node.right, tree.Variable):
            operation = operators.add_variable
        nested = isinstance(node.left, INNER), isinstance(node.right, INNER)
        if nested[1] or (nested[0] and node.operator == "+"):
            operation = operators.of_results(operation, *nested)
        return call(self.namespace.bind(operation, operation.__name__), self.taken(node.left), self.value(node.right))

    def taken(self, node: tree.Expression) -> ast.expr:
        """A value to be kept or added to: of a port, which is text and number at once, the text."""
        value = self.value(node)
        if isinstance(node, tree.Variable) and self.local(node) is None \
                and self.bound(node).reference.variable in PORTS and not self.bound(node).reference.steps:
            return call(self.namespace.bind(operators.as_text, "as_text"), value)
        return value

    def other(self, node: tree.Expression) -> ast.expr:
        """A call or a condition as a value; calls are compiled by the class below."""
        self.diagnostics.error("a condition is no value", node.place, fix="use if (...) to test it")
        raise Reported

    def variable(self, node: tree.Variable) -> ast.expr:
        """The value of a variable; one that waits parks the run before."""
        local = self.local(node)
        if local is not None:
            self.locals.read(local, node.place)
            return name(local.python)
        bound = self.bound(node)
        if bound.waits:
            self.park(node.place)
        return self.read(bound)

    def exact(self, node: tree.Expression) -> ast.expr:
        """A value as it is, variables in a text replaced; what calls return is known to the class below."""
        return self.text(node) if isinstance(node, tree.String) else self.value(node)

    def park(self, place: Place) -> None:
        """Prepare the run for a wait."""
        self.body.emit(ast.Expr(call(parsed("run.park"))), place)

    def operand(self, node: tree.Operand) -> ast.expr:
        """The value of a bare word of the 2.1 dialect."""
        if node.name == "af":
            return call(self.namespace.bind(runtime.family, "family"), name("run"))
        if node.name == "method":  # of a request alone, other than $rm
            return parsed(METHOD)
        if node.name not in OPERANDS:
            self.diagnostics.error(f"'{node.name}' is no value by itself", node.place,
                                   fix="compare it: uri == myself")
            raise Reported
        return self.read(self.bound(tree.Variable(node.place, OPERANDS[node.name])))

    def transformed(self, node: tree.Transformed) -> ast.expr:
        """A text with transformations behind it."""
        assert isinstance(node.operand, tree.String)
        text = node.operand.value
        try:
            reference = variables.parse(f"$(ru{node.transformations})", node.place.inside(node.place.length - 4))
            read = chained(lambda run: text, changes(reference, self.scope), self.scope.no_result)
        except ScriptError as error:
            self.report(error, node.place)
        return call(self.namespace.bind(read, "read_text"), name("run"))

    def text(self, node: tree.String) -> ast.expr:
        """A text with the variables in it replaced: a literal, one value, or an f-string."""
        try:
            pieces = [part if isinstance(part, str) else self.piece(part, node.place) for part in self.parts(node)]
        except ScriptError as error:
            self.report_all(error, node)
        for piece in pieces:
            if isinstance(piece, Bound) and piece.waits:
                self.park(node.place)
        return self.joined(pieces)

    def report_all(self, first: ScriptError, node: tree.String) -> NoReturn:
        """Report every variable of a text that is wrong, of which *first* is known."""
        try:
            parts = formatting.parse(node.value, node.place.inside(1))
        except ScriptError:
            self.report(first, node.place, quoted=True)
        for part in parts:
            try:
                if not isinstance(part, str):
                    self.piece(part, node.place)
            except ScriptError as error:
                with suppress(Reported):
                    self.report(error, node.place, quoted=True)
        self.report(first, node.place, quoted=True)

    def piece(self, part: variables.Reference, place: Place) -> Bound | ast.expr:
        """A variable in a text: its meaning, or the local that it is."""
        local = self.locals.plain(part.text) if self.locals.any else None
        if local is not None:
            self.locals.read(local, place)
            if local.type == "list":
                return call(self.namespace.bind(formatting.shown, "shown"), name(local.python))
            return name(local.python)
        text = self.kept(part.text, place)
        return self.scope.bind(part if text == part.text else variables.parse(text, part.place))

    def parts(self, node: tree.String) -> variables.Parts:
        """The literal pieces and variables of a text."""
        parts = formatting.parse(node.value, node.place.inside(1))
        self.explained(parts)
        return parts

    def joined(self, pieces: list[str | Bound | ast.expr]) -> ast.expr:
        """Literal pieces and variables as one text; a variable alone keeps its type."""
        if len(pieces) == 1 and not isinstance(pieces[0], str):
            return self.reading(pieces[0])
        if all(isinstance(piece, str) for piece in pieces):
            return constant("".join(str(piece) for piece in pieces))
        shown = self.namespace.bind(formatting.shown, "shown")
        return ast.JoinedStr([constant(piece) if isinstance(piece, str) else
                              ast.FormattedValue(call(shown, self.reading(piece)), -1, None) for piece in pieces])

    def reading(self, piece: Bound | ast.expr) -> ast.expr:
        """The expression that reads a variable in a text."""
        return self.read(piece) if isinstance(piece, Bound) else piece

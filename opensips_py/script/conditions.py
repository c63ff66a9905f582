"""Compiling conditions: comparisons by what is known of both sides, and, or, not."""
from __future__ import annotations

import ast
import re

from opensips_py.script import operators, runtime, tree
from opensips_py.script.diagnostics import Place
from opensips_py.script.generate import assign, call, compared, constant, name, negated
from opensips_py.script.route_calls import RouteCallCompiler
from opensips_py.script.routes import called
from opensips_py.script.typed import STR
from opensips_py.script.values import Reported

MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
# Operands of 2.1, what they are compared with without quotes, and what to say of anything else
BARE = (
    (("src_ip", "dst_ip"), re.compile(r"(?![\d.]+$).*"), "write an address such as 10.0.0.1 or 10.0.0.0/8"),
    (("src_port", "dst_port"), re.compile(r"\d+"), "write a number"),
    (("proto",), re.compile("udp|tcp|tls|sctp|ws|wss|any", re.IGNORECASE), "it is one of UDP, TCP, TLS, SCTP, WS, WSS"),
    (("af",), re.compile("inet6?", re.IGNORECASE), "it is one of INET, INET6"),
)
CONSTANTS = (tree.Number, tree.String, tree.Null, tree.Address, tree.Name)


def is_myself(node: tree.Expression) -> bool:
    """Whether *node* is the word myself."""
    return isinstance(node, tree.Operand) and node.name == "myself"


class ConditionCompiler(RouteCallCompiler):
    """Conditions as Python expressions that are true or false."""

    def condition(self, node: tree.Expression) -> ast.expr:
        """Any expression as a condition."""
        match node:
            case tree.Logical():
                return self.logical(node)
            case tree.Not():
                return negated(self.condition(node.operand))
            case tree.Comparison():
                return self.comparison(node)
            case tree.Call():
                return self.call_condition(node)
            case tree.RouteCall():
                if called(node.route) in self.context.signatures and self.type_of(node) == STR:
                    self.diagnostics.warning("this route returns a text, which counts as false", node.place,
                                             fix='compare it: route(...) == "text"')
                return compared(self.route_call(node), ast.Gt(), constant(0))
        return self.value(node)

    def other(self, node: tree.Expression) -> ast.expr:
        """A comparison as a value is 1 or 0; of a text with a number, which fails, NULL, and in 2.1 -1."""
        if isinstance(node, tree.Comparison) and isinstance(node.right, tree.Number):
            failed = constant(-1 if self.context.dialect == "2.1" else None)
            return self.helper(operators.compared, self.value(node.left), self.comparison(node), failed)
        if isinstance(node, tree.Comparison):
            return ast.IfExp(self.comparison(node), constant(1), constant(0))
        return super().other(node)

    def logical(self, node: tree.Logical) -> ast.expr:
        """and, or; the right side runs only if it decides."""
        left = self.condition(node.left)
        with self.body.nested() as inner:
            right = self.condition(node.right)
        if not inner:
            return ast.BoolOp(ast.And() if node.operator == "and" else ast.Or(), [left, right])
        result = self.body.temporary()
        self.body.emit(assign(result, left), node.place)
        decides = name(result) if node.operator == "and" else negated(name(result))
        inner.append(assign(result, right))
        self.body.emit(ast.If(decides, inner, []), node.place)
        return name(result)

    def comparison(self, node: tree.Comparison) -> ast.expr:
        """One comparison, its constant side to the right."""
        left, operator, right = node.left, node.operator, node.right
        if (isinstance(left, CONSTANTS) or is_myself(left)) and operator in MIRRORED:
            left, operator, right = right, MIRRORED[operator], left
        self.check_comparison(left, right, node.place)
        if isinstance(left, CONSTANTS) and isinstance(right, CONSTANTS):
            self.diagnostics.warning("both sides of the comparison are constants", node.place)
        if is_myself(right):
            return self.myself(left, operator, node.place)
        match right:
            case tree.Null() if operator in operators.NULL_COMPARISONS:
                return compared(self.value(left), ast.Is() if operator == "==" else ast.IsNot(), constant(None))
            case tree.Number(value=number) if operator in operators.NUMBER_COMPARISONS:
                return self.with_number(left, operator, number)
            case tree.String(value=text) if operator in operators.PATTERN_COMPARISONS:
                return self.pattern(left, operator, text, right.place)
            case tree.String(value=text) if operator in operators.TEXT_COMPARISONS:
                return self.with_text(left, operator, text)
            case tree.Address() if operator in ("==", "!="):
                return self.network(left, operator, right)
            case tree.Name() if isinstance(left, tree.Operand) and operator in ("==", "!="):
                return self.bare_word(left, operator, right)
            case tree.Name(name=word) if word.isupper() and operator in ("==", "!=") and self.context.dialect == "2.1":
                return self.with_text(left, operator, word)
            case tree.Null() | tree.Number() | tree.Address():
                self.diagnostics.error(f"'{operator}' does not go with this", right.place,
                                       fix="NULL and addresses are compared with == and !=")
                raise Reported
        comparison = operators.BY_DIALECT[self.context.dialect].values[operator]
        return self.helper(comparison, self.value(left), self.value(right))

    def helper(self, function: object, *arguments: ast.expr) -> ast.expr:
        """A call of one of the operators' functions."""
        return call(self.namespace.bind(function, getattr(function, "__name__", "compare")), *arguments)

    def with_number(self, left: tree.Expression, operator: str, number: int) -> ast.expr:
        """value == 5: equality with a number needs no function."""
        value = self.value(left)
        if operator == "==":
            return compared(value, ast.Eq(), constant(number))
        return self.helper(operators.NUMBER_COMPARISONS[operator], value, constant(number))

    def with_text(self, left: tree.Expression, operator: str, text: str) -> ast.expr:
        """value == "text", without regard to case."""
        value = self.value(left)
        if isinstance(left, tree.Operand) and left.name == "method" and text.isupper() and operator == "!=":
            return compared(value, ast.NotEq(), constant(text))
        if text.isdigit() and isinstance(left, tree.Operand) and left.name in ("src_port", "dst_port"):
            return self.with_number(left, operator, int(text))
        function = operators.BY_DIALECT[self.context.dialect].texts[operator]
        if text == text.lower():
            return self.helper(function, value, constant(text.lower()))
        # as it stands in the script it comes, nearly always: that needs no function
        result = self.body.temporary()
        same: ast.cmpop = ast.Eq()
        joined: ast.boolop = ast.Or()
        if operator == "!=":
            same, joined = ast.NotEq(), ast.And()
        exact = compared(ast.NamedExpr(ast.Name(result, ast.Store()), value), same, constant(text))
        return ast.BoolOp(joined, [exact, self.helper(function, name(result), constant(text.lower()))])

    def pattern(self, left: tree.Expression, operator: str, text: str, place: Place) -> ast.expr:
        """value =~ "expression", compiled now."""
        try:
            pattern = operators.constant_expression(text)
        except ValueError as error:
            self.diagnostics.error(f"wrong regular expression: {error}", place, fix=expression_hint(str(error)))
            raise Reported from None
        return self.helper(operators.BY_DIALECT[self.context.dialect].patterns[operator], self.value(left),
                           self.namespace.bind(pattern, "pattern"))

    def network(self, left: tree.Expression, operator: str, right: tree.Address) -> ast.expr:
        """address == 10.0.0.0/8."""
        try:
            wanted = operators.network(right.text)
        except ValueError:
            self.diagnostics.error(f"{right.text} is no network", right.place, fix=network_hint(right.text))
            raise Reported from None
        held = self.helper(operators.in_network, self.value(left), self.namespace.bind(wanted, "network"))
        return held if operator == "==" else negated(held)

    def myself(self, left: tree.Expression, operator: str, place: Place) -> ast.expr:
        """value == myself."""
        if operator not in ("==", "!="):
            self.diagnostics.error(f"'{operator}' does not go with myself", place, fix="write == myself")
            raise Reported
        own = self.helper(runtime.is_own, name("run"), self.value(left))
        return own if operator == "==" else negated(own)

    def bare_word(self, left: tree.Operand, operator: str, right: tree.Name) -> ast.expr:
        """method == INVITE, proto == UDP, src_ip == host.name."""
        wanted = next((words for names, pattern, words in BARE
                       if left.name in names and not pattern.fullmatch(right.name)), "")
        if wanted:
            self.diagnostics.error(f"'{right.name}' is no value of {left.name}", right.place, fix=wanted)
            raise Reported
        if left.name in ("src_ip", "dst_ip"):
            found = self.helper(runtime.is_host, name("run"), self.value(left), constant(right.name))
            return found if operator == "==" else negated(found)
        return self.with_text(left, operator, right.name)


def network_hint(text: str) -> str:
    """What to write for a network whose mask is none."""
    address, _, mask = text.partition("/")
    most = 128 if ":" in address else 32
    return f"a mask is a number from 0 to {most}: write {address}/{most} for the one address" if mask.isdigit() else ""


def expression_hint(error: str) -> str:
    """What to write where the C library refuses an expression; empty where it is not clear."""
    for words, hint in HINTS.items():
        if error.startswith(words):
            return hint
    return ""


HINTS = {
    "Unmatched (": "close it with ), or write [(] for the character itself",
    "Unmatched )": "write [)] for the character itself",
    "Unmatched [": "close it with ], or write \\\\[ for the character itself",
    "Unmatched \\{": "close it with }, or write [{] for the character itself",
    "Invalid preceding": "something to repeat stands before * + ? and {}; write [*] for the character itself",
    "Invalid content": "write {least,most}, the smaller number first",
    "Invalid range end": "the end of a range comes after its beginning: [a-z]; a - of its own stands first or last",
    "Trailing backslash": "write two backslashes for one of its own",
}

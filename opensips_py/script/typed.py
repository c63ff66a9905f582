"""Static types of locals and of what is put into them: int, str and list; any for what only the run knows."""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from opensips_py.module.kinds import Integer, Kind, Regex, Text
from opensips_py.script import kept, tree
from opensips_py.script.diagnostics import Place
from opensips_py.script.generate import call, constant
from opensips_py.script.routes import called
from opensips_py.script.values import ValueCompiler
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import BoundFunction

ANY, INT, STR, LIST, NULL = "any", "int", "str", "list", "null"
TITLES = {INT: "a number", STR: "a text", LIST: "a list", NULL: "NULL"}
DECLARED = {INT: "an int", STR: "a str", LIST: "a list"}
Types = dict[str, str]
ALONE = re.compile(r"\$(?:[\w.]+(?:\([^()]*\))?|\(.*\))", re.DOTALL)  # what may be no more than one variable


def merged(types: set[str]) -> str:
    """The type of a value that is of one of *types*."""
    types = types - {NULL}
    return types.pop() if len(types) == 1 else ANY


def of_sum(left: str, right: str) -> str:
    """The type of left + right."""
    return left if left in (INT, STR) and right in (left, ANY, NULL) else ANY


def written_bits(node: tree.Expression) -> str:
    """486|408 as it was written; nothing for any other expression."""
    if isinstance(node, tree.Binary) and node.operator == "|" and isinstance(node.right, tree.Number):
        left = str(node.left.value) if isinstance(node.left, tree.Number) else written_bits(node.left)
        return f"{left}|{node.right.value}" if left else ""
    return ""


def whole(node: tree.Expression) -> Place:
    """Where all of *node* stands, of operators with what they join."""
    if isinstance(node, tree.Binary):
        left, right = whole(node.left), whole(node.right)
        if left.line == right.line:
            return left.inside(0, right.column + right.length - left.column)
    return node.place


def always_returns(body: list[tree.Statement]) -> bool:
    """Whether *body* never reaches its end."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, tree.If):
        return always_returns(last.body) and always_returns(last.otherwise)
    if isinstance(last, tree.Block):
        return always_returns(last.body)
    if isinstance(last, tree.Switch):
        return any(each.value is None for each in last.cases) and all(
            always_returns(each.body) for each in last.cases if each.body or each is last.cases[-1])
    return isinstance(last, (tree.Return, tree.Exit, tree.Drop, tree.Async))


class TypeCompiler(ValueCompiler):
    """What is known of values before the run."""

    def type_of(self, node: tree.Expression) -> str:
        """The type of *node*."""
        local = self.local(node)
        if local is not None:
            return local.type or ANY
        return self.static(node, {})

    def static(self, node: tree.Expression, names: Types) -> str:
        """The type of *node*, where *names* are the locals that it may name."""
        match node:
            case tree.Number() | tree.Comparison():
                return INT
            case tree.String(value=text):
                return ANY if ALONE.fullmatch(text) else STR  # a variable alone keeps its type
            case tree.Address():
                return STR
            case tree.Null():
                return NULL
            case tree.Variable(text=text):
                local = self.locals.plain(text) if self.locals.any else None
                return names.get(text[1:], ANY) if names else (local.type or ANY) if local else ANY
            case tree.Unary(operand=operand):
                return INT if self.static(operand, names) == INT else ANY
            case tree.Binary(operator="+", left=left, right=right):
                return of_sum(self.static(left, names), self.static(right, names))
            case tree.Binary(left=left):
                return INT if self.static(left, names) == INT else ANY
            case tree.RouteCall(route=route):
                return self.result_of(called(route))
            case tree.Call(name=name):
                return self.result_of_function(name)
        return ANY

    def result_of_function(self, name: str) -> str:
        """What a function returns: a code, or what its annotation says where it is written in Python."""
        found: BoundFunction | None = self.scope.registry.functions.get(name)
        if found is None:
            return ANY
        results: Types = getattr(found.module, "results", {})
        return results.get(name, ANY) if found.declaration.returns == "value" else INT

    def result_of(self, wanted: str | None) -> str:
        """What a route returns; any, where that differs from one way to the next."""
        route = self.context.signatures.get(wanted or "")
        if route is None:
            return self.result_of_function(wanted or "")
        results = self.context.results
        if route.name not in results:
            results[route.name] = ANY  # it may call itself
            results[route.name] = merged({*self.returned_types(route)})
        return results[route.name]

    def returned_types(self, route: tree.Route) -> Iterator[str]:
        """The types of all that *route* may return."""
        names: Types = {each.name: each.type or ANY for each in route.parameters if each.is_local}
        for node in nodes(route):
            if isinstance(node, tree.Local):
                known, name = node.type or ANY, node.target.text[1:]
                names[name] = known if names.get(name, known) == known else ANY
        for node in nodes(route):
            if isinstance(node, tree.Return):
                yield self.static(node.values[0], names or {"": ANY}) if node.values else INT
        if not always_returns(route.body):
            yield INT

    # Checks

    def misfit(self, wanted: str, node: tree.Expression) -> tuple[str, str] | None:
        """Why *node* cannot be put into what is declared as *wanted*, and what to write; None where it can."""
        found = self.type_of(node)
        if wanted not in DECLARED or found in (wanted, ANY, NULL):
            return None
        reason = f"{DECLARED[wanted]} is needed, and this is {TITLES[found]}"
        if isinstance(node, tree.Number):
            return reason, f'write "{node.value}"' if wanted == STR else ""
        if isinstance(node, tree.String) and wanted == INT:
            return reason, f"write {node.value} without the quotes" if node.value.lstrip("-").isdigit() else ""
        if isinstance(node, tree.Variable):
            name = node.text.strip("$() ")
            fixes = {(INT, STR): f"write $({name}{{s.int}})", (STR, INT): f'write "${name}"',
                     (STR, LIST): f'write "${name}" for its values with commas between them',
                     (INT, LIST): f"write $({name}[0])"}
            return reason, fixes.get((wanted, found), "")
        return reason, ""

    def unfit(self, node: tree.Expression, kind: Kind) -> tuple[str, str] | None:
        """Why a typed value cannot be an argument of *kind*, and what to write; None where it can."""
        if not isinstance(node, (tree.Variable, tree.Binary, tree.RouteCall, tree.Call)):
            return None
        found, inner = self.type_of(node), kind.bare
        if isinstance(inner, (Regex, Text)) and (written := written_bits(node)):
            return "a text is needed, and this is a number", f'put it in quotes if it is a text: "{written}"'
        if found == STR and isinstance(inner, Integer):
            return "a number is needed, and this is a text", (self.misfit(INT, node) or ("", ""))[1]
        if found == LIST and type(inner) is not Kind:
            return "one value is needed, and this is a list", (self.misfit(STR, node) or ("", ""))[1]
        return None

    def check_comparison(self, left: tree.Expression, right: tree.Expression, place: Place) -> None:
        """Warn of a comparison of typed values that says nothing."""
        types = {self.type_of(left), self.type_of(right)}
        if LIST in types and NULL not in types:
            self.diagnostics.warning("a list is compared as one text, its values with commas between them", place)
        elif types == {INT, STR} and not (isinstance(left, tree.String) or isinstance(right, tree.String)):
            if isinstance(left, tree.Number) or isinstance(right, tree.Number):
                self.diagnostics.warning("a text never equals a number", place, fix="compare it with a text")
        elif types == {INT, STR}:
            text = right if isinstance(right, tree.String) else left
            if isinstance(text, tree.String) and not text.value.lstrip("-").isdigit():
                self.diagnostics.warning("a number never equals this text", place)

    def fitted(self, wanted: str, value: ast.expr, what: str, place: Place) -> ast.expr:
        """*value*, converted to the type *wanted* when the route runs."""
        change = kept.CONVERSIONS.get(wanted)
        if change is None:
            return value
        return call(self.namespace.bind(change, change.__name__), value, constant(what),
                    constant(f"{place.file}:{place.line}"))

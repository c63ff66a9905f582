"""Parsing of expressions and calls."""
from __future__ import annotations

import re
from dataclasses import replace
from typing import NoReturn

from opensips_py.script import tree
from opensips_py.script.foreign import STEPS, ForeignParser
from opensips_py.script.lexer import Token
from opensips_py.script.remedies import at
from opensips_py.script.stream import Unparsable

TRUE_WORDS = frozenset(("yes", "true", "on", "enable"))
FALSE_WORDS = frozenset(("no", "false", "off", "disable"))
NULL_WORDS = frozenset(("null", "NULL"))
OPERANDS = frozenset(("method", "uri", "status", "from_uri", "to_uri", "src_ip", "src_port", "dst_ip", "dst_port",
                      "proto", "af", "myself", "msg:len"))
COMPARISONS = ("==", "!=", "<", ">", "<=", ">=", "=~", "!~")
LEVELS = {"|": 1, "&": 1, "^": 1, "<<": 1, ">>": 1, "+": 2, "-": 2, "*": 2, "/": 2, "%": 2}  # weakest first
JOINTS = {"&": "&&", "|": "||"}  # of bits: of conditions
JOINING = ("xlog", "xdbg", "log")  # functions that take a text in several pieces
SHORT_NETWORK = re.compile(r"(\d+(?:\.\d+){0,2})/(\d+)")
LARGEST = 2**31 - 1
LONGEST_MESSAGE = 65535  # what msg:len is compared with as max_len


def wrapped(value: int) -> int:
    """*value* in the 32 bits that a number of the script has."""
    return (value + 2**31) % 2**32 - 2**31


class ExpressionParser(ForeignParser):
    """Expressions, weakest operators first: or and, not, comparisons, | & ^ << >>, + - * / %, - ~.

    Operators of one rank go from left to right, as in OpenSIPS: 1 + 2 * 3 is 9. `!` turns a whole comparison round:
    !a == b is !(a == b).
    """

    def condition(self) -> tree.Expression:
        """Conditions joined with `and` and `or`, which are of one rank: a || b && c is (a || b) && c."""
        left = self.negation()
        while self.sees("and", "&&", "or", "||"):
            token = self.take()
            joint = "and" if token.text in ("and", "&&") else "or"
            right = self.negation()
            for each, other in ((left, right), (right, left)):
                self.not_text(each, other)
            left = tree.Logical(token.place, joint, left, right)
        self.not_spoken()
        return left

    def not_text(self, node: tree.Expression, beside: tree.Expression | None = None) -> None:
        """Complain of a text where a condition should be, as in $x == "a" || "b"."""
        if isinstance(node, tree.Not):
            self.not_text(node.operand)
        if isinstance(node, tree.String):
            text, fix = self.written(node.place), f"write $x == {self.written(node.place)}"
            if isinstance(beside, tree.Comparison) and isinstance(beside.left, tree.Variable):
                fix = f"write {beside.left.text} {beside.operator} {text} instead of {text}"
            self.report("a text is no condition", node.place, fix=fix)

    def negation(self) -> tree.Expression:
        if self.sees("!", "not"):
            place = self.take().place
            return tree.Not(place, self.negation())
        self.not_spoken()
        return self.comparison()

    def comparison(self) -> tree.Expression:
        left = self.value()
        if self.sees("="):
            self.not_compared()
        self.not_matched()
        if not self.sees(*COMPARISONS):
            return left
        self.not_unequal()
        token = self.take()
        if self.sees("=") and self.token.glued:
            sign = token.text + "="
            self.fail(f"'{sign}' is no operator", token.place.inside(0, 3), fix=f"write {token.text} instead of {sign}")
        if self.sees("/"):
            self.not_slashed()
        if self.sees("^") and token.text in ("=~", "!~"):
            self.fail("a pattern stands in quotes", fix='write "^..." around all of it')
        start = self.token
        right = self.value()
        if isinstance(right, tree.Binary) and right.operator in JOINTS and start.text not in ("(", "["):
            self.report(f"'{right.operator}' joins bits, not conditions", right.place,
                        fix=f"write {JOINTS[right.operator]} to join conditions")
        if isinstance(left, tree.Operand) and left.name == "msg:len" \
                and isinstance(right, tree.Name) and right.name == "max_len":
            right = tree.Number(right.place, LONGEST_MESSAGE)
        if self.sees(*COMPARISONS):
            self.chained(right)
        return tree.Comparison(token.place, token.text, left, right)

    def not_compared(self) -> NoReturn:
        """Complain of = in a condition."""
        behind = self.ahead().text if self.ahead().glued and self.ahead().kind == "operator" else ""
        right = {"!": "!=", "<": "<=", ">": ">="}.get(behind)
        if right:
            self.fail(f"'={behind}' is no operator", self.token.place.inside(0, 2), fix=f"write {right} to compare")
        self.fail("'=' assigns, and this is a condition", fix="write == to compare")

    def chained(self, middle: tree.Expression) -> NoReturn:
        """Complain of a second comparison behind *middle*."""
        if isinstance(middle, tree.Binary) and middle.operator in JOINTS:
            self.fail(f"'{middle.operator}' joins bits, not conditions", middle.place,
                      fix=f"write {JOINTS[middle.operator]} to join conditions")
        self.fail("comparisons cannot be chained", fix="join two of them with &&")

    def assigned(self, level: int = 1) -> tree.Expression:
        """What is assigned: a value in which variables may be compared, which is 1 or 0 and comes first as in OpenSIPS:
        $x == 5 + 1 is ($x == 5) + 1."""
        left = self.signed()
        if isinstance(left, tree.Variable) and self.sees(*COMPARISONS):
            token = self.take()
            left = tree.Comparison(token.place, token.text, left, self.signed())
        while self.token.kind == "operator" and (own := LEVELS.get(self.token.text, 0)) >= level:
            token = self.take()
            left = tree.Binary(token.place, token.text, left, self.assigned(own + 1))
        return left

    def value(self, level: int = 1) -> tree.Expression:
        """Arithmetic with the operators of *level* and up."""
        left = self.signed()
        while self.token.kind == "operator" and (own := LEVELS.get(self.token.text, 0)) >= level:
            self.not_counted()
            token = self.take()
            left = tree.Binary(token.place, token.text, left, self.value(own + 1))
        return left

    def not_counted(self) -> None:
        """Complain of $x++ in a value."""
        sign = self.token.text + self.ahead().text
        if sign in STEPS and self.ahead().glued and self.ahead(2).kind not in ("number", "variable") \
                and self.previous.kind == "variable":
            name = self.previous.text
            self.fail(f"'{sign}' is no operator", self.token.place.inside(0, 2),
                      fix=f"compute it before: {name} = {name} {sign[0]} 1;")

    def signed(self) -> tree.Expression:
        if self.sees("+") and self.ahead().kind == "number":
            self.take()
        if not self.sees("-", "~"):
            return self.primary()
        token = self.take()
        operand = self.signed()
        if token.text == "-" and isinstance(operand, tree.Number):
            return tree.Number(token.place, wrapped(-operand.value))
        return tree.Unary(token.place, token.text, operand)

    def primary(self) -> tree.Expression:
        token = self.token
        if token.broken and token.kind != "end":
            self.take()
            return tree.Broken(token.place)
        if self.sees("(", "["):
            return self.enclosed()
        if token.kind == "word":
            return self.word()
        if token.kind == "number":
            return self.number()
        if token.kind == "string":
            return self.text()
        if token.kind == "variable":
            self.take()
            self.not_bare()
            return tree.Variable(token.place, token.text)
        if token.kind in ("ip", "net"):
            return self.address()
        self.fail(f"a value expected, found {self.shown()}", fix=f"write a value behind '{self.previous.text}'")

    def enclosed(self) -> tree.Expression:
        closer = ")" if self.take().text == "(" else "]"
        inner = self.condition()
        if self.previous.kind == "word" and self.token.kind in ("string", "variable", "number"):
            if self.ahead().text != ")" or self.ahead(2).text == ")":
                self.fail(f"missing '(' behind {self.previous.text}", self.behind(), fix="add '(' here")
            name, last = self.previous, self.token
            self.fail(f"the argument of {name.text} stands in parentheses",
                      name.place.inside(0, last.place.column + last.place.length - name.place.column),
                      fix=f"in parentheses: {name.text}({last.text})")
        if self.sees(",") and isinstance(inner, (tree.Call, tree.Comparison, tree.Not, tree.Logical)):
            self.fail("',' joins no conditions", fix="write && instead of ,")
        self.not_side_by_side(inner)
        self.expect(closer, "behind the expression", lenient=("{", ";", ")"))
        return inner

    def not_side_by_side(self, first: tree.Expression) -> None:
        """Complain of a value right behind another in a condition."""
        token = self.token
        is_call = token.kind == "word" and self.ahead().text == "(" and token.text not in ("if", "while", "switch")
        if token.place.line != self.previous.place.line:
            return
        if is_call and isinstance(first, (tree.Call, tree.Comparison, tree.Not, tree.Logical)):
            self.fail("an operator is missing between two conditions", fix="write && or || between them")
        if token.kind in ("string", "variable", "number") or is_call or token.text in NULL_WORDS:
            self.fail("an operator is missing between two values", fix="write == or another operator between them")

    def number(self) -> tree.Expression:
        token = self.token
        if self.ahead().glued and self.ahead().text == "." and self.continues_name():
            text, place = self.glued_text(",", ")", ";")
            if found := SHORT_NETWORK.fullmatch(text):
                address = found[1] + ".0" * (3 - found[1].count("."))
                self.fail(f"{text} is no network", place, fix=f"write {address}/{found[2]} instead of {text}")
            return tree.Name(place, text)
        self.take()
        return tree.Number(token.place, self.number_of(token))

    def number_of(self, token: Token, *, is_setting: bool = False) -> int:
        """What a number means: decimal, 0x hexadecimal or 0 octal; one that is too large is refused in a setting, and
        becomes another one in a route, as in OpenSIPS."""
        text = token.text
        try:
            value = int(text, 16) if text[:2].lower() == "0x" else int(text, 8 if text[0] == "0" else 10)
        except ValueError:
            self.report(f"{text} is no octal number", token.place,
                        fix=f"a leading 0 means octal; write {int(text)} for the decimal number")
            return int(text)
        if value > LARGEST and text[:2].lower() != "0x":
            if is_setting:
                self.report(f"{text} is too large", token.place, fix=f"numbers end at {LARGEST}")
            else:
                self.diagnostics.warning(f"{text} is too large: it becomes {wrapped(value)}", token.place,
                                         fix=f"numbers end at {LARGEST}")
        return wrapped(value)

    def text(self) -> tree.Expression:
        """A quoted text, with the transformations behind it."""
        token = self.take()
        string = tree.String(token.place, token.value)
        if self.token.kind == "transformation":
            return tree.Transformed(token.place, string, self.take().text)
        return string

    def address(self) -> tree.Expression:
        token = self.token
        if self.ahead().glued and self.ahead().text == ":" and self.continues_name():
            text, place = self.glued_text(",", ")", ";")
            return tree.Name(place, text)
        self.take()
        self.check_address(token)
        return tree.Address(token.place, token.text)

    def check_address(self, token: Token) -> None:
        """Refuse numbers over 255 in an IPv4 address."""
        for octet in token.text.partition("/")[0].split("."):
            if octet.isdigit() and "." in token.text and int(octet) > 255:
                self.fail(f"{token.text} is no IP address", token.place, fix=f"{octet} is over 255")

    def word(self) -> tree.Expression:
        """A constant, a 2.1 operand, a call, or a bare name."""
        token = self.token
        if self.ahead().text == "(" and self.ahead().kind == "operator":
            return self.route_call() if token.text == "route" else self.call()
        if token.text == "route" and self.ahead().text == "[":
            return self.bracketed_call()
        if self.ahead().glued and self.ahead().text in (":", ".", "-") and self.continues_name():
            text, place = self.glued_text(",", ")", ";", "{", "==", "!=")
            return tree.Name(place, text)
        if self.ahead().glued and self.ahead().text == "[" and self.ahead(2).kind == "string":
            self.in_brackets()
        self.take()
        if token.text in TRUE_WORDS or token.text in FALSE_WORDS:
            return tree.Number(token.place, int(token.text in TRUE_WORDS))
        if token.text in NULL_WORDS:
            return tree.Null(token.place)
        return (tree.Operand if token.text in OPERANDS else tree.Name)(token.place, token.text)

    def in_brackets(self) -> NoReturn:
        """Complain of f[arguments]."""
        name, opening = self.take(), self.take()
        line = self.diagnostics.line(name.place) or ""
        end = line.find("]", opening.place.column)
        end = max(line.rfind(")"), opening.place.column) if end < 0 else end
        self.fail(f"arguments stand in parentheses behind {name.text}",
                  name.place.inside(0, end + 1 - name.place.column + 1),
                  fix=f"in parentheses: {name.text}({line[opening.place.column:end]})")

    def continues_name(self) -> bool:
        """Whether a colon, dot or dash belongs to the name before it: something is glued behind it, too."""
        behind = self.ahead(2)
        return behind.glued and (behind.kind in ("word", "number", "ip") or behind.text in ("[", "*"))

    def call(self) -> tree.Call:
        """name(arguments); an argument may be left out."""
        name = self.take()
        opening = self.take()
        arguments: list[tree.Expression | None] = []
        if self.sees(";", "}", "{"):
            self.missing(")", f"in the call of {name.text}")
            return tree.Call(name.place, name.text, arguments, opening.place)
        if not self.sees(")"):
            arguments.append(self.argument(name.text))
            while self.accept(",") or self.is_wrong_comma():
                arguments.append(self.argument(name.text))
        if self.token.kind in ("string", "variable", "number", "word") and self.token.place.line == name.place.line:
            if arguments and isinstance(arguments[-1], tree.Name) and self.token.kind == "word":
                self.unquoted(arguments[-1])
            self.inner_quotes()
            self.fail(f"',' or ')' expected in the call of {name.text}, found {self.shown()}",
                      fix="separate arguments with commas")
        if self.not_joined():
            raise Unparsable
        if self.sees(";") and self.ahead().text == ")" and self.ahead().place.line == self.token.place.line:
            self.swapped(name.text)
        end = self.expect(")", f"in the call of {name.text}", lenient=(";", "{", "}"))
        return tree.Call(name.place, name.text, arguments, end.place if end.text == ")" else opening.place)

    def swapped(self, function: str) -> None:
        """Complain of f(x;) and read it as what is meant."""
        first, second = self.token, self.ahead()
        whole = first.place.inside(0, second.place.column + 1 - first.place.column)
        self.report(f"missing ')' in the call of {function}", whole, fix=f"write ); instead of {self.written(whole)}",
                    edits=[at(whole, ");")])
        self.tokens[self.at:self.at + 2] = [replace(second, place=first.place), replace(first, place=second.place)]

    def inner_quotes(self) -> None:
        """Complain of a text in which a quote stands for itself: "he said "hi" to me"."""
        before, count = self.previous, 1
        while self.ahead(count).kind in ("word", "number", "operator") and self.ahead(count).text not in (")", ","):
            count += 1
        behind = self.ahead(count)
        if before.kind == "string" and self.token.glued and behind.kind == "string" \
                and behind.place.line == before.place.line and before.text[-1:] == '"' == behind.text[:1]:
            self.fail("a quote inside of a text ends it", before.place.inside(before.place.length - 1),
                      fix="write \\\" for a quote inside of a text",
                      edits=[at(before.place.inside(before.place.length - 1), "\\", length=0),
                             at(behind.place, "\\", length=0)])

    def is_wrong_comma(self) -> bool:
        """Whether a semicolon stands where a comma separates arguments; that is reported, and it is passed."""
        following = self.ahead()
        if not self.sees(";") or following.kind not in ("string", "variable", "number") \
                or self.ahead(2).text not in (")", ",") or following.place.line != self.token.place.line:
            return False
        self.report("';' stands between arguments", fix="write , instead")
        self.take()
        return True

    def unquoted(self, first: tree.Name) -> NoReturn:
        """Complain of a text of several words that begins with *first* and has no quotes."""
        line_at = self.token.place.line
        while self.ahead().kind not in ("end", "string") and self.ahead().place.line == line_at \
                and self.ahead().text not in (",", ")", ";"):
            self.take()
        start, last = first.place.column, self.token.place
        line = self.diagnostics.line(first.place) or ""
        text = line[start - 1:last.column - 1 + len(self.token.text)]
        self.fail(f"'{text}' is no value", first.place.inside(0, len(text)),
                  fix=f'put it in quotes if it is a text: "{text}"')

    def argument(self, function: str) -> tree.Expression | None:
        """One argument; None where it is left out."""
        if self.sees(",", ")"):
            return None
        if self.sees("(") and self.ahead().kind in ("string", "number") and (
                self.ahead().kind == "string" or self.ahead(2).text == ")"):
            text = self.ahead().text
            whole = self.through(self.token.place, self.ahead(2).place)
            if self.ahead(2).text == ")" and self.ahead(3).text in (")", ","):
                self.fail(f"'(' stands twice behind {function}", whole, fix=f"write {text} instead of ({text})")
            self.fail(f"'(' stands twice behind {function}", fix="remove it", edits=[at(self.token.place, "")])
        value = self.value()
        while function in JOINING and isinstance(value, tree.String) and self.token.kind == "string":
            value = tree.String(value.place, value.value + self.take().value)
        if self.sees(*COMPARISONS, "=", "&&", "||"):
            self.fail(f"'{self.token.text}' cannot stand in an argument of {function}",
                      fix="add ')' here" if self.sees("&&", "||") else "")
        return value

    def route_call(self) -> tree.RouteCall:
        """route(name, arguments...)."""
        place = self.take().place
        self.take()
        if self.sees(")"):
            self.fail("route() needs the name of a route", place, fix="write route(name)")
        route = self.route_name()
        arguments: list[tree.Expression] = []
        while self.accept(","):
            arguments.append(self.value())
        if self.token.kind in ("string", "variable", "number", "word") and self.token.place.line == place.line:
            self.fail(f"',' or ')' expected in the call of route, found {self.shown()}",
                      fix="separate arguments with commas")
        self.expect(")", "in the call of route", lenient=(";", "{", "}"))
        return tree.RouteCall(place, route, arguments)

    def bracketed_call(self) -> tree.RouteCall:
        """route[name](arguments...)."""
        place = self.take().place
        self.take()
        route = self.route_name()
        self.expect("]", "behind the name of the route")
        if self.sees(";") and isinstance(route, tree.Name):
            whole = self.through(place, self.previous.place)
            self.fail("missing '(' behind route[...]", whole,
                      fix=f"write route({route.name}) instead of {self.written(whole)}")
        self.expect("(", "behind route[...]")
        arguments: list[tree.Expression] = []
        while not self.sees(")"):
            arguments.append(self.value())
            if not self.accept(","):
                break
        self.expect(")", "in the call of route", lenient=(";", "{", "}"))
        return tree.RouteCall(place, route, arguments, bracketed=True)

    def route_name(self) -> tree.Expression:
        """The route to call: a name, a number, a text or a variable."""
        token = self.token
        if token.kind in ("word", "number"):
            name, place = self.glued_text(",", ")", "]", ";", "{", "}")
            return tree.Name(place, name)
        return self.primary()

"""Parsing of what stands in routes."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from opensips_py.script import remedies, tree
from opensips_py.script.diagnostics import Place, did_you_mean
from opensips_py.script.expressions import JOINTS, ExpressionParser
from opensips_py.script.foreign import WORDS
from opensips_py.script.stream import Unparsable

ASSIGNMENTS = ("=", ":=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=")
ENDS = (";", "}", "else")
ELSE_IF = ("elif", "elseif", "elsif")
LOCAL_TYPES = ("int", "str", "list", "any")
OTHER_TYPES = {"integer": "int", "number": "int", "long": "int", "bool": "int", "boolean": "int", "string": "str",
               "text": "str", "char": "str", "array": "list", "tuple": "list", "var": "any", "auto": "any"}
CONDITIONS = (tree.Call, tree.RouteCall, tree.Comparison, tree.Logical, tree.Not)
COUNTED = re.compile(r"\s*([^;]+?)\s*;\s*([^;]+?)\s*;\s*(.+?)\s*\)\s*(?:\{|$)")  # what stands in for (...;...;...)
OFTEN_ASSIGNED = re.compile(r"\$\(?(?:var|avp|shv|dlg_val|json|xml|acc_\w+|T_\w+|ru|rU|rd|rp|du|dd|dp|fs|bf?|br|rb|hdr)"
                            r"\b|\$[a-z]\w{2,}$")
LOCAL_NAME = re.compile(r"\$[A-Za-z_]\w*")


class Counted(Unparsable):
    """A loop that counts was passed over, with its block."""


class StatementParser(ExpressionParser):
    """Statements; one that makes no sense is reported and passed over."""

    def block(self, what: str, lenient: tuple[str, ...] = ()) -> list[tree.Statement]:
        """{ statements }; with *lenient*, the brace may be missing at the end of a line."""
        opening = self.expect("{", f"before the body of {what}", lenient=lenient)
        self.braces.opened(opening)
        if self.sees("{") and not self.starts_line():
            self.braces.twice = self.token.place
        body = self.statements("}", *(("else",) if what == "if" else ()))
        if self.accept("}"):
            self.braces.closed(what, opening, self.previous)
            if self.sees("}") and not self.starts_line() and "{" not in (self.diagnostics.line(self.token.place) or ""):
                self.braces.ended_twice = self.token.place
        elif self.sees("else"):
            self.braces.blocks.pop()
            self.report("the block of if is not closed", self.behind(), f"found {self.shown()}",
                        "add the missing '}'", [("opened here", opening.place)])
        else:
            self.unclosed(what, opening)
        return body

    def statements(self, *ends: str) -> list[tree.Statement]:
        """Statements up to one of *ends*, the next route, or the end of the file."""
        found: list[tree.Statement] = []
        while not self.ended_by(ends, found) and self.token.kind != "end" and not self.starts_route():
            before = self.at
            if self.starts_line():
                self.braces.goes_on(self.token, self.behind())
            try:
                found += self.statement()
            except Counted:
                pass
            except Unparsable:
                self.skip_statement()
            if self.at == before and not self.sees(*ends):
                self.take()
        return found

    def ended_by(self, ends: tuple[str, ...], found: list[tree.Statement]) -> bool:
        """Whether one of *ends* ends the statements *found*; a second else of the if before it does not."""
        return self.sees(*ends) and not (self.sees("else") and bool(found) and isinstance(found[-1], tree.If))

    def body(self, what: str, keyword: Place | None = None) -> list[tree.Statement]:
        """A block, or a single statement."""
        if self.sees("{"):
            return self.block(what)
        if keyword is not None:
            self.braces.without(keyword, self.behind())
        if self.sees(";"):
            self.diagnostics.warning(f"the body of {what} is empty", self.token.place, "the statement ends here")
        return self.statement()

    def statement(self) -> list[tree.Statement]:
        """One statement; a lone `;` is none, a block is several."""
        token = self.token
        if self.accept(";"):
            return []
        if self.sees("{"):
            inner = self.block("a block")
            return [tree.Block(token.place, inner)] if any(isinstance(each, tree.Local) for each in inner) else inner
        if token.kind == "variable":
            return self.ended(self.assignment())
        if token.kind != "word":
            if self.sees("[") and self.ahead().kind in ("word", "number") and self.ahead(2).text == "]":
                self.call_without_word()
            if self.sees("-") and self.ahead().text == "-" and self.ahead().glued:
                self.fail("'--' begins no comment", token.place.inside(0, 2), fix="write # instead of --")
            self.fail(f"a statement expected, found {self.shown()}", fix=f"remove {self.shown()}")
        compound = COMPOUND.get(token.text)
        if compound is not None:
            return [compound(self)]
        simple = SIMPLE.get(token.text)
        if simple is not None:
            return self.ended(simple(self))
        return self.ended(self.do())

    def call_without_word(self) -> NoReturn:
        """Complain of [name](arguments), where route is missing and maybe the parentheses."""
        start, name = self.token.place, self.ahead().text
        rest = (self.diagnostics.line(start) or "")[start.column - 1:]
        whole = rest[:rest.find(";")] if ";" in rest else rest
        arguments = whole.partition("]")[2].strip().removeprefix("(").removesuffix(")")
        self.fail("a statement expected, found '['", start.inside(0, len(whole)),
                  fix=f"write route[{name}]({arguments})")

    def ended(self, statement: tree.Statement) -> list[tree.Statement]:
        """*statement*, once its `;` has been read."""
        if self.accept(";"):
            return [statement]
        if self.sees("}", "else") or self.starts_line():
            self.missing(";", "after this statement")
            return [statement]
        if self.sees("{") and isinstance(statement, tree.Do):
            return self.no_block(statement)
        if self.sees(":"):
            self.report("';' expected, found ':'", fix="write ; instead of :")
            self.take()
            return [statement]
        if self.sees(")"):
            self.report("')' without a parenthesis to close", fix="remove it")
            self.skip_statement()
            return [statement]
        if not self.not_joined(assigned=isinstance(statement, (tree.Assign, tree.Local))):
            self.report(f"';' expected, found {self.shown()}", fix="end the statement with ;")
        self.skip_statement()
        return [statement]

    def no_block(self, statement: tree.Do) -> list[tree.Statement]:
        """A call with a block behind it, which it cannot have: what is in the block is read all the same."""
        call = statement.call
        name = call.name if isinstance(call, tree.Call) else "route"
        self.report(f"'{name}' takes no block", call.place, fix=did_you_mean(name, COMPOUND) or "end the call with ;")
        body = self.block(name)
        if self.accept("else"):
            body += self.body("else")
        return body

    def assignment(self) -> tree.Assign:
        token = self.take()
        if token.broken:
            raise Unparsable  # the lexer has said why
        if self.sees("=="):
            self.fail("'==' compares, and this is an assignment", fix=self.instead_of_comparing(token.text))
        self.not_arrow()
        self.not_stepped()
        self.not_bare()
        if self.token.kind == "word" and self.ahead().text in ASSIGNMENTS and token.text in ("$var", "$avp", "$shv"):
            whole = self.through(token.place, self.token.place)
            self.fail(f"{token.text} needs a name", whole,
                      fix=f"write {token.text}({self.token.text}) instead of {self.written(whole)}")
        if not self.sees(*ASSIGNMENTS):
            is_value = self.token.kind in ("string", "variable", "number") and not self.starts_line()
            self.fail(f"an assignment expected behind {token.text}, found {self.shown()}",
                      fix=f"write {token.text} = value;",
                      edits=[remedies.at(self.token.place, "= ", length=0)] if is_value else ())
        operator = self.take()
        return tree.Assign(operator.place, tree.Variable(token.place, token.text), operator.text, self.assigned())

    def instead_of_comparing(self, variable: str) -> str:
        """What to write for `$x == value;`, by whether $x is one of the variables that scripts assign."""
        return "write = to assign" if OFTEN_ASSIGNED.match(variable) else f"write if ({variable} == ...) to compare"

    def local_statement(self) -> tree.Statement:
        """local $name; local type $name = value."""
        if self.ahead().text == "(":
            return self.do()  # a function of that name
        place = self.take().place
        type_ = self.local_type()
        target = self.local_name()
        if self.sees(*ASSIGNMENTS[1:]):
            self.fail(f"a local is given its first value with =, found {self.shown()}")
        return tree.Local(place, target, type_, self.assigned() if self.accept("=") else None)

    def declares(self) -> bool:
        """Whether `let $x = 1`, `int $x = 1` and their like stand here, where local is missing."""
        at = 2 if self.ahead().text in LOCAL_TYPES else 1
        return self.ahead(at).kind == "variable" and LOCAL_NAME.fullmatch(self.ahead(at).text) is not None \
            and (self.ahead(at + 1).text == "=" or (self.ahead(at + 1).text == ";" and at == 2))

    def local_without_word(self) -> tree.Statement:
        """Complain of a local that is declared with another word, and take it for one."""
        token = self.token
        is_type = token.text in LOCAL_TYPES
        self.report(f"'{token.text}' is no statement", fix=f"write local {token.text}" if is_type else "write local")
        if not is_type:
            self.take()
        type_, target = self.local_type(), self.local_name()
        return tree.Local(token.place, target, type_, self.assigned() if self.accept("=") else None)

    def local_type(self) -> str:
        """The type before the name of a local, if there is one."""
        if self.token.kind != "word" or self.ends_name():
            return ""
        token = self.take()
        if token.text not in LOCAL_TYPES:
            meant = OTHER_TYPES.get(token.text.lower())
            self.report(f"'{token.text}' is no type", token.place, fix=f"did you mean '{meant}'?" if meant else
                        did_you_mean(token.text, LOCAL_TYPES) or f"the types are {', '.join(LOCAL_TYPES)}")
            return ""
        return token.text

    def ends_name(self) -> bool:
        """Whether the word at hand is a name, by what stands behind it."""
        return self.ahead().text in (*ASSIGNMENTS, ";", ",", ")", "in") and self.ahead().kind in ("operator", "word")

    def local_name(self) -> tree.Variable:
        """The name of a local: a dollar sign and one word."""
        token = self.token
        if token.kind == "word" and self.ends_name():
            self.report(f"the name of a local is $ and a word, found {self.shown()}", fix="add '$' here")
            self.take()
            return tree.Variable(token.place, f"${token.text}")
        if token.kind != "variable" or not LOCAL_NAME.fullmatch(token.text):
            self.fail(f"the name of a local is $ and a word, found {self.shown()}", fix="write local $name = value")
        self.take()
        return tree.Variable(token.place, token.text)

    def do(self) -> tree.Statement:
        """A call as a statement."""
        token = self.token
        if token.text in ELSE_IF:
            self.fail(f"'{token.text}' is no statement", fix="write else if")
        if token.text == "route" and self.ahead().text == "[":
            return tree.Do(token.place, self.bracketed_call())
        if self.ahead().text != "(" or self.ahead().kind != "operator":
            if self.declares():
                return self.local_without_word()
            following = self.ahead()
            if following.kind in ("string", "variable", "number") and following.place.line == token.place.line:
                self.take()
                self.fail(f"missing '(' behind {token.text}", self.behind(), fix="add '(' here",
                          edits=self.in_parentheses())
            if self.ahead().text == "[" and self.ahead().glued and self.ahead(2).kind == "string":
                self.in_brackets()
            fix = self.other_case(token.text) or WORDS.get(token.text) \
                or did_you_mean(token.text, (*COMPOUND, *SIMPLE)) or f"write {token.text}(...);"
            if self.ahead().text in ASSIGNMENTS:
                fix = f"variables start with $: write $var({token.text})"
            self.fail(f"'{token.text}' is no statement", fix=fix)
        if token.text == "route":
            return tree.Do(token.place, self.route_call())
        if token.text == "foreach":
            self.report("'foreach' is no statement", fix="write for instead of foreach")
            return self.for_statement()
        if token.text.lower() in COMPOUND and token.text not in COMPOUND:
            self.report(f"'{token.text}' is no statement", fix=f"write {token.text.lower()} instead of {token.text}")
            return COMPOUND[token.text.lower()](self)
        call = self.call()
        if self.sees(*ASSIGNMENTS):
            return self.without_dollar(call)
        return tree.Do(token.place, call)

    def other_case(self, word: str) -> str:
        """The fix for a word of the language in capitals."""
        meant = word.lower()
        return f"write {meant} instead of {word}" if word != meant and meant in (*COMPOUND, *SIMPLE) else ""

    def without_dollar(self, call: tree.Call) -> tree.Statement:
        """Complain of var(x) = value, and take it for an assignment of $var(x)."""
        self.report("a variable starts with $", call.place, fix="add '$' here")
        line = self.diagnostics.line(call.place) or ""
        target = tree.Variable(call.place, f"${line[call.place.column - 1:call.end.column]}")
        operator = self.take()
        return tree.Assign(operator.place, target, operator.text, self.assigned())

    def test(self) -> tree.Expression:
        """The condition of an if or a while; one that makes no sense does not take its block along."""
        start, known = self.at, len(self.diagnostics.found)
        if self.sees("{"):
            self.report(f"a condition in parentheses expected behind {self.previous.text}", self.previous.place,
                        fix=f"write {self.previous.text} (condition) {{ ... }}")
            return tree.Broken(self.token.place)
        try:
            condition = self.condition()
            self.not_text(condition)
        except Unparsable:
            self.skip_condition(start)
            return tree.Broken(self.tokens[start].place)
        self.check_joints(condition)
        if not self.sees(")") and len(self.diagnostics.found) == known and self.closing(start) != self.at - 1:
            self.lax.append(self.without_parentheses("a condition", start))
        if self.sees(")"):
            last = condition
            while isinstance(last, (tree.Logical, tree.Not, tree.Comparison)):
                last = last.operand if isinstance(last, tree.Not) else last.right
            if isinstance(last, tree.Name):
                self.report(f"missing '(' behind {last.name}", last.place.inside(len(last.name)), fix="add '(' here")
                condition = tree.Broken(condition.place)
            else:
                self.report("')' without a parenthesis to close", fix="remove it")
            self.take()
        return condition

    def closing(self, opening: int) -> int:
        """The token that closes the parenthesis *opening*; -1 where that is none."""
        depth = 0
        for at in range(opening, self.at):
            depth += (self.tokens[at].text == "(") - (self.tokens[at].text == ")")
            if depth <= 0:
                return at if depth == 0 and at > opening else -1
        return -1

    def without_parentheses(self, what: str, start: int) -> tree.Lax:
        """What there is to say of what was read from *start* on, as it does not stand in parentheses."""
        first, last = self.tokens[start].place, self.previous.place
        if last.line == first.line:
            first = first.inside(0, last.column + last.length - first.column)
        text = (self.diagnostics.line(first) or "")[first.column - 1:first.column - 1 + first.length]
        return tree.Lax(f"{what} stands in parentheses", first,
                        f"in parentheses: ({text})" if last.line == first.line else "")

    def check_joints(self, condition: tree.Expression) -> None:
        """Complain of calls that are joined like bits: f() & g() calls both, whatever the first says."""
        left = [condition]
        while left:
            node = left.pop()
            if isinstance(node, tree.Logical):
                left += [node.left, node.right]
            elif isinstance(node, tree.Not):
                left.append(node.operand)
            elif isinstance(node, tree.Binary) and node.operator in JOINTS \
                    and all(isinstance(each, CONDITIONS) for each in (node.left, node.right)):
                self.report(f"'{node.operator}' joins bits, not conditions", node.place,
                            fix=f"write {JOINTS[node.operator]} to join conditions")

    def if_statement(self) -> tree.If | tree.Async:
        first = last = self.if_alone()
        while self.accept("else"):
            otherwise = last.otherwise if isinstance(last, tree.If) else last.unreached
            if not self.sees("if"):
                otherwise += self.body("else", self.previous.place)
                break
            last = self.if_alone()
            otherwise.append(last)
        return first

    def if_alone(self) -> tree.If | tree.Async:
        """if (condition) ..., without what follows."""
        place = self.take().place
        self.not_doubled()
        if self.ahead(2 if self.ahead().text in ("!", "not") else 1).text == "async":
            return self.if_async(place)
        condition = self.test()
        self.no_word("then")
        return tree.If(place, condition, self.body("if", place), [])

    def if_async(self, place: Place) -> tree.Async:
        """if (async(...)), if (!async(...)): the route goes on in another one, whatever stands behind the condition."""
        self.expect("(", "behind if")
        if self.sees("!", "not"):
            self.take()
        node = self.async_statement()
        self.expect(")", "behind the condition", lenient=("{", ";"))
        node.unreached = self.body("if", place)
        return node

    def while_statement(self) -> tree.While:
        place = self.take().place
        condition = self.test()
        self.no_word("do")
        return tree.While(place, condition, self.body("while", place))

    def no_word(self, word: str) -> None:
        """Complain of a word of other languages between a condition and its block."""
        if self.token.kind == "word" and self.token.text == word:
            place = self.take().place
            blank = (self.diagnostics.line(place) or "")[place.column - 1 + place.length:][:1] == " "
            self.report(f"'{word}' is no statement", place, fix="leave it out",
                        edits=[remedies.at(place, "", length=place.length + blank)])

    def for_statement(self) -> tree.ForEach:
        place = self.take().place
        enclosed = self.sees("(")
        if enclosed:
            self.take()
        else:
            self.report(f"missing '(' behind {self.previous.text}", self.behind(), fix="add '(' here",
                        edits=self.in_parentheses())
        start = self.at
        declares = self.token.text == "local" and self.token.kind == "word"
        if declares:
            self.take()
        target = self.local_name() if declares else self.variable("the loop variable")
        if self.sees(*ASSIGNMENTS):
            self.counted(start)
        if self.token.kind == "word" and not self.sees("in") and self.ahead().kind == "variable":
            self.fail(f"'in' expected behind the loop variable, found {self.shown()}",
                      fix=f"write in instead of {self.token.text}")
        self.expect("in", "behind the loop variable")
        source = self.variable("the variable to go through")
        if enclosed:
            self.expect(")", "behind the variable to go through", lenient=("{", ";"))
        return tree.ForEach(place, target, source, self.body("for", place), declares)

    def counted(self, start: int) -> NoReturn:
        """Complain of for (first; condition; next), of which the loop began with the token *start*."""
        first = self.tokens[start].place
        line = (self.diagnostics.line(first) or "")[first.column - 1:]
        parts = COUNTED.match(line)
        how = f"{parts[1]}; while ({parts[2]}) {{ ...; {parts[3]}; }}" if parts else "while (condition) { ... }"
        self.report("for goes through the values of a variable, and does not count", first, fix=f"write {how}")
        while self.token.kind != "end" and not self.sees("{", "}") and not self.starts_route():
            self.take()
        if self.sees("{"):
            self.block("for")
        raise Counted

    def variable(self, what: str) -> tree.Variable:
        if self.token.kind != "variable":
            self.fail(f"{what} expected, found {self.shown()}", fix="for ($var(item) in $(avp(list)[*])) { ... }")
        token = self.take()
        self.not_bare()
        return tree.Variable(token.place, token.text)

    def switch_statement(self) -> tree.Switch:
        place = self.take().place
        start, enclosed = self.at, self.accept("(")
        subject = self.value()
        if enclosed:
            self.expect(")", "behind the value to switch on", lenient=("{",))
        else:
            found = self.without_parentheses("the value of a switch", start)
            self.report(found.message, found.place, fix=found.fix)
        opening = self.expect("{", "before the cases", lenient=("case", "default"))
        cases: list[tree.Case] = []
        while not self.sees("}") and self.token.kind != "end" and not self.starts_route():
            if self.sees("case", "default"):
                cases.append(self.case())
            else:
                self.report(f"'case' or 'default' expected, found {self.shown()}")
                self.skip_to_case()
        if not self.accept("}"):
            self.unclosed("switch", opening)
        self.check_switch(place, subject, cases)
        return tree.Switch(place, subject, cases)

    def check_switch(self, place: Place, subject: tree.Expression, cases: list[tree.Case]) -> None:
        """Refuse what OpenSIPS does: a switch on a constant, one without a case, and a default that is not its end."""
        if isinstance(subject, (tree.Number, tree.String, tree.Null)):
            self.report("a switch is on a variable or the result of a function", subject.place)
        elif all(each.value is None for each in cases):
            self.report("a switch needs a case", place, fix="write case 1: ... before its default")
        for each in cases[:-1]:
            if each.value is None:
                self.report("'default' is the last part of a switch", each.place, fix="move it behind the cases")

    def skip_to_case(self) -> None:
        """Pass over what does not belong into a switch, up to its next case."""
        self.take()
        while not self.sees("case", "default", "}") and self.token.kind != "end" and not self.starts_route():
            self.skip_statement()

    def case(self) -> tree.Case:
        """One case with the statements up to the next."""
        token = self.take()
        value: tree.Expression | None = None
        try:
            if token.text == "case":
                value = self.signed()
                if isinstance(value, (tree.Variable, tree.Call)):
                    self.report("a case is a number or a text", value.place,
                                fix="write if ($x == ...) { ... } else if ... to compare with what the run decides")
            if self.sees(";"):
                self.report(f"missing ':' behind {token.text}", fix="write : instead of ;")
                self.take()
            elif not self.accept(":"):
                self.missing(":", f"behind {token.text}")
        except Unparsable:
            value = tree.Broken(token.place)
            while self.token.kind != "end" and not self.starts_line() and not self.accept(":"):
                self.take()
        return tree.Case(token.place, value, self.statements("case", "default", "}"))

    def return_statement(self) -> tree.Return:
        """return; return(code); return code; return(code, values...)."""
        place = self.take().place
        if self.sees(*ENDS) or self.starts_line():
            return tree.Return(place, [])
        if not self.sees("("):
            value = self.value()
            if self.token.kind in ("number", "string", "variable") and not self.starts_line():
                self.report(f"one value stands behind return, found {self.shown()}", fix="remove it")
                self.take()
            return tree.Return(place, [value])
        start = self.at
        values = self.parenthesised_values()
        if self.sees(";", "}", "else") or self.starts_line():
            return tree.Return(place, values)
        self.at = start  # (a + b) * c: the parenthesis was only part of the value
        return tree.Return(place, [self.value()])

    def parenthesised_values(self) -> list[tree.Expression]:
        self.take()
        values: list[tree.Expression] = []
        while not self.sees(")"):
            values.append(self.value())
            if not self.accept(","):
                break
        self.expect(")", "behind the values", lenient=(";", "}"))
        return values

    def exit_statement(self) -> tree.Exit:
        return tree.Exit(self.bare())

    def drop_statement(self) -> tree.Drop:
        return tree.Drop(self.bare())

    def break_statement(self) -> tree.Break:
        return tree.Break(self.bare())

    def bare(self) -> Place:
        """A word that may have empty parentheses behind it."""
        token = self.take()
        if self.accept("("):
            if self.token.kind in ("string", "variable", "number"):
                self.no_arguments(token.text, self.previous.place)
            self.expect(")", f"behind {token.text}(", lenient=(";",))
        return token.place

    def assert_statement(self) -> tree.Assert:
        place = self.take().place
        self.expect("(", "behind assert")
        condition = self.condition()
        message = None
        if self.accept(","):
            text = self.text() if self.token.kind == "string" else self.fail("a quoted text expected")
            message = text if isinstance(text, tree.String) else None
        self.expect(")", "behind the condition", lenient=(";",))
        return tree.Assert(place, condition, message)

    def async_statement(self) -> tree.Async:
        """async(function(...), resume_route [, timeout])."""
        place, call = self.inner_call()
        if self.sees(")"):
            self.fail("async needs the name of a route to go on in", place, fix="write it behind the function")
        self.expect(",", "between the function and the route to go on in")
        route = self.route_name()
        timeout = self.value() if self.accept(",") else None
        self.expect(")", "at the end of async", lenient=(";", "}"))
        return tree.Async(place, call, route, timeout)

    def launch_statement(self) -> tree.Launch:
        """launch(function(...) [, report_route [, parameter]])."""
        place, call = self.inner_call()
        route = self.route_name() if self.accept(",") else None
        parameter = self.value() if self.accept(",") else None
        self.expect(")", "at the end of launch", lenient=(";", "}"))
        return tree.Launch(place, call, route, parameter)

    def inner_call(self) -> tuple[Place, tree.Call]:
        """The word, its parenthesis, and the call of a function in it."""
        token = self.take()
        self.expect("(", f"behind {token.text}")
        if self.token.kind != "word" or self.ahead().text != "(":
            self.fail(f"{token.text} needs the call of a function, found {self.shown()}")
        return token.place, self.call()

    def stray(self) -> tree.Statement:
        """A word that only stands inside something else."""
        token = self.token
        inside = "a switch" if token.text in ("case", "default") else "an if before it"
        fix = ""
        if token.text == "else" and self.previous.text == ";" and self.tokens[self.at - 2].text in (";", "}"):
            self.fail(f"'else' without {inside}", fix="remove the ; in front of it",
                      edits=[remedies.at(self.previous.place, "")])
        if token.text == "else" and self.previous.text == "}":
            fix = "an if has one else: write else if (condition) for all but the last"
        self.fail(f"'{token.text}' without {inside}", fix=fix)


COMPOUND: dict[str, Callable[[StatementParser], tree.Statement]] = {
    "if": StatementParser.if_statement, "while": StatementParser.while_statement,
    "for": StatementParser.for_statement, "switch": StatementParser.switch_statement,
    "case": StatementParser.stray, "default": StatementParser.stray, "else": StatementParser.stray,
}
SIMPLE: dict[str, Callable[[StatementParser], tree.Statement]] = {
    "return": StatementParser.return_statement, "exit": StatementParser.exit_statement,
    "drop": StatementParser.drop_statement, "break": StatementParser.break_statement,
    "esac": StatementParser.break_statement, "assert": StatementParser.assert_statement,
    "async": StatementParser.async_statement, "launch": StatementParser.launch_statement,
    "local": StatementParser.local_statement,
}

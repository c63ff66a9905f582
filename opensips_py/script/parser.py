"""Tokens of a configuration to its tree: the superset grammar of OpenSIPS 2.1 and 4.0."""
from __future__ import annotations

import re
from dataclasses import replace

from opensips_py.script import globals, tree
from opensips_py.script.diagnostics import Diagnostics, Place, did_you_mean
from opensips_py.script.expressions import FALSE_WORDS, TRUE_WORDS
from opensips_py.script.lexer import Token
from opensips_py.script.parameters import ParameterParser
from opensips_py.script.remedies import at
from opensips_py.script.stream import ROUTE_KINDS, Unparsable

# modparam with what people leave out or put wrong: quotes, commas, parentheses; and a number with its unit
MODPARAM = re.compile(r"""modparam\s*[(\[]?\s*["']?([\w|-]+)(?:["']?\s*[,;]\s*["']?|["']\s*["']|\s+)(\w+)
    (?:["']?\s*[,;]\s*|["']\s*|\s+)
    ("(?:[^"\\]|\\.)*"|'[^']*'|-?(\d+)(?:\.\d+|[a-z]+)|[^\s"'()\[\],;]+)\s*[)\]]?;?(?=\s*(?:\#.*)?$)""", re.VERBOSE)
MAIN = ("request_route", "main_route", "default_route", "route_main")  # what people call the main route
SOCKETS = ("socket", "listen", "bin_listen", "alias")
NAMED = {"branch_route": "", "failure_route": "", "timer_route": ", 60", "event_route": ""}  # and what follows it
UNNAMED = ("error_route", "local_route", "startup_route")
TOP_WORDS = (*ROUTE_KINDS, "loadmodule", "modparam", "include_file", "import_file", "import_python")


def parse(tokens: list[Token], diagnostics: Diagnostics) -> tree.Script:
    """The tree of a configuration; errors go to *diagnostics*, what could be read is in the tree."""
    return Parser(tokens, diagnostics).script()


class Parser(ParameterParser):
    """What stands outside routes, and the routes."""

    def __init__(self, tokens: list[Token], diagnostics: Diagnostics) -> None:
        super().__init__(tokens, diagnostics)
        self.lost_modules = False  # whether a loadmodule does not say which one
        self.lost_parameters: set[str] = set()  # modules with a modparam that cannot be read

    def script(self) -> tree.Script:
        """The whole configuration."""
        script = tree.Script(whole=not (self.tokens[-1].broken or self.tokens[-1].value))
        while self.token.kind != "end":
            before = self.at
            try:
                script.items += self.item()
            except Unparsable:
                script.whole &= not self.skip_item() and self.tokens[before].text not in ROUTE_KINDS
            except RecursionError:
                self.diagnostics.error("this is nested too deeply", self.tokens[before].place,
                                       fix="move inner blocks to routes of their own")
                script.whole = False
                self.skip_item()
            if self.at == before:
                self.take()
        script.lax, script.lost_modules, script.lost_parameters = self.lax, self.lost_modules, self.lost_parameters
        return script

    def item(self) -> list[tree.Item]:
        """A core parameter, loadmodule, modparam or route."""
        if self.sees(";"):
            if self.braces.early is not None:
                self.take()  # the brace before it ended a route too early: what follows is blamed for that
            self.stray_semicolon("a route")
            return []
        self.check_braces()
        if self.token.kind == "word":
            text = self.token.text
            if text in ROUTE_KINDS:
                return [self.route()]
            if text == "loadmodule":
                return [self.loadmodule()]
            if text == "modparam":
                return [self.modparam()]
            if text == "import_python" and self.ahead().text != "=":
                return [self.import_python()]
            return self.parameter()
        if self.sees("}"):
            self.fail("'}' without a block to close", self.braces.ended_twice,
                      fix="remove it, or look for one too many above")
        self.lost_modules |= self.token.kind == "string" and self.token.value.endswith(".so")
        self.fail(f"a parameter, loadmodule, modparam or route expected, found {self.shown()}")

    def check_braces(self) -> None:
        """Blame the brace that ended a route too early for what stands outside of it now."""
        suspect, self.braces.early = self.braces.early, None
        if suspect is not None and not self.starts_item():
            self.fail(suspect.message, suspect.place, "the route goes on" * (suspect.fix[:3] == "add"), suspect.fix)

    def parameter(self) -> list[tree.Item]:
        """name = value; alias takes several."""
        if self.ahead().kind == "string" and (fix := did_you_mean(self.token.text, ("loadmodule",))):
            self.report(f"'=' expected behind '{self.token.text}', found {self.shown_at(1)}", fix=fix)
            return [self.loadmodule()]
        if self.ahead().text in ("=", "==") and self.ahead().kind == "operator":
            token = self.take()
            name, place = token.text, token.place
        else:
            name, place = self.glued_text("=", "(", "[", "{")
        if self.sees("=="):
            self.report(f"'=' expected behind '{name}', found '=='", fix="write = instead of ==")
            self.take()
        elif not self.accept("="):
            self.lacks_sign(name, place)
        if self.token.kind == "end" or (self.starts_line() and self.starts_item()):
            self.fail(f"a value expected for {name}", place, fix=f"write {name}=value, or remove the line")
        found: list[tree.Item] = [self.value_of(name, place)]
        while name == "alias" and not self.starts_line() and self.token.kind in ("word", "ip", "string"):
            found.append(self.value_of(name, place))
        self.stray_semicolon("a parameter")
        return found

    def lacks_sign(self, name: str, place: Place) -> None:
        """Complain of a parameter without its =; where there is one of that name, its value is read all the same."""
        is_value = self.token.kind in ("word", "number", "string", "ip") and not self.starts_line()
        if globals.find(name) is None or not is_value:
            self.unknown_item(name, place)
        self.report(f"'=' expected behind '{name}', found {self.shown()}", place, fix=f"write {name} = value",
                    edits=[at(self.behind(), "=", length=self.token.place.column - self.behind().column)])

    def stray_semicolon(self, what: str) -> None:
        """Complain of a semicolon behind what is no statement."""
        while self.sees(";"):
            alone = self.starts_line()
            semicolon = self.take()
            if alone or self.starts_line() or self.token.kind == "end":  # else what follows is blamed
                self.report(f"';' stands behind {what}", semicolon.place, fix="remove it")

    def unknown_item(self, name: str, place: Place) -> None:
        """Complain about a word outside routes that begins nothing known."""
        word, _, value = name.partition(":")
        if value and globals.find(word) is not None:
            self.fail(f"'=' expected behind '{word}', found ':'", place, fix=f"write {word}={value} instead of {name}")
        if self.sees("{", "[") or name in MAIN:
            fix = did_you_mean(name, ROUTE_KINDS)
            if name in MAIN or (self.sees("{") and not fix):
                fix = "the main route is called route"
            self.fail(f"'{name}' is no kind of route", place, fix=fix)
        if self.sees("("):
            self.fail(f"'{name}(...)' stands outside of a route", place,
                      fix="statements belong into route { ... }: look for one '}' too many above")
        self.fail(f"'=' expected behind '{name}', found {self.shown()}", place,
                  fix=did_you_mean(name, TOP_WORDS) or f"write {name} = value")

    def value_of(self, name: str, place: Place) -> tree.Global:
        """The value of the core parameter *name*."""
        start = self.token.place
        if name in SOCKETS:
            socket = self.socket(name)
            return tree.Global(place, name, socket, socket.place)
        if name == "dst_blacklist":
            return tree.Global(place, name, self.blacklist(), start)
        if name == "auto_scaling_profile":
            return tree.Global(place, name, self.scaling_profile(), start)
        if name == "mem-group":
            return tree.Global(place, name, self.group(), start)
        is_bare = self.token.kind != "string"
        value = self.plain_value()
        if is_bare and isinstance(value, str):
            start = start.inside(0, len(value))
        item = tree.Global(place, name, value, start, bare=is_bare)
        if self.accept("use_auto_scaling_profile"):
            item.options["use_auto_scaling_profile"] = self.take().text
        return item

    def plain_value(self) -> int | str:
        """A number, a switch word, a quoted text, or whatever stands up to the next blank."""
        token = self.token
        if token.kind == "string":
            return self.take().value
        if token.kind == "operator" and token.text not in ("-", "/", "[", "*", "."):
            self.fail(f"a value expected, found {self.shown()}")
        if token.text == "-" and self.ahead().kind == "number":
            self.take()
            return -self.number_of(self.take(), is_setting=True)
        if token.kind == "number" and (not self.ahead().glued or self.ahead().text == ";"):
            return self.number_of(self.take(), is_setting=True)
        text, _ = self.glued_text(";")
        if text in TRUE_WORDS or text in FALSE_WORDS:
            return int(text in TRUE_WORDS)
        return text

    def group(self) -> tuple[str, ...]:
        """"name": "module" "module" ..."""
        names = [self.take().value]
        self.expect(":", "behind the name of the group")
        while self.token.kind == "string":
            names.append(self.take().value)
        return tuple(names)

    def loadmodule(self) -> tree.LoadModule:
        place = self.take().place
        if self.token.kind == "string":
            name = self.take()
            self.stray_semicolon("loadmodule")
            return tree.LoadModule(place, name.value, name.place)
        if self.sees("(") and self.ahead().kind == "string" and self.ahead(2).text == ")":
            whole = self.through(self.token.place, self.ahead(2).place)
            name, blank = self.ahead(), " " * self.token.glued
            self.report(f"loadmodule needs a name in quotes, found {self.shown()}", whole,
                        fix=f"write loadmodule {name.text}", edits=[at(whole, blank + name.text)])
            self.at += 3
            self.stray_semicolon("loadmodule")
            return tree.LoadModule(place, name.value, name.place)
        if self.token.kind != "word" or self.starts_line() or self.token.text in TOP_WORDS:
            if self.ahead().kind == "string" and self.ahead().place.line == place.line:
                extra = self.ahead().place.column - self.token.place.column
                self.report(f"loadmodule needs a name in quotes, found {self.shown()}",
                            fix=f"write loadmodule {self.ahead().text}", edits=[at(self.token.place, "", length=extra)])
                self.take()
                name = self.take()
                return tree.LoadModule(place, name.value, name.place)
            self.lost_modules = True
            self.fail(f"loadmodule needs a name in quotes, found {self.shown()}",
                      fix='write loadmodule "NAME.so", with the module that is meant')
        self.report("loadmodule needs a name in quotes", fix=f'write loadmodule "{self.token.text}.so"')
        text, name_place = self.glued_text(";")
        self.accept(";")
        return tree.LoadModule(place, text if text.endswith(".so") else f"{text}.so", name_place)

    def import_python(self) -> tree.ImportPython:
        place = self.take().place
        if self.token.kind != "string":
            self.fail(f"import_python needs the name of a file in quotes, found {self.shown()}",
                      fix='write import_python "routing.py"')
        name = self.take()
        self.accept(";")
        return tree.ImportPython(place, tree.String(name.place, name.value))

    def modparam(self) -> tree.ModParam:
        """modparam("module", "parameter", value); what is written nearly so is taken for what is meant."""
        start, place = self.at, self.token.place
        try:
            return self.right_modparam(self.take().place)
        except Unparsable:
            named = [each.value for each in self.tokens[start + 1:start + 3] if each.kind == "string"]
            self.lost_parameters.update(named)
            line = self.diagnostics.line(place) or ""
            found, error = MODPARAM.match(line, place.column - 1), self.diagnostics.found[-1]
            if found is None or any(each.broken for each in self.tokens[start:self.at + 1]) \
                    or (error.place.file, error.place.line) != (place.file, place.line):
                raise
            if (fix := "" if found[3][0] in "\"'" or found[4] else self.diagnostics.meant(found[3])):
                error.message, error.place = f"'{found[3]}' is no value", place.inside(found.start(3), len(found[3]))
                error.fix = fix
                raise
            value = found[3] if found[3][0] in "\"'" or found[3].lstrip("-").isdigit() else \
                found[4] if found[4] else f'"{found[3]}"'
            meant = f'modparam("{found[1]}", "{found[2]}", {value})'
            error.fix, error.is_sure = f"write {meant}", not found[4]
            error.edits = [at(place, meant, length=found.end() - found.start())]
            while self.token.kind != "end" and not (self.starts_line() and self.at > start):
                self.take()
            self.lost_parameters.discard(found[1])
            word = tree.String(place, value[1:-1]) if value[0] in "\"'" else tree.Number(place, int(value))
            return tree.ModParam(place, tree.String(place, found[1]), tree.String(place, found[2]), word)

    def right_modparam(self, place: Place) -> tree.ModParam:
        """One that is written as it should be, behind its first word."""
        self.not_doubled()
        self.expect("(", "behind modparam")
        module = self.quoted("the module")
        self.expect(",", "behind the module")
        parameter = self.quoted("the parameter")
        if self.sees(")"):
            self.fail("the value of the parameter is missing", self.through(parameter.place, self.token.place),
                      fix=f'write the value behind a comma: "{parameter.value}", 1)')
        self.expect(",", "behind the parameter")
        value: tree.Expression
        if self.token.kind == "number" and self.ahead().text == ")":
            value = tree.Number(self.token.place, self.number_of(self.take(), is_setting=True))
        else:
            value = self.value()
        if isinstance(value, tree.Broken):
            raise Unparsable
        if not isinstance(value, (tree.Number, tree.String)):
            self.fail("the value of a modparam is a number or a quoted text", value.place,
                      fix='write "..." around the value')
        self.expect(")", "at the end of modparam", lenient=(";",))
        self.stray_semicolon("modparam")
        return tree.ModParam(place, module, parameter, value)

    def quoted(self, what: str) -> tree.String:
        if self.token.kind != "string":
            self.fail(f"{what} of a modparam stands in quotes, found {self.shown()}",
                      fix='write modparam("module", "parameter", value)')
        token = self.take()
        return tree.String(token.place, token.value)

    def route(self) -> tree.Route:
        """kind[name, more] { statements }."""
        self.braces.begin()
        kind = self.take()
        self.not_doubled()
        route = tree.Route(kind.place, kind.text, "", [], kind.place)
        try:
            if self.accept("["):
                self.route_head(route)
            elif self.sees("(") and self.ahead(2).text == ")" and self.ahead(3).text == "{":
                self.name_without_brackets(route, 2)
            elif self.token.kind == "word" and self.ahead().text == "{":
                self.name_without_brackets(route, 0)
            if self.sees("(") and self.ahead().place.line > self.token.place.line:
                self.report("a route begins with {", fix="write { instead of (")
                self.tokens[self.at] = replace(self.token, text="{")
            if self.accept("("):
                self.route_parameters(route)
            self.check_head(route)
            if self.sees("]"):
                self.report("']' without a bracket to close", fix="remove it")
                self.take()
        except Unparsable:
            self.skip_head()
            route.broken = True
        route.body = self.block(f"{kind.text}[{route.name}]" if route.name else kind.text, ("if", "xlog"))
        return route

    def name_without_brackets(self, route: tree.Route, parentheses: int) -> None:
        """Complain of route(name) { ... } or route name { ... }, and take it for route[name] { ... }."""
        taken = [self.take() for _ in range(parentheses + 1)]
        name, last = taken[parentheses // 2], taken[-1].place
        route.name, route.name_place = name.text, name.place
        place = route.place.inside(0, max(last.column + last.length - route.place.column, len(route.kind)))
        self.report(f"the name of a {route.kind} stands in brackets", place,
                    fix=f"write the name in brackets: {route.kind}[{name.text}]")

    def skip_head(self) -> None:
        """Pass over the head of a route that made no sense."""
        while self.token.kind != "end" and not self.sees("{", "}", ";"):
            self.take()

    def route_head(self, route: tree.Route) -> None:
        """name, name of an event and its mode, or name and seconds of a timer."""
        if self.sees("]"):
            self.fail(f"{route.kind}[] needs a name")
        route.name, route.name_place = self.glued_text(",", "]", "{")
        if wrong := re.search(r"[;(){}\[\"'$&|<>]", route.name):
            self.report(f"'{wrong[0]}' cannot stand in the name of a route", route.name_place.inside(wrong.start()),
                        fix="remove it")
            route.broken = True
        if self.token.kind in ("word", "number") and not self.token.glued and not self.starts_line() \
                and self.ahead().text == "]":
            whole = self.through(route.name_place, self.take().place)
            name = "_".join(self.written(whole).split())
            self.report("the name of a route is one word", whole, fix=f"write {name} instead of {self.written(whole)}")
            route.name = name
        if self.accept(","):
            if route.kind == "timer_route":
                route.interval = self.number_behind(",")
            elif route.kind == "event_route" and self.sees("sync", "async"):
                route.mode = self.take().text
            else:
                self.fail(f"'{self.token.text}' does not belong behind the name of a {route.kind}")
        self.expect("]", "behind the name of the route", lenient=("{",))

    def check_head(self, route: tree.Route) -> None:
        """A name where one is needed, none where there can be only one, seconds for a timer."""
        if route.kind in NAMED and not route.name:
            self.fail(f"a {route.kind} needs a name", route.place, fix=f"write {route.kind}[name{NAMED[route.kind]}]")
        if route.kind in UNNAMED and route.name:
            self.fail(f"a {route.kind} has no name: there is only one", route.name_place, fix=f"write {route.kind}")
        if route.kind == "timer_route" and route.interval < 1:
            self.fail("a timer_route needs the seconds between two runs", route.name_place,
                      fix=f"write timer_route[{route.name}, 60]")

"""The language itself: each statement that is compiled notes, when it runs, the words and operators it consists of."""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from opensips_py.script import binding, configuration, flow, parser, preprocessor, tree
from opensips_py.script.compiler import RouteCompiler
from opensips_py.script.flow import StatementCompiler
from opensips_py.script.generate import call
from tests.surface.declared import key
from tests.surface.probes import Recorder

WORDS: dict[type[tree.Node], str] = {
    tree.If: "if", tree.While: "while", tree.ForEach: "for in", tree.Switch: "switch", tree.Return: "return",
    tree.Exit: "exit", tree.Drop: "drop", tree.Break: "break esac", tree.Assert: "assert", tree.Async: "async",
    tree.Launch: "launch"}
SIGNS = (tree.Comparison, tree.Binary, tree.Unary, tree.Assign)


def install(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Put all probes in place."""
    statements(recorder, patch)
    routes(recorder, patch)
    special_variables(recorder, patch)
    what_stands_outside(recorder, patch)


def emit(compiler: StatementCompiler, recorder: Recorder, keys: set[str], place: Any) -> None:
    """Have the compiled route note *keys* when it comes here."""
    def executed() -> None:
        for each in keys:
            recorder.note(each)
    compiler.body.emit(ast.Expr(call(compiler.namespace.bind(executed, "executed"))), place)


def statements(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Statements and the operators in them."""
    compile_one = StatementCompiler.statement

    def statement(self: StatementCompiler, node: Any) -> None:
        def spelling(place: Any) -> str:
            return (self.diagnostics.line(place) or "")[place.column - 1:][:place.length]

        if keys := set(keys_of(node, spelling)):
            emit(self, recorder, keys, node.place)
        compile_one(self, node)

    patch.setattr(StatementCompiler, "statement", statement)


def keys_of(node: tree.Node, spelling: Callable[[Any], str]) -> Iterator[str]:
    """The keys of one statement: its own words, and the operators of its expressions as the script spells them."""
    for word in WORDS.get(type(node), "").split():
        yield key("core", "statements", word)
    if isinstance(node, tree.If) and node.otherwise:
        yield key("core", "statements", "else")
    if isinstance(node, tree.Switch):
        for case in node.cases:
            yield key("core", "statements", "default" if case.value is None else "case")
    for each in expressions(node):
        if isinstance(each, (tree.Logical, tree.Not)):
            yield key("core", "operators", spelling(each.place).lower())
        elif isinstance(each, SIGNS):
            yield key("core", "operators", each.operator)
        elif isinstance(each, tree.RouteCall):
            yield key("core", "functions", "route")
        elif isinstance(each, tree.Operand):
            yield key("core", "operands", each.name)


def expressions(node: tree.Node) -> Iterator[tree.Node]:
    """*node* and what is in it, without the statements of its blocks."""
    yield node
    for field in fields(node):
        value = getattr(node, field.name)
        for each in value if isinstance(value, list) and field.name not in ("body", "otherwise", "cases") else [value]:
            if isinstance(each, tree.Node):
                yield from expressions(each)


def routes(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """The kinds of route."""
    compile_one = RouteCompiler.route

    def route(self: RouteCompiler, node: tree.Route) -> list[ast.stmt]:
        keys = {key("core", "route_types", node.kind)} | ({key("core", "statements", "sync")} if node.mode else set())
        emit(self, recorder, keys, node.place)
        return compile_one(self, node)

    patch.setattr(RouteCompiler, "route", route)


def special_variables(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """$var, $avp and others that belong to the language; they are read and written by functions, never inline."""
    for variable, bind in binding.SPECIAL.items():
        patch.setitem(binding.SPECIAL, variable, special(recorder, key("core", "pvars", variable), bind))
    write_any = flow.StatementCompiler.write

    def write(self: StatementCompiler, bound: Any, value: ast.expr, place: Any, *, replace: bool = False) -> None:
        if bound.reference.variable != "var":
            write_any(self, bound, value, place, replace=replace)
            return
        function = self.namespace.bind(bound.write, "write_var")
        self.body.emit(ast.Expr(call(function, ast.Name("run", ast.Load()), value)), place)

    patch.setattr(flow.StatementCompiler, "write", write)


def special(recorder: Recorder, own: str, bind: Any) -> Any:
    """*bind*, with a meaning that is noted."""
    def probed(scope: Any, reference: Any) -> Any:
        bound = bind(scope, reference)
        read = recorder.probed(own, bound.read, lambda run: None)
        write, change = (each and recorder.probed(own + "=", each, lambda run, value: None)
                         for each in (bound.write, bound.replace))
        item = bound.item and recorder.probed(own, bound.item, lambda run, number: None)
        inline = None if bound.write else bound.inline  # that of $cfg_line is a constant
        return replace(bound, read=read, write=write, replace=change, item=item, inline=inline)
    return probed


def what_stands_outside(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """loadmodule, modparam, included files, core parameters."""
    read, include, keep = parser.parse, preprocessor.FileReader.include, configuration.Reader.set

    def parse(*arguments: Any) -> tree.Script:
        script = read(*arguments)
        for kind, word in ((tree.LoadModule, "loadmodule"), (tree.ModParam, "modparam")):
            if script.of(kind):
                recorder.note(key("core", "statements", word))
        if any(each.name == "mpath" for each in script.of(tree.Global)):
            recorder.note(key("core", "statements", "mpath"))
        return script

    def included(self: Any, name: str, token: Any) -> Any:
        recorder.note(key("core", "statements", name))
        return include(self, name, token)

    def keep_value(self: Any, parameter: Any, value: Any) -> None:
        if recorder.note(key("core", "globals", parameter.kept_as)):
            keep(self, parameter, value)

    patch.setattr(parser, "parse", parse)
    patch.setattr(preprocessor.FileReader, "include", included)
    patch.setattr(configuration.Reader, "set", keep_value)

"""What stands in routes: operands, variables, calls, and the statements that mean something else in 4.0."""
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opensips_py.errors import ScriptError
from opensips_py.module.kinds import Flag, Integer, Kind, NumberOrText, VariableKind
from opensips_py.script import renames, tree, variables
from opensips_py.script.configuration import Configuration
from opensips_py.script.converting import functions
from opensips_py.script.converting.accounting import Accounting
from opensips_py.script.converting.source import Source, Span, renamed_variables
from opensips_py.script.core import aliases_of
from opensips_py.script.flow import ends
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

MYSELF = {"uri": ("$rd", "$(ru{uri.port})"), "from_uri": ("$fd", "$(fu{uri.port})"),
          "to_uri": ("$td", "$(tu{uri.port})"), "src_ip": ("$si", ""), "dst_ip": ("$socket_in(ip)", "")}
DATABASE_OF_URI = ("db_check_to", "db_check_from", "db_does_uri_exist")
PORTS = ("src_port", "dst_port")
NUMBER = re.compile(r"-?\d+|0x[0-9a-fA-F]+")


class Routes:
    """Changes the routes; *new* is a registry of 4.0 with the same modules."""

    def __init__(self, old: Configuration, new: Registry, sources: dict[str, Source], accounting: Accounting) -> None:
        self.old, self.new, self.sources, self.accounting = old, new, sources, accounting
        self.aliases = aliases_of(str(old.globals.get("avp_aliases", "")))
        self.done: set[tuple[str, int]] = set()  # tokens that a wider change has taken
        self.needed: set[str] = set()  # modules whose functions are still called

    def convert(self) -> None:
        """All routes."""
        for route in self.old.script.of(tree.Route):
            for node in nodes(route):
                source = self.sources.get(node.place.file)
                number = source.at(node.place) if source is not None else None
                if source is not None and number is not None and (source.file, number) not in self.done:
                    self.node(node, source, number)

    def node(self, node: tree.Node, source: Source, number: int) -> None:
        """One node of the tree."""
        match node:
            case tree.Comparison():
                self.comparison(node, source)
            case tree.Operand():
                found = renames.find("operands", node.name)
                if found is not None and found.to:
                    source.put(number, found.to)
            case tree.Variable() | tree.String():
                self.text(source, number)
            case tree.Do(call=tree.Call() as call) if (made := self.accounting.call(call)) is not None:
                found_arguments = source.arguments(number)
                if found_arguments is not None:
                    self.take(source, (number, found_arguments[1] + 1), made)
            case tree.Call():
                self.call(node, source, number)
            case tree.Assign():
                self.assignment(node, source, number)
            case tree.Switch():
                self.switch(node, source)
            case tree.Break() if source.shows(number, "esac"):
                source.put(number, "break")

    def take(self, source: Source, span: Span, text: str) -> None:
        """*text* in place of tokens; nothing in them is changed any more."""
        source.replace(source.begin(span[0]), source.end(span[1] - 1), text)
        self.done.update((source.file, each) for each in range(*span))

    # Variables

    def text(self, source: Source, number: int) -> None:
        """A variable or a text with variables in it: other names."""
        before = source.tokens[number].text
        after = self.renamed(before)
        if after != before:
            source.put(number, after)

    def renamed(self, text: str) -> str:
        """*text* with the variables called as in 4.0."""
        for alias, name in self.aliases.items():
            text = re.sub(rf"(\$\(?avp\(){re.escape(alias)}(\))", rf"\g<1>{name}\g<2>", text)
        return renamed_variables(text, new_name)

    # Comparisons

    def comparison(self, node: tree.Comparison, source: Source) -> None:
        """Operands compared: myself, bare words, ports in quotes; texts that a transformation leaves empty."""
        left, right = node.left, node.right
        first, last = source.at(left.place), source.at(right.place)
        if first is None or last is None:
            return
        if isinstance(right, tree.Operand) and right.name == "myself" and isinstance(left, tree.Operand) \
                and left.name in MYSELF:
            host, port = MYSELF[left.name]
            sign = "!" if node.operator == "!=" else ""
            self.take(source, (first, last + 1), f'{sign}is_myself("{host}"{", " + port if port else ""})')
        elif isinstance(right, tree.Name) and (isinstance(left, tree.Operand) or right.name.isupper()):
            end = last + 1
            while end < len(source.tokens) and source.tokens[end].glued and source.tokens[end].text in ".-:":
                end += 2
            self.take(source, (last, end), f'"{right.name}"')
            if isinstance(left, tree.Operand) and left.name in ("src_ip", "dst_ip"):
                source.note(source.end(last), "OpenSIPS 4.0 does not look the name up: put its address here")
        elif isinstance(left, tree.Operand) and left.name in PORTS and isinstance(right, tree.String) \
                and right.value.isdigit():
            source.put(last, right.value)
        elif isinstance(right, tree.Number) and source.shows(last, "max_len"):
            source.put(last, str(right.value))
        elif isinstance(right, tree.String) and not right.value and node.operator in ("==", "!="):
            self.empty(node, source, (first, last + 1))

    def empty(self, node: tree.Comparison, source: Source, span: Span) -> None:
        """A transformation without a result gives NULL in 4.0, an empty text in 2.1."""
        if isinstance(node.left, tree.Variable) and "{" in node.left.text:
            variable = self.renamed(node.left.text)
            joint = "||" if node.operator == "==" else "&&"
            self.take(source, span, f'({variable} {node.operator} NULL {joint} {variable} {node.operator} "")')

    # Calls

    def call(self, node: tree.Call, source: Source, number: int) -> None:
        """A call: its name, the order of its arguments, and how each is written."""
        found = source.arguments(number)
        if found is None:
            return
        spans, end = found
        written = [self.argument(span, source, index, node) for index, span in enumerate(spans)]
        special = functions.CALLS.get(node.name)
        made = special(node.name, written) if special is not None and self.is_ours(node) else self.of_uri(node.name)
        if made is not None and node.name in functions.STATEMENTS and source.shows(number - 1, ";", "{", "}"):
            made = made.removeprefix("{ ").removesuffix("; }")  # 4.0 has no blocks by themselves
        if made is not None and not (node.name in functions.STATEMENTS and not self.is_statement(number, source)):
            self.take(source, (number, end + 1), made)
            return
        for (first, last), text in zip(spans, written, strict=True):
            if first < last and text != self.renamed(source.written((first, last))):
                self.take(source, (first, last), text)
        if self.is_ours(node):
            self.needed.add(self.old.registry.functions[node.name].module.name)
        self.name(node, source, number, end)

    def of_uri(self, name: str) -> str | None:
        """Functions of module uri that auth_db has in 4.0; those that compare names alone are comparisons there."""
        found = self.old.registry.functions.get(name)
        if found is None or found.module.name != "uri" or name not in DATABASE_OF_URI \
                or "auth_db" not in self.old.registry.modules:
            return None
        given = {each.parameter.value: each.value.value for each in self.old.script.of(tree.ModParam)
                 if each.module.value == "uri"}
        table = given.get("db_table") or ("uri" if given.get("use_uri_table") else "subscriber")
        if name == "db_does_uri_exist":
            return f'db_does_uri_exist("$ru", "{table}")'
        whose = name.removeprefix("db_check_")
        return f'db_is_{whose}_authorized("{table}")' if given.get("use_uri_table") else f"(${whose[0]}U == $au)"

    def name(self, node: tree.Call, source: Source, number: int, end: int) -> None:
        """The name of a function."""
        renamed = renames.find("functions", node.name)
        if renamed is None or not self.is_ours(node):
            return
        if renamed.to and (renamed.to in self.new.functions or node.name not in self.new.functions):
            source.put(number, renamed.to)
        else:
            source.note(source.end(end), f"OpenSIPS 4.0 has {renamed.words} instead of {node.name}()")

    def is_ours(self, node: tree.Call) -> bool:
        """Whether the function is one that 2.1 has."""
        return node.name in self.old.registry.functions

    def is_statement(self, number: int, source: Source) -> bool:
        """Whether a call stands by itself."""
        return number > 0 and (source.shows(number - 1, ";", "{", "}", "else") or source.shows(number - 1, ")"))

    def argument(self, span: Span, source: Source, index: int, node: tree.Call) -> str:
        """One argument as 4.0 wants it: numbers and variables without quotes, names with them."""
        text = self.renamed(source.written(span))
        if span[1] - span[0] != 1:
            return text
        kind = self.kind(node, index)
        token = source.tokens[span[0]]
        inner = text[1:-1] if token.kind == "string" else text
        if token.kind == "string" and (isinstance(kind, VariableKind) or is_number(kind)):
            return inner if is_variable(inner) or (is_number(kind) and NUMBER.fullmatch(inner)) else text
        if isinstance(kind, Flag) and token.kind in ("word", "number"):
            return f'"{text}"'
        if token.kind == "word" and kind is not None and not is_number(kind) and index < len(node.arguments) \
                and isinstance(node.arguments[index], tree.Name):
            return f'"{text}"'
        return text

    def kind(self, node: tree.Call, index: int) -> Kind | None:
        """What the argument is in 4.0; None where that is not known."""
        renamed = renames.find("functions", node.name)
        found = self.new.functions.get(node.name) or (self.new.functions.get(renamed.to) if renamed else None) \
            or self.old.registry.functions.get(node.name)
        if found is None:
            return None
        declared = found.declaration.arguments
        if not declared or (index >= len(declared) and not declared[-1].rest):
            return None
        return declared[min(index, len(declared) - 1)].kind.bare

    # Statements

    def assignment(self, node: tree.Assign, source: Source, number: int) -> None:
        """+= and its like only assign in 2.1."""
        if node.operator not in ("=", ":="):
            source.put(number, "=")
            source.note(source.end(number), f"all that {node.operator} did in OpenSIPS 2.1")

    def switch(self, node: tree.Switch, source: Source) -> None:
        """No case falls through into default in 2.1."""
        for before, case in zip(node.cases, node.cases[1:], strict=False):
            number = source.at(case.place)
            if case.value is None and before.body and not ends(before.body) and number is not None:
                source.replace(source.begin(number), source.begin(number), "break; ")


def new_name(name: str) -> str | None:
    """What a variable is called in 4.0; None where nothing has changed."""
    found = renames.find("variables", name)
    return found.to if found is not None and found.to else None


def is_number(kind: Kind | None) -> bool:
    """Whether 4.0 wants a number that is none in quotes."""
    return isinstance(kind, Integer) and not isinstance(kind, (Flag, NumberOrText))


def is_variable(text: str) -> bool:
    """Whether *text* is one variable and nothing else."""
    if not text.startswith("$"):
        return False
    try:
        return variables.parse_at(text, 0)[1] == len(text)
    except ScriptError:
        return False

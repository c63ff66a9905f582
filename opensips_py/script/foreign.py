"""Spellings of other languages in a script: what is meant, and what to write instead."""
from __future__ import annotations

import re
from typing import NoReturn

from opensips_py.script.diagnostics import Place
from opensips_py.script.stream import TokenStream

SLASHED = re.compile(r"/((?:[^/\\\n]|\\.)+)/")
SPOKEN = {"AND": "and", "And": "and", "OR": "or", "Or": "or", "NOT": "not", "Not": "not"}
NOTHING = ("nil", "None", "none", "undef", "nullptr", "nul", "NUL", "Null")  # what other languages have for NULL
SET = ("is_set", "isset", "defined", "exists", "is_null", "is_empty", "empty")  # functions that ask for that
COMPARING = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "is": "==", "equals": "==",
             "like": "=~", "matches": "=~", "contains": "=~", "in": "=="}
NAMED, NAMED_PARAM = re.compile(r"\[([A-Za-z][\w-]*)\]"), re.compile(r"\[(\w+)\]")  # names in brackets
STEPS = {"++": "+", "--": "-"}
WORDS = {  # of other languages, and what does the same here
    "continue": "put what is left of the loop into an if",
    "print": 'write xlog("...")', "echo": 'write xlog("...")', "printf": 'write xlog("...")',
    "goto": "write route(name) to run a route", "call": "write route(name) to run a route",
    "foreach": "write for ($var(x) in $(avp(list)[*])) { ... }",
    "until": "write while (condition) { ... }", "do": "write while (condition) { ... }",
    "end": "a block ends with }", "endif": "a block ends with }", "fi": "a block ends with }",
    "done": "a block ends with }", "begin": "a block begins with {", "then": "a block begins with {",
    "pass": "leave it out", "set": "write $var(name) = value", "unset": "write $var(name) = NULL",
}


class ForeignParser(TokenStream):
    """Complaints that say what to write instead."""

    def through(self, first: Place, last: Place) -> Place:
        """The stretch from *first* to the end of *last*, if that is in one line."""
        if last.line != first.line:
            return first
        return first.inside(0, last.column + last.length - first.column)

    def written(self, place: Place) -> str:
        """What stands at *place*."""
        return (self.diagnostics.line(place) or "")[place.column - 1:place.column - 1 + place.length]

    def not_bare(self) -> None:
        """Complain of $name{...} and $name[...], behind whose name these do not stand without parentheses."""
        if not (self.token.glued and self.token.text in ("{", "[") and self.token.kind == "operator"):
            return
        variable = self.previous
        line = self.diagnostics.line(variable.place) or ""
        start = end = variable.place.column - 1 + variable.place.length
        while end < len(line) and (closer := {"{": "}", "[": "]"}.get(line[end])):
            found = closing(line, end, line[end], closer)
            if found < 0:
                return
            end = found + 1
        if end == start or variable.text.startswith("$("):
            return
        whole = variable.place.inside(0, end - variable.place.column + 1)
        if variable.text in ("$avp", "$var", "$hdr", "$shv", "$param") and (
                braced := re.compile(r"\{(\w[\w-]*)\}").fullmatch(line, start, end)):
            self.fail(f"the name of {variable.text} stands in parentheses", whole,
                      fix=f"in parentheses: {variable.text}({braced[1]})")
        if named := (NAMED_PARAM if variable.text == "$param" else NAMED).fullmatch(line, start, end):
            self.fail(f"the name of {variable.text} stands in parentheses", whole,
                      fix=f"in parentheses: {variable.text}({named[1]})")
        self.fail(f"what stands behind {variable.text} needs parentheses around it all", whole,
                  fix=f"in parentheses: $({line[variable.place.column:end]})")

    def not_spoken(self) -> None:
        """Complain of AND, OR and NOT."""
        token = self.token
        if token.kind == "word" and token.text in SPOKEN and self.ahead().text not in (")", ",", ";"):
            self.fail(f"'{token.text}' is no operator", fix=f"write {SPOKEN[token.text]} instead of {token.text}")

    def not_unequal(self) -> None:
        """Complain of <>."""
        if self.sees("<") and self.ahead().text == ">" and self.ahead().glued:
            self.fail("'<>' is no operator", self.token.place.inside(0, 2), fix="write != to compare")

    def not_arrow(self) -> None:
        """Complain of => in an assignment, whose = is at hand."""
        if self.sees("=") and self.ahead().text == ">" and self.ahead().glued:
            self.fail("'=>' is no operator", self.token.place.inside(0, 2), fix="write = to assign")

    def not_stepped(self) -> None:
        """Complain of $var(x)++."""
        sign = self.token.text + self.ahead().text
        if sign in STEPS and self.ahead().glued:
            name = self.previous
            whole = self.through(name.place, self.ahead().place)
            self.fail(f"'{sign}' is no operator", whole,
                      fix=f"write {name.text} = {name.text} {STEPS[sign]} 1 instead of {name.text}{sign}")

    def not_joined(self, *, assigned: bool = False) -> bool:
        """Complain of a dot between texts, of a condition with ? and :, and of two values side by side in what is
        *assigned*; whether one of them is there."""
        if self.sees("."):
            self.report("'.' joins no texts", fix="write + instead of .")
        elif self.sees("~"):
            self.report("'~' is no operator between values", fix="write =~ instead of ~")
        elif self.token.text == "?":
            self.report("'?' is no operator", fix="write if (condition) ...; else ...;")
        elif assigned and self.token.kind in ("string", "variable") and not self.token.broken \
                and self.previous.kind in ("string", "variable", "number"):
            self.report("an operator is missing between two values", fix="join them with +")
        else:
            return False
        return True

    def not_matched(self) -> None:
        """Complain of ~= and of a pattern between slashes."""
        if self.sees("~") and self.ahead().text in ("=", "==") and self.ahead().glued:
            self.fail("'~=' is no operator", self.token.place.inside(0, 2), fix="write =~ to compare")
        if self.sees("!") and self.ahead().kind in ("string", "variable", "number", "word"):
            self.fail("'!' is no operator between values", fix="write != instead of !")
        if self.sees("~"):
            self.fail("'~' is no operator between values", fix="write =~ instead of ~")
        if self.token.kind == "word" and (sign := COMPARING.get(self.token.text.lower())):
            self.fail(f"'{self.token.text}' is no operator", fix=f"write {sign} instead of {self.token.text}")

    def not_slashed(self) -> None:
        """Complain of /pattern/, whose first slash is at hand."""
        line = self.diagnostics.line(self.token.place) or ""
        found = SLASHED.match(line, self.token.place.column - 1)
        if found is not None:
            text = found[1].replace('"', '\\"')
            self.fail("a pattern stands in quotes", self.token.place.inside(0, len(found[0])),
                      fix=f'write "{text}" instead of {found[0]}')

    def no_arguments(self, word: str, opening: Place) -> NoReturn:
        """Complain of what stands in the parentheses behind *word*, whose opening one has been read."""
        line = self.diagnostics.line(opening) or ""
        end = closing(line, opening.column - 1, "(", ")")
        whole = opening.inside(0, end - opening.column + 2 if end >= 0 else 1)
        self.fail(f"{word} takes no argument", whole, fix="remove it")


def closing(line: str, start: int, opener: str, closer: str) -> int:
    """Where in *line* what opens at *start* is closed; -1 where it is not."""
    depth = 0
    for at in range(start, len(line)):
        depth += (line[at] == opener) - (line[at] == closer)
        if depth == 0:
            return at
    return -1

"""From a fix in words to the changes of text that follow it.

The fixes of errors are worded alike wherever they are reported: the word to write stands in it. One table turns each
form of words into edits, so that `check --fix`, `--json` and the editor do what the user has read.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from opensips_py.script.variables import Place

WRONG = re.compile(
    r"function (\S+) is unknown|\$(\S+) is unknown|\{(\S+)\} is no transformation|there is no \w*route\[(.+)\]"
    r"|module (\S+) is unknown|has no parameter (\S+)|there is no core parameter (\S+)"
    r"|'#!(\w+)' is no directive|'(\S+?)' (?:is no|takes no block)"
    r"|nothing ever sets \$var\((\S+)\)|'#!(\w+)' is taken|'=' expected behind '(\S+)'"
    r"|argument '\w+': there is no \w+\[(.+)\]|cannot find the file (\S+)"
    r"|\"(\S+)\" is (?:not one of|no method|no flag here)"
    r"|define \"(\S+?)\"|no database is called \"(\S+)\""
    r"|is needed, not \"(\S+)\"|is one of .*, not \"?([^\s\"]+)\"?$"
    r"|no module has a cache called (\S+)|module (\S+) is not available")
Texts = Mapping[str, list[str]]


class Where(Place, Protocol):
    """A stretch of one line."""

    @property
    def length(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Edit:
    """*text* in place of what stands from *line*, *column* up to *end_line*, *end_column*; all count from 1."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


def at(place: Where, text: str, start: int | None = None, length: int | None = None) -> Edit:
    """*text* in place of the stretch, or of *length* characters from column *start* of its line."""
    column = place.column if start is None else start
    return Edit(place.file, place.line, column, place.line, column + (place.length if length is None else length), text)


Made = list[Edit]
Maker = Callable[["re.Match[str]", "re.Match[str] | None", Where, Texts], Made]


def found(message: str, fix: str, place: Where, texts: Texts) -> tuple[Made, bool]:
    """The edits that *fix* means for the finding at *place*, and whether nothing else could be meant."""
    for pattern, make, is_sure in RULES:
        match = pattern.match(fix)
        if match is not None:
            edits = make(match, WRONG.search(message), place, texts)
            return edits, is_sure and bool(edits)
    return [], False


def line_of(place: Where, texts: Texts) -> str:
    """The line that *place* lies in."""
    lines = texts.get(place.file, [])
    return lines[place.line - 1] if 0 < place.line <= len(lines) else ""


def name(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """The name that was meant, in place of the one that is wrong."""
    right = fix["right"].strip("'{}$")
    if wrong is None:
        return []
    spelt = next(each for each in wrong.groups() if each)
    start = line_of(place, texts).find(spelt, place.column - 1)
    return [at(place, right, start + 1, len(spelt))] if start >= 0 else []


def instead(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """What the fix quotes, in place of all that is marked; or of what it says itself, if that stands there."""
    _, found, written = fix.string.partition(" instead of ")
    line = line_of(place, texts)
    start = line.find(written, max(0, place.column - 1 - len(written))) if found else -1
    if 0 <= start < place.column + place.length:
        return [at(place, fix["right"], start + 1, len(written))]
    return [at(place, fix["right"])]


def compared(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """One sign for another."""
    other = {"==": "=", "=": "=="}[fix["right"]]
    return [at(place, fix["right"], length=len(other))]


def behind(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """A character that is missing in front of what is marked; what closes something stands behind what it closes."""
    before = line_of(place, texts)[:place.column - 1]
    if fix["right"] in (")", "]", ",", ";") and before.strip():
        return [at(place, fix["right"], len(before.rstrip()) + 1, 0)]
    return [at(place, fix["right"], length=0)]


def closing(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """A brace on a line of its own, before what follows the block."""
    line = line_of(place, texts)
    before, rest = line[:place.column - 1], line[place.column - 1:].strip()
    if before.strip() and (not rest or rest.startswith(("#", "//"))):
        following = next((each for each in texts.get(place.file, [])[place.line:] if each.strip()), "")
        margin = following[:len(following) - len(following.lstrip())]
        return [at(place, f"\n{margin}{fix['right']}", len(line.rstrip("\r")) + 1, 0)]
    return [at(place, f"{fix['right']}\n{before}" if not before.strip() else f"\n{fix['right']}\n", length=0)]


def end_of_text(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """The quote at the end of a text."""
    return [at(place, fix["right"], place.column + place.length, 0)]


def end_of_line(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """The end of a comment, at the end of its line."""
    return [at(place, f" {fix['right']}", len(line_of(place, texts).rstrip("\r")) + 1, 0)]


def end_of_part(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """A line behind what belongs together below the one marked: before a blank line, or the end of the block around
    it; else at the end of the file."""
    lines = texts.get(place.file, [])
    if not lines:
        return []
    depth = 0
    for number, line in enumerate(lines[place.line:], place.line + 1):
        depth += line.count("{") - line.count("}")
        if depth < 0 or (depth == 0 and not line.strip() and number > place.line + 1):
            return [Edit(place.file, number, 1, number, 1, f"{fix['right']}\n")]
    return [Edit(place.file, len(lines), len(lines[-1]) + 1, len(lines), len(lines[-1]) + 1,
                 f"\n{fix['right']}\n" if lines[-1] else f"{fix['right']}\n")]


def removed(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """Nothing in place of what is marked."""
    return [at(place, "")]


def bare(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """A text without its quotes."""
    quoted = line_of(place, texts)[place.column - 1:place.column - 1 + place.length]
    return [at(place, fix["right"])] if quoted[:1] in ("\"", "'") else []


def line_before(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """A line before the one that is marked."""
    return [at(place, f"{fix['right']}\n", 1, 0)]


def module(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """A line that loads a module, behind the last one that does; else before the routes."""
    for file, lines in texts.items():
        loading = [number for number, line in enumerate(lines, 1) if re.match(r"\s*loadmodule\b", line)]
        if loading:
            return [Edit(file, loading[-1] + 1, 1, loading[-1] + 1, 1, f"{fix['right']}\n")]
    for file, lines in texts.items():
        first = next((number for number, line in enumerate(lines, 1) if re.match(r"\s*\w*route\b", line)), 0)
        return [Edit(file, first, 1, first, 1, f"{fix['right']}\n")] if first else []
    return []


RULES: tuple[tuple[re.Pattern[str], Maker, bool], ...] = tuple(
    (re.compile(pattern, re.DOTALL), make, is_sure) for pattern, make, is_sure in (
        (r"did you mean '?(?P<right>[^'?]+)'?\?", name, False),
        (r"OpenSIPS 4\.0 calls it (?P<right>[\w-]+)", name, False),
        (r"write (?P<right>==?) to (?:compare|assign)$", compared, True),
        (r"write (?P<right>&&|\|\|) to join conditions$",
         lambda fix, wrong, place, texts: [at(place, fix["right"], length=1)], True),
        (r"write (?P<right>!=|[<>]=|==|=~) to compare$",
         lambda fix, wrong, place, texts: [at(place, fix["right"], length=2)], True),
        (r"write (?P<right>.+?) instead of \S.*$", instead, True),
        (r"write (?P<right>timer_route\[\w+, 60\])$",
         lambda fix, wrong, place, texts: timed(place, fix["right"], texts), False),
        (r"write (?P<right>\$\$) for a dollar sign$",
         lambda fix, wrong, place, texts: [at(place, fix["right"], length=1)], True),
        (r"leave it out$", removed, False),
        (r"write (?P<right>return) to leave a route$", instead, False),
        (r"in parentheses: (?P<right>.*)$", instead, True),
        (r"write (?P<right>,) instead$", instead, True),
        (r"add '(?P<right>.)'(?: here)?$", behind, True),
        (r"end the statement with (?P<right>;)$", behind, False),
        (r"separate arguments with commas(?P<right>)$",
         lambda fix, wrong, place, texts: separated(place, texts), True),
        (r"add the missing '(?P<right>\}+)'$", closing, False),
        (r"add the missing (?P<right>[\"'])$", end_of_text, False),
        (r"add the missing (?P<right>[\"']) before it$", behind, False),
        (r"close it with (?P<right>\*/)$", end_of_line, False),
        (r"add (?P<right>#!endif)$", end_of_part, False),
        (r"join them with (?P<right>\+)$", lambda fix, wrong, place, texts: [at(place, "+ ", length=0)], True),
        (r"add (?P<right>loadmodule \"\S+\")$", module, True),
        (r"add (?P<right>loadmodule \"\S+\") before it$", line_before, True),
        (r"add (?P<right>loadmodule \"\S+\" and modparam\(.*\))$",
         lambda fix, wrong, place, texts: module_and_parameter(fix, wrong, place, texts), False),
        (r"write (?P<right>\$\S+)$",
         lambda fix, wrong, place, texts: whole_variable(fix, wrong, place, texts), False),
        (r"add (?P<right>route \{ )\.\.\. \}$", lambda fix, wrong, place, texts: [], False),
        (r"remove it\b", removed, False),
        (r"write (?P<right>\S+) without the quotes", bare, True),
        (r"put it in quotes if it is a text: (?P<right>.*)$", instead, False),
        (r"write (?P<right>else if|local(?: \w+)?|route\[\w+\]\(.*\))$", instead, True),
        (r"declare it: (?P<right>local \$\w+)$", instead, False),
        (r"a colon stands before the port: (?P<right>\S+)$", instead, True),
        (r"write (?P<right>\w+)= as the rest of the script does", instead, False),
        (r"write the name in brackets: (?P<right>\w+\[\w+\])$", instead, True),
        (r"a leading 0 means octal; write (?P<right>\d+) for", instead, False),
        (r"variables start with \$: write (?P<right>\$var\(\w+\))$", instead, False),
        (r"write (?P<right>\"\S*\") with(?: the)? quotes$", instead, True),
        (r"write (?P<right>loadmodule) (?P<name>\"\S+\")$",
         lambda fix, wrong, place, texts: quoted_module(fix["name"], place, texts), True),
        (r"use (?P<right>#!redefine) to change it$",
         lambda fix, wrong, place, texts: redefined(place, texts), False),
        (r"write modparam\(\"module\"(?P<right>)", lambda fix, wrong, place, texts: quoted(place, texts), True),
        (r"write (?:include|import)_file \"file.cfg\"(?P<right>)",
         lambda fix, wrong, place, texts: quoted(place, texts), True),
        (r"the main route is called (?P<right>route)$", instead, True),
        (r"write (?P<right>route) without a name$", lambda fix, wrong, place, texts: without_name(place, texts),
         False),
        (r"write (?P<right>\w+_route)$", lambda fix, wrong, place, texts: unnamed(place, texts), True),
    ))


def module_and_parameter(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """The line that loads a module, and one that sets a parameter of it behind that."""
    both = fix["right"].replace(" and modparam", "\nmodparam") + "\n"
    return [replace(each, text=both) for each in module(fix, wrong, place, texts)]


def whole_variable(fix: re.Match[str], wrong: re.Match[str] | None, place: Where, texts: Texts) -> Made:
    """A variable in place of the one that begins where it is marked."""
    written = re.match(r"\$\((?:[^()]|\([^()]*\))*\)|\$\w+\([^()]*\)", line_of(place, texts)[place.column - 1:])
    return [at(place, fix["right"], length=len(written[0]))] if written and "(name)" not in fix["right"] else []


def quoted_module(text: str, place: Where, texts: Texts) -> Made:
    """The name of a module in quotes, in place of all that stands without."""
    written = re.match(r"\S+", line_of(place, texts)[place.column - 1:])
    return [at(place, text, length=len(written[0].rstrip(";")))] if written else []


def quoted(place: Where, texts: Texts) -> Made:
    """What stands there up to a blank, comma or parenthesis, in quotes."""
    written = re.match(r"[^\s,();]+", line_of(place, texts)[place.column - 1:])
    return [at(place, f'"{written[0]}"', length=len(written[0]))] if written else []


def separated(place: Where, texts: Texts) -> Made:
    """A comma behind what stands before."""
    before = line_of(place, texts)[:place.column - 1]
    return [at(place, "," if before[-1:].isspace() else ", ", len(before.rstrip()) + 1, 0)]


def redefined(place: Where, texts: Texts) -> Made:
    """#!redefine for #!define."""
    start = line_of(place, texts).find("define", place.column - 1)
    return [at(place, "redefine", start + 1, len("define"))] if start >= 0 else []


def timed(place: Where, text: str, texts: Texts) -> Made:
    """The head of a timer_route with its seconds."""
    line = line_of(place, texts)
    start, end = line.rfind("timer_route", 0, place.column), line.find("]", place.column - 1)
    return [at(place, text, start + 1, end + 1 - start)] if 0 <= start < end else []


def unnamed(place: Where, texts: Texts) -> Made:
    """The head of a route without its name."""
    line = line_of(place, texts)
    opening, end = line.rfind("[", 0, place.column), line.find("]", place.column - 1)
    return [at(place, "", opening + 1, end - opening + 1)] if 0 <= opening < end else []


def without_name(place: Where, texts: Texts) -> Made:
    """The head of the route that begins at *place* without its name."""
    found = re.match(r"\w+(\s*\[[^\]]*\])", line_of(place, texts)[place.column - 1:])
    return [at(place, "", place.column + found.start(1), found.end(1) - found.start(1))] if found else []


def applied(text: str, edits: list[Edit]) -> str:
    """*text* with *edits* carried out; of two that overlap, the first counts."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    spans = sorted((starts[min(each.line, len(lines) + 1) - 1] + each.column - 1,
                    starts[min(each.end_line, len(lines) + 1) - 1] + each.end_column - 1, each.text)
                   for each in dict.fromkeys(edits))
    parts, done = [], 0
    for start, end, new in spans:
        if start >= done or (start == done == end):
            parts += [text[done:start], new]
            done = max(end, done)
    return "".join([*parts, text[done:]])

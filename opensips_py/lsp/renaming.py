"""Giving a local, a route or a variable another name, everywhere that it stands; refused where that would break it."""
from __future__ import annotations

import re

from opensips_py.lsp.analysis import LOCAL, PRIVATE, PYTHON, Analysis, Mention
from opensips_py.lsp.scopes import Local
from opensips_py.lsp.text import without_comments
from opensips_py.script import tree
from opensips_py.script.binding import SPECIAL
from opensips_py.script.diagnostics import Place
from opensips_py.script.routes import routes_named
from opensips_py.script.walk import nodes

NAMES = {LOCAL: r"[A-Za-z_]\w*", "route": r"\w[\w.-]*", **dict.fromkeys(PRIVATE, r"[\w.-]+")}


class Refused(Exception):
    """Nothing is renamed; the text says why."""


def check(analysis: Analysis, mention: Mention) -> None:
    """Refuse what cannot be renamed, whatever the new name."""
    if mention.kind == PYTHON:
        where = next(each.place for each in analysis.like(mention) if each.defines)
        raise Refused(f"{mention.name} is a function in {short(where)}: rename it there, or give it another name for "
                      'scripts with @route(name="...")')
    if mention.kind == "event_route":
        raise Refused("an event_route has the name of its event")
    misread = next(iter(sorted(analysis.configuration.diagnostics.misread_lines)), None)
    if misread is not None and mention.kind not in PRIVATE:
        raise Refused(f"mend {short(Place(*misread, 1))} first: what cannot be read may name {mention.name}")
    broken = analysis.unread_python()
    if broken is not None and mention.kind != LOCAL:
        raise Refused(f"mend {broken.path.rpartition('/')[2]} first: it may name {mention.name}")
    for each in analysis.like(mention):
        if not each.is_spelled:
            raise Refused(f"{mention.name} is not written in {short(each.place)}, but defined to be meant there")
    if mention.kind not in PRIVATE:
        check_skipped(analysis, mention)
    if mention.kind not in (LOCAL, *PRIVATE):
        check_texts(analysis, mention)


def check_skipped(analysis: Analysis, mention: Mention) -> None:
    """Refuse what lines name that are not read now: behind an #!ifdef that does not hold, or in a definition."""
    read = analysis.scopes.lines()
    word = re.compile(rf"\b{re.escape(mention.name)}\b")
    within = analysis.scopes.span(mention.local.route) if mention.local is not None else None
    for file in analysis.texts.keys() - {each.path for each in analysis.python_texts}:
        for number, line in enumerate(without_comments("\n".join(analysis.texts[file])).split("\n"), 1):
            if (file, number) not in read and (within is None or (file, number) in within) and word.search(line):
                raise Refused(f"{short(Place(file, number, 1))} is not read now, and may name {mention.name}")


def check_texts(analysis: Analysis, mention: Mention) -> None:
    """Refuse a route that a text may name of which only the run knows what it is for."""
    known = {each.place for each in analysis.like(mention)}
    others = [each.place for text in analysis.python_texts for each in text.others if each.name == mention.name]
    routes = analysis.script.of(tree.Route)
    if mention.kind == "route" and any(name is None for route in routes for _, name in routes_named(route)):
        others += [node.place for route in routes for node in nodes(route)
                   if isinstance(node, tree.String) and node.value == mention.name
                   and analysis.inner(node) not in known]
    if others:
        raise Refused(f"the text \"{mention.name}\" in {short(others[0])} may name this route: only the run knows")


def places(analysis: Analysis, mention: Mention, wanted: str) -> list[Place]:
    """Where *wanted* has to be written."""
    check(analysis, mention)
    if not re.fullmatch(NAMES.get(mention.kind, NAMES["route"]), wanted, re.ASCII):
        raise Refused(f"'{wanted}' cannot be the name of a {mention.kind}")
    taken = conflict(analysis, mention, wanted)
    if taken:
        raise Refused(taken)
    return [each.place for each in analysis.like(mention)]


def conflict(analysis: Analysis, mention: Mention, wanted: str) -> str:
    """What has the name *wanted* already; empty where nothing has."""
    if wanted == mention.name:
        return ""
    if mention.local is not None:
        if wanted in analysis.registry.variables or wanted in SPECIAL:
            return f"${wanted} is a pseudo-variable"
        other = next((each for each in (mention.local.route.locals if mention.local.route else ())
                      if each.name == wanted and overlap(each, mention.local)), None)
        return f"${wanted} is declared in line {other.place.line}" if other is not None else ""
    if mention.kind in PRIVATE:
        return f"there is a ${mention.kind}({wanted})" if wanted in analysis.names(mention.kind) else ""
    if mention.kind == "route" and wanted in analysis.python:
        return f"{wanted} is a Python route"
    return f"there is a {mention.kind}[{wanted}]" if wanted in analysis.names(mention.kind) else ""


def overlap(one: Local, other: Local) -> bool:
    """Whether there is a place where both are seen."""
    return one.begin <= other.end and other.begin <= one.end


def short(place: Place) -> str:
    """A place in a sentence."""
    return f"line {place.line} of {place.file.rpartition('/')[2]}"

"""The reference as pages of Markdown, out of what core and modules declare: nothing in it is written twice."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from opensips_py import describe
from opensips_py.module import loader
from opensips_py.module.base import Module
from opensips_py.script import globals
from opensips_py.script.core import Core
from opensips_py.script.routes import KINDS
from opensips_py.server.generation import BUILT_IN

ROUTE_TEXTS = {
    "route": "Runs for every request that belongs to no transaction yet; `route[name]` is called with `route(name)`.",
    "branch_route": "Runs for each branch before it is sent, once `t_on_branch` has named it.",
    "failure_route": "Runs when every branch has failed, once `t_on_failure` has named it.",
    "onreply_route": "Runs for responses: without a name for all, with one once `t_on_reply` has named it.",
    "error_route": "Runs for requests that break RFC 3261, in place of the 400.",
    "local_route": "Runs for requests that the server itself sends.",
    "startup_route": "Runs once when the server begins.",
    "timer_route": "Runs again and again: `timer_route[name, seconds]`.",
    "event_route": "Runs when the event of its name is raised; the event's parameters are `$param(name)`.",
}


def pages(folders: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """(file, text) of every page."""
    classes = [loader.find(name, folders) for name in loader.available(folders)]
    yield "index.md", index(classes)
    yield "parameters.md", parameters()
    yield "routes.md", routes()
    yield "core.md", merged("The core's functions, variables and transformations", Core)
    for each in BUILT_IN:
        yield f"{each.declarations.name}.md", page(each)
    for each in classes:
        yield f"modules/{each.declarations.name}.md", page(each)


def write(folder: Path, folders: Iterable[str] = ()) -> list[Path]:
    """Write every page below *folder*; the files written."""
    written = []
    for name, text in pages(folders):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def index(classes: Iterable[type[Module]]) -> str:
    """The table of contents."""
    lines = ["# Reference", "", "- [Core parameters](parameters.md)", "- [Route types](routes.md)",
             "- [Functions, variables and transformations of the core](core.md)",
             *(f"- [{title(each)}]({each.declarations.name}.md)" for each in BUILT_IN), "", "## Modules", "",
             "| module | |", "|---|---|"]
    for each in classes:
        declared = each.declarations
        lines.append(f"| [{declared.name}](modules/{declared.name}.md) | {declared.overview.partition(chr(10))[0]} |")
    return "\n".join(lines) + "\n"


def title(cls: type[Module]) -> str:
    """What a built-in module is called in the table of contents."""
    return {"core_statistics": "Statistics and events of the core",
            "mi_core": "Management commands of the core"}.get(cls.declarations.name, cls.declarations.name)


def parameters() -> str:
    """All core parameters."""
    lines = ["# Core parameters", "", "Set as `name = value` before the routes. A default of both dialects stands "
             "once; a dash means that a dialect has no such parameter."]
    for each in sorted(globals.TABLE, key=lambda parameter: parameter.name):
        also = f" (also {', '.join(f'`{name}`' for name in each.aliases)})" if each.aliases else ""
        effect = each.effect[:1].upper() + each.effect[1:]
        lines += ["", f"### `{each.name}`", "", f"Type {each.type}; default {default(each)}{also}.", "",
                  effect if effect.endswith(".") else f"{effect}."]
    return "\n".join(lines) + "\n"


def default(parameter: globals.Parameter) -> str:
    """The default in both dialects."""
    old, new = (shown(value) for value in (parameter.v21, parameter.v40))
    return f"{new} in both dialects" if old == new else f"{old} in 2.1, {new} in 4.0"


def shown(value: object) -> str:
    """A default as the page has it."""
    if value is globals.ABSENT:
        return "–"
    return "none" if value in (None, "") else f"`{value}`"


def routes() -> str:
    """The kinds of route."""
    lines = ["# Route types"]
    for kind in KINDS:
        lines += ["", f"### `{kind}`", "", ROUTE_TEXTS[kind]]
    return "\n".join(lines) + "\n"


def page(cls: type[Module]) -> str:
    """One module: what both dialects share once, what only one of them has marked so."""
    return merged(cls.declarations.name, cls)


def merged(heading: str, cls: type[Module]) -> str:
    """The manual of *cls* for both dialects under *heading*."""
    lines = [f"# {heading}", "", cls.declarations.overview]
    old, new = (dict(describe.sections(cls, dialect)) for dialect in ("2.1", "4.0"))
    for chapter in new:
        entries = joined(old.get(chapter, []), new[chapter])
        if entries:
            lines += ["", f"## {chapter}"]
        for name, text, only in entries:
            lines += ["", f"### `{name}`", *(["", f"*Dialect {only} alone.*"] if only else []),
                      *(["", text] if text else [])]
    return "\n".join(lines) + "\n"


def joined(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Entries of both dialects in order; the third is the dialect that alone has one."""
    both = [(name, text, "" if (name, text) in old else "4.0") for name, text in new]
    return sorted([*both, *((name, text, "2.1") for name, text in old if (name, text) not in new)],
                  key=lambda entry: entry[0])

"""Locals of a route while it is compiled: which are seen where, and which surely have a value there."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opensips_py.script.diagnostics import Diagnostics, Place, nearest
from opensips_py.script.generate import Namespace

# The variable by which a text that a function compiles reaches a local; no script can declare one of that name.
KEPT = "0local"
USE = re.compile(r"\$\$|\$(\(\s*)?([A-Za-z_][\w.]*)(\()?")
PLAIN_USE = re.compile(r"\$(?:([A-Za-z_]\w*)|\(\s*([A-Za-z_]\w*)\s*\))")


@dataclass(slots=True)
class Local:
    """One local; *python* is its name in the compiled route, which no other local and no global has."""

    name: str
    python: str
    type: str
    place: Place
    is_read: bool = False
    is_parameter: bool = False


class Locals:
    """The locals of one route, block within block."""

    def __init__(self, diagnostics: Diagnostics, namespace: Namespace, unread: list[Local] | None = None) -> None:
        self.diagnostics, self.namespace = diagnostics, namespace
        self.unread = [] if unread is None else unread  # those that nothing has read when their block ended
        self.scopes: list[dict[str, Local]] = [{}]
        self.gone: dict[str, Local] = {}  # of blocks that have ended
        self.assigned: set[str] = set()
        self.after: set[str] | None = None  # what has a value at the end of the block compiled last; None: no end

    def find(self, name: str) -> Local | None:
        """The local that *name* means here: of the innermost block that has one."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    @property
    def any(self) -> bool:
        """Whether there is any local here."""
        return any(self.scopes)

    def declare(self, name: str, type_: str, place: Place, *, is_parameter: bool = False) -> Local:
        """A new local of the block at hand; it may hide one of a block around it."""
        before = self.scopes[-1].get(name)
        if before is not None:
            self.diagnostics.error(f"${name} is declared twice in this block", place,
                                   fix=f"write ${name} = value to assign it again, or use another name",
                                   related=[("the first one", before.place)])
            before.is_read = True
        python = self.namespace.unused(f"my_{name}")
        self.namespace[python] = None  # taken
        self.scopes[-1][name] = found = Local(name, python, type_, place, is_parameter=is_parameter)
        return found

    def assign(self, local: Local) -> None:
        """From here on *local* has a value."""
        self.assigned.add(local.python)

    def advice(self, name: str) -> tuple[str, list[tuple[str, Place]]]:
        """What to say of a variable that nobody knows: a local that was meant, or one whose block has ended."""
        near = nearest(name, [each for scope in self.scopes for each in scope])
        if near:
            return f"did you mean ${near}?", []
        if name in self.gone:
            return f"declare ${name} before the block that it is used behind", [
                ("that local belongs to its block", self.gone[name].place)]
        return "", []

    def read(self, local: Local, place: Place) -> None:
        """Note that *local* is read at *place*, which is wrong where it may have no value yet."""
        local.is_read = True
        if local.python not in self.assigned:
            self.diagnostics.error(f"${local.name} may be read here before it has a value", place,
                                   fix=f"give it one where it is declared: local ${local.name} = NULL",
                                   related=[("declared here", local.place)])
            self.assign(local)  # said once

    @contextmanager
    def block(self, *, ends: bool) -> Iterator[None]:
        """A block of statements: its locals are gone behind it; *ends*: the script does not go on behind it."""
        before = set(self.assigned)
        self.scopes.append({})
        try:
            yield
        finally:
            self.leave(self.scopes.pop())
            self.after = None if ends else self.assigned
            self.assigned = before

    def leave(self, scope: dict[str, Local]) -> None:
        """The locals of *scope* are out of reach now."""
        self.gone.update(scope)
        self.unread += [each for each in scope.values() if not each.is_read and not each.is_parameter]

    def join(self, *ways: set[str] | None) -> None:
        """Go on where several ways meet: what has a value on each has one here."""
        known = [each for each in ways if each is not None]
        if known:
            self.assigned |= set.intersection(*known)

    # Texts

    def plain(self, text: str) -> Local | None:
        """The local that a variable as written is, if it is one without index and transformations."""
        found = PLAIN_USE.fullmatch(text)
        return self.find(found.group(1) or found.group(2)) if found else None

    def unreplaced(self, text: str, place: Place) -> None:
        """Warn of a local in a text that is taken as it stands."""
        found: list[Local] = []
        if "$" in text and any(self.scopes):
            self.replaced(text, found.append)
        if found:
            self.diagnostics.warning(f"${found[0].name} is not replaced here: this text is taken as it stands", place,
                                     fix='join the pieces with +, or put the text into a local first')
            found[0].is_read = True

    def replaced(self, text: str, use: Callable[[Local], None]) -> str:
        """*text*, each local in it written as the variable that holds its value for functions of the run."""
        def written(found: re.Match[str]) -> str:
            name = (found.group(2) or "").rstrip(".")
            local = self.find(name) if name else None
            if local is None or (found.group(3) and found.group(2) == name):
                return found.group()
            use(local)
            rest = found.group(2)[len(name):]
            return f"${found.group(1) or ''}{KEPT}({local.python}){rest}{found.group(3) or ''}"
        return USE.sub(written, text) if "$" in text else text

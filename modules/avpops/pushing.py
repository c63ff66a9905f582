"""Where a value can be pushed to: the Request-URI or a part of it, the destination URI, or a new branch."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opensips_py.module import Kind, Run
from opensips_py.module.kinds import ScriptLanguage
from opensips_py.sip import BranchTarget, Request

VARIABLES = {"$ru": "$ru", "$ru/username": "$rU", "$ru/domain": "$rd", "$du": "$du"}


@dataclass(frozen=True)
class Destination:
    """One of them; where it is in the Request-URI, a second value makes a branch of the one before."""

    write: Callable[[Run, Any], None]
    forks: bool = False

    def put(self, run: Run, values: list[int | str]) -> bool:
        """Put *values* there in turn; false without any, or where there is no request."""
        request = run.message
        if not isinstance(request, Request):
            return False
        for number, value in enumerate(values):
            if number and self.forks:
                add_branch(run, request.uri)
            self.write(run, str(value))
        return bool(values)


def add_branch(run: Run, uri: str) -> None:
    """Have the request go to *uri* as well."""
    run.message.branches = [*(run.message.branches or ()), BranchTarget(uri)]


@dataclass(frozen=True)
class DestinationKind(Kind):
    """``$ru``, ``$ru/username``, ``$ru/domain``, ``$du`` or ``$br``."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Destination:
        text = value.strip().lower()
        if text == "$br":
            return Destination(add_branch)
        if text not in VARIABLES:
            raise ValueError(f'"{value}" is none of {", ".join((*VARIABLES, "$br"))}')
        write = language.variable(VARIABLES[text]).write
        assert write is not None
        return Destination(write, forks=text.startswith("$ru"))

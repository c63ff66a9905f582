"""AVPs as functions of modules name them."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opensips_py.module.kinds import ScriptLanguage
from opensips_py.module.run import Run

Value = int | str


@dataclass(frozen=True)
class Avp:
    """An AVP by its name."""

    name: Callable[[Run], str]

    def values(self, run: Run) -> list[Value]:
        """Its values, the newest first."""
        return list(run.avps.get(self.name(run), ()))

    def push(self, run: Run, values: list[Value]) -> None:
        """Give it more, the last of them being the newest then."""
        if values:
            run.avps.setdefault(self.name(run), [])[:0] = values[::-1]

    def replace(self, run: Run, values: list[Value]) -> None:
        """Give it these alone."""
        if values:
            run.avps[self.name(run)] = values
        else:
            run.avps.pop(self.name(run), None)


def avp_of(text: str, language: ScriptLanguage) -> Avp:
    """``$avp(name)``, the name maybe a variable."""
    spec = language.variable(text)
    if not spec.text.startswith("$avp("):
        raise ValueError(f"$avp(name) is needed, not {text}")
    if spec.name is not None:
        name = spec.name
        return Avp(lambda run: name)
    inner = language.format(spec.text[len("$avp("):-1])
    return Avp(lambda run: inner(run) or "")

"""All the values of a variable that can have several."""
from __future__ import annotations

import logging
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from opensips_py.module import Route, Variable, Writable, script

if TYPE_CHECKING:
    from opensips_py.module.kinds import VariableSpec
    from opensips_py.module.registry import Registry


def indexed(text: str, index: int) -> str:
    """The variable *text* with an index: $avp(x) as $(avp(x)[2]); ValueError where it has one or is transformed."""
    inner = text[2:-1].removesuffix("[*]") if text.startswith("$(") else text[1:]
    if inner.endswith(("]", "}")):
        raise ValueError(f"{text} is one value already")
    return f"$({inner}[{index}])"


def compiled(registry: Registry, text: str, index: int) -> VariableSpec | None:
    """The variable *text* at *index*; None where it takes none."""
    try:
        return registry.script.variable(indexed(text, index)) if registry.script else None
    except ValueError:
        return None


class Values:
    """Counting and reaching the values of a variable."""

    log: logging.Logger
    registry: Registry

    def begin_values(self) -> None:
        """Remember what has been compiled."""
        self.numbered = lru_cache(1024)(partial(compiled, self.registry))  # no method: it would hold the module

    def values(self, variable: Variable) -> list[Any]:
        """The values of *variable*, that at index 0 first."""
        found: list[Any] = []
        while (spec := self.numbered(variable.spec.text, len(found))) is not None:
            value = spec.read(variable.run)
            if value is None:
                return found
            found.append(value)
        only = variable.get()
        return [] if only is None else [only]

    def at(self, variable: Variable, index: int) -> Writable:
        """The value of *variable* at *index*, to assign."""
        spec = self.numbered(variable.spec.text, index)
        if spec is None:
            raise ValueError(f"{variable.spec.text} has no values by number")
        return Writable(variable.run, spec)

    @script(Route.ANY)
    def set_count(self, var_to_count: Variable, ret_var: Writable) -> bool:
        """Count the values of *var_to_count*, an AVP or a header for example, into *ret_var*."""
        ret_var.set(len(self.values(var_to_count)))
        return True

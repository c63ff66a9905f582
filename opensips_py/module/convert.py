"""Arguments that Python code gives a script function, as the function wants them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.module.declare import MISSING, Argument
from opensips_py.module.kinds import Flag, Variable, Writable

if TYPE_CHECKING:
    from opensips_py.module.registry import BoundFunction
    from opensips_py.module.run import Run


def arguments_for(function: BoundFunction, given: tuple[Any, ...], run: Run) -> list[Any]:
    """All arguments, converted; ValueError says which one is wrong, TypeError how many there may be."""
    declared = function.declaration
    least, most = declared.arity
    if len(given) < least or (most is not None and len(given) > most):
        takes = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        raise TypeError(f"{declared.name} takes {takes} arguments, not {len(given)}")
    found = []
    for index, value in enumerate(given):
        argument = declared.arguments[min(index, len(declared.arguments) - 1)]
        try:
            found.append(converted(argument, value, run))
        except ValueError as error:
            raise ValueError(f"{declared.name}, argument '{argument.name}': {error}") from None
    return found


def converted(argument: Argument, value: Any, run: Run) -> Any:
    """One argument."""
    kind, registry = argument.kind, run.generation.registry
    if value is None:
        return left_out(argument)
    if kind.variable:
        return (Writable if kind.writable else Variable)(run, registry.script.variable(str(value)))
    if kind.script:
        return kind.compile(str(value), registry.script)
    inner = kind.bare
    if isinstance(inner, Flag) and registry.flag is not None:
        return registry.flag(inner.scope, str(value))
    return kind.constant(value) if kind.literal else kind.convert(value)


def left_out(argument: Argument) -> Any:
    """What stands for an argument that is None."""
    if argument.default is not MISSING:
        return argument.default
    if argument.kind.nullable:
        return None
    raise ValueError("it cannot be left out")

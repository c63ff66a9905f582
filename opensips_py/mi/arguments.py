"""The arguments of a management command, converted as its declaration says."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opensips_py.errors import MIError
from opensips_py.module.declare import MISSING, Argument, MICommand
from opensips_py.module.kinds import ListOf

METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602
DEEPEST = 64  # lists and objects inside of one another
NUMBERS = range(-1 << 63, 1 << 63)  # that go from one process to the other

Given = Sequence[Any] | Mapping[str, Any] | None


def check(given: Any, depth: int = DEEPEST) -> None:
    """Refuse what cannot be handed to another process, where the command may have to run: MIError."""
    if isinstance(given, int) and given not in NUMBERS:
        raise MIError(INVALID_PARAMS, "a number has more than 64 bits")
    if isinstance(given, str):
        try:
            given.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise MIError(INVALID_PARAMS, "a text has half a character in it") from None
    if isinstance(given, (Mapping, list, tuple)):
        if not depth:
            raise MIError(INVALID_PARAMS, f"more than {DEEPEST} lists and objects inside of one another")
        for each in [*given, *given.values()] if isinstance(given, Mapping) else given:
            check(each, depth - 1)


def bind(command: MICommand, given: Given) -> dict[str, Any]:
    """The keyword arguments of *command* for what was *given* by position or by name; MIError where it does not fit."""
    values = by_name(command, given) if isinstance(given, Mapping) else by_position(command, list(given or ()))
    arguments = {}
    for argument in command.parameters:
        if argument.name in values:
            arguments[argument.name] = converted(argument, values[argument.name])
        elif not argument.optional:
            raise MIError(INVALID_PARAMS, f"missing parameter {argument.name}; {usage(command)}")
        elif isinstance(argument.kind, ListOf) and not has_default(argument):
            arguments[argument.name] = []
    return arguments


def by_position(command: MICommand, given: list[Any]) -> dict[str, Any]:
    """Values for the parameters in their order; a list at the end takes all that remain."""
    parameters = command.parameters
    if parameters and isinstance(parameters[-1].kind, ListOf) and len(given) >= len(parameters):
        last = given[len(parameters) - 1:]
        rest = last[0] if len(last) == 1 and isinstance(last[0], list) else last
        given = [*given[:len(parameters) - 1], rest]
    if len(given) > len(parameters):
        raise MIError(INVALID_PARAMS, f"too many parameters; {usage(command)}")
    return {argument.name: value for argument, value in zip(parameters, given, strict=False)}


def by_name(command: MICommand, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the names that the declaration knows; a name that it does not know is an error."""
    names = {argument.name for argument in command.parameters}
    unknown = [name for name in given if name not in names]
    if unknown:
        raise MIError(INVALID_PARAMS, f"unknown parameter {unknown[0]}; {usage(command)}")
    return dict(given)


def converted(argument: Argument, value: Any) -> Any:
    """One value as the command's method wants it."""
    try:
        return argument.kind.constant(value)
    except ValueError as error:
        raise MIError(INVALID_PARAMS, f"parameter {argument.name}: {error}") from None


def has_default(argument: Argument) -> bool:
    """Whether the method has a value of its own for an argument left out."""
    return argument.default is not MISSING


def recipes(command: MICommand) -> list[list[str]]:
    """The sets of parameters that *command* accepts: all that it needs, and more and more of those that may be left
    out."""
    needed = [each.name for each in command.parameters if not each.optional]
    optional = [each.name for each in command.parameters if each.optional]
    return [needed + optional[:count] for count in range(len(optional) + 1)]


def usage(command: MICommand) -> str:
    """One line that says how *command* is called."""
    parameters = [f"[{each.name}]" if each.optional else each.name for each in command.parameters]
    return "usage: " + " ".join([command.name, *parameters])

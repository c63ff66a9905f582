"""Transformations behind a pseudo-variable: their arguments, and the functions that apply them."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from opensips_py.module.substitution import SubstitutionKind, compiled, sliced
from opensips_py.script.variables import Reference, Spot, Step, parse_at, split

if TYPE_CHECKING:
    from opensips_py.module.declare import Argument
    from opensips_py.module.registry import BoundTransformation, Registry
    from opensips_py.module.run import Run

Change = Callable[[Any, "Run"], Any]


@dataclass(frozen=True, slots=True)
class Dynamic:
    """An argument that the run decides; any other is a constant, a function among them."""

    read: Callable[[Run], Any]


def resolved(arguments: tuple[Any, ...], run: Run) -> list[Any]:
    """The arguments in *run*."""
    return [each.read(run) if type(each) is Dynamic else each for each in arguments]


class Binder(Protocol):
    """What is needed of the scope: names, and variables in arguments."""

    registry: Registry

    def bind(self, reference: Reference) -> Any: ...


def changes(reference: Reference, scope: Binder) -> tuple[Change, ...]:
    """The functions that apply the transformations of *reference*, first to last."""
    return tuple(change(reference, step, scope) for step in reference.steps)


def change(reference: Reference, step: Step, scope: Binder) -> Change:
    """The function that applies one transformation to a value that is not NULL."""
    found = scope.registry.transformations.get(step.name)
    if found is None:
        known = scope.registry.transformations
        written = f"{step.name},{step.argument}" if step.argument else step.name
        dotted = written.replace(",", ".", 1)
        if "." not in step.name and dotted.partition(",")[0] in known:
            reference.fail(f"{{{written}}} is no transformation", f"write {{{dotted}}} instead of {{{written}}}",
                           step.offset)
        reference.fail(f"{{{step.name}}} is no transformation", nearest(step.name, list(known)), step.offset)
    arguments = bound_arguments(reference, step, found, scope)
    call = found.call
    if found.declaration.inject == ("run",):
        return lambda value, run: call(run, str(value), *arguments)
    if any(type(each) is Dynamic for each in arguments):
        return lambda value, run: dynamic(call, value, run, arguments)
    if step.name == "s.hex2dec":
        return lambda value, run: call(value) if type(value) is str else value
    if not arguments:
        return lambda value, run: call(value if type(value) is str else str(value))
    return lambda value, run: call(value if type(value) is str else str(value), *arguments)


def dynamic(call: Callable[..., Any], value: Any, run: Run, arguments: tuple[Any, ...]) -> Any:
    """Apply a transformation some of whose arguments are variables; NULL or a wrong one gives NULL."""
    try:
        return call(str(value), *resolved(arguments, run))
    except (ValueError, TypeError):
        return None


def nearest(name: str, known: list[str]) -> str:
    """The hint that names what may have been meant."""
    found = get_close_matches(name, known, 1)
    return f"did you mean {{{found[0]}}}?" if found else ""


def bound_arguments(reference: Reference, step: Step, found: BoundTransformation, scope: Binder) -> tuple[Any, ...]:
    """The arguments of one step: constants converted, variables as functions of the run."""
    declared = found.declaration.arguments
    indexed = bool(declared) and declared[0].name == "option"
    wanted = declared[1:] if indexed else declared
    pieces = separate(step, len(wanted))
    least = sum(not each.optional for each in wanted)
    if not least <= len(pieces) <= len(wanted) or (step.option is not None and not indexed):
        hint = f"write {form(step, wanted)}"
        if not wanted and step.argument is not None:
            hint += f" instead of {{{step.name},{step.argument}}}"
        reference.fail(f"{{{step.name}}} {counted(least, len(wanted))}", hint, step.offset)
    arguments = [step.option or 0] if indexed else []
    for piece, argument in zip(pieces, wanted, strict=False):
        arguments.append(bound_argument(reference, step, piece, argument, scope))
    return tuple(arguments)


def counted(least: int, most: int) -> str:
    """How many arguments are right, in words."""
    if not most:
        return "takes no argument"
    count = f"{least}" if least == most else f"{least} to {most}"
    return f"takes {count} argument{'s' if most > 1 else ''}"


def form(step: Step, wanted: Sequence[Argument]) -> str:
    """How the transformation of *step* is written."""
    return f"{{{','.join([step.name, *(each.name for each in wanted)])}}}"


def separate(step: Step, most: int) -> list[str]:
    """The arguments as written; the last one may hold commas, and so may variables."""
    text = step.argument
    if text is None:
        return []
    pieces: list[str] = []
    while len(pieces) + 1 < most:
        start = len(text) - len(text.lstrip())
        end = parse_at(text, start)[1] if text[start:start + 1] == "$" else start
        comma = text.find(",", end)
        if comma < 0:
            break
        pieces.append(text[:comma])
        text = text[comma + 1:]
    return [*pieces, text]


def bound_argument(reference: Reference, step: Step, piece: str, argument: Argument, scope: Binder) -> Any:
    """One argument: a variable where it starts with $, else a constant."""
    text = piece.strip() or piece
    if text.startswith("$") and text[1:2].strip("/"):
        place = Spot(reference.place.file, reference.place.line, reference.place.column + step.offset)
        inner, end = parse_at(text, 0, place)
        if end == len(text):
            read = scope.bind(inner).read
            kind = argument.kind
            return Dynamic(lambda run: kind.convert(read(run)))
    if isinstance(argument.kind, SubstitutionKind) and "$" in text:
        return replacing(reference, step, text, scope)
    try:
        return argument.kind.constant(text)
    except ValueError as error:
        reference.fail(f"{{{step.name}}}: {error}", "", step.offset)


def replacing(reference: Reference, step: Step, text: str, scope: Binder) -> Any:
    """The substitution of {re.subst}; variables in its replacement are those of the run."""
    try:
        expression, replacement, flags = sliced(text)
        fixed = compiled(text)
    except ValueError as error:
        reference.fail(f"{{{step.name}}}: {error}", "", step.offset)
    mark = text[0]
    pieces = [each if isinstance(each, str) else scope.bind(each).read for each in split(replacement)]
    if not any(map(callable, pieces)):
        return fixed

    def substitution(run: Run) -> Any:
        given = "".join(each if isinstance(each, str) else escaped(each(run), mark) for each in pieces)
        return compiled(f"{mark}{escaped_mark(expression, mark)}{mark}{given}{mark}{flags}")
    return Dynamic(substitution)


def escaped_mark(text: str, mark: str) -> str:
    """*text* with a backslash before each delimiter."""
    return text.replace(mark, f"\\{mark}")


def escaped(value: Any, mark: str) -> str:
    """A value as a replacement that stands for itself."""
    return "" if value is None else escaped_mark(str(value).replace("\\", "\\\\"), mark)

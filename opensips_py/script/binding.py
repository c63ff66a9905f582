"""What a pseudo-variable in a script means: the reader and writer that compiled routes call."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from opensips_py.errors import ScriptError
from opensips_py.module.kinds import Flag, Format, Kind, VariableSpec
from opensips_py.script import avps, formatting, kept, variables
from opensips_py.script.locals import KEPT
from opensips_py.script.operators import Value
from opensips_py.script.steps import Change, Dynamic, changes, resolved
from opensips_py.script.variables import Parts, Place, Reference

if TYPE_CHECKING:
    from opensips_py.module.declare import PseudoVariable
    from opensips_py.module.registry import BoundVariable, Registry
    from opensips_py.module.run import Run

Read = Callable[["Run"], Any]
Write = Callable[["Run", Any], None]


@dataclass(frozen=True, slots=True)
class Bound:
    """A reference with its meaning.

    *inline* is its reading as an expression over `run`, where it is simple enough. *replace* is the assignment `:=`,
    which differs for AVPs, and where the variable says so.
    """

    reference: Reference
    read: Read
    write: Write | None
    replace: Write | None
    inline: str | None = None
    waits: bool = False
    item: Callable[[Run, int], Any] | None = None  # the value at a number, for an index of *

    @property
    def spec(self) -> VariableSpec:
        """The same as modules see it."""
        name = self.reference.name
        return VariableSpec(self.reference.text, self.reference.variable, name if isinstance(name, str) else None,
                            self.read, self.write)

    def values(self, run: Run) -> Iterator[Any]:
        """What `for each` goes through: the values at 0, 1, 2 ... up to the first NULL."""
        if self.item is None:
            value = self.read(run)
            if value is not None:
                yield value
            return
        number = 0
        while (value := self.item(run, number)) is not None:
            yield value
            number += 1


def reply_of(run: Run) -> Any:
    """What <reply> means: the response at hand, in a failure route the one that won."""
    message = run.message
    if message is not None and not message.is_request:
        return message
    return getattr(run.branch, "response", None)


def message_of(run: Run) -> Any:
    """The message at hand."""
    return run.message


def request_of(run: Run) -> Any:
    """What <request> means."""
    return run.request


NOWHERE = ""  # an index at which nothing stands

SUBJECTS: dict[str, Read] = {"": message_of, "request": request_of, "reply": reply_of}


class Scope:
    """The names that one configuration knows; modules use it to compile texts of their own."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.avp_aliases: dict[str, str] = {}
        self.initial_variables: dict[str, Value] = {}  # $var(name) that do not begin as NULL
        self.no_result = "" if registry.dialect == "2.1" else None  # what a transformation without a result gives

    # What modules call: ValueError where a text is wrong

    def format(self, text: str) -> Format:
        """A text with pseudo-variables as a function of the run."""
        try:
            return self.bind_text(formatting.parse(text))
        except ScriptError as error:
            raise ValueError(error.message) from None

    def variable(self, text: str) -> VariableSpec:
        """One pseudo-variable."""
        try:
            return self.bind(variables.parse(text.strip())).spec
        except ScriptError as error:
            raise ValueError(error.message) from None

    def pieces(self, text: str) -> tuple[str | VariableSpec, ...]:
        """A text and the pseudo-variables in it."""
        try:
            return tuple(part if isinstance(part, str) else self.bind(part).spec for part in formatting.parse(text))
        except ScriptError as error:
            raise ValueError(error.message) from None

    def complaint(self, what: str, name: str) -> str:
        """Why the configuration has no *what* called *name*; empty where it has."""
        check = self.registry.checks.get(what)
        return check(name) if check is not None else ""

    # What the compiler calls: ScriptError with the place

    def bind_text(self, parts: Parts) -> Callable[[Run], str | None]:
        """The parts of a text as a function of the run."""
        return formatting.compiled([part if isinstance(part, str) else self.bind(part).read for part in parts])

    def bind(self, reference: Reference) -> Bound:
        """What *reference* means; ScriptError where nothing has that name or it is used wrongly."""
        bound = self.bind_bare(reference)
        if not reference.steps:
            return bound
        read = chained(bound.read, changes(reference, self), self.no_result)
        item = bound.item and chained_item(bound.item, changes(reference, self))
        waits = bound.waits or any(step.name == "ip.resolve" for step in reference.steps)
        return Bound(reference, read, None, None, None, waits, item)

    def bind_bare(self, reference: Reference) -> Bound:
        """*reference* without its transformations."""
        special = SPECIAL.get(reference.variable)
        if special is not None:
            return special(self, reference)
        found = self.registry.variables.get(reference.variable)
        if found is None:
            message, _, hint = self.registry.missing_variable(reference.variable).partition(": ")
            named, dot, name = reference.variable.partition(".")
            owner = self.registry.variables.get(named)
            is_named = named in SPECIAL or (owner is not None and owner.declaration.named is not None)
            if dot and is_named and reference.name is None:
                hint = f"write ${named}({name}) instead of ${reference.variable}"
            reference.fail(message, hint)
        self.check(reference, found.declaration)
        return self.declared(reference, found)

    def check(self, reference: Reference, declaration: PseudoVariable) -> None:
        """A name where one is needed, an index where one is allowed."""
        shown = f"${reference.variable}"
        if declaration.named is None and reference.name is not None:
            step = str(reference.name)
            meant = f"$({reference.variable}{{{step}}})" if step in self.registry.transformations else shown
            reference.fail(f"{shown} takes no name", f"write {meant}")
        if declaration.named is not None and not reference.name and not declaration.name_optional:
            reference.fail(f"{shown} needs a name", f"write {shown}(name)")
        if reference.index is not None and not declaration.indexed:
            reference.fail(f"{shown} takes no index")

    def declared(self, reference: Reference, found: BoundVariable) -> Bound:
        """A variable that the core or a module declares."""
        declaration = found.declaration
        arguments = self.arguments(reference, declaration)
        read = caller(found.get, reference.context, declaration.inject, arguments)
        write = replace = None
        if found.set is not None and declaration.value is not None:
            write = assigner(found.set, declaration.value, reference.context, declaration.inject, arguments)
            replacing = declaration.value.replacing
            replace = write if replacing is None else \
                assigner(found.set, replacing, reference.context, declaration.inject, arguments)
        item = None
        if reference.index == "*" and declaration.indexed:
            item = item_caller(found.get, reference.context, declaration.inject, arguments[:-1])
        plain = reference.name is None and reference.index is None and not reference.context
        return Bound(reference, read, write, replace, declaration.inline if plain else None, declaration.waits, item)

    def arguments(self, reference: Reference, declaration: PseudoVariable) -> tuple[Any, ...]:
        """Name and index where the variable takes them, as constants or as functions of the run."""
        arguments: list[Any] = []
        if declaration.named is not None:
            arguments.append(self.name(reference, declaration.named))
        if declaration.indexed:
            arguments.append(self.index(reference))
        return tuple(arguments)

    def name(self, reference: Reference, kind: Kind) -> Any:
        """The inner name as *kind* wants it."""
        name = reference.name
        if name is None:
            return ""
        if isinstance(name, tuple) and not kind.as_written:
            text = self.bind_text(name)
            return Dynamic(lambda run: kind.convert(text(run)))
        if isinstance(name, tuple):
            name = "".join(part if isinstance(part, str) else part.text for part in name)
        try:
            if isinstance(kind, Flag) and self.registry.flag is not None:
                return self.registry.flag(kind.scope, name)
            return kind.compile(name, self) if kind.script else kind.constant(name)
        except ValueError as error:
            message, _, hint = str(error).partition(", did you mean")
            reference.fail(f"${reference.variable}: {message}", f"did you mean{hint}" if hint else "")

    def index(self, reference: Reference) -> Any:
        """The index, or the function of the run that gives it."""
        if not isinstance(reference.index, Reference):
            return reference.index
        read = self.bind(reference.index).read

        def number(run: Run) -> Value:
            value = read(run)
            if value is None:
                return NOWHERE
            return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value
        return Dynamic(number)

    def constant_text(self, text: str, place: Place | None = None) -> Callable[[Run], str | None]:
        """A text at *place* as a function of the run."""
        return self.bind_text(formatting.parse(text, place))


def caller(call: Callable[..., Any], context: str, inject: tuple[str, ...], arguments: tuple[Any, ...]) -> Read:
    """The function of the run that calls a getter."""
    if inject == ("run",) and not arguments:
        return call
    if any(type(each) is Dynamic for each in arguments):
        return dynamic_caller(call, subject(context, inject), arguments)
    if inject == ("run",):
        return lambda run: call(run, *arguments)
    if inject == ("message",):
        return message_caller(call, context, arguments)
    supply = subject(context, inject)
    return lambda run: None if (given := supply(run)) is None else call(*given, *arguments)


def message_caller(call: Callable[..., Any], context: str, arguments: tuple[Any, ...]) -> Read:
    """Calls a getter that is given the message; without a message the value is NULL."""
    if context:
        choose = SUBJECTS[context]
        return lambda run: None if (message := choose(run)) is None else call(message, *arguments)
    if not arguments:
        return lambda run: None if (message := run.message) is None else call(message)
    if len(arguments) == 1:
        only = arguments[0]
        return lambda run: None if (message := run.message) is None else call(message, only)
    return lambda run: None if (message := run.message) is None else call(message, *arguments)


def subject(context: str, inject: tuple[str, ...]) -> Callable[[Run], tuple[Any, ...] | None]:
    """The function of the run that gives what stands before the arguments; None without a message."""
    choose = SUBJECTS[context]

    def supply(run: Run) -> tuple[Any, ...] | None:
        given = tuple(run if each == "run" else choose(run) for each in inject)
        return None if None in given else given
    return supply


def dynamic_caller(call: Callable[..., Any], supply: Callable[[Run], tuple[Any, ...] | None],
                   arguments: tuple[Any, ...]) -> Read:
    """Calls a getter whose name or index the run decides; NULL or a wrong one gives NULL."""
    def read(run: Run) -> Any:
        given = supply(run)
        if given is None:
            return None
        try:
            return call(*given, *resolved(arguments, run))
        except ValueError:
            return None
    return read


def item_caller(call: Callable[..., Any], context: str, inject: tuple[str, ...],
                arguments: tuple[Any, ...]) -> Callable[[Run, int], Any]:
    """Calls a getter for the value at a number."""
    supply = subject(context, inject)

    def item(run: Run, number: int) -> Any:
        given = supply(run)
        return None if given is None else call(*given, *resolved(arguments, run), number)
    return item


def assigner(call: Callable[..., Any], kind: Kind, context: str, inject: tuple[str, ...],
             arguments: tuple[Any, ...]) -> Write:
    """The function that calls a setter."""
    untyped = type(kind).name in ("int|string", "any") or kind.nullable
    if not context and not arguments and inject == ("message",):
        return message_assigner(call, None if untyped else kind.convert)
    supply = subject(context, inject)

    def write(run: Run, value: Any) -> None:
        given = supply(run)
        if given is not None:
            call(*given, *resolved(arguments, run), value if untyped else kind.convert(value))
    return write


def message_assigner(call: Callable[..., Any], convert: Callable[[Any], Any] | None) -> Write:
    """Calls a setter that is given the message and the value alone: the common case."""
    def write(run: Run, value: Any) -> None:
        message = run.message
        if message is not None:
            call(message, value if convert is None else convert(value))
    return write


def chained(read: Read, steps: tuple[Change, ...], no_result: str | None = None) -> Read:
    """*read* with its transformations behind it; one of NULL, or one that fails, gives *no_result*."""
    def value_of(run: Run) -> Any:
        value = read(run)
        for step in steps:
            if value is None:
                return no_result
            value = step(value, run)
        return no_result if value is None else value
    return value_of


def chained_item(item: Callable[[Run, int], Any], steps: tuple[Change, ...]) -> Callable[[Run, int], Any]:
    """*item* with its transformations behind it."""
    def value_of(run: Run, number: int) -> Any:
        value = item(run, number)
        for step in steps:
            if value is None:
                return None
            value = step(value, run)
        return value
    return value_of


# The variables that belong to the language itself

def script_variable(scope: Scope, reference: Reference) -> Bound:
    """$var(name)."""
    if not reference.name:
        reference.fail("$var needs a name", "write $var(name)")
    if reference.index is not None:
        reference.fail("$var takes no index", "a $var has one value; an $avp can have many")
    initial = scope.initial_variables
    if isinstance(reference.name, tuple):
        text = scope.bind_text(reference.name)

        def read(run: Run) -> Any:
            named = text(run) or ""
            return run.variables.get(named, initial.get(named))

        def assign(run: Run, value: Any) -> None:
            run.variables[text(run) or ""] = value
        return Bound(reference, read, assign, assign)
    name = reference.name
    first = initial.get(name)

    def write(run: Run, value: Any) -> None:
        run.variables[name] = value
    inline = f"run.variables.get({name!r})" if first is None else f"run.variables.get({name!r}, {first!r})"
    return Bound(reference, lambda run: run.variables.get(name, first), write, write, inline)


def avp(scope: Scope, reference: Reference) -> Bound:
    """$avp(name), $(avp(name)[index])."""
    if not reference.name:
        reference.fail("$avp needs a name", "write $avp(name)")
    index: Any = scope.index(reference) if reference.index is not None else None
    name: Any
    if isinstance(reference.name, str):
        name = scope.avp_aliases.get(reference.name) or reference.name
        if name != reference.name:
            reference = changed(reference, name=name)  # modules see that one
    else:
        name = Dynamic(scope.bind_text(reference.name))
    if isinstance(name, str) and index is None:
        return plain_avp(reference, name)

    def both(run: Run) -> tuple[str, Any]:
        found = resolved((name, index), run)
        return str(found[0]), found[1]

    def write(run: Run, value: Any) -> None:
        avps.assign(run.avps, *both(run), value)

    def replace(run: Run, value: Any) -> None:
        avps.replace(run.avps, both(run)[0], value)

    item = (lambda run, number: avps.read(run.avps, both(run)[0], number)) if index == "*" else None
    return Bound(reference, lambda run: avps.read(run.avps, *both(run)), write, replace if index is None else write,
                 item=item)


def plain_avp(reference: Reference, name: str) -> Bound:
    """$avp(name) with a constant name and no index."""
    def read(run: Run) -> Any:
        values = run.avps.get(name)
        return values[0] if values else None
    return Bound(reference, read, lambda run, value: avps.push(run.avps, name, value),
                 lambda run, value: avps.replace(run.avps, name, value), f"(run.avps.get({name!r}) or (None,))[0]")


def place_variable(scope: Scope, reference: Reference) -> Bound:
    """$cfg_line and $cfg_file: known when the script compiles, but in a text that a module compiles."""
    if reference.name is not None:
        reference.fail(f"${reference.variable} takes no name", f"write ${reference.variable}")
    if not reference.place.line:
        return scope.declared(reference, scope.registry.variables[reference.variable])
    value: Value = reference.place.line if reference.variable == "cfg_line" else reference.place.file
    return Bound(reference, lambda run: value, None, None, repr(value))


def local(scope: Scope, reference: Reference) -> Bound:
    """A local of the route that is compiled, in what is a function of the run."""
    name, write = str(reference.name), kept.writer(str(reference.name))
    index = None if reference.index is None else scope.index(reference)
    return Bound(reference, kept.reader(name, index), write, write, item=kept.item(name) if index == "*" else None)


SPECIAL: dict[str, Callable[[Scope, Reference], Bound]] = {
    "var": script_variable, "avp": avp, "cfg_line": place_variable, "cfg_file": place_variable, KEPT: local,
}

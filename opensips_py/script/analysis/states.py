"""What is known of a request at one point of the script, on one way there."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from opensips_py.script.analysis.effects import Effect
from opensips_py.script.diagnostics import Place

OTHERS = "*"  # all methods that the script does not name
UNANSWERED = frozenset(("ACK", "CANCEL"))  # no reply to an ACK; a CANCEL that fits nothing has nobody waiting
MOST = 48  # states at one point; with more of them, what their conditions were is forgotten

Value = int | str
Step = tuple[str, Place]


@dataclass(frozen=True, slots=True)
class State:
    """What holds on a way: the methods that come here, what became of the request and where, which conditions were
    decided how, which variables hold constants. *trail* is the way."""

    methods: frozenset[str]
    effect: Effect = Effect.NONE
    by: Place | None = None
    decided: frozenset[tuple[str, bool]] = frozenset()
    values: frozenset[tuple[str, Value]] = frozenset()
    trail: tuple[Step, ...] = field(default=(), compare=False)

    @property
    def wants_answer(self) -> bool:
        """Whether somebody waits who has heard nothing."""
        return self.effect is Effect.NONE and not self.methods <= UNANSWERED

    def after(self, effect: Effect, place: Place) -> State:
        """The state once *effect* has taken place."""
        return replace(self, effect=effect, by=place)

    def along(self, text: str, place: Place) -> State:
        """The same, with a step on the way more."""
        return replace(self, trail=(*self.trail, (text, place)))

    def with_methods(self, methods: frozenset[str]) -> State | None:
        """The same for *methods* alone; None where there are none."""
        left = self.methods & methods
        return replace(self, methods=left) if left else None

    def without_methods(self, methods: frozenset[str]) -> State | None:
        """The same for all but *methods*."""
        left = self.methods - methods
        return replace(self, methods=left) if left else None

    def decide(self, text: str, holds: bool) -> State | None:
        """The same where the condition *text* is decided so; None where it is known to be otherwise."""
        if (text, not holds) in self.decided:
            return None
        return self if (text, holds) in self.decided else replace(self, decided=self.decided | {(text, holds)})

    def assign(self, variable: str, value: Value | None) -> State:
        """The same after an assignment: what was decided by the variable is open again."""
        values = frozenset(each for each in self.values if each[0] != variable)
        if value is not None:
            values |= {(variable, value)}
        return replace(self.forget(variable), values=values)

    def forget(self, what: str) -> State:
        """The same, with conditions open again whose text has *what* in it."""
        return replace(self, decided=frozenset(each for each in self.decided if what not in each[0]))

    def value(self, variable: str) -> Value | None:
        """The constant that *variable* holds, if it is known."""
        return next((value for name, value in self.values if name == variable), None)


def merged(states: Iterable[State]) -> list[State]:
    """Each state once; where there are too many, their conditions are forgotten."""
    found = list(dict.fromkeys(states))
    if len(found) <= MOST:
        return found
    found = list(dict.fromkeys(replace(each, decided=frozenset(), values=frozenset()) for each in found))
    if len(found) <= MOST:
        return found
    return list({(each.methods, each.effect): each for each in found}.values())

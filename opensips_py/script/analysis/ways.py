"""The ways that a request may take through the routes: which end without an answer, which answer twice.

Every statement turns the states before it into those behind it. A condition splits them; what is known of the method,
of conditions decided before and of constants assigned keeps impossible ways out. A route is gone through once for each
state that comes to it.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opensips_py.script import tree
from opensips_py.script.analysis import tests
from opensips_py.script.analysis.effects import Effect, effect
from opensips_py.script.analysis.shown import shown
from opensips_py.script.analysis.states import State, merged
from opensips_py.script.diagnostics import Place
from opensips_py.script.routes import called, target
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import BoundFunction

States = list[State]
CODE = re.compile(r"\$\(?(?:rc|retcode|\?)(?!\w)")
FLAGS = frozenset(f"{what}{scope}flag" for what in ("set", "reset") for scope in ("", "b", "s", "branch", "script"))
DEEPEST = 24  # routes within each other that are still gone through
LOOPS = (tree.While, tree.ForEach)


@dataclass(slots=True)
class Ends:
    """Where the ways out of a route lead; a return has the sign of its code: + - 0, or ? where that is unknown."""

    returns: list[tuple[State, str, Place]] = field(default_factory=list)
    exits: list[tuple[State, Place]] = field(default_factory=list)


@dataclass(slots=True)
class Frame:
    """A route that is being gone through."""

    ends: Ends = field(default_factory=Ends)
    breaks: list[States] = field(default_factory=list)


class Ways:
    """Goes through routes; *twice* is told of each answer to a request that has had one."""

    def __init__(self, routes: Mapping[str, tree.Route], functions: Mapping[str, BoundFunction],
                 twice: Callable[[State, Effect, Place], None]) -> None:
        self.routes, self.functions, self.twice = routes, functions, twice
        self.known: dict[tuple[str, State], Ends] = {}
        self.active: list[str] = []
        self.frame = Frame()

    def through(self, route: tree.Route, state: State) -> Ends:
        """The ways out of *route* for one state that comes to it."""
        outer, self.frame = self.frame, Frame()
        last = self.block(route.body, [state])
        ends, self.frame = self.frame.ends, outer
        ends.returns += [(each, "?", route.body[-1].place if route.body else route.place) for each in last]
        return ends

    def entered(self, name: str | None, state: State) -> Ends:
        """The ways out of the route *name*, which is called in *state*; one that is unknown may do anything."""
        route = target(self.routes, name)
        if route is None or route.name in self.active or len(self.active) > DEEPEST:
            unknown = state if state.effect is not Effect.NONE else state.after(Effect.UNKNOWN, Place("", 0, 0))
            return Ends([(unknown, "?", Place("", 0, 0))])
        key = route.name, state
        if key not in self.known:
            self.active.append(route.name)
            self.known[key] = self.through(route, replace(state, trail=()))
            self.active.pop()
        ends, way = self.known[key], state.trail
        return Ends([(replace(each, trail=way + each.trail), sign, place) for each, sign, place in ends.returns],
                    [(replace(each, trail=way + each.trail), place) for each, place in ends.exits])

    # Statements: the states behind them

    def block(self, statements: Iterable[tree.Statement], states: States) -> States:
        """Statements one after the other."""
        for each in statements:
            if not states:
                break
            states = merged(self.statement(each, states))
        return states

    def statement(self, node: tree.Statement, states: States) -> States:
        """One statement."""
        match node:
            case tree.If():
                holds, fails = self.condition(node.condition, states)
                text = shown(node.condition)
                return [*self.block(node.body, [each.along(f"{text} holds", node.place) for each in holds]),
                        *self.block(node.otherwise, [each.along(f"{text} does not hold", node.place)
                                                     for each in fails])]
            case tree.While():
                holds, fails = self.condition(node.condition, states)
                return [*fails, *self.loop(node.body, holds)]
            case tree.ForEach():
                return [*states, *self.loop(node.body, states)]
            case tree.Switch():
                return self.switch(node, states)
            case tree.Assign():
                return self.assigned(node, states)
            case tree.Local():
                return states if node.value is None else self.values(node.value, states)
            case tree.Block():
                return self.block(node.body, states)
            case tree.Do(call=tree.RouteCall() as call):
                return self.returned(call, states)
            case tree.Do(call=tree.Call() as call):
                return [each for side in self.call(call, states) for each in side]
            case tree.Async():
                self.resumed(node, states)
                return []
        return self.left(node, states)

    def left(self, node: tree.Statement, states: States) -> States:
        """return, exit, drop and break; anything else changes nothing."""
        if isinstance(node, tree.Return):
            sign = sign_of(node)
            if sign == "0":
                self.frame.ends.exits += [(each, node.place) for each in states]
            else:
                self.frame.ends.returns += [(each, sign, node.place) for each in states]
        elif isinstance(node, tree.Exit):
            self.frame.ends.exits += [(each, node.place) for each in states]
        elif isinstance(node, tree.Break):
            if self.frame.breaks:
                self.frame.breaks[-1] += states
        elif not isinstance(node, tree.Drop):
            return states
        return []

    def loop(self, body: list[tree.Statement], states: States) -> States:
        """A body that a break leaves; gone through once."""
        self.frame.breaks.append([])
        last = self.block(body, states)
        return [*last, *self.frame.breaks.pop()]

    def switch(self, node: tree.Switch, states: States) -> States:
        """Each case with the states that come to it, those that fall in from the one before included."""
        self.frame.breaks.append([])
        rest, falling = states, list[State]()
        default: States = []
        for case in node.cases:
            if case.value is None:
                default = self.block(case.body, [each.along("no case fits", case.place) for each in rest])
                continue
            here, rest = self.fitting(node.subject, case, rest)
            falling = self.block(case.body, merged([*falling, *here]))
        if not any(case.value is None for case in node.cases):
            default = rest
        return [*falling, *default, *self.frame.breaks.pop()]

    def fitting(self, subject: tree.Expression, case: tree.Case, states: States) -> tuple[States, States]:
        """The states for which *case* fits, and the others."""
        assert case.value is not None
        asked = tree.Comparison(case.place, "==", subject, case.value)
        text = shown(asked)
        here, rest = [], []
        for each in states:
            holds, fails = tests.split(asked, each)
            here += [holds.along(f"{text} holds", case.place)] if holds else []
            rest += [fails] if fails else []
        return here, rest

    def assigned(self, node: tree.Assign, states: States) -> States:
        """A variable has another value."""
        states = self.values(node.value, states)
        value = node.value.value if isinstance(node.value, (tree.Number, tree.String)) and node.operator == "=" \
            and "$" not in str(node.value.value) and node.target.text.startswith("$var(") else None
        return [each.assign(node.target.text, value) for each in states]

    def values(self, node: tree.Expression, states: States) -> States:
        """The effects of the calls inside of an expression; who reads the code of a call knows what became of it."""
        for each in nodes(node):
            if isinstance(each, tree.Variable) and CODE.match(each.text):
                states = [one.after(Effect.UNKNOWN, each.place) if one.effect is not Effect.NONE else one
                          for one in states]
            if isinstance(each, tree.RouteCall):
                states = self.returned(each, states)
            elif isinstance(each, tree.Call) and effect(each, self.functions) is not Effect.NONE:
                states = [one.after(Effect.UNKNOWN, each.place) for one in states]
        return states

    # Calls

    def returned(self, node: tree.RouteCall, states: States) -> States:
        """The states behind the call of a route, whatever it returns."""
        holds, fails = self.route_call(node, states)
        return merged([*holds, *fails])

    def route_call(self, node: tree.RouteCall, states: States) -> tuple[States, States]:
        """The states where a route returns a positive code, and where not."""
        holds, fails = [], []
        for state in states:
            ends = self.entered(called(node.route), state)
            self.frame.ends.exits += ends.exits
            holds += [each for each, sign, _ in ends.returns if sign in "+?"]
            fails += [each for each, sign, _ in ends.returns if sign in "-?"]
        return holds, fails

    def resumed(self, node: tree.Async, states: States) -> None:
        """The script goes on in another route and ends there."""
        states = [each for side in self.call(node.call, states) for each in side]
        for state in merged(states):
            ends = self.entered(called(node.route), state)
            self.frame.ends.exits += [*ends.exits, *((each, node.place) for each, _, _ in ends.returns)]

    def call(self, node: tree.Call, states: States) -> tuple[States, States]:
        """The states where a function returns true, and false: there, what it should do may not have been done."""
        done = effect(node, self.functions)
        if node.name in FLAGS:
            return [each.forget("flagset(") for each in states], []
        if done is Effect.NONE:
            pairs = [tests.split(node, each) for each in states]
            return [each for each, _ in pairs if each], [each for _, each in pairs if each]
        holds, fails = [], []
        for state in states:
            if done is not Effect.UNKNOWN and state.effect in (Effect.ANSWERED, Effect.RELAYED):
                self.twice(state, done, node.place)
            if state.effect in (Effect.ANSWERED, Effect.RELAYED):
                holds.append(state)
                fails.append(state)
            else:
                holds.append(state.after(done, node.place))
                fails.append(state.after(Effect.UNKNOWN, node.place))
        return holds, fails

    def condition(self, node: tree.Expression, states: States) -> tuple[States, States]:
        """The states where a condition holds, and where not."""
        if isinstance(node, tree.Not):
            holds, fails = self.condition(node.operand, states)
            return fails, holds
        if isinstance(node, tree.Logical):
            first, second = self.condition(node.left, states)
            if node.operator == "and":
                holds, fails = self.condition(node.right, merged(first))
                return holds, merged([*second, *fails])
            holds, fails = self.condition(node.right, merged(second))
            return merged([*first, *holds]), fails
        if isinstance(node, tree.RouteCall):
            return self.route_call(node, states)
        if isinstance(node, tree.Call):
            return self.call(node, states)
        states = self.values(node, states)
        pairs = [tests.split(node, each) for each in states]
        return [each for each, _ in pairs if each], [each for _, each in pairs if each]


def sign_of(node: tree.Return) -> str:
    """The sign of what is returned."""
    if not node.values:
        return "+"
    code = node.values[0]
    if isinstance(code, tree.Number):
        return "+" if code.value > 0 else "-" if code.value < 0 else "0"
    return "?"

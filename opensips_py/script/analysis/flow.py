"""Requests that end unanswered, requests that are answered twice, and statements that never run."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from opensips_py.script import tree
from opensips_py.script.analysis import tests
from opensips_py.script.analysis.effects import Effect
from opensips_py.script.analysis.states import OTHERS, UNANSWERED, State, Step
from opensips_py.script.analysis.ways import Ways
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.routes import called, plain, target
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import BoundFunction

SHOWN = 5  # steps of a way that a finding tells
LEAVING = (tree.Exit, tree.Return, tree.Drop, tree.Break)
ANSWER = "answer it with send_reply(), send it on with t_relay(), or write drop where it is to go unanswered"
TWICE = {
    (Effect.ANSWERED, Effect.ANSWERED): "the request is answered, though it has been answered already",
    (Effect.ANSWERED, Effect.RELAYED): "the request is relayed, though it has been answered already",
    (Effect.RELAYED, Effect.ANSWERED): "the request is answered, though it has been relayed already",
    (Effect.RELAYED, Effect.RELAYED): "the request is relayed, though it has been relayed already",
}


class Flow:
    """What is to be said of the ways through the routes of a configuration."""

    def __init__(self, routes: list[tree.Route], functions: Mapping[str, BoundFunction],
                 diagnostics: Diagnostics) -> None:
        self.routes, self.functions, self.diagnostics = routes, functions, diagnostics
        self.named = {plain(each): each for each in routes if each.kind == "route"}
        self.told: dict[Place, tuple[State, Effect]] = {}

    def check(self) -> None:
        """All findings."""
        for route in self.routes:
            self.unreached(route.body)
        ways = Ways(self.named, self.functions, self.twice)
        methods = tests.named_in([node for route in self.routes for node in nodes(route)])
        start = State(methods | UNANSWERED | {OTHERS})
        main = self.named.get("")
        if main is not None:
            self.unanswered(main, ways, start)
        for route in self.routes:
            if route.kind == "failure_route":
                ways.through(route, State(frozenset(("INVITE", OTHERS))))
        for place, (state, effect) in self.told.items():
            assert state.by is not None
            related = [("this was done before", state.by), *steps(state)]
            self.diagnostics.warning(TWICE[state.effect, effect], place, "for the second time",
                                     "write exit; behind the first one", related)

    def twice(self, state: State, effect: Effect, place: Place) -> None:
        """Keep the shortest way to an answer too many."""
        if state.methods <= frozenset(("ACK",)):
            return  # nothing is sent
        before = self.told.get(place)
        if before is None or len(state.trail) < len(before[0].trail):
            self.told[place] = state, effect

    def unanswered(self, main: tree.Route, ways: Ways, start: State) -> None:
        """The ends of the main route at which somebody waits who has heard nothing."""
        ends = ways.through(main, start)
        found: dict[Place, State] = {}
        for state, place in [*ends.exits, *((each, place) for each, _, place in ends.returns)]:
            if state.wants_answer and (place not in found or len(state.trail) < len(found[place].trail)):
                found[place] = state
        for place, state in found.items():
            self.diagnostics.warning("a request can end here unanswered: nothing replies to it or relays it", place,
                                     wording(state), ANSWER, steps(state))

    # Statements that never run

    def unreached(self, body: list[tree.Statement]) -> None:
        """Statements behind an exit, in *body* and the blocks within."""
        for index, each in enumerate(body):
            for inner in blocks(each):
                self.unreached(inner)
            following = body[index + 1:]
            if following and leaves(each, self.named) and not isinstance(following[0], LEAVING):
                self.diagnostics.warning("this never runs", place_of(following[0]), "",
                                         "remove it, or move it before the statement that ends the route",
                                         [("the route ends here in any case", place_of(each))])
                return


def steps(state: State) -> list[Step]:
    """The way of *state* as a finding tells it: its last steps."""
    return [(f"on the way: {text}", place) for text, place in state.trail[-SHOWN:]]


def wording(state: State) -> str:
    """Which requests come this way, where that can be said."""
    wanted = sorted(state.methods - UNANSWERED)
    return "" if OTHERS in wanted else f"{' or '.join(wanted)} comes here"


def blocks(node: tree.Statement) -> Iterator[list[tree.Statement]]:
    """The blocks inside of a statement."""
    if isinstance(node, tree.If):
        yield node.body
        yield node.otherwise
    elif isinstance(node, (tree.While, tree.ForEach, tree.Block)):
        yield node.body
    elif isinstance(node, tree.Switch):
        for case in node.cases:
            yield case.body


def leaves(node: tree.Statement, routes: Mapping[str, tree.Route], active: tuple[str, ...] = ()) -> bool:
    """Whether nothing behind *node* can run."""
    if isinstance(node, (*LEAVING, tree.Async)):
        return True
    if isinstance(node, tree.If):
        return bool(node.otherwise) and all(any(leaves(each, routes, active) for each in body)
                                            for body in (node.body, node.otherwise))
    if isinstance(node, tree.Block):
        return any(leaves(each, routes, active) for each in node.body)
    if isinstance(node, tree.Do) and isinstance(node.call, tree.RouteCall):
        route = target(routes, called(node.call.route))
        return route is not None and route.name not in active and exits(route.body, routes, (*active, route.name))
    return False


def exits(body: list[tree.Statement], routes: Mapping[str, tree.Route], active: tuple[str, ...]) -> bool:
    """Whether a route with this body ends the whole script in any case: it has no return, and leaves."""
    if any(isinstance(node, tree.Return) for each in body for node in nodes(each)):
        return False
    return any(leaves(each, routes, active) and not isinstance(each, tree.Break) for each in body)


def place_of(node: tree.Statement) -> Place:
    """Where a statement begins."""
    return node.target.place if isinstance(node, tree.Assign) else node.place

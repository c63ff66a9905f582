"""Variables that are read before anything can have set them in the same run."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.script import tree
from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.routes import called, plain, target
from opensips_py.script.unset import CHANGING, USE, texts_written
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

ELSEWHERE = frozenset(("failure_route", "onreply_route", "branch_route"))  # run later than the request route


class Reads:
    """Goes through all routes in the order that statements run; a branch that may run counts as one that does."""

    def __init__(self, script: tree.Script, registry: Registry, diagnostics: Diagnostics) -> None:
        self.routes = script.of(tree.Route)
        self.named = {plain(each): each for each in self.routes if each.kind == "route"}
        self.registry, self.diagnostics = registry, diagnostics
        self.always = set(getattr(registry.script, "initial_variables", {}))
        for each in script.of(tree.ModParam):
            self.always.update(USE.findall(str(each.value.value)))
        self.unset: dict[int, tuple[str, tree.Node, bool]] = {}  # reads that nothing precedes: in a later route?
        self.set: set[int] = set()  # reads that something precedes, in one run at least
        self.places: dict[str, tree.Node] = {}  # the first write of each
        self.seen: set[tuple[str, frozenset[str]]] = set()

    def check(self) -> None:
        """Warn of each variable once, where it is read first."""
        if self.is_dynamic():
            return
        for route in self.routes:
            if route.kind != "route" or not plain(route):
                self.block(route.body, {each.name for each in route.parameters}, route.kind)
        told: set[str] = set()
        for key, (name, node, later) in self.unset.items():
            if key not in self.set and name in self.places and name not in told:
                told.add(name)
                fix = f"keep it in $avp({name}): that stays with the transaction" if later else \
                    "set it before, or test it against NULL"
                self.diagnostics.warning(f"$var({name}) is read before anything sets it in this run: it is NULL",
                                         node.place, "", fix, [("it is set here", self.places[name].place)])

    def is_dynamic(self) -> bool:
        """Whether names of variables are put together in the run."""
        return any(CHANGING.search(text) for route in self.routes for text in texts_written(route, self.registry))

    def block(self, body: list[tree.Statement], written: set[str], kind: str) -> None:
        """Statements, which add to *written* what they may set."""
        for each in body:
            self.statement(each, written, kind)

    def statement(self, node: tree.Statement, written: set[str], kind: str) -> None:
        """What a statement reads, then what it sets, then what is in it."""
        match node:
            case tree.Assign():
                self.expression(node.value, written, kind)
                if node.operator not in ("=", ":="):
                    self.read(node.target.text, node, written, kind)
                self.write(node.target.text, node, written)
            case tree.If():
                self.expression(node.condition, written, kind)
                self.block(node.body, written, kind)
                self.block(node.otherwise, written, kind)
            case tree.Block():
                self.block(node.body, written, kind)
            case tree.While() | tree.ForEach():
                self.loop(node, written, kind)
            case tree.Switch():
                self.expression(node.subject, written, kind)
                for case in node.cases:
                    self.block(case.body, written, kind)
            case _:
                self.expression(node, written, kind)

    def loop(self, node: tree.While | tree.ForEach, written: set[str], kind: str) -> None:
        """A loop: what it sets may have been set in the round before."""
        if isinstance(node, tree.ForEach):
            self.expression(node.source, written, kind)
            self.write(node.target.text, node, written)
        for each in node.body:
            for inner in nodes(each):
                if isinstance(inner, (tree.Assign, tree.ForEach)):
                    self.write(inner.target.text, inner, written)
                elif isinstance(inner, tree.RouteCall):
                    self.route(inner.route, set(written), kind)
        if isinstance(node, tree.While):
            self.expression(node.condition, written, kind)
        self.block(node.body, written, kind)

    def expression(self, node: tree.Node, written: set[str], kind: str) -> None:
        """Reads, and the calls that write."""
        for each in nodes(node):
            if isinstance(each, tree.Call):
                for text in texts_written(each, self.registry):
                    self.write(text, each, written)
        for each in nodes(node):
            if isinstance(each, tree.Variable):
                self.read(each.text, each, written, kind)
            elif isinstance(each, tree.String):
                self.read(each.value, each, written, kind)
            elif isinstance(each, (tree.RouteCall, tree.Async, tree.Launch)) and each.route is not None:
                self.route(each.route, written, kind)

    def route(self, named: tree.Expression, written: set[str], kind: str) -> None:
        """The statements of a route that is called here."""
        route = target(self.named, called(named))
        if route is None:
            return
        key = f"{kind}:{plain(route)}", frozenset(written)
        if key not in self.seen:
            self.seen.add(key)
            written |= {each.name for each in route.parameters}
            self.block(route.body, written, kind)
        else:
            for node in nodes(route):
                if isinstance(node, (tree.Assign, tree.ForEach)):
                    self.write(node.target.text, node, written)

    def read(self, text: str, node: tree.Node, written: set[str], kind: str) -> None:
        """A text or variable that may read some $var."""
        for name in USE.findall(text):
            if name in written or name in self.always:
                self.set.add(id(node))
            else:
                self.unset.setdefault(id(node), (name, node, kind in ELSEWHERE))

    def write(self, text: str, node: tree.Node, written: set[str]) -> None:
        """A variable that is set."""
        for name in USE.findall(text):
            written.add(name)
            self.places.setdefault(name, node)

"""A script with its modules, played on a transaction layer whose network and clock are the test's."""
from __future__ import annotations

from typing import Any

from opensips_py.module.run import Route
from opensips_py.module.run import Run as ScriptRun
from opensips_py.script import parser, tree
from opensips_py.script.compiler import Context, compile_routes
from opensips_py.script.core import registry_with_core
from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.preprocessor import Preprocessor
from opensips_py.sip import Request, Response
from opensips_py.statistics import Statistics
from tests.transaction.world import World


class Stage(World):
    """*script* holds routes, loadmodule and modparam lines."""

    def __init__(self, script: str, dialect: Any = "4.0") -> None:
        super().__init__()
        self.registry = registry_with_core(dialect)
        self.registry.modules["core"].services = self  # type: ignore[assignment]
        diagnostics = Diagnostics()
        diagnostics.add_text("stage.cfg", script)
        parsed = parser.parse(Preprocessor(diagnostics).tokens("stage.cfg", script), diagnostics)
        for item in parsed.items:
            if isinstance(item, tree.LoadModule):
                self.registry.add(item.name)
            elif isinstance(item, tree.Global) and item.name == "mpath":
                self.registry.mpath.append(str(item.value))
            elif isinstance(item, tree.ModParam):
                self.registry.set_parameter(item.module.value, item.parameter.value, item.value.value)
        context = Context(self.registry.script, diagnostics, dialect)  # type: ignore[arg-type]
        self.routes = compile_routes(parsed.of(tree.Route), context, {})
        assert not diagnostics.errors, diagnostics.render()
        assert not (errors := self.registry.finish()), errors
        self.transactions = self.layer
        self.statistics = Statistics()
        self.generation = self
        self.log: list[str] = []
        self.registry.start(self)  # type: ignore[arg-type]
        self.runs: list[ScriptRun] = []

    def route(self, *kind_and_name: Any) -> Any:
        """generation.route(kind, name)."""
        return self.routes.get(*kind_and_name)

    def spawn(self, function: Any, *arguments: Any) -> None:
        function(*arguments)

    def receive(self, message: Request | Response) -> bool:
        if not message.is_request:
            return self.layer.receive_response(message)
        if self.layer.receive_request(message):
            return True
        run = ScriptRun(self, self, Route.REQUEST, message)  # type: ignore[arg-type]
        self.runs.append(run)
        try:
            assert self.routes.main is not None
            self.code = self.routes.main(run)
        finally:
            self.layer.route_done(run)
        return False

    def module(self, name: str) -> Any:
        return self.registry.modules[name]

    def counted(self, module: str) -> dict[str, int]:
        """The statistics of a module that are not zero."""
        found = self.statistics.of_group(module)
        return {each.name: each.value for each in found if each.value}

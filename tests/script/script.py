"""Scripts read from a text, whole or in part."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opensips_py.module import Module, script
from opensips_py.module.kinds import Writable
from opensips_py.module.run import Route, Run
from opensips_py.script import configuration, parser, tree
from opensips_py.script.configuration import Configuration
from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.preprocessor import Preprocessor


class Patient(Module, name="patient"):
    """Functions that wait, as async and launch want them, and do so for no time."""

    @script(Route.ANY, waits=True)
    def wait(self, text: str = "") -> bool:
        """Wait."""
        return bool(text) or True

    @script(Route.ANY, waits=True)
    def wait_for(self, target: Writable, text: str) -> bool:
        """Wait, and keep *text* in a variable."""
        target.set(text)
        return True


def missing(path: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", path)


def reader(text: str, files: dict[str, str] | None = None) -> Any:
    """What reads test.cfg and the *files* beside it."""
    known = {"test.cfg": text, **(files or {})}
    return lambda path: known[path] if path in known else missing(path)


def read(text: str, files: dict[str, str] | None = None, modules: Iterable[type[Module]] = (),
         **overrides: Any) -> Configuration:
    """The configuration *text*, right or wrong; *modules* need no loadmodule."""
    return configuration.read("test.cfg", overrides, reader(text, files), modules)


def right(text: str, files: dict[str, str] | None = None, modules: Iterable[type[Module]] = (),
          **overrides: Any) -> Configuration:
    """The configuration *text*, which has no errors."""
    found = read(text, files, modules, **overrides)
    assert not found.diagnostics.errors, found.diagnostics.render()
    return found


def parsed(text: str, files: dict[str, str] | None = None) -> tuple[tree.Script, Diagnostics]:
    """The tree of *text* alone."""
    diagnostics = Diagnostics()
    return parser.parse(Preprocessor(diagnostics, reader(text, files)).tokens("test.cfg"), diagnostics), diagnostics


def messages(diagnostics: Diagnostics) -> list[str]:
    """What was found, in order."""
    return [each.message for each in diagnostics.in_order()]


def run_of(found: Configuration, kind: Route = Route.REQUEST, name: str = "", message: Any = None,
           services: Any = None) -> tuple[int, Run]:
    """Run a route without a server: its code, and the run that it leaves behind."""
    run = Run(services, found, kind, message)
    route = found.route(kind, name)
    assert route is not None
    return route(run), run

"""Management commands find their process: any worker, the owner of an identifier, or each of them."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from opensips_py.errors import MIError
from opensips_py.mi import arguments
from opensips_py.mi.arguments import METHOD_NOT_FOUND, Given
from opensips_py.mi.tree import Node, tree_of
from opensips_py.module.registry import BoundCommand

log = logging.getLogger(__name__)

MANAGEMENT = -1
DEADLINE = 10.0  # seconds for a command in another process
PATIENCE = 3.0  # seconds to wait for the replacement of a worker that died meanwhile
INTERNAL_ERROR = 500


class Links(Protocol):
    """What commands need of the ways to other processes."""

    def on_call(self, operation: str, handler: Callable[..., object]) -> None:
        """Answer *operation*."""

    def call(self, peer: int, operation: str, *arguments: Any, deadline: float = 5.0) -> Any:
        """Ask one process."""

    def call_each(self, peers: Any, operation: str, *arguments: Any, deadline: float = 5.0) -> dict[int, Any]:
        """Ask several processes at once."""


class Dispatcher:
    """Calls management commands by name, in whichever process they belong; the same object in every process."""

    def __init__(self, services: Any, links: Links, pause: Callable[[float], object]) -> None:
        self.services = services
        self.links = links
        self.pause = pause  # sleeps without holding up the process
        self.selected: dict[str, dict[str, Any]] = {}  # calls that are traced, for workers that come later
        links.on_call("mi", self.local)
        links.on_call("mi_here", self.here)

    @property
    def workers(self) -> range:
        """The indices of all workers."""
        return range(self.services.workers)

    def find(self, name: str) -> BoundCommand:
        """The command called *name*."""
        commands: dict[str, BoundCommand] = self.services.generation.registry.commands
        try:
            return commands[name]
        except KeyError:
            raise MIError(METHOD_NOT_FOUND, "Method not found") from None

    def call(self, name: str, given: Given = None) -> Any:
        """The answer of command *name*, from all the processes that it concerns, joined into one."""
        bound = self.find(name)
        command = bound.declaration
        if not command.parameters and self.services.generation.registry.dialect == "2.1":
            given = None  # which does not look at arguments that a command has none of
        arguments.check(given)
        bound_arguments = arguments.bind(command, given)
        if runs_in_management(bound):
            return self.run(bound, bound_arguments) if self.is_management else \
                self.links.call(MANAGEMENT, "mi", name, given, deadline=DEADLINE)
        if command.scope == "each":
            answers = self.each("mi_here", name, given)
            assert command.merge is not None
            return command.merge([answers[index] for index in sorted(answers)])
        return self.any("mi", name, given) if self.is_management else self.local(name, given)

    def local(self, name: str, given: Given) -> Any:
        """Run command *name* in this process, or in the worker that owns what its arguments name."""
        bound = self.find(name)
        bound_arguments = arguments.bind(bound.declaration, given)
        if bound.owner is not None:
            owner = self.services.slots.worker_of(bound.owner(**bound_arguments))
            if owner != self.services.index:
                return self.links.call(owner, "mi_here", name, given, deadline=DEADLINE)
        return self.run(bound, bound_arguments)

    def here(self, name: str, given: Given) -> Any:
        """Run command *name* in this very process."""
        bound = self.find(name)
        return self.run(bound, arguments.bind(bound.declaration, given))

    def run(self, bound: BoundCommand, bound_arguments: dict[str, Any]) -> Any:
        """Call the method of a command."""
        generation = self.services.generation  # it ends with the last one who works by it, and a reload may come now
        try:
            return bound.call(**bound_arguments)
        except MIError:
            raise
        except Exception as error:
            log.exception("management command %s", bound.declaration.name)
            raise MIError(INTERNAL_ERROR, f"{type(error).__name__}: {error}") from error
        finally:
            del generation

    def any(self, operation: str, *given: Any) -> Any:
        """The answer of the first worker that answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for index in self.workers:
                answer = self.links.call_each([index], operation, *given, deadline=DEADLINE)[index]
                if not isinstance(answer, Exception):
                    return answer
                if isinstance(answer, MIError):
                    raise answer
            if time.monotonic() > deadline:
                raise MIError(INTERNAL_ERROR, str(answer))
            self.pause(0.1)

    def each(self, operation: str, *given: Any) -> dict[int, Any]:
        """The answers of all workers; waits for the replacement of one that died."""
        answers: dict[int, Any] = {}
        deadline = time.monotonic() + PATIENCE
        while True:
            missing = [index for index in self.workers if index not in answers]
            failed: Exception | None = None
            for index, answer in self.links.call_each(missing, operation, *given, deadline=DEADLINE).items():
                if isinstance(answer, MIError):
                    raise answer
                if isinstance(answer, Exception):
                    failed = answer
                else:
                    answers[index] = answer
            if failed is None:
                return answers
            if time.monotonic() > deadline:
                raise MIError(INTERNAL_ERROR, str(failed))
            self.pause(0.1)

    def tree(self, name: str, data: Any) -> list[Node]:
        """The answer *data* of command *name* as a 2.1 tree."""
        return tree_of(data, self.find(name).call)

    @property
    def is_management(self) -> bool:
        """Whether this is the management process."""
        return bool(self.services.index == MANAGEMENT)


def runs_in_management(bound: BoundCommand) -> bool:
    """Whether the module of a command works in the management process, not in the workers."""
    return "management" in bound.module.declarations.provides

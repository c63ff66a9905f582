"""The pytest plug-in: the fixture `opensips` starts configurations under test."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from opensips_py.testing.server import Server


class Start(Protocol):
    """What the fixture gives: starts a configuration, see opensips_py.testing.Server."""

    def __call__(self, config: Any = "", **how: Any) -> Server: ...


@pytest.fixture
def opensips() -> Iterator[Start]:
    """Start servers under test: ``opensips("opensips.cfg")`` or ``opensips(text="route { ... }")``; they end with the
    test. One runs at a time: starting another one ends the first."""
    from opensips_py.testing.server import Server  # the plug-in is imported by every run of pytest, the server by few
    with ExitStack() as running:
        def start(config: Any = "", **how: Any) -> Server:
            running.close()
            return running.enter_context(Server(config, **how))
        yield start
